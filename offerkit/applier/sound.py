"""Whether a plan may do what it says: a plan file is only a file, so its steps are checked, not trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from offerkit.address import SHARED, Kind, Stage, parse_address, parse_stage
from offerkit.applier.resolved import unresolved
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import JsonMap
from offerkit.governance.approval import Decision
from offerkit.governance.gate import unapproved
from offerkit.governance.rights import without_administrator
from offerkit.governance.standing import counting, standing
from offerkit.planning.fields import concealed, field_changes, field_changes_by_place
from offerkit.planning.plan import FieldChange, Plan, PlanKind, Step
from offerkit.state.changes import Action, delta, with_changes
from offerkit.state.entries import Body, Entry, Layered
from offerkit.store import Store
from offerkit.store.views import StoredBodies, environments, view


def check_sound(plan: Plan, store: Store) -> None:
    """Refuse a plan whose steps are not such as a plan of its kind has; call inside the transaction."""
    found = [_odd(step, plan) for step in plan.steps if not _fits(step, plan)]
    if not found and plan.kind is PlanKind.PROMOTE:
        found += [*_not_from_design(plan, store), *_ungated(plan, store)]
    if not found and plan.kind is PlanKind.ROLLBACK:
        found += _not_a_return(plan, store)
    if not found:
        found += [*_misdescribed(plan, store), *_leaderless(plan, store)]
    if not found and plan.kind is PlanKind.APPLY:
        found += unresolved(plan, store)
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
    after = before.apply(plan.steps, plan.bodies)
    touched = {step.address for step in plan.steps} | {step.moved_from for step in plan.steps}
    origins = {step.address: step.moved_from for step in plan.steps if step.moved_from}
    offers = [address for address in after.entries if parse_address(address).kind is Kind.OFFER]
    design = view(store, [f"{name}@{Stage.DESIGN}" for name in names])
    decisions = counting(standing(store.approvals(offers)), design)
    yield from unapproved(before, after, touched, origins, decisions)


def _not_from_design(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    """Steps of a promotion that are not what design says: live gets nothing from anywhere else."""
    stages = {step.stage for step in plan.steps}
    design = {stage: store.entries(stage.replace(f"@{Stage.LIVE}", f"@{Stage.DESIGN}")) for stage in stages}
    refused = {a.key.address for a in store.approvals() if a.decision is Decision.REJECTED}
    for step in plan.steps:
        kind = parse_address(step.address).kind
        there = design[step.stage].get(step.address)
        if kind is Kind.CAMPAIGN:
            continue
        if step.after is not None and step.after.activation != ():
            right = there is not None and there.fingerprint == step.after.fingerprint
        elif kind is Kind.OFFER:
            right = step.after is not None and (there is None or step.address in refused)
        else:
            right = there is None
        if not right:
            yield _odd(step, plan)


def _not_a_return(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    """Steps of a rollback that do not take the whole stage back to what it was; campaigns stay out of it."""
    for stage in sorted({step.stage for step in plan.steps}):
        now, then = store.entries(stage), store.entries_at(stage, plan.to)
        found = [step for step in plan.steps if step.stage == stage]
        made = {(step.address, step.before, step.after, step.moved_from) for step in found}
        wanted = [
            {
                (d.address, d.before, d.after, d.moved_from)
                for d in delta(stage, now, then, moves)
                if parse_address(d.address).kind is not Kind.CAMPAIGN
            }
            for moves in (store.renames_since(stage, plan.to), {})  # earlier versions took renames for other changes
        ]
        if made not in wanted:
            yield _odd(found[0], plan)


def _misdescribed(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    """Steps that say something else than they do: what people read in a plan must be what is done."""
    bodies = StoredBodies(store)
    bodies.fetch(step.before.fingerprint for step in plan.steps if step.before is not None)
    for step in plan.steps:
        before = _read(bodies, step.before)
        after = _read(plan.bodies, step.after)
        label = str((after if after is not None else before or {}).get("label", ""))
        if (_action(step), label) != (step.action, step.label) or not _describe(concealed(step.changes), before, after):
            yield _odd(step, plan)


def _describe(changes: tuple[FieldChange, ...], before: JsonMap | None, after: JsonMap | None) -> bool:
    """Whether ``changes`` are those between two bodies, as this version tells them or as earlier ones did."""
    if before is None or after is None:
        return not changes
    return any(changes == concealed(tell(before, after)) for tell in (field_changes, field_changes_by_place))


def _read(bodies: Mapping[str, Body], entry: Entry | None) -> JsonMap | None:
    body: JsonMap | None = orjson.loads(bodies[entry.fingerprint].text) if entry is not None else None
    return body


def _action(step: Step) -> Action:
    if step.moved_from:
        return Action.MOVE
    if step.before is None:
        return Action.CREATE
    if step.after is None:
        return Action.DELETE
    return Action.DEACTIVATE if step.before.activation and step.after.activation == () else Action.UPDATE


def _leaderless(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    """A change of operators after which no administrator would be left."""
    stage = f"{SHARED}@{Stage.DESIGN}"
    steps = [s for s in plan.steps if s.stage == stage and parse_address(s.address).kind is Kind.OPERATOR]
    if not steps:
        return
    operators = with_changes(store.entries(stage, Kind.OPERATOR), steps)
    bodies = Layered(plan.bodies, StoredBodies(store))
    left = [orjson.loads(bodies[entry.fingerprint].text) for entry in operators.values()]
    found = without_administrator(left, steps[0].address)
    if found is not None:
        yield found
