"""Propositions and their status. They are not part of the chained history.

Reads of a contact, an id or a span of time search the key or an index of the table ``proposition``
(:mod:`offerkit.store.schema`). Offers, spaces and statuses have no index, which would cost every call more than is ever
asked of it: they are looked for among the newest propositions, and then in one pass over the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

from offerkit.diagnostics import Code, Refused, or_list, refuse
from offerkit.engine.history import PastProposition
from offerkit.models.status import Status, may_follow, next_statuses, status_number
from offerkit.state.former_names import FormerNames
from offerkit.store import errors, proposition_log
from offerkit.store.database import Cell, Clash, Database, chunks, recording
from offerkit.store.present_names import selected
from offerkit.store.proposition_rows import (
    COLUMNS,
    DataWithStatus,
    PropositionQuery,
    PropositionRow,
    PropositionText,
    StatusChange,
    data_with,
    keepable,
    proposition_row,
    proposition_texts,
    stored_past,
    with_stored_data,
)
from offerkit.times import check_utc

NEWEST = 10_000
"""How many propositions are looked up one by one; a pass over the table finds what is rarer sooner."""
_EDITED = "A proposition was edited: it has values that are never written"
_PAST_COLUMNS = ("offer", "category", "space", "channel", "status", "time", "weight", "rank")
_PAST = " FROM proposition WHERE environment = ? AND contact = ? AND time >= ? ORDER BY time, id"
_PAST_WITH_DATA = """, campaign, delivery, data, product FROM proposition LEFT JOIN
 (SELECT id AS run, campaign, delivery FROM delivery_run WHERE environment = ?) AS made ON run = interaction
 WHERE environment = ? AND contact = ? AND time >= ? ORDER BY time, id"""
_PastText: TypeAlias = tuple[str, str, str, str, int, str, str, int, str | None, str | None, str, str]
_SELECT = f"SELECT {COLUMNS} FROM proposition"  # noqa: S608 - constants


def edited(db: Database) -> Refused:
    """The error for a proposition that has values which are never written."""
    return errors.damaged(db.name, _EDITED)


def add(db: Database, rows: Sequence[PropositionRow]) -> None:
    """Store all of ``rows`` or none, in the open write transaction or a new one.

    Raises Refused when an id is taken, or a value cannot be stored.
    """
    texts = proposition_texts(rows)
    with recording(db):
        taken = _taken(db, [row.id for row in rows])
        if taken:
            raise _exists(taken)
        try:
            insert(db, texts)
        except Clash:  # another call stored one of these ids meanwhile
            raise _exists("with one of these ids") from None


def insert(db: Database, texts: Sequence[PropositionText]) -> None:
    """Add rows as they are to the table and, once it has begun, to the log; in the open write transaction."""
    if not db.log_begun():
        db.insert("proposition", COLUMNS, texts)
        return
    db.insert("proposition", f"{COLUMNS}, logged", [(*text, proposition_log.LOGGED) for text in texts])
    proposition_log.note_made(db, texts)


@lru_cache
def _past_sql(former: FormerNames, source: str) -> str:
    return f"SELECT {selected(_PAST_COLUMNS, former)}{source}"


def past(db: Database, environment: str, contact: str, since: str, former: FormerNames = ()) -> list[PastProposition]:
    """One contact's propositions from ``since`` on, as a decision reads them, by time and id.

    ``former``: the names that are called otherwise now.
    """
    sql, args = _past_sql(former, _PAST), (environment, contact, since)
    rows: list[tuple[str, str, str, str, int, str, str, int]] = db.rows(sql, args)
    try:
        return [*map(stored_past, rows)]
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise edited(db) from error


def past_with_data(
    db: Database, environment: str, contact: str, since: str, former: FormerNames = ()
) -> list[PastProposition]:
    """Like :func:`past`, with the delivery that made each proposition, and what was stored with it."""
    sql, args = _past_sql(former, _PAST_WITH_DATA), (environment, environment, contact, since)
    rows: list[_PastText] = db.rows(sql, args)
    try:
        return [with_stored_data(stored_past(row[:8]), *row[8:]) for row in rows]
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise edited(db) from error


def proposition(db: Database, id_: str) -> PropositionRow | None:
    """The proposition with that id; None if it does not exist."""
    rows = read_rows(db, f"{_SELECT} WHERE id = ?", (id_,)) if keepable([id_]) else []
    return rows[0] if rows else None


def propositions(db: Database, query: PropositionQuery, limit: int) -> list[PropositionRow]:
    """The propositions that ``query`` selects, newest first by time and id (``limit`` 0: all)."""
    if not keepable((query.environment, query.contact, query.offer, query.space)):
        return []  # no database has them, or takes the question
    if query.environment:
        return _page(db, query, query.environment, limit)
    with db.reading():
        rows = [row for name in proposition_log.environments(db) for row in _page(db, query, name, limit)]
    rows.sort(key=lambda row: (row.time, row.id), reverse=True)
    return rows[:limit] if limit > 0 else rows


def set_status(
    db: Database,
    id_: str,
    status: Status,
    time: str,
    data: DataWithStatus | None = None,
    *,
    environment: str = "",
) -> StatusChange:
    """Set a proposition's status at ``time``, and store ``data`` with it.

    Setting the status that it already has changes nothing. Raises Refused when the proposition does not exist (in
    ``environment``, if given), or when its status cannot change to ``status``.
    """
    check_utc(time)
    with recording(db):
        row = changeable(_locked(db, id_), id_, status, environment)
        if row.status is status:
            return StatusChange(row, row.status, changed=False)
        # The condition on the old status makes sure that no step is lost, however a database locks.
        logged = proposition_log.marking(db)
        db.run(
            f"UPDATE proposition SET status = ?, changed = ?, data = ?{logged} WHERE id = ? AND status = ?",  # noqa: S608
            (status_number(status), time, data_with(row, status, data), id_, status_number(row.status)),
        )
        now = proposition(db, id_)
        if now is None or now.status is not status:
            raise errors.locked(db.name)
        proposition_log.note_status(db, now, status, time)
    return StatusChange(now, row.status, changed=True)


def changeable(row: PropositionRow | None, id_: str, status: Status, environment: str = "") -> PropositionRow:
    """``row`` if its status is ``status`` or can change to it. Raises Refused as :func:`set_status` does."""
    if row is None or environment not in ("", row.environment):
        raise refuse(
            Code.UNKNOWN_PROPOSITION,
            f"there is no proposition {id_[:80]}" + (f" in {environment}" if environment else ""),
            detail="It was never stored, belongs to another environment, or its retention is over.",
            hint="List a contact's propositions: offerkit propositions --contact KEY",
        )
    if row.status is not status:
        _check_step(row, status)
    return row


def count_before(db: Database, environment: str, before: str) -> int:
    """How many propositions of an environment are older than ``before``."""
    rows: list[tuple[int]] = db.rows(
        "SELECT COUNT(*) FROM proposition WHERE environment = ? AND time < ?", (environment, before)
    )
    return rows[0][0]


def purge(db: Database, environment: str, before: str, limit: int) -> int:
    """Remove up to ``limit`` propositions older than ``before``, oldest first. Returns how many were removed.

    Call it until it returns less than ``limit``: others can write between two batches.
    """
    with recording(db):
        ids: list[tuple[str]] = db.rows(
            "SELECT id FROM proposition WHERE environment = ? AND time < ? ORDER BY time, id LIMIT ?",
            (environment, before, max(limit, 0)),
        )
        parts = chunks(id_ for (id_,) in ids)
        return sum(db.run(f"DELETE FROM proposition WHERE id IN ({marks})", part) for marks, part in parts)  # noqa: S608


def _locked(db: Database, id_: str) -> PropositionRow | None:
    """One proposition, locked until the transaction ends."""
    rows = read_rows(db, f"{_SELECT} WHERE id = ?{db.for_update}", (id_,))
    return rows[0] if rows else None


def _exists(which: str) -> Refused:
    return refuse(
        Code.PROPOSITION_EXISTS,
        f"a proposition {which} already exists",
        detail="Each proposition has an id of its own. Nothing was stored.",
        hint="Use a new id for every proposition of every call.",
    )


def _taken(db: Database, ids: list[str]) -> str:
    """The first of ``ids`` that is a duplicate or already stored; empty when all are new."""
    twice = [id_ for number, id_ in enumerate(ids) if id_ in ids[:number]] if len(set(ids)) < len(ids) else []
    for marks, part in chunks(ids):
        rows: list[tuple[str]] = db.rows(f"SELECT id FROM proposition WHERE id IN ({marks})", part)  # noqa: S608
        twice += [id_ for (id_,) in rows]
    return min(twice, default="")


def _check_step(row: PropositionRow, status: Status) -> None:
    if may_follow(row.status, status):
        return
    next_ = next_statuses(row.status)
    raise refuse(
        Code.STATUS_STEP,
        f"proposition {row.id} is {row.status} and cannot become {status}",
        detail=f"Its status was set at {row.changed}."
        + (f" After {row.status} can follow: {or_list(next_)}." if next_ else f" {row.status.capitalize()} is final."),
        hint="Nothing was changed. "
        + ("Set one of these." if next_ else "Propose the offer again to get another answer."),
    )


_Conditions: TypeAlias = Sequence[tuple[str, Sequence[Cell]]]
"""Conditions on propositions, each with its arguments; ``{0}`` is the column ``time``."""


def _page(db: Database, query: PropositionQuery, environment: str, limit: int) -> list[PropositionRow]:
    keys = _given(("environment = ?", environment), ("contact = ?", query.contact))
    span = _given(("{0} >= ?", query.since), ("{0} < ?", query.until))
    if query.before is not None:
        span.append(("({0}, id) < (?, ?)", query.before))
    others = _given(("offer = ?", query.offer), ("space = ?", query.space))
    if query.status is not None:
        others.append(("status = ?", [status_number(query.status)]))
    if query.contact or not others:
        return _select(db, [*keys, *span, *others], limit)
    where, args = _where([*keys, *span], "time")
    oldest: list[tuple[str, str]] = db.rows(
        f"SELECT time, id FROM proposition WHERE {where} ORDER BY time DESC, id DESC LIMIT 1 OFFSET {NEWEST}",  # noqa: S608
        args,
    )
    if not oldest:
        return _select(db, [*keys, *span, *others], limit)
    found = _select(db, [*keys, *span, ("({0}, id) > (?, ?)", oldest[0]), *others], limit) if limit > 0 else []
    return found if len(found) == limit > 0 else _select(db, [*keys, *span, *others], limit, passing=True)


def _given(*conditions: tuple[str, str]) -> list[tuple[str, Sequence[Cell]]]:
    return [(condition, [value]) for condition, value in conditions if value]


def _where(conditions: _Conditions, time: str) -> tuple[str, list[Cell]]:
    texts = " AND ".join(condition.format(time) for condition, _ in conditions)
    return texts, [value for _, values in conditions for value in values]


def _select(db: Database, conditions: _Conditions, limit: int, *, passing: bool = False) -> list[PropositionRow]:
    """The propositions that meet ``conditions``, newest first; with ``passing``, in one pass over the table."""
    # “|| ''” hides a column from the planner of either database, which may have no statistics.
    time = "time || ''" if passing else "time"
    where, args = _where(conditions, time)
    end = " LIMIT ?" if limit > 0 else ""
    return read_rows(db, f"{_SELECT} WHERE {where} ORDER BY {time} DESC, id DESC{end}", [*args, *[limit][: limit > 0]])


def read_rows(db: Database, sql: str, args: Sequence[Cell]) -> list[PropositionRow]:
    """The propositions of a query for their columns. Raises Refused for values that are never written."""
    rows: list[PropositionText] = db.rows(sql, args)
    try:
        return [proposition_row(row) for row in rows]
    except (TypeError, ValueError, ArithmeticError) as error:
        raise edited(db) from error
