"""Promotions that wait for their time, with their plans. The history says who scheduled them, and how each ended.

A row is only what there is to do: the revision that scheduled it, and the one that ended it, are part of the chain, and
a row that does not agree with them is never carried out (:func:`faults`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from offerkit.diagnostics import Code, refuse
from offerkit.fingerprint import Json
from offerkit.plans.plan import PlanKind
from offerkit.store import append, revisions
from offerkit.store.database import Database
from offerkit.store.rows import Draft, RevisionRow
from offerkit.times import check_utc

COLUMNS = "serial, due, ended, plan"
SCHEDULE, WITHDRAW, REFUSED = "schedule", "unschedule", "schedule-refused"
"""Actions of revisions that schedule a promotion, withdraw it, or record that it was not carried out when it was due.

One that was carried out is ended by the revision of the promotion.
"""
DETAILS, ENDED = "schedule", "scheduled"
"""Keys of a revision's details: what it schedules; the revision that scheduled what it ends."""
_ENDING = (WITHDRAW, REFUSED, PlanKind.PROMOTE.value)
_WAITING = 0


@dataclass(frozen=True, slots=True)
class ScheduledPromotion:
    """A promotion as the history records it.

    ``serial``, ``by``, ``time``, ``message``: the revision that scheduled it. ``changes``: the digest of what it
    changes. ``due`` and ``not_after`` (empty: no limit) are UTC. ``override_impact``: why it may exceed an impact
    limit. ``ended``: the revision that ended it.
    """

    serial: int
    by: str
    time: str
    message: str
    plan_digest: str
    due: str
    not_after: str
    environments: tuple[str, ...]
    steps: int
    changes: str = ""
    override_impact: str = ""
    ended: RevisionRow | None = None

    @property
    def state(self) -> str:
        """How it stands: ``waiting``, ``promoted``, ``refused`` or ``withdrawn``."""
        if self.ended is None:
            return "waiting"
        return {WITHDRAW: "withdrawn", REFUSED: "refused"}.get(self.ended.action, "promoted")

    @property
    def why(self) -> list[dict[str, Json]]:
        """Why it was not carried out: code, summary and address of each reason."""
        found = self.ended.details.get("refused") if self.ended is not None else None
        return [reason for reason in found if isinstance(reason, dict)] if isinstance(found, list) else []


def add(db: Database, draft: Draft, due: str, plan: str) -> RevisionRow:
    """Schedule ``plan`` (:func:`offerkit.plans.plan.encode`) for ``due``: one revision; inside a write transaction."""
    check_utc(due)
    revision = append.append(db, draft)
    db.insert("scheduled", COLUMNS, [(revision.serial, due, _WAITING, plan)])
    return revision


def end(db: Database, serial: int, by: int) -> None:
    """Record that revision ``by`` ended what ``serial`` scheduled; in the transaction that appends it.

    Raises Refused when it has ended already.
    """
    if not db.run("UPDATE scheduled SET ended = ? WHERE serial = ? AND ended = ?", (by, serial, _WAITING)):
        raise not_waiting(serial)


def not_waiting(serial: int) -> Exception:
    """The error for a promotion that does not wait, or never did."""
    return refuse(
        Code.NOT_SCHEDULED,
        f"no promotion that revision {serial} scheduled is waiting",
        hint="“offerkit scheduled list --all” shows what was scheduled, and how it ended.",
    )


def check_waiting(db: Database, serial: int) -> None:
    """Raise Refused unless what ``serial`` scheduled still waits."""
    if not db.rows("SELECT 1 FROM scheduled WHERE serial = ? AND ended = ?", (serial, _WAITING)):
        raise not_waiting(serial)


def due_serials(db: Database, now: str) -> list[int]:
    """What is due at ``now``, in the order in which it is to be carried out."""
    rows: list[tuple[int]] = db.rows(
        "SELECT serial FROM scheduled WHERE ended = ? AND due <= ? ORDER BY due, serial", (_WAITING, now)
    )
    return [serial for (serial,) in rows]


def count_waiting(db: Database) -> int:
    """How many wait."""
    rows: list[tuple[int]] = db.rows("SELECT COUNT(*) FROM scheduled WHERE ended = ?", (_WAITING,))
    return rows[0][0]


