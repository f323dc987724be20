"""Contacts' own histories for a batch (``eligible.history``): how many propositions each contact has had, in DuckDB.

The store is read once, and returns only propositions that can count; a catalog that counts none reads none. What a
proposition counts for is looked up by its offer and its category, and only numbers above 0 are kept. So the work grows
with the propositions and with the counts, not with their product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from offerkit.address import ancestors
from offerkit.batch.contact_table import ContactTable
from offerkit.batch.counted_rows import counted_rows
from offerkit.batch.exclusions import AT_ONCE
from offerkit.batch.program import BatchProgram
from offerkit.contacts.bulk import column
from offerkit.engine.contact_history import CountedPropositions, HistoryCondition, counted_by
from offerkit.models.status import Status, status_number
from offerkit.store import CountedPropositionsReader, CountFilter
from offerkit.times import shift, utc

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_NAMED = 50
"""The most offers and categories that the store is asked for by name; with more, DuckDB compares."""
_EVERY_STATUS = "".join(str(status_number(status)) for status in Status)


_Period: TypeAlias = tuple[timedelta, frozenset[str]]


@dataclass(frozen=True)
class HistoryCounts:
    """The numbers above 0, in a table with a row (n, code, number) for each contact and what is counted.

    ``conditions``: by the index of each condition in the program, the code of what it counts. Without a table, nothing
    counts.
    """

    conditions: Sequence[tuple[int, int, HistoryCondition]]
    table: str = ""

    def holds(self, people: ContactTable, holds: NDArray[numpy.bool_], first: int) -> None:
        """Set the conditions in ``holds``, by condition and contact, for the contacts from ``first`` on."""
        found = people.by_code(self.table, ("number",), first, first + holds.shape[1]) if self.table else ()
        numbers_of = dict(found)
        for index, code, condition in self.conditions:
            holds[index] = condition.least == 0
            if code in numbers_of:
                contacts, numbers = numbers_of[code]
                within = numbers >= condition.least
                holds[index, contacts] = within if condition.most is None else within & (numbers <= condition.most)


NO_COUNTS = HistoryCounts(())


def count_histories(
    people: ContactTable, program: BatchProgram, history: CountedPropositionsReader | None
) -> HistoryCounts:
    """What the conditions of ``program`` count, for all contacts; without a ``history``, nothing."""
    code_of = counted_by(program.conditions)
    conditions = [
        (index, code_of[condition.counted], condition)
        for index, condition in enumerate(program.conditions)
        if isinstance(condition, HistoryCondition)
    ]
    if not conditions or history is None:
        return HistoryCounts(conditions)
    db, counted = people.connection, list(code_of)
    passed = _read(people, program, history, counted)
    found = []
    for kind in _kinds(counted):
        _write_counts(people, program, counted, kind)
        found.append(f"SELECT k, code FROM had JOIN {kind}_counts ON name = {column(kind)} AND {passed}")  # noqa: S608
    table = people.fresh("history")
    db.execute(
        f"CREATE TEMP TABLE {table} AS SELECT n, code, count(*) AS number"  # noqa: S608 - our own names
        f" FROM ({' UNION ALL '.join(found)}) JOIN contact USING (k) GROUP BY n, code ORDER BY n"
    )
    for name in ("had", *(f"{kind}_counts" for kind in _kinds(counted))):
        db.execute(f"DROP TABLE {name}")
    return HistoryCounts(conditions, table)


def _kinds(counted: Sequence[CountedPropositions]) -> list[str]:
    """The columns by which propositions are looked up."""
    by = {"category" if each.category else "offer" for each in counted}
    return sorted(by)


def _periods(counted: Sequence[CountedPropositions]) -> dict[_Period, int]:
    """The periods of ``counted``, each with the statuses that count in it, numbered."""
    return {
        period: number for number, period in enumerate(dict.fromkeys((each.period, each.statuses) for each in counted))
    }


def _read(
    people: ContactTable,
    program: BatchProgram,
    history: CountedPropositionsReader,
    counted: Sequence[CountedPropositions],
) -> str:
    """Create the table ``had``, the propositions that may count. Returns the test of one in the period of a count.

    The store itself tests up to :data:`AT_ONCE` periods; with more, DuckDB compares the times and statuses.
    """
    periods = _periods(counted)
    if len(periods) <= AT_ONCE:
        filters = [
            _filter(program, [each for each in counted if (each.period, each.statuses) == period]) for period in periods
        ]
        columns, passed = _kinds(counted), "(counts >> period) & 1 = 1"
    else:
        filters = [_filter(program, counted)]
        columns, passed = [*_kinds(counted), "status", "time"], "f_time >= since AND contains(statuses, f_status)"
    db, types = people.connection, ", ".join(f"{column(name)} VARCHAR" for name in columns)
    db.execute(f"CREATE TEMP TABLE had (k VARCHAR, {types}, counts BIGINT)")
    streams = history.streams(program.catalog.environment, filters, columns, program.catalog.former_names)
    with closing(counted_rows(people, streams, columns)) as read:
        for source in read:
            db.execute(f"INSERT INTO had {source}")
    return passed


def _filter(program: BatchProgram, counted: Sequence[CountedPropositions]) -> CountFilter:
    """The propositions that one of ``counted`` may count."""
    now = program.call.now
    statuses = frozenset[str]()
    if all(each.statuses for each in counted):
        statuses = statuses.union(*(each.statuses for each in counted))
    offers = frozenset[str]().union(*(each.offers for each in counted))
    categories = {each.category for each in counted if each.category}
    named = len(offers) + len(categories) <= _NAMED
    return CountFilter(
        utc(shift(now, -max(each.period for each in counted))),
        utc(now),
        tuple(Status(status) for status in sorted(statuses)),
        "",
        tuple(sorted(offers)) if named else (),
        tuple(sorted(categories)) if named else (),
    )


def _write_counts(
    people: ContactTable, program: BatchProgram, counted: Sequence[CountedPropositions], kind: str
) -> None:
    """The table ``offer_counts`` or ``category_counts``: by a proposition's offer or category, what it counts for."""
    import numpy

    db, codes_of = people.connection, defaultdict[str, list[int]](list)
    for code, each in enumerate(counted):
        if bool(each.category) == (kind == "category"):
            for name in (each.category,) if each.category else each.offers:
                codes_of[name].append(code)
    if kind == "category":
        proposed = [path for (path,) in db.execute(f"SELECT DISTINCT {column(kind)} FROM had").fetchall()]  # noqa: S608
        rows = [(path, code) for path in proposed for above in ancestors(path) for code in codes_of.get(above, ())]
    else:
        rows = [(name, code) for name, codes in codes_of.items() for code in codes]
    periods = _periods(counted)
    since = [utc(shift(program.call.now, -each.period)) for each in counted]
    statuses = ["".join(str(status_number(Status(status))) for status in each.statuses) for each in counted]
    db.register(
        "counts",
        {
            "code": numpy.array([code for _, code in rows], dtype=numpy.int32),
            "name": numpy.array([name for name, _ in rows], dtype=object),
            "period": numpy.array(
                [periods[counted[code].period, counted[code].statuses] for _, code in rows], dtype=numpy.int32
            ),
            "since": numpy.array([since[code] for _, code in rows], dtype=object),
            "statuses": numpy.array([statuses[code] or _EVERY_STATUS for _, code in rows], dtype=object),
        },
    )
    db.execute(
        f"CREATE TEMP TABLE {kind}_counts AS SELECT code, period, CAST(name AS VARCHAR) AS name,"  # noqa: S608 - constants
        " CAST(since AS VARCHAR) AS since, CAST(statuses AS VARCHAR) AS statuses FROM counts"
    )
    db.unregister("counts")
