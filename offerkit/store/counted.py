"""The propositions of all contacts that presentation rules count: filtered by the database, read in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from offerkit.models.status import Status, status_number
from offerkit.store.database import Cell, Database

PART = 50_000
"""Rows in a part."""
COLUMNS = ("offer", "category", "space", "channel", "status", "weight", "rank", "time")
"""Columns of the table that can be asked for."""
_SPECIAL = {
    "campaign": "coalesce(campaign, '')",
    "delivery": "coalesce(delivery, '')",
    "data": r"replace(data, ' ', '\u0020')",
    "product": r"replace(product, ' ', '\u0020')",
}
"""Further ones: the delivery that made a proposition (empty: none); what was stored with it, as JSON without spaces."""


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


def counted(
    db: Database, environment: str, wanted: Sequence[CountFilter], columns: Sequence[str]
) -> Iterator[list[tuple[str, str]]]:
    """The propositions that one of ``wanted`` counts: pairs of a contact and a text with a line for each proposition.

    A line has ``columns`` and a number whose bits say which of ``wanted`` count it, separated by spaces, which names
    and times do not have, and JSON can do without. One text for each contact takes a third of the time of as many rows.
    """
    if not set(columns) <= {*COLUMNS, *_SPECIAL}:
        raise ValueError(f"not columns of a proposition: {columns}")
    if not wanted:
        return iter(())
    tests, args = [], list[Cell]()
    for count_filter in wanted:
        test, cells = _test(count_filter)
        tests.append(test)
        args += cells
    flags = " + ".join(f"CASE WHEN {test} THEN {1 << bit} ELSE 0 END" for bit, test in enumerate(tests))
    line = " || ' ' || ".join([*(_SPECIAL.get(name, name) for name in columns), f"({flags})"])
    made = _MADE if {"campaign", "delivery"}.intersection(columns) else ""
    sql = (
        f"SELECT contact, {db.join_lines(line)} FROM proposition{made}"  # noqa: S608 - constants
        f" WHERE environment = ? AND ({' OR '.join(tests)}) GROUP BY contact"
    )
    return db.stream(sql, (*args, *([environment] if made else []), environment, *args), PART)


_MADE = (
    " LEFT JOIN (SELECT id AS run, campaign, delivery FROM delivery_run WHERE environment = ?) AS made"
    " ON run = interaction"
)


def _test(count_filter: CountFilter) -> tuple[str, list[Cell]]:
    conditions, args = ["time >= ?", "time <= ?"], list[Cell]([count_filter.since, count_filter.until])
    if count_filter.statuses:
        conditions.append(f"status IN ({', '.join('?' * len(count_filter.statuses))})")
        args += map(status_number, count_filter.statuses)
    if count_filter.channel:
        conditions.append("channel = ?")
        args.append(count_filter.channel)
    about = ["offer = ?"] * len(count_filter.offers)
    about += ["category = ? OR (category >= ? AND category < ?)"] * len(count_filter.categories)
    if about:
        conditions.append(f"({' OR '.join(about)})")
        args += count_filter.offers
        # “0” follows “/”: paths below another sort between the two.
        args += [text for path in count_filter.categories for text in (path, f"{path}/", f"{path}0")]
    return f"({' AND '.join(conditions)})", args


def exported(db: Database, environment: str, columns: Sequence[str]) -> Iterator[list[tuple[Cell, ...]]]:
    """All propositions of an environment, in parts; ``columns`` can also name its ``environment``, contact and call."""
    if not set(columns) <= {"contact", "environment", "interaction", *COLUMNS}:
        raise ValueError(f"not columns of a proposition: {columns}")
    return db.stream(f"SELECT {', '.join(columns)} FROM proposition WHERE environment = ?", (environment,), PART)  # noqa: S608
