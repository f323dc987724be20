"""``run-due``: carries out the scheduled promotions whose time has come, or records why not.

    due by the history → in time, not restored since, still that operator → apply the stored plan as its operator

A plan is judged as if its operator applied it at that moment: rights, approvals, policies, cases, stops, freezes, and
whether it is stale (:mod:`offerkit.usecases.apply`). The revision of the promotion ends it in the same transaction. So
any number of schedulers can run, and be killed at any moment: it is carried out once, or still waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import Json
from offerkit.governance.notices import Notice
from offerkit.plans.plan import decode, enveloped
from offerkit.store import Draft, RevisionRow, scheduled
from offerkit.store.scheduled import ScheduledPromotion
from offerkit.store.stage_snapshots import Stages
from offerkit.times import utc
from offerkit.usecases.apply import apply
from offerkit.usecases.contact_access import without_contact_details
from offerkit.usecases.scheduled_standing import check_standing
from offerkit.usecases.session import Session

RECORDED = 20
"""The most reasons that are recorded for a promotion that was not carried out."""
PATIENCE = 30.0
"""Seconds to wait for another run that holds the store's lock."""
_OF_THE_STORE = frozenset(
    {
        Code.STORE_FOREIGN,
        Code.STORE_READ_ONLY,
        Code.STORE_FULL,
        Code.STORE_LOCKED,
        Code.STORE_VERSION,
        Code.STORE_MISSING,
        Code.STORE_DAMAGED,
        Code.HISTORY_BROKEN,
        Code.STORE_CONNECTION,
        Code.STORE_CONFLICT,
        Code.STORE_RESTORED,
        Code.STORE_REPLACED,
        Code.STORE_OTHER,
    }
)
"""What says nothing of the promotion: it continues to wait."""


@dataclass(frozen=True)
class DueOutcome:
    """The outcome of a promotion that was due. ``revision`` records it; ``findings``: why it was not carried out."""

    promotion: ScheduledPromotion
    revision: RevisionRow
    findings: tuple[Diagnostic, ...] = ()


def run_due(session: Session, clock: Callable[[], datetime]) -> Iterator[DueOutcome]:
    """Carry out what is due, one after another in the order of their times. Raises Refused if the store cannot be used.

    ``clock`` gives the current time in UTC.
    """
    with session.existing() as store:
        serials = scheduled.due_serials(store.database, utc(clock()))
    for serial in serials:
        outcome = _run(session, serial, clock)
        if outcome is not None:
            yield outcome


def _run(session: Session, serial: int, clock: Callable[[], datetime]) -> DueOutcome | None:
    """The outcome; None if it is not due by the history, or somebody else has ended it."""
    now = utc(clock())
    with session.existing() as store:
        promotion = scheduled.named(store.database, serial)
        if promotion is None or promotion.due > now or scheduled.ending(store.database, serial) is not None:
            return None
        by = Stages(store).names.operator(promotion.by, serial)
    acting = replace(
        session,
        operator=by,
        email="",
        user="",
        now=now,
        message=promotion.message,
        override_impact=promotion.override_impact,
        lock_timeout=max(session.lock_timeout, PATIENCE),
        scopes=None,
        through_server=True,
        scheduled=serial,
    )
    try:
        with session.existing() as store:
            check_standing(store, serial, now)
            plan = scheduled.plan_text(store.database, serial)
        read = decode(enveloped(plan.encode()), f"the plan that revision {serial} scheduled")
        return DueOutcome(promotion, apply(acting, read).revision)
    except Refused as refused:
        if any(finding.code in _OF_THE_STORE for finding in refused.diagnostics):
            raise
        findings = refused.diagnostics
    return _refused(acting, promotion, findings)


def _refused(session: Session, promotion: ScheduledPromotion, findings: tuple[Diagnostic, ...]) -> DueOutcome | None:
    """Record that a promotion was not carried out, and why; None if it has ended meanwhile."""
    reasons = [*_reasons(findings)]
    recorded: list[Json] = [*reasons]
    details: dict[str, Json] = {scheduled.ENDED: promotion.serial, "refused": recorded}
    events: list[Json] = [{"address": each["address"], "code": each["code"], "who": []} for each in reasons]
    notices = tuple(
        Notice("promotion.blocked", name, {"count": len(events), "scheduled": promotion.serial, "blocked": events})
        for name in promotion.environments
    )
    draft = Draft(
        scheduled.REFUSED,
        session.operator,
        session.now,
        promotion.message,
        promotion.plan_digest,
        details=details,
        notices=notices,
    )
    try:
        with (
            session.writing() as store,
            store.lock(who=session.operator, timeout=session.lock_timeout, waiting=session.waiting),
            store.transaction(),
        ):
            scheduled.check_waiting(store.database, promotion.serial)
            revision = store.append(draft)
            scheduled.end(store.database, promotion.serial, revision.serial)
    except Refused as refused:
        if any(finding.code is Code.NOT_SCHEDULED for finding in refused.diagnostics):
            return None
        raise
    return DueOutcome(promotion, revision, findings)


def _reasons(findings: tuple[Diagnostic, ...]) -> Iterator[dict[str, Json]]:
    """What the history keeps of why a promotion was refused: everybody may read it, so nothing about contacts."""
    for finding in without_contact_details(findings)[:RECORDED]:
        counted = finding.code is Code.IMPACT
        summary = f"it takes more offers from contacts than {finding.address} allows" if counted else finding.summary
        yield {"code": finding.code.value, "summary": summary[:500], "address": finding.address}
