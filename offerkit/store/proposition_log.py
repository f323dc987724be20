"""The log of propositions: that each was made, and each later change of its status, once and in one order.

A position belongs to a transaction, and every reader sees positions appear in their order, whichever transactions
run at the same time (docs/adr/0064-log-of-propositions.md): a reader that remembers the last change it saw misses
none. Changes name propositions by their id; whatever is known of a contact is read from the proposition itself, and is
gone with it.

The log begins with its first reader: a store that nobody exports from writes nothing here. Propositions from before are
not in it until their status changes; a reader gets them first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from offerkit.fingerprint import digest
from offerkit.models.status import Status, status_number, status_of_number
from offerkit.store import errors
from offerkit.store.database import Cell, Database, recording
from offerkit.store.proposition_rows import COLUMNS as PROPOSITION
from offerkit.store.proposition_rows import PropositionRow, PropositionText, proposition_row

COLUMNS = "position, id, environment, event, status, changed"
MADE, CHANGED, WITHDRAWN, ERASED = "made", "changed", "withdrawn", "erased"
"""What happened: a proposition was made, its status changed, a delivery that was not sent was withdrawn, or the contact
of a proposition was erased."""
_START, _BEGUN, _LOG, _BEFORE = "0", "begun", "log", "before"
"""The position of what is written when the log begins, before all changes: that it has begun, without an id; then, once
all writers log (status 1), a new id of this log; and for each environment the id and time of its last proposition by
time, as ``id`` and ``changed``.
"""
LOGGED = "1"
"""Marks propositions that are in the log."""
PAGE = 1_000
"""Changes that are read at a time."""
_EDITED = "The log of propositions was edited: it has values that are never written"
_OF = ", ".join(f"p.{name}" for name in PROPOSITION.split(", "))
_NOTHING = ("", "", "")


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where a reader is. ``old``: environment, time and id of the last proposition from before the log; None once all
    of those are read. ``position``, ``id`` and ``changed``: the last change that was read, or the beginning; empty
    before any page. ``passed``: if one environment is read, a later position up to which all changes are of others,
    with a digest of the last one there.
    """

    old: tuple[str, str, str] | None = _NOTHING
    position: str = ""
    id: str = ""
    changed: str = ""
    passed: tuple[str, str] | None = None


BEGINNING = LogPlace()


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One change: ``event`` and, unless a delivery was withdrawn, the proposition with the status that it then got.

    ``interaction``: of the proposition, or of all propositions of the withdrawn delivery.
    """

    event: str
    environment: str
    interaction: str
    changed: str
    proposition: PropositionRow | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some changes, where the reader is after them, and whether there may be more now.

    ``waiting``: more are committed, but a transaction that began before them is still open.
    """

    changes: Sequence[LoggedChange]
    place: LogPlace
    more: bool
    waiting: bool = False


def begin(db: Database) -> None:
    """Begin the log, unless it has begun; outside of a transaction. Raises Refused when the store cannot be written.

    First a marker makes writers log; then readers are let in, once no writer is left that looked before it was there.
    So a proposition is either there by then, or logged. Whoever is killed in between leaves the rest to the next.
    """
    with db.recording():
        db.run(
            f"INSERT INTO proposition_change ({COLUMNS}) VALUES (?, '', '', ?, 0, '') ON CONFLICT DO NOTHING",  # noqa: S608
            (_START, _BEGUN),
        )
    db.await_earlier_writers()
    with db.recording():
        if not db.run(
            "UPDATE proposition_change SET status = 1 WHERE position = ? AND id = '' AND status = 0", (_START,)
        ):
            return  # another process was faster
        rows: list[tuple[Cell, ...]] = [(_START, uuid4().hex, "", _LOG, 0, "")]
        for name in environments(db):
            last: list[tuple[str, str]] = db.rows(
                "SELECT id, time FROM proposition WHERE environment = ? ORDER BY time DESC, id DESC LIMIT 1", (name,)
            )
            rows += [(_START, id_, name, _BEFORE, 0, time) for id_, time in last]
        db.insert("proposition_change", COLUMNS, sorted(rows))


def environments(db: Database) -> list[str]:
    """The environments that have propositions; finding each takes one search in an index."""
    names = [""]
    while True:
        rows: list[tuple[str]] = db.rows(
            "SELECT environment FROM proposition WHERE environment > ? ORDER BY environment LIMIT 1", (names[-1],)
        )
        if not rows:
            return names[1:]
        names.append(rows[0][0])


def has_begun(db: Database) -> bool:
    """Whether there is a log, as a reader sees it."""
    return bool(_log_id(db))


def _log_id(db: Database) -> str:
    """The id of this log; empty if it has not begun."""
    rows: list[tuple[str]] = db.rows(
        "SELECT id FROM proposition_change WHERE position = ? AND event = ?", (_START, _LOG)
    )
    return rows[0][0] if rows else ""


