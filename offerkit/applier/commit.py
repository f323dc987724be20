"""Committing a verified plan: its steps, and nothing else, as one new revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from offerkit.address import Kind, parse_address, parse_stage
from offerkit.address import Stage as StageName
from offerkit.applier.verify import Verified
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval, keys_of, standing
from offerkit.planning.plan import Plan, Step, plan_digest
from offerkit.store import ChangeRow, Draft, RevisionRow, Store
from offerkit.store.views import stage_view


@dataclass(frozen=True)
class Applied:
    """The revision that was made, and whether the base had moved without mattering."""

    revision: RevisionRow
    base_moved: bool


def commit(
    verified: Verified, *, actor: str, time: str, message: str = "", details: Mapping[str, Json] | None = None
) -> Applied:
    """Append the steps of a plan exactly as one revision, signed by ``actor``; inside the transaction of its checks.

    ``time`` is ISO 8601 in UTC; ``message`` and ``details`` are kept with the revision.
    """
    plan, store = verified.plan, verified.store
    draft = Draft(
        action=plan.kind,
        actor=actor,
        time=time,
        message=message,
        plan_digest=plan_digest(plan),
        changes=tuple(map(_row, plan.steps)),
        approvals=tuple(_carried(plan, store)),
        bodies=plan.bodies,
        details=details or {},
    )
    return Applied(store.append(draft), verified.base_moved)


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
