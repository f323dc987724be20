"""How many propositions there are, by groups and status: counted by the database in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TypeAlias

from offerkit.diagnostics import Code, Refused
from offerkit.state.former_names import FormerNames
from offerkit.store.database import Cell, Database
from offerkit.store.present_names import present_column
from offerkit.store.propositions import edited
from offerkit.times import instant, local, utc

DATE, CAMPAIGN, DELIVERY = "date", "campaign", "delivery"
_PLAIN = ("environment", "space", "channel", "offer")
_COLUMNS = {
    CAMPAIGN: "COALESCE(d.campaign, '')",
    DELIVERY: "COALESCE(d.campaign || '/' || d.delivery, '')",
}
PART = 20_000
"""Groups that are read at a time."""
FEW = 50_000
"""Propositions that are looked up through an index; more are counted sooner in one pass over the table."""

ReportCounts: TypeAlias = tuple[Sequence[str], int, int]
"""The values of the groups, a status by its number, and how many propositions."""


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What to count: the propositions of one environment from ``since`` to before ``until`` (UTC; empty: all).

    ``groups``: the names of :data:`_PLAIN` and :data:`_COLUMNS`, or ``date``, a day in ``zone``. ``spaces`` and
    ``offers``: only of these; None: of all. ``former``: the names that are called otherwise now.
    """

    environment: str
    groups: Sequence[str]
    zone: tzinfo
    since: str = ""
    until: str = ""
    spaces: Sequence[str] | None = None
    offers: Sequence[str] | None = None
    former: FormerNames = ()


def counted(db: Database, query: ReportQuery) -> Iterator[list[ReportCounts]]:
    """The counts of ``query``, in parts. Raises Refused for times that were edited."""
    conditions, args = _conditions(db, query)
    columns = [_column(db, query, name) for name in query.groups]
    source = "proposition p"
    if {CAMPAIGN, DELIVERY} & set(query.groups):
        source += " LEFT JOIN delivery_run d ON d.id = p.interaction AND d.environment = p.environment"
    numbers = ", ".join(str(number) for number in range(1, len(columns) + 2))
    sql = (
        f"SELECT {', '.join([*columns, 'p.status', 'COUNT(*)'])} FROM {source}"  # noqa: S608 - constants
        f" WHERE {' AND '.join(conditions)} GROUP BY {numbers}"
    )
    parts: Iterator[list[tuple[*tuple[str, ...], int, int]]] = db.stream(sql, args, PART)
    try:
        for rows in parts:
            if any(None in row for row in rows):  # a day that SQLite cannot tell
                raise edited(db)
            yield [(texts, status, count) for *texts, status, count in rows]
    except Refused as refused:
        if any(diagnostic.code is Code.BAD_VALUE for diagnostic in refused.diagnostics):
            raise edited(db) from None
        raise


def _column(db: Database, query: ReportQuery, name: str) -> str:
    if name == DATE:
        return _day(db, query)
    return _COLUMNS.get(name) or present_column(name, query.former, "p.")


def _conditions(db: Database, query: ReportQuery) -> tuple[list[str], list[Cell]]:
    """The conditions of ``query`` with their arguments: those of time by an index if that leaves few propositions."""
    times: list[tuple[str, Cell]] = [("{0} >= ?", query.since), ("{0} < ?", query.until)]
    given = [(condition, value) for condition, value in times if value]
    span, values = [condition.format("p.time") for condition, _ in given], [value for _, value in given]
    if not _is_few(db, ["p.environment = ?", *span], [query.environment, *values]):
        span = [condition.format("(p.time || '')") for condition, _ in given]
    conditions, args = ["p.environment = ?", *span], [query.environment, *values]
    for name, names in (("offer", query.offers), ("space", query.spaces)):
        if names is not None:
            column = present_column(name, query.former, "p.")
            conditions.append(f"{column} IN ({', '.join('?' * len(names))})" if names else "1 = 0")
            args += names
    return conditions, args


def _is_few(db: Database, conditions: Sequence[str], values: Sequence[Cell]) -> bool:
    """Whether no more than :data:`FEW` propositions meet ``conditions``, by an index alone."""
    narrowed = f"SELECT 1 FROM proposition p WHERE {' AND '.join(conditions)} LIMIT ?"  # noqa: S608 - constants
    rows: list[tuple[int]] = db.rows(
        f"SELECT COUNT(*) FROM ({narrowed}) AS narrowed",  # noqa: S608 - constants
        (*values, FEW + 1),
    )
    return rows[0][0] <= FEW


def _day(db: Database, query: ReportQuery) -> str:
    """The day of a proposition in the zone: the offset from UTC is constant between the changes of its clocks."""
    spans = offsets(query.zone, *_span(db, query))
    *earlier, (_, last) = spans
    if not earlier:
        return db.day_of("p.time", last)
    whens = (
        f"WHEN p.time < '{end}' THEN {db.day_of('p.time', seconds)}"
        for (_, seconds), (end, _) in zip(earlier, spans[1:], strict=True)
    )
    return f"CASE {' '.join(whens)} ELSE {db.day_of('p.time', last)} END"


def _span(db: Database, query: ReportQuery) -> tuple[datetime, datetime] | tuple[None, None]:
    """The times of the first and last proposition, by the index of times."""
    rows: list[tuple[str | None, str | None]] = db.rows(
        "SELECT (SELECT MIN(time) FROM proposition WHERE environment = ?),"
        " (SELECT MAX(time) FROM proposition WHERE environment = ?)",
        (query.environment, query.environment),
    )
    first, last = rows[0]
    if first is None or last is None:
        return None, None
    try:
        return instant(max(first, query.since)), instant(min(last, query.until or last))
    except ValueError:
        raise edited(db) from None


def offsets(zone: tzinfo, first: datetime | None, last: datetime | None) -> list[tuple[str, int]]:
    """When the clocks of ``zone`` change between two times: from when (UTC; the first: empty), and seconds from UTC."""
    if first is None or last is None:
        return [("", 0)]
    spans = [("", _seconds(zone, first))]
    at, step = first, timedelta(days=7)
    while at < last:
        after = min(at + step, last)
        if _seconds(zone, after) != spans[-1][1]:
            low, high = at, after
            while high - low > timedelta(minutes=1):  # clocks change on whole minutes
                middle = low + (high - low) / 2
                low, high = (low, middle) if _seconds(zone, middle) != spans[-1][1] else (middle, high)
            change = high.replace(second=0, microsecond=0)
            spans.append((utc(change), _seconds(zone, change)))
        at = after
    return spans


def _seconds(zone: tzinfo, at: datetime) -> int:
    offset = local(at, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
