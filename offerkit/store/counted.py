"""The propositions of all contacts that presentation rules count: filtered by the database, read by several threads.

Where rows lie in the order of their key, each thread reads one range of contacts after another, and a range comes as
one text for each column. So nearly all the work is the database's own, outside of Python's lock
(docs/adr/0070-history-for-batches.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from typing import Self, TypeAlias

from offerkit.diagnostics import Refused
from offerkit.models.status import Status, status_number
from offerkit.state.former_names import FormerNames
from offerkit.store.database import Cell, Database
from offerkit.store.present_names import present_column
from offerkit.store.propositions import edited

SEPARATOR = "\0"
"""Between the values in a column's text. What is stored never has it (offerkit.store.proposition_rows.keepable)."""
RANGE = 5_000
"""Propositions of one range; DuckDB splits many short texts four times as fast as few long ones."""
PART = 80
"""The most ranges of one part."""
_CONTACTS = 10
"""How many more contacts than propositions of a range are in a part, where each contact has a text."""
_EXPORTED = 50_000
"""Rows of a part of all propositions."""
FEW = 25_000
"""Of so few propositions in all periods, each is looked up by its time; more are found faster by reading all."""
MOST_READERS = 4
COLUMNS = ("offer", "category", "space", "channel", "status", "weight", "rank", "time")
"""Columns of the table that can be asked for."""
_SPECIAL = {
    "campaign": "coalesce(campaign, '')",
    "delivery": "coalesce(delivery, '')",
    "data": "data",
    "product": "product",
}
"""Further ones: the delivery that made a proposition (empty: none); what was stored with it, as JSON."""
_HEAVY = 20
"""How many times fewer propositions a range has when they come with JSON."""

CountedTexts: TypeAlias = tuple[str, ...]
"""Some propositions, a text for each column: contacts, the columns that were asked for, and for each proposition the
number whose bits say which filters count it."""
CountedPart: TypeAlias = list[CountedTexts]


@dataclass(frozen=True, slots=True)
class CountFilter:
    """The propositions that one rule counts.

    Those from ``since`` to ``until`` (as the store writes time, both included), with one of ``statuses``, on
    ``channel``, of one of ``offers`` or of a category in or below one of ``categories``. What is empty does not narrow.
    """

    since: str
    until: str
    statuses: tuple[Status, ...] = ()
    channel: str = ""
    offers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class CountedPropositionsReader:
    """Reads what rules count, always from one state of the store, which is that of the first read."""

    def __init__(self, db: Database) -> None:
        """Use it in a ``with`` statement; until its end, nothing else may use ``db``."""
        self._db = db
        self._open = ExitStack()
        self._readers: Sequence[Database] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def edited(self) -> Refused:
        """The error for a proposition that has values which are never written."""
        return edited(self._db)

    def streams(
        self, environment: str, wanted: Sequence[CountFilter], columns: Sequence[str], former: FormerNames = ()
    ) -> list[Iterator[CountedPart]]:
        """The propositions that one of ``wanted`` counts: each stream has some, and a thread of its own may read it.

        ``former``: the names that are called otherwise now, which is how ``wanted`` calls them.
        """
        if not set(columns) <= {*COLUMNS, *_SPECIAL}:
            raise ValueError(f"not columns of a proposition: {columns}")
        if not wanted:
            return []
        if not self._readers:
            self._readers = self._open.enter_context(self._db.readers(min(os.cpu_count() or 1, MOST_READERS)))
        query = _CountQuery(self._db, environment, wanted, columns, former)
        if not self._db.unindexed:
            return [query.by_contact(self._readers[0])]
        if query.few(self._readers[0]):
            return [query.at_once(self._readers[0])]
        ranges = _Ranges(environment, query.size)
        return [query.by_ranges(reader, ranges) for reader in self._readers]


class _Ranges:
    """Ranges of contacts that have about as many propositions, for several threads."""

    def __init__(self, environment: str, size: int) -> None:
        self._environment, self._size = environment, size
        self._next: str | None = ""
        self._lock = Lock()

    def take(self, db: Database) -> tuple[str, str | None] | None:
        """The first contact of a range that nobody took yet, and the one after it; None when all are taken.

        ``db`` also has the range's pages in memory then.
        """
        with self._lock:
            first = self._next
            if first is None:
                return None
            found = self._search(db, f">= ? ORDER BY contact LIMIT 1 OFFSET {self._size}", first)
            if found == first:  # a contact with more propositions than a part
                found = self._search(db, "> ? ORDER BY contact LIMIT 1", first)
            self._next = found
            return first, found

    def _search(self, db: Database, which: str, first: str) -> str | None:
        rows: list[tuple[str]] = db.rows(
            f"SELECT contact FROM proposition WHERE environment = ? AND contact {which}",  # noqa: S608 - constants
            (self._environment, first),
        )
        return rows[0][0] if rows else None


