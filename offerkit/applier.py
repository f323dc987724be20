"""The applier: a plan's saved steps, verified against the store as it is now, and committed as one revision.

A plan file is only a file, so nothing in it is trusted. Stale is judged by meaning (docs/plans.md): a base that moved
is fine if nothing that matters moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import orjson

from offerkit.address import KEPT_BY_ROLLBACK, SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import Json, JsonMap, manifest_digest
from offerkit.governance.approvals import Decision, approved, unapproved
from offerkit.governance.returns import WayBack
from offerkit.governance.rights import without_administrator
from offerkit.governance.settings import KINDS, unapproved_settings
from offerkit.governance.stops import Stops, following, still_stopped
from offerkit.governance.withdrawals import ended_earlier, is_withdrawal, lengthened, takes_off
from offerkit.models import model_of
from offerkit.planning.fields import concealed, field_changes, field_changes_by_place
from offerkit.planning.make import not_live
from offerkit.planning.plan import FieldChange, Plan, PlanKind, StageBase, Step, plan_digest
from offerkit.state.changes import Action, Body, Entry, Former
from offerkit.state.references import may_wait, references_of, resource_refs
from offerkit.state.snapshot import BeforeAfter
from offerkit.store import ChangeRow, Draft, RevisionRow, Store
from offerkit.store.holds import holds
from offerkit.store.returning import Return
from offerkit.store.views import EMPTY, Stages


@dataclass(frozen=True)
class Verified:
    """A plan that :func:`verify` found to be true and sound, and the store that it was verified against.

    Nothing else makes one, and :func:`commit` takes nothing else. ``base_moved``: whether the base had
    moved without mattering. ``stages``: what was read of the store for that.
    """

    plan: Plan
    store: Store
    base_moved: bool
    stages: Stages
    stops: Stops


def verify(plan: Plan, store: Store) -> Verified:
    """``plan``, verified against what stands in ``store`` now: call it inside the transaction that commits the plan.

    Raises Refused: what the plan relies on is not as it was (every conflicting address, who changed it and when), or
    its steps are not such as a plan of its kind has.
    """
    stages = Stages(store)
    stops = stages.stops
    moved = _check_fresh(plan, store, stages)
    _check_steps(plan, store, stages, stops)
    return Verified(plan, store, moved, stages, stops)


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
        approvals=tuple(following(verified.stops, plan.steps)),
        bodies=plan.bodies,
        details=details or {},
    )
    return Applied(store.append(draft), verified.base_moved)


def _row(step: Step) -> ChangeRow:
    return ChangeRow(0, step.stage, step.address, step.action, step.before, step.after, step.moved_from, step.reason)


def _check_fresh(plan: Plan, store: Store, stages: Stages) -> bool:
    if plan.project and plan.project != store.project:
        raise Refused(
            [
                Diagnostic(
                    Code.PLAN_PROJECT,
                    "the plan was made for the store of another project",
                    f"It names project {plan.project[:12]}, and this is {store.project[:12]}.",
                    "Make the plan against this store.",
                )
            ]
        )
    if found := list(_baseless(plan, store, stages)):
        raise Refused(found)
    heads = stages.heads
    moved = {
        base.stage: base.revision
        for base in plan.base
        if (heads[base.stage].revision if base.stage in heads else 0) != base.revision
        or (base.stage in heads and heads[base.stage].digest != base.digest)
    }
    moved |= {step.stage: 0 for step in plan.steps if all(base.stage != step.stage for base in plan.base)}
    conflicts = list(_conflicts(plan, store, stages, moved))
    if conflicts:
        raise Refused(conflicts)
    return bool(moved)


def _baseless(plan: Plan, store: Store, stages: Stages) -> Iterator[Diagnostic]:
    """Stages that the plan changes without saying what they were, or of which it says what they never were."""
    said = {base.stage: base for base in plan.base}
    for stage in sorted({step.stage for step in plan.steps} | said.keys()):
        base = said.get(stage)
        if base is not None and stages.base(stage) == base:
            continue
        if base is None:
            yield Diagnostic(
                Code.PLAN_EDITED,
                f"the plan cannot be right: it does not say what {stage} was when it was made",
                hint="Make the plan again.",
            )
        elif not _was(base, store, stages):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {stage} never was what it was made against",
                "The store was restored since, or the plan was made elsewhere.",
                "Make the plan again.",
            )


def _was(base: StageBase, store: Store, stages: Stages) -> bool:
    """Whether a stage that moved once stood as ``base`` says."""
    head = stages.heads.get(base.stage)
    if not base.revision or head is None:
        return base == StageBase(base.stage, 0, EMPTY)
    if not 0 < base.revision < head.revision:
        return False
    then = store.entries_at(base.stage, base.revision)
    return base.digest == manifest_digest((a, entry.fingerprint, entry.activation_text) for a, entry in then.items())


def _conflicts(plan: Plan, store: Store, stages: Stages, moved: Mapping[StageRef, int]) -> Iterator[Diagnostic]:
    changed: dict[StageRef, list[Address]] = {}
    vacated = {(step.stage, step.moved_from) for step in plan.steps if step.moved_from}
    for step in plan.steps:
        source = step.moved_from or step.address
        if stages.entries(step.stage).get(source) != step.before:
            changed.setdefault(step.stage, []).append(source)
        taken = step.address in stages.entries(step.stage) and (step.stage, step.address) not in vacated
        if step.moved_from and taken:
            changed.setdefault(step.stage, []).append(step.address)
    for depends in plan.depends:
        entry = stages.entries(depends.stage).get(depends.address)
        if (entry.fingerprint if entry is not None else "") != depends.fingerprint:
            changed.setdefault(depends.stage, []).append(depends.address)
    for stage, addresses in sorted(changed.items()):
        last = store.last_change(stage, addresses)
        for address in addresses:
            yield _conflict(store, stage, address, last.get(address))
    for stage, serial in sorted(moved.items()):
        yield from _changed_back(plan, store, stage, serial, changed.get(stage, ()))
        yield from _named_since(plan, store, stage, serial)
    for stage in sorted({step.stage for step in plan.steps if step.address.kind is Kind.CAMPAIGN}):
        yield from _no_longer_live(plan, stage, stages)
    yield from _withdrawn(plan, stages)


def _changed_back(
    plan: Plan, store: Store, stage: StageRef, serial: int, known: Collection[Address]
) -> Iterator[Diagnostic]:
    """What stands as the plan found it, but was changed and taken back since: the plan would put that back."""
    here = {a for step in plan.steps if step.stage == stage for a in (step.address, step.moved_from) if a}
    for address, row in sorted(store.last_change(stage, here.difference(known)).items()):
        if row.serial > serial:
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {address} in {stage} was changed, and changed back, since the plan was made",
                _who(store, row),
                "Make the plan again and look at what is different.",
                address,
            )


def _conflict(store: Store, stage: StageRef, address: Address, change: ChangeRow | None) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_STALE,
        f"the plan is stale: {address} in {stage} is not as it was when the plan was made",
        _who(store, change) if change is not None else "",
        "Make the plan again and look at what is different.",
        address,
    )


def _who(store: Store, change: ChangeRow) -> str:
    revision = store.revision(change.serial)
    if revision is None:
        return ""
    return f"Changed ({change.action}) in revision {revision.serial} by {revision.actor}, {revision.time[:19]}Z."


def _named_since(plan: Plan, store: Store, stage: StageRef, serial: int) -> Iterator[Diagnostic]:
    """What goes by the plan but was named by a resource that came or changed since."""
    going: dict[Address, Step] = {
        step.moved_from or step.address: step
        for step in plan.steps
        if step.stage == stage and (step.after is None or step.moved_from)
    }
    if not going:
        return
    touched = {step.address for step in plan.steps} | {step.moved_from for step in plan.steps}
    rows = {
        r.address: r for r in store.changes_since(stage, serial) if r.after is not None and r.address not in touched
    }
    bodies = store.bodies({row.after.fingerprint for row in rows.values() if row.after is not None})
    for address, row in sorted(rows.items()):
        assert row.after is not None
        named = going.keys() & set(references_of(address, orjson.loads(bodies[row.after.fingerprint].text)))
        for gone in sorted(named):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {address} names {gone}, which the plan removes",
                _who(store, row),
                "Make the plan again and look at what is different.",
                address,
            )


def _no_longer_live(plan: Plan, stage: StageRef, stages: Stages) -> Iterator[Diagnostic]:
    """Campaigns of the plan that name what is live no more; an offer can lose a space and keep its body."""
    here = [step for step in plan.steps if step.stage == stage]
    live = stages.snapshot([stage]).apply(here, plan.bodies)
    for step in here:
        place = step.address
        if place.kind is not Kind.CAMPAIGN or step.after is None:
            continue
        body = orjson.loads(plan.bodies[step.after.fingerprint].text)
        refs = resource_refs(place, model_of(place.kind).model_validate(body))
        for found in not_live(place, refs, body, live):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {found.summary}",
                "A campaign in live may only name what is live.",
                "Make the plan again and look at what is different.",
                step.address,
            )


def _withdrawn(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    if not plan.approvals:
        return
    live = stages.side(Stage.LIVE).of_kind(Kind.OFFER)  # the gate asks about those too: one reading for both
    changed = (step.address for step in plan.steps if step.address.kind in (Kind.OFFER, *KINDS))
    decisions = stages.standing({key.address for key in plan.approvals}.union(live, changed))
    for key in plan.approvals:
        if not approved(decisions, key):
            where = f" on {key.space}" if key.space else ""
            decision = decisions.on(key)
            by = f"{decision.operator} rejected it in revision {decision.revision}." if decision else ""
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: the {key.aspect}{where} of {key.address} is no longer approved",
                by,
                "Make the plan again.",
                key.address,
            )


def _check_steps(plan: Plan, store: Store, stages: Stages, stops: Stops) -> None:
    found = [_odd(step, plan) for step in plan.steps if not _fits(step, plan)]
    if not found and stops and plan.steps_on(Stage.LIVE):
        found += still_stopped(stages.effect(plan, Stage.LIVE).after, _as_renamed(stops, plan, store))
    if not found and plan.kind is PlanKind.PROMOTE:
        found += [*_not_from_design(plan, store, stages), *_ungated(plan, stages), *_held(plan, store, stages)]
    if not found and plan.kind is PlanKind.ROLLBACK:
        found += _not_a_return(plan, store, stages)
    if not found:
        found += [*_misdescribed(plan, stages), *_leaderless(plan, stages)]
    if not found:
        found += _unresolved(plan, stages)
    if found:
        raise Refused(found)


def _fits(step: Step, plan: Plan) -> bool:
    place, stage = step.address, step.stage
    old = step.moved_from or place
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


def _ungated(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    live = stages.effect(plan, Stage.LIVE)
    there = (a for a in live.addresses if a in live.before.entries and a in live.after.entries)
    longer = lengthened(live.after, live.before, ended_earlier(live.before, live.after, there))
    settings = [address for address in live.addresses if address.kind in KINDS]
    decisions = stages.standing([*live.after.of_kind(Kind.OFFER), *settings])
    yield from unapproved(live, decisions, longer)
    yield from unapproved_settings(live, decisions)
    for found in stages.withheld_cases(live):
        yield Diagnostic(
            Code.CASES_CHANGED,
            f"{found.address} would change in live: {found.why}",
            "What live’s cases say is not changed by their author alone.",
            found.how,
            found.address,
        )


def _held(plan: Plan, store: Store, stages: Stages) -> Iterator[Diagnostic]:
    """What a rollback took back and design still has, in a promotion that was not made with --include-rolled-back.

    Before format 2, plans did not say whether they were.
    """
    if plan.rolled_back or plan.format < 2:
        return
    held = holds(store, stages.side(Stage.DESIGN), stages.side(Stage.LIVE))
    for step in plan.steps if held else ():
        if step.address in held and not takes_off(step.before, step.after):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {step.address} is held: {held[step.address]}",
                hint="Change it in design, or promote with --include-rolled-back.",
                address=step.address,
            )


def _as_renamed(stops: Stops, plan: Plan, store: Store) -> Stops:
    """The stops by the names that things have after a plan: its own renames, and those that a rollback goes behind."""
    stops = stops.along({step.moved_from: step.address for step in plan.steps if step.moved_from})
    if plan.kind is not PlanKind.ROLLBACK:
        return stops
    names: dict[Address, Address] = {}
    for stage in {step.stage for step in plan.steps_on(Stage.LIVE)}:
        names |= store.renames_since(stage, plan.to)
    return stops.along(names)


def _not_from_design(plan: Plan, store: Store, stages: Stages) -> Iterator[Diagnostic]:
    """Steps of a promotion that are not what design says: live gets nothing from anywhere else."""
    refused = {a.key.address for a in store.approvals() if a.decision is Decision.REJECTED}
    design, live = stages.side(Stage.DESIGN), stages.effect(plan, Stage.LIVE)
    for step in plan.steps:
        kind = step.address.kind
        there = stages.entries(step.stage.on(Stage.DESIGN)).get(step.address)
        if kind is Kind.CAMPAIGN or (kind is Kind.OFFER and is_withdrawal(design, live, step)):
            continue
        if step.after is not None and step.after.activation != ():
            right = there is not None and there.fingerprint == step.after.fingerprint
        elif kind is Kind.OFFER:
            names = stages.names.family([step.address])
            off = there is None or not refused.isdisjoint(names) or step.before == step.after  # the last: a rename
            right = step.after is not None and off
        else:
            right = there is None
        if not right:
            yield _odd(step, plan)


def _not_a_return(plan: Plan, store: Store, stages: Stages) -> Iterator[Diagnostic]:
    """Steps of a rollback that do not lead back as it says: a whole stage, a part, what one revision changed.

    What was withdrawn since may be in it only if it was asked for.
    """
    if not plan.steps:
        return
    if plan.undoes and (plan.to != plan.undoes - 1 or plan.targets):
        yield _odd(plan.steps[0], plan)
        return
    made = {(step.stage, step.address, step.before, step.after, step.moved_from) for step in plan.steps}
    asked = Return.of(plan, store)
    # Earlier versions took renames for other changes.
    whole = [asked, replace(asked, renames=False)] if not (plan.undoes or plan.targets) else [asked]
    if any(made == _changes(found.way(stages)) for found in whole):
        return
    if any(made == _changes(replace(found, withdrawn=True).way(stages)) for found in whole):
        for offer, why in sorted((asked.way(stages)[Stage.LIVE]).out.items()):
            yield Diagnostic(
                Code.WITHDRAWN,
                f"the plan would bring back {offer}: {why}",
                "What was rejected, switched off or retired stays out of a rollback that does not ask for it.",
                "Make the plan again, or with “offerkit rollback … --include-withdrawn”.",
                offer,
            )
        return
    yield _odd(plan.steps[0], plan)


def _changes(ways: Mapping[Stage, WayBack]) -> set[tuple[StageRef, Address, Entry | None, Entry | None, Former]]:
    return {(d.stage, d.address, d.before, d.after, d.moved_from) for way in ways.values() for d in way.deltas}


def _misdescribed(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    """Steps that say something else than they do: what people read in a plan must be what is done."""
    stages.bodies.fetch(step.before.fingerprint for step in plan.steps if step.before is not None)
    for step in plan.steps:
        before = _read(stages.bodies, step.before)
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


def _leaderless(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    """A change of operators after which no administrator would be left."""
    stage = StageRef(SHARED, Stage.DESIGN)
    steps = [s for s in plan.steps if s.stage == stage and s.address.kind is Kind.OPERATOR]
    if not steps:
        return
    after = stages.snapshot([stage]).apply(steps, plan.bodies)
    operators = [body for address in after.of_kind(Kind.OPERATOR) if (body := after(address)) is not None]
    found = without_administrator(operators, steps[0].address)
    if found is not None:
        yield found


def _unresolved(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    """What would name something that is not there, once the steps were carried out: all of a side is looked at."""
    for side in (Stage.DESIGN, Stage.LIVE):
        if not plan.steps_on(side) or (side is Stage.DESIGN and plan.kind is not PlanKind.APPLY):
            continue
        effect = stages.effect(plan, side)
        yield from _dangling(effect, side)
        renamed = set(effect.origins.values())
        for address, gone in effect.left_behind().items():
            # Campaigns follow what is renamed or rolled back: what they are to name instead is not live before.
            free = address.kind is Kind.CAMPAIGN
            stays = plan.kind is PlanKind.ROLLBACK and address.kind in KEPT_BY_ROLLBACK
            named = [a for a in gone if not (stays or (free and a in renamed))]
            if named:
                yield _names(address, named[0]) if side is Stage.DESIGN else _still_named(address, named[0])


def _dangling(effect: BeforeAfter, side: Stage) -> Iterator[Diagnostic]:
    for step in effect.changes:
        if step.after is None or step.after.activation == ():
            continue
        missing = [
            target
            for target in references_of(step.address, effect.after.read(step.address))
            if target not in effect.after.entries and not (side is Stage.LIVE and may_wait(step.address, target))
        ]
        if missing:
            yield _names(step.address, min(missing))


def _names(address: Address, missing: str) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_EDITED,
        f"the plan cannot be right: {address} names {missing}, which would not be there",
        hint="Make the plan again.",
        address=address,
    )


def _still_named(address: Address, gone: Address) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_STALE,
        f"the plan is stale: {address} names {gone}, which the plan removes",
        hint="Make the plan again and look at what is different.",
        address=address,
    )
