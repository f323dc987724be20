"""Whether a plan may do what it says: a plan file is only a file, so its steps are checked, not trusted."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind, Stage, parse_address, parse_stage
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.governance.gate import unapproved
from offerkit.governance.standing import standing
from offerkit.planning.plan import Action, Entry, Plan, PlanKind, Step
from offerkit.planning.view import Layered
from offerkit.store import Store
from offerkit.store.views import environments, view


def check_sound(plan: Plan, store: Store) -> None:
    """Refuse a plan whose steps are not such as a plan of its kind has; call inside the transaction."""
    found = [_odd(step, plan) for step in plan.steps if not _fits(step, plan)]
    if not found and plan.kind is PlanKind.PROMOTE:
        found += _ungated(plan, store)
    if not found and plan.kind is PlanKind.ROLLBACK:
        found += _not_a_return(plan, store)
    if found:
        raise Refused(found)


def _fits(step: Step, plan: Plan) -> bool:
    try:
        place, stage = parse_address(step.address), parse_stage(step.stage)
        old = parse_address(step.moved_from) if step.moved_from else place
    except ValueError:
        return False
    live = stage.stage is Stage.LIVE
    offer = place.kind is Kind.OFFER
    entries = [entry for entry in (step.before, step.after) if entry is not None]
    if (old.environment, old.kind, stage.at) != (place.environment, place.kind, None):
        return False
    if stage.environment != place.environment or any((e.activation is not None) != (live and offer) for e in entries):
        return False
    if step.after is not None and plan.bodies[step.after.fingerprint].kind != place.kind:
        return False
    match plan.kind:
        case PlanKind.APPLY:
            return live == (place.kind is Kind.CAMPAIGN)
        case PlanKind.PROMOTE:
            return live and place.kind is not Kind.OPERATOR
        case PlanKind.PURGE:
            return live and offer and step.action is Action.DELETE and step.before == Entry(_print(step), ())
        case PlanKind.ROLLBACK:
            return True


def _print(step: Step) -> str:
    return step.before.fingerprint if step.before is not None else ""


def _odd(step: Step, plan: Plan) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_EDITED,
        f"the plan cannot be right: “{step.action} {step.address} in {step.stage}” is no step of a {plan.kind} plan",
        hint="Make the plan again.",
        address=step.address,
    )


def _ungated(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    names = sorted({*environments(store), *(step.stage.partition("@")[0] for step in plan.steps)} | {"shared"})
    before = view(store, [f"{name}@{Stage.LIVE}" for name in names])
    entries = dict(before.entries)
    for step in plan.steps:
        entries.pop(step.moved_from or step.address, None)
    entries |= {step.address: step.after for step in plan.steps if step.after is not None}
    after = before.with_entries(entries, Layered(plan.bodies, before.bodies))
    touched = {step.address for step in plan.steps} | {step.moved_from for step in plan.steps}
    origins = {step.address: step.moved_from for step in plan.steps if step.moved_from}
    offers = [address for address in entries if parse_address(address).kind is Kind.OFFER]
    yield from unapproved(before, after, touched, origins, standing(store.approvals(offers)))


def _not_a_return(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    for stage in sorted({step.stage for step in plan.steps}):
        then = store.entries_at(stage, plan.to)
        for step in plan.steps:
            if step.stage == stage and then.get(step.address) != step.after:
                yield _odd(step, plan)
