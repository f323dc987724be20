"""Whether a scheduled promotion still counts, whatever its plan says; also under the lock that carries it out."""

from __future__ import annotations

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, refuse
from offerkit.store import Store, backups, scheduled
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.argument_values import shown_time


def check_standing(store: Store, serial: int, now: str) -> None:
    """Raise Refused unless what revision ``serial`` scheduled still waits, and still counts at ``now`` (UTC)."""
    scheduled.check_waiting(store.database, serial)
    promotion = scheduled.named(store.database, serial)
    if promotion is None:
        raise scheduled.not_waiting(serial)
    if promotion.not_after and now > promotion.not_after:
        raise refuse(
            Code.SCHEDULE_LAPSED,
            f"the promotion that revision {serial} scheduled was found too late: its latest time was"
            f" {shown_time(store, promotion.environments, promotion.not_after)}",
            hint="Schedule it again. Something must carry out what is due: offerkit serve, or offerkit run-due.",
        )
    restores = store.revisions(action=backups.ACTION, limit=1)
    if restores and restores[0].serial > serial:
        raise refuse(
            Code.SCHEDULE_LAPSED,
            f"the promotion that revision {serial} scheduled no longer counts: the store was restored since",
            hint="Look at what is live, and schedule it again.",
        )
    if not scheduled.is_plan(promotion, scheduled.plan_text(store.database, serial)):
        raise refuse(
            Code.SCHEDULE_LAPSED,
            f"the plan that revision {serial} scheduled was edited in the store, or is gone",
            hint="Run “offerkit audit verify”.",
        )
    by = Stages(store).names.operator(promotion.by, serial)
    left = store.last_left(StageRef(SHARED, Stage.DESIGN), Address(SHARED, Kind.OPERATOR, by))
    if promotion.time <= left:
        raise refuse(
            Code.NOT_ALLOWED,
            f"the operator {by[:80]} who scheduled it was removed since",
            detail="A later operator of the same name is another person.",
            hint="Let somebody who may promote schedule it again.",
        )