def plan_text(db: Database, serial: int) -> str:
    """The plan that ``serial`` scheduled, as it was encoded; empty if missing."""
    rows: list[tuple[str]] = db.rows("SELECT plan FROM scheduled WHERE serial = ?", (serial,))
    return rows[0][0] if rows else ""


def scheduled(db: Database, *, everything: bool = False) -> list[ScheduledPromotion]:
    """The promotions that wait, by time; with ``everything``, then those that ended, newest first."""
    rows: list[tuple[int, int]] = db.rows(
        "SELECT serial, ended FROM scheduled" + ("" if everything else f" WHERE ended = {_WAITING}")  # noqa: S608 - a constant
    )
    found = [one for serial, ended in rows if (one := named(db, serial, ended)) is not None]
    waiting = sorted((one for one in found if one.ended is None), key=lambda one: (one.due, one.serial))
    over = sorted((one for one in found if one.ended is not None), key=lambda one: -one.serial)
    return [*waiting, *over]


def named(db: Database, serial: int, ended: int | None = None) -> ScheduledPromotion | None:
    """What revision ``serial`` scheduled; None if it scheduled nothing. ``ended``: as its row says, if known."""
    row = revisions.revision(db, serial)
    promotion = recorded(row) if row is not None else None
    if promotion is None:
        return None
    if ended is None:
        rows: list[tuple[int]] = db.rows("SELECT ended FROM scheduled WHERE serial = ?", (serial,))
        ended = rows[0][0] if rows else _WAITING
    return replace(promotion, ended=revisions.revision(db, ended) if ended else None)


def recorded(row: RevisionRow) -> ScheduledPromotion | None:
    """What a revision scheduled, as if it still waited; None if it scheduled nothing."""
    facts = row.details.get(DETAILS) if row.action == SCHEDULE else None
    if not isinstance(facts, dict):
        return None
    names, steps = facts.get("environments"), facts.get("steps")
    return ScheduledPromotion(
        row.serial,
        by=row.actor,
        time=row.time,
        message=row.message,
        plan_digest=row.plan_digest,
        due=str(facts.get("due", "")),
        not_after=str(facts.get("not_after", "")),
        environments=tuple(map(str, names)) if isinstance(names, list) else (),
        steps=steps if isinstance(steps, int) else 0,
        changes=str(facts.get("changes", "")),
        override_impact=str(facts.get("override_impact", "")),
    )


def ending(db: Database, serial: int) -> RevisionRow | None:
    """The revision that ended what ``serial`` scheduled, by the history alone; None if none did."""
    rows = (row for action in _ENDING for row in revisions.revisions(db, action=action))
    return next((row for row in rows if row.serial > serial and row.details.get(ENDED) == serial), None)


def faults(db: Database) -> Iterator[tuple[int, str]]:
    """Rows that do not agree with the history: the number of each, and what is wrong, in words."""
    missing = {row.serial for row in revisions.revisions(db, action=SCHEDULE)}
    rows: list[tuple[int, str, int, str]] = db.rows(f"SELECT {COLUMNS} FROM scheduled ORDER BY serial")  # noqa: S608
    over = _ended(db) if rows else set()
    for serial, due, ended, plan in rows:
        missing.discard(serial)
        promotion = named(db, serial, ended)
        if promotion is None:
            yield serial, "was scheduled by no revision"
        elif promotion.due != due:
            yield serial, "has another time than the one that it was scheduled for"
        elif ended and (promotion.ended is None or promotion.ended.details.get(ENDED) != serial):
            yield serial, "was ended by no revision"
        elif not ended and serial in over:
            yield serial, "waits although it has ended"
        elif not is_plan(promotion, plan):
            yield serial, "has another plan than the one that was scheduled"
    for serial in sorted(missing):
        yield serial, "is missing"


def _ended(db: Database) -> set[int]:
    """What revisions ended, by the numbers of those that scheduled it."""
    rows = (row for action in _ENDING for row in revisions.revisions(db, action=action))
    return {serial for row in rows if isinstance(serial := row.details.get(ENDED), int)}


def is_plan(promotion: ScheduledPromotion, text: str) -> bool:
    """Whether ``text`` is the plan that was scheduled."""
    return sha256(text.encode(errors="replace")).hexdigest() == promotion.plan_digest