def marking(db: Database) -> str:
    """What an UPDATE of propositions adds to set their mark, in the open write transaction."""
    return f", logged = '{LOGGED}'" if db.log_begun() else ""


def note_made(db: Database, rows: Sequence[PropositionText]) -> None:
    """Log new propositions, in the open write transaction; once the log has begun."""
    position = db.log_position()
    texts = [(position, row[0], row[1], MADE, row[10], row[12]) for row in rows]
    db.insert("proposition_change", COLUMNS, sorted(texts))


def note_status(db: Database, row: PropositionRow, status: Status, time: str) -> None:
    """Log a proposition's new status, in the open write transaction; of several in one, the last counts."""
    if not db.log_begun():
        return
    db.run(
        f"INSERT INTO proposition_change ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (position, id) DO UPDATE"  # noqa: S608 - constants
        " SET status = excluded.status, changed = excluded.changed",
        (db.log_position(), row.id, row.environment, CHANGED, status_number(status), time),
    )


def note_sent(db: Database, where: str, args: Sequence[Cell], time: str) -> None:
    """Log that the propositions that ``where`` selects were presented at ``time``."""
    if not db.log_begun():
        return
    db.run(
        f"INSERT INTO proposition_change ({COLUMNS})"  # noqa: S608 - constants
        f" SELECT ?, id, environment, '{CHANGED}', status, changed FROM proposition"
        f" WHERE {where} AND status = ? AND changed = ?"
        " ON CONFLICT (position, id) DO UPDATE SET status = excluded.status, changed = excluded.changed",
        (db.log_position(), *args, status_number(Status.PRESENTED), time),
    )


def note_withdrawn(db: Database, environment: str, interaction: str, time: str) -> None:
    """Log that a delivery was withdrawn with all its propositions."""
    if not db.log_begun():
        return
    db.insert("proposition_change", COLUMNS, [(db.log_position(), interaction, environment, WITHDRAWN, 0, time)])


def note_erased(db: Database, where: str, args: Sequence[Cell], time: str) -> None:
    """Log that the propositions that ``where`` selects are to be a contact's no more, at ``time``, before they are.

    The log's readers are to erase the contact, too.
    """
    if not db.log_begun():
        return
    db.run(
        f"INSERT INTO proposition_change ({COLUMNS})"  # noqa: S608 - constants
        f" SELECT ?, id, environment, '{ERASED}', status, ? FROM proposition"
        f" WHERE {where}",
        (db.log_position(), time, *args),
    )


def is_place(db: Database, place: LogPlace) -> bool:
    """Whether the log still has the change that ``place`` names: it is this log, and has not been cut since."""
    if not place.position or _stands(db, place.passed):
        return True
    named = (place.position, place.id, place.changed)
    return bool(db.rows("SELECT 1 FROM proposition_change WHERE position = ? AND id = ? AND changed = ?", named))


def page(db: Database, place: LogPlace, environment: str = "", limit: int = PAGE) -> LogPage:
    """Up to ``limit`` changes after ``place``, of one environment if it is given; once the log has begun."""
    with db.reading():
        if not place.position:
            place = replace(place, position=_START, id=_log_id(db))
        if place.old is not None:
            rows = _old(db, place.old, environment, limit)
            if rows:
                last = rows[-1]
                made = [_change(MADE, row, row.status, row.changed) for row in rows]
                return LogPage(made, replace(place, old=(last.environment, last.time, last.id)), more=True)
            place = replace(place, old=None)
        return _logged(db, place, environment, limit)


def _old(db: Database, after: tuple[str, str, str], environment: str, limit: int) -> list[PropositionRow]:
    """Propositions that are not in the log, in the order of an index."""
    bounds: list[tuple[str, str, str]] = db.rows(
        "SELECT environment, changed, id FROM proposition_change WHERE position = ? AND event = ?"
        " AND environment >= ? ORDER BY environment",
        (_START, _BEFORE, environment or after[0]),
    )
    for name, *last in bounds:
        if environment and name != environment:
            break
        first = after[1:] if name == after[0] else ("", "")
        texts: list[PropositionText] = db.rows(
            f"SELECT {PROPOSITION} FROM proposition WHERE environment = ?"  # noqa: S608 - constants
            " AND (time, id) > (?, ?) AND (time, id) <= (?, ?) AND logged = '' ORDER BY time, id LIMIT ?",
            (name, *first, *last, limit),
        )
        if texts:
            return [_row(db, text) for text in texts]
    return []


