"""Executing a plan: lock, check that it is not stale, one transaction, one new revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from offerkit.address import Kind, parse_address, parse_stage
from offerkit.address import Stage as StageName
from offerkit.applier.verify import verify
from offerkit.fingerprint import Json
from offerkit.governance.approval import Approval
from offerkit.governance.aspects import keys_of
from offerkit.governance.standing import standing
from offerkit.planning.codec import plan_digest
from offerkit.planning.plan import Plan, Step
from offerkit.store import ChangeRow, Draft, Holder, RevisionRow, Store
from offerkit.store.views import stage_view


@dataclass(frozen=True)
class Applied:
    """The revision that was made, and whether the base had moved without mattering."""

    revision: RevisionRow
    base_moved: bool


@dataclass(frozen=True)
class Run:
    """Who applies, when (ISO, UTC), how long to wait for the lock in seconds, and a message for the history.

    ``authorize`` is asked once the store is locked, and gives the name to sign with; it raises Refused when
    the operator may not, or no longer. ``gate`` is asked last, of a plan that is neither stale nor odd, and
    raises Refused when what the plan would make is not to be; what it gives is recorded with the revision.
    """

    actor: str
    time: str
    lock_timeout: float = 0.0
    message: str = ""
    waiting: Callable[[Holder], None] | None = None
    authorize: Callable[[], str] | None = None
    gate: Callable[[], Mapping[str, Json]] | None = None


def apply(plan: Plan, store: Store, run: Run) -> Applied:
    """Execute the steps of ``plan`` exactly, or change nothing.

    Raises Refused when the plan is stale or the lock is held by another.
    """
    with store.lock(who=run.actor, timeout=run.lock_timeout, waiting=run.waiting), store.transaction():
        # While this run waited for the lock, its operator may have lost the right, or the profile.
        actor = run.authorize() if run.authorize is not None else run.actor
        moved = verify(plan, store)
        details = run.gate() if run.gate is not None else {}
        draft = Draft(
            action=plan.kind,
            actor=actor,
            time=run.time,
            message=run.message,
            plan_digest=plan_digest(plan),
            changes=tuple(map(_row, plan.steps)),
            approvals=tuple(_carried(plan, store)),
            bodies=plan.bodies,
            details=details,
        )
        return Applied(store.append(draft), moved)


def _row(step: Step) -> ChangeRow:
    return ChangeRow(0, step.stage, step.address, step.action, step.before, step.after, step.moved_from, step.reason)


def _carried(plan: Plan, store: Store) -> Iterator[Approval]:
    """Decisions follow an offer that is renamed in design: what was decided on is still the same."""
    renamed = {
        step.moved_from: step.address
        for step in plan.steps
        if step.moved_from
        and parse_address(step.address).kind is Kind.OFFER
        and parse_stage(step.stage).stage is StageName.DESIGN
    }
    if not renamed:
        return
    decisions = standing(store.approvals(renamed))
    design = stage_view(store, StageName.DESIGN, {parse_address(address).environment for address in renamed})
    for key in [key for old in sorted(renamed) for key in keys_of(design, old)]:
        approval = decisions.get(key)
        if approval is not None:
            moved = replace(key, address=renamed[key.address])
            comment = f"carried over from {key.address}, {approval.decision} in revision {approval.revision}"
            yield Approval(moved, approval.decision, approval.operator, comment)