class _CountQuery:
    """The SQL for some filters and columns."""

    def __init__(
        self,
        db: Database,
        environment: str,
        wanted: Sequence[CountFilter],
        columns: Sequence[str],
        former: FormerNames,
    ) -> None:
        self._environment = environment
        # What nearly all filters share is tested first, and once.
        self._since, self._until = min(each.since for each in wanted), max(each.until for each in wanted)
        tests, args = [], list[Cell]()
        for each in wanted:
            test, cells = _test(each, self._until, f"{db.unindexed}time", former)
            tests.append(test)
            args += cells
        flags = " + ".join(f"CASE WHEN {test} THEN {1 << bit} ELSE 0 END" for bit, test in enumerate(tests))
        named = (_SPECIAL.get(name) or present_column(name, former) for name in columns)
        self._columns = ["contact", *named, f"({flags})"]
        made = {"campaign", "delivery"}.intersection(columns)
        self._made, made_args = (_MADE, [environment]) if made else ("", [])
        self._where = f"environment = ? AND {db.unindexed}time <= ? AND ({' OR '.join(tests)})"
        self._args = (*args, *made_args, environment, self._until, *args)
        self.size = RANGE // _HEAVY if {"data", "product"}.intersection(columns) else RANGE

    def few(self, db: Database) -> bool:
        """Whether there are few propositions in all periods."""
        rows: list[tuple[int]] = db.rows(
            "SELECT COUNT(*) FROM"
            " (SELECT 1 FROM proposition WHERE environment = ? AND time >= ? AND time <= ? LIMIT ?) AS found",
            (self._environment, self._since, self._until, FEW),
        )
        return rows[0][0] < FEW

    def at_once(self, db: Database) -> Iterator[CountedPart]:
        """All in one part, by their time."""
        sql = f"{self._select(db)} AND time >= ? AND time <= ?"
        yield from filter(None, [list(_sound(db, db.rows(sql, (SEPARATOR, *self._args, self._since, self._until))))])

    def by_ranges(self, db: Database, ranges: _Ranges) -> Iterator[CountedPart]:
        """The ranges that this reader takes."""
        sql = f"{self._select(db)} AND contact >= ?"
        part: CountedPart = []
        while (limits := ranges.take(db)) is not None:
            first, after = limits
            if after is None:
                part += _sound(db, db.rows(sql, (SEPARATOR, *self._args, first)))
            else:
                part += _sound(db, db.rows(f"{sql} AND contact < ?", (SEPARATOR, *self._args, first, after)))
            if len(part) >= PART:
                yield part
                part = []
        if part:
            yield part

    def by_contact(self, db: Database) -> Iterator[CountedPart]:
        """Rows that lie anywhere: texts for each contact."""
        _, *columns = self._columns
        lines = ", ".join(db.join(column, "'\n'") for column in columns)
        sql = f"SELECT contact, {lines} FROM proposition{self._made} WHERE {self._where} GROUP BY contact"  # noqa: S608
        found: Iterator[list[tuple[str, ...]]] = db.stream(sql, self._args, self.size * _CONTACTS)
        for rows in found:
            yield [
                (
                    SEPARATOR.join([contact] * (texts[-1].count("\n") + 1)),
                    *(text.replace("\n", SEPARATOR) for text in texts),
                )
                for contact, *texts in rows
            ]

    def _select(self, db: Database) -> str:
        """The beginning of a query for one text of each column.

        The separator is a table's value, which SQLite uses as it is: it would compute ``char(0)``, and copy a
        parameter, for each row and column. Copies take memory, which threads wait for.
        """
        texts = ", ".join(db.join(column, "nul") for column in self._columns)
        return (
            f"WITH separator AS (SELECT ?1 AS nul LIMIT 1) SELECT {texts}"  # noqa: S608 - compiled
            f" FROM proposition CROSS JOIN separator{self._made} WHERE {self._where}"
        )


def _sound(db: Database, rows: Iterable[tuple[str | None, ...]]) -> Iterator[CountedTexts]:
    """Texts without those of nothing. Raises Refused when the columns have different numbers of values."""
    for texts in rows:
        if texts[0] is None:
            continue
        if len({text.count(SEPARATOR) for text in texts if text is not None}) > 1 or None in texts:
            raise edited(db)
        yield texts  # type: ignore[misc]


_MADE = (
    " LEFT JOIN (SELECT id AS run, campaign, delivery FROM delivery_run WHERE environment = ?) AS made"
    " ON run = interaction"
)


def _test(count_filter: CountFilter, latest: str, time: str, former: FormerNames) -> tuple[str, list[Cell]]:
    """A filter as SQL for propositions until ``latest``; what most of them fail, and is cheap, comes first.

    ``time``: the column, hidden from the planner.
    """
    offer, category = (present_column(name, former) for name in ("offer", "category"))
    conditions, args = list[str](), list[Cell]()
    if count_filter.channel:
        conditions.append("channel = ?")
        args.append(count_filter.channel)
    if count_filter.statuses:
        conditions.append(f"status IN ({', '.join('?' * len(count_filter.statuses))})")
        args += map(status_number, count_filter.statuses)
    conditions.append(f"{time} >= ?")
    args.append(count_filter.since)
    if count_filter.until != latest:
        conditions.append(f"{time} <= ?")
        args.append(count_filter.until)
    about = [f"{offer} = ?"] * len(count_filter.offers)
    about += [f"{category} = ? OR ({category} >= ? AND {category} < ?)"] * len(count_filter.categories)
    if about:
        conditions.append(f"({' OR '.join(about)})")
        args += count_filter.offers
        # “0” follows “/”: paths below another sort between the two.
        args += [text for path in count_filter.categories for text in (path, f"{path}/", f"{path}0")]
    return f"({' AND '.join(conditions)})", args


def exported(db: Database, environment: str, columns: Sequence[str]) -> Iterator[list[tuple[Cell, ...]]]:
    """All propositions of an environment, in parts; ``columns`` can also name its ``environment``, contact and call."""
    if not set(columns) <= {"contact", "environment", "interaction", "revision", *COLUMNS}:
        raise ValueError(f"not columns of a proposition: {columns}")
    return db.stream(f"SELECT {', '.join(columns)} FROM proposition WHERE environment = ?", (environment,), _EXPORTED)  # noqa: S608
