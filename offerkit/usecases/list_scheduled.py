"""``scheduled``: scheduled promotions with their outcomes, the freezes against them, and their plans."""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.plans.plan import Plan, decode, enveloped
from offerkit.reports.scheduled import ScheduledItem
from offerkit.store import Store, scheduled
from offerkit.store.scheduled import ScheduledPromotion
from offerkit.store.stage_snapshots import Stages
from offerkit.times import instant
from offerkit.usecases.argument_values import known_environments, shown_time
from offerkit.usecases.promotion_times import closed_at


def list_scheduled(store: Store, *, everything: bool = False, environment: str = "") -> list[ScheduledItem]:
    """The promotions that wait, the next one first; with ``everything``, also those that ended.

    ``environment``: only those of it, if given.

    Raises Refused if there is no such environment.
    """
    stages = Stages(store)
    known_environments(filter(None, [environment]), stages.environments)
    found = scheduled.scheduled(store.database, everything=everything)
    return [_item(store, stages, one) for one in found if not environment or environment in one.environments]


def _item(store: Store, stages: Stages, promotion: ScheduledPromotion) -> ScheduledItem:
    closed: Sequence[str] = ()
    if promotion.ended is None:
        by = stages.names.operator(promotion.by, promotion.serial)
        found, _ = closed_at(stages, promotion.environments, instant(promotion.due), by)
        closed = [one.summary for one in found]
    ended = promotion.ended
    return ScheduledItem(
        promotion.serial,
        promotion.state,
        due=promotion.due,
        due_shown=shown_time(store, promotion.environments, promotion.due),
        not_after=promotion.not_after,
        not_after_shown=shown_time(store, promotion.environments, promotion.not_after) if promotion.not_after else "",
        by=promotion.by,
        time=promotion.time,
        message=promotion.message,
        environments=promotion.environments,
        steps=promotion.steps,
        plan=promotion.plan_digest,
        closed=closed,
        ended=ended.time if ended is not None else "",
        ended_by=ended.actor if ended is not None else "",
        ended_in=ended.serial if ended is not None else 0,
        ended_message=ended.message if ended is not None else "",
        reasons=[(str(why.get("code")), str(why.get("summary")), str(why.get("address"))) for why in promotion.why],
    )


def scheduled_plan(store: Store, serial: int) -> Plan:
    """The plan that revision ``serial`` scheduled. Raises Refused if it scheduled none, or the plan was edited."""
    promotion = scheduled.named(store.database, serial)
    if promotion is None:
        known = [str(one.serial) for one in scheduled.scheduled(store.database, everything=True)]
        raise refuse(
            Code.NOT_SCHEDULED,
            f"revision {serial} scheduled no promotion",
            hint=suggestion(str(serial), known, "“offerkit scheduled list --all” shows what was scheduled."),
        )
    text = scheduled.plan_text(store.database, serial)
    if not scheduled.is_plan(promotion, text):
        raise refuse(
            Code.SCHEDULE_LAPSED,
            f"the plan that revision {serial} scheduled was edited in the store, or is gone",
            hint="Run “offerkit audit verify”.",
        )
    return decode(enveloped(text.encode()), f"the plan that revision {serial} scheduled")