def _logged(db: Database, place: LogPlace, environment: str, limit: int) -> LogPage:
    conditions, args = ["(l.position, l.id) > (?, ?)"], list[Cell]([place.position, place.id])
    if place.passed is not None and _stands(db, place.passed):
        conditions, args = ["l.position > ?"], [place.passed[0]]
    settled = db.log_settled()
    if settled:
        conditions.append("l.position < ?")
        args.append(settled)
    if environment:
        conditions.append("l.environment = ?")
        args.append(environment)
    rows: list[tuple[str, str, str, str, int, str, *tuple[str | int | None, ...]]] = db.rows(
        f"SELECT l.position, l.id, l.environment, l.event, l.status, l.changed, {_OF}"  # noqa: S608 - constants
        f" FROM proposition_change l LEFT JOIN proposition p ON p.id = l.id WHERE {' AND '.join(conditions)}"
        " ORDER BY l.position, l.id LIMIT ?",
        (*args, limit),
    )
    changes = []
    for row in rows:
        _, id_, name, event, status, changed, *found = row
        if event == WITHDRAWN:
            changes.append(LoggedChange(event, name, id_, changed, None))
        elif event in (MADE, CHANGED, ERASED) and found[0] is not None:
            changes.append(_change(event, _row(db, tuple(found)), _status(db, status), changed))  # type: ignore[arg-type]
    if rows:
        place = LogPlace(None, rows[-1][0], rows[-1][1], rows[-1][5])
    more = len(rows) == limit
    if environment and not more:
        place = replace(place, passed=_passed(db, settled, place) or place.passed)
    return LogPage(changes, place, more, waiting=not more and bool(settled) and _unsettled(db, settled, environment))


def _passed(db: Database, settled: str, place: LogPlace) -> tuple[str, str] | None:
    """The newest position that can be told, which a reader of one environment need not pass again."""
    where, args = ("WHERE position < ?", (settled,)) if settled else ("", ())
    rows: list[tuple[str | None]] = db.rows(f"SELECT MAX(position) FROM proposition_change {where}", args)  # noqa: S608
    newest = rows[0][0] or ""
    return (newest, _last_digest(db, newest)) if newest > place.position else None


def _stands(db: Database, passed: tuple[str, str] | None) -> bool:
    """Whether the log still is as it was up to that position: a restore writes others there."""
    return passed is not None and "" != passed[1] == _last_digest(db, passed[0])


def _last_digest(db: Database, position: str) -> str:
    """Stands for the last change of a position, whose id readers of another environment must not learn."""
    rows: list[tuple[str, str]] = db.rows(
        "SELECT id, changed FROM proposition_change WHERE position = ? ORDER BY id DESC LIMIT 1", (position,)
    )
    return digest(*(part.encode() for part in rows[0])) if rows else ""


def _unsettled(db: Database, settled: str, environment: str) -> bool:
    """Whether there are changes that cannot be told yet."""
    own, args = (" AND environment = ?", [settled, environment]) if environment else ("", [settled])
    return bool(db.rows(f"SELECT 1 FROM proposition_change WHERE position >= ?{own} LIMIT 1", args))  # noqa: S608


def _change(event: str, row: PropositionRow, status: Status, changed: str) -> LoggedChange:
    """A change with the proposition as it was then; extra data that came with a later status are left out."""
    now = row.changed == changed and row.status is status
    then = row if now else row._replace(status=status, changed=changed, accepted={}, statuses={})
    return LoggedChange(event, row.environment, row.interaction, changed, then)


def _row(db: Database, text: PropositionText) -> PropositionRow:
    try:
        return proposition_row(text)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise errors.damaged(db.name, _EDITED) from error


def _status(db: Database, number: int) -> Status:
    try:
        return status_of_number(number)
    except ValueError as error:
        raise errors.damaged(db.name, _EDITED) from error


def purge(db: Database, environment: str, before: str, after: tuple[str, str], limit: int) -> tuple[str, str] | None:
    """Remove changes from before ``before`` whose propositions are gone, among the ``limit`` changes following
    ``after``.

    Returns where to go on; None at the end. The newest change stays, so that readers can tell where they are.
    """
    rows: list[tuple[str, str, str, str, str]] = db.rows(
        "SELECT position, id, environment, changed, event FROM proposition_change WHERE (position, id) > (?, ?)"
        " ORDER BY position, id LIMIT ?",
        (*after, limit + 1),
    )
    gone = [
        (position, id_)
        for position, id_, name, changed, event in rows[:limit]
        if name == environment and changed < before and (position, id_) != rows[-1][:2] and event != _BEFORE
    ]
    with recording(db):
        db.run_many(
            "DELETE FROM proposition_change WHERE position = ? AND id = ?"
            " AND NOT EXISTS (SELECT 1 FROM proposition WHERE proposition.id = proposition_change.id)",
            gone,
        )
    return rows[limit - 1][:2] if len(rows) > limit else None
