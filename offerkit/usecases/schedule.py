"""``promote --at``: a promotion that is stored with its plan, for a time; and withdrawing it.

Nothing changes in live until then. What is carried out then is :mod:`offerkit.usecases.run_due`'s.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from offerkit.address import Stage
from offerkit.applier import change_rows, verify
from offerkit.diagnostics import Code, Diagnostic, Refused, and_list, or_list, refuse
from offerkit.fingerprint import Json
from offerkit.governance.rights import TokenScope, may_withdraw_scheduled, missing_scopes
from offerkit.governance.signatures import changes_digest
from offerkit.plans.plan import Plan, encode, plan_digest
from offerkit.store import Draft, RevisionRow, Store, scheduled
from offerkit.store.rows import change_text
from offerkit.store.stage_snapshots import Stages
from offerkit.times import common_zone, instant, instants_of, local, utc
from offerkit.usecases.apply import entitled_actor
from offerkit.usecases.argument_values import shown_time, zones_of_stage
from offerkit.usecases.promotion_times import promoted_environments
from offerkit.usecases.requests import ScheduleRequest
from offerkit.usecases.session import Session, promoters, who_is
from offerkit.usecases.signing import sealed, signed

FURTHEST = timedelta(days=732)
"""How far ahead a promotion can be scheduled; further is a mistyped year."""
MOST_WAITING = 200
"""How many promotions can wait at once."""
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)


def schedule(session: Session, plan: Plan, request: ScheduleRequest) -> RevisionRow:
    """Store a promotion for its time. Raises Refused as applying it now would, except for freezes and windows."""
    session = signed(session, lambda store: _drafted(session, store, plan, request))
    return session.backend.schedule(session, plan, request)


def schedule_here(session: Session, plan: Plan, request: ScheduleRequest) -> RevisionRow:
    """:func:`schedule` on the machine that has the store."""
    actor = entitled_actor(session, plan)
    check_request(session, plan, request)
    if session.override_impact:
        from offerkit.usecases.impact_limit import check_impact_reason  # imports the engine

        check_impact_reason(session.override_impact)
    with (
        session.writing() as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        actor = entitled_actor(session, plan, store)  # the operator's rights may have changed meanwhile
        verified = verify(plan, store)
        if plan.was_read:
            # Imports all planners.
            from offerkit.usecases.plan_explanation import check_explanation

            check_explanation(session, verified)
        if scheduled.count_waiting(store.database) >= MOST_WAITING:
            raise refuse(
                Code.SCHEDULE_FULL,
                f"{MOST_WAITING} promotions are scheduled already",
                hint="Withdraw some: offerkit scheduled list",
            )
        draft = sealed(session, store, _drafted(session, store, plan, request))
        check_unscheduled(store, plan)
        return scheduled.add(store.database, draft, request.due, encode(plan).decode())


def _drafted(session: Session, store: Store, plan: Plan, request: ScheduleRequest) -> Draft:
    """The revision that schedules ``plan``."""
    facts: dict[str, Json] = {
        "due": request.due,
        "not_after": request.not_after,
        "environments": list(promoted_environments(store, plan)),
        "steps": len(plan.steps),
        "changes": _changes(plan),
    }
    facts |= {"override_impact": session.override_impact} if session.override_impact else {}
    who, digest = who_is(session, store).name, plan_digest(plan)
    return Draft(scheduled.SCHEDULE, who, session.now, session.message, digest, details={scheduled.DETAILS: facts})


def check_unscheduled(store: Store, plan: Plan) -> None:
    """Raise Refused if a promotion that makes exactly the changes of ``plan`` waits for its time."""
    changes = _changes(plan)
    for one in scheduled.scheduled(store.database):
        if one.changes == changes and scheduled.ending(store.database, one.serial) is None:
            raise refuse(
                Code.ALREADY_SCHEDULED,
                f"revision {one.serial} has scheduled this promotion already, for"
                f" {shown_time(store, one.environments, one.due)} by {one.by[:80]}",
                detail="It would be carried out once, and then refused.",
                hint=f"To change its time, withdraw it first: offerkit scheduled withdraw {one.serial} --message TEXT",
            )


def _changes(plan: Plan) -> str:
    return changes_digest(map(change_text, change_rows(plan)))


def withdraw(session: Session, serial: int, reason: str) -> RevisionRow:
    """Take a scheduled promotion back. Raises Refused if it does not wait, or the operator lacks the right."""
    if found := missing_scopes(session.scopes, (TokenScope.PROMOTE,), session.operator):
        raise Refused(found)
    return session.backend.withdraw_scheduled(session, serial, reason)


def withdraw_here(session: Session, serial: int, reason: str) -> RevisionRow:
    """:func:`withdraw` on the machine that has the store."""
    with session.existing() as store:
        who = who_is(session, store).name
    with (
        session.writing() as store,
        store.lock(who=who, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        actor = who_is(session, store)
        promotion = scheduled.named(store.database, serial)
        if promotion is None or scheduled.ending(store.database, serial) is not None:
            raise scheduled.not_waiting(serial)
        by = Stages(store).names.operator(promotion.by, serial)
        refused = may_withdraw_scheduled(actor, by, promotion.environments, promoters(store))
        if refused is not None:
            raise Refused([refused])
        details: dict[str, Json] = {scheduled.ENDED: serial}
        draft = Draft(scheduled.WITHDRAW, actor.name, session.now, reason, promotion.plan_digest, details=details)
        revision = store.append(draft)
        scheduled.end(store.database, serial, revision.serial)
        return revision


def due_time(session: Session, plan: Plan, text: str) -> datetime:
    """The time that ``text`` names, on the clocks of the environments that ``plan`` promotes, or with an offset.

    Raises Refused for a day alone, and for local times that do not exist, occur twice, or differ between environments.
    """
    try:
        moment = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise refuse(
            Code.SCHEDULE_TIME,
            f"“{text[:60]}” is not a time",
            hint="Write a day and a time, as in 2026-12-07T06:00, or with an offset: 2026-12-07T06:00+01:00.",
        )
    if moment.tzinfo is not None:
        return _in_calendar(moment, text)
    with session.existing() as store:
        zones = zones_of_stage(store, Stage.LIVE, promoted_environments(store, plan))
    if len(set(zones.values())) > 1:
        named = and_list(sorted(f"{name} has {zone}" for name, zone in zones.items()))
        raise refuse(
            Code.SCHEDULE_TIME,
            f"“{text[:60]}” is not the same time for all environments of this promotion",
            detail=f"{named}.",
            hint="Write the time with an offset, as in 2026-12-07T06:00+01:00.",
        )
    zone = common_zone(zones.values())
    try:
        found = instants_of(moment, zone)
    except OverflowError:
        found = ()
    if len(found) == 1:
        return _in_calendar(found[0], text)
    written = or_list([local(each, zone).isoformat(timespec="minutes") for each in found])
    raise refuse(
        Code.SCHEDULE_TIME,
        f"“{text[:60]}” {'occurs twice' if found else 'does not exist'} in {zone}: clocks change then",
        hint=f"Write it with its offset: {written}." if found else "Choose a time before or after the change.",
    )


def _in_calendar(moment: datetime, text: str) -> datetime:
    if not 2 <= moment.year <= 9998:
        raise refuse(Code.SCHEDULE_TIME, f"“{text[:60]}” is outside the calendar")
    return moment


def check_request(session: Session, plan: Plan, request: ScheduleRequest) -> None:
    """Raise Refused unless ``plan`` is a promotion, and its times are ahead, in order and not too far."""
    found = []
    if not plan.promotes:
        found.append(
            Diagnostic(
                Code.SCHEDULE_FULL,
                "there is nothing to schedule: the plan promotes nothing",
                "",
                "“offerkit approvals” lists what waits for an approval.",
            )
        )
    if request.due <= session.now:
        found.append(
            Diagnostic(
                Code.SCHEDULE_TIME,
                f"{_shown(session, plan, request.due)} is already past",
                hint="Name a time that is ahead, or promote now: leave out --at.",
            )
        )
    if request.due > utc(instant(session.now) + FURTHEST):
        found.append(
            Diagnostic(
                Code.SCHEDULE_TIME,
                f"{_shown(session, plan, request.due)} is more than {FURTHEST.days} days ahead",
                hint="Check the year.",
            )
        )
    if request.not_after and request.not_after < request.due:
        due, latest = (_shown(session, plan, time) for time in (request.due, request.not_after))
        found.append(
            Diagnostic(
                Code.SCHEDULE_TIME,
                f"the latest time, {latest}, is before the scheduled one, {due}",
                hint="Name a later --not-after.",
            )
        )
    if found:
        raise Refused(found)


def _shown(session: Session, plan: Plan, time: str) -> str:
    """A time as operators of the environments that ``plan`` promotes read it."""
    with session.existing() as store:
        return shown_time(store, promoted_environments(store, plan), time)
