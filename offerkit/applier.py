"""The applier: verifies a plan's steps against the current store and commits them as one revision.

Anyone can write a plan file, so nothing in it is trusted. Staleness is judged by meaning (docs/plans.md): the base may
have moved if nothing relevant changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import orjson

from offerkit.address import ADMINISTRATIVE_KINDS, KEPT_BY_ROLLBACK, SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import Json, JsonMap
from offerkit.governance.approvals import Decision, Decisions
from offerkit.governance.gate import unapproved
from offerkit.governance.notices import Notice
from offerkit.governance.rights import without_administrator
from offerkit.governance.rollback import RollbackChanges
from offerkit.governance.settings import is_setting, unapproved_settings
from offerkit.governance.stops import Stops, renamed_stop_rows, still_stopped
from offerkit.governance.withdrawals import ended_earlier, is_withdrawal, only_leaves_spaces, without_earlier_ends
from offerkit.plans.fields import field_changes, field_changes_by_place, redacted_changes
from offerkit.plans.plan import FieldChange, Plan, PlanKind, Step, plan_digest
from offerkit.staleness import check_fresh
from offerkit.state.changes import Action, Body, Entry, FormerAddress
from offerkit.state.references import may_wait, references_of
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store import ChangeRow, Draft, RevisionRow, Store
from offerkit.store.holds import holds
from offerkit.store.rollback_request import RollbackRequest
from offerkit.store.stage_snapshots import Stages


@dataclass(frozen=True)
class Verified:
    """A plan that passed :func:`verify`, and the store it was verified against.

    Only :func:`verify` creates one, and :func:`commit` accepts nothing else. ``base_moved``: whether the base moved
    without a relevant change. ``stages``: the stages read for verification.
    """

    plan: Plan
    store: Store
    base_moved: bool
    stages: Stages
    stops: Stops


def verify(plan: Plan, store: Store, known: Snapshot | None = None) -> Verified:
    """Verify ``plan`` against ``store``. Call it inside the transaction that commits the plan.

    ``known``: what this run has derived from bodies already; all else is read from the store.
    Raises Refused if something the plan depends on has changed (with every conflicting address, who changed it and
    when), or if its steps are invalid for a plan of its kind.
    """
    stages = Stages(store, known)
    stops = stages.stops
    moved = check_fresh(plan, store, stages)
    _check_steps(plan, store, stages, stops)
    return Verified(plan, store, moved, stages, stops)


@dataclass(frozen=True)
class Applied:
    """The new revision, and whether the base had moved without a relevant change."""

    revision: RevisionRow
    base_moved: bool


def commit(
    verified: Verified,
    *,
    actor: str,
    time: str,
    message: str = "",
    details: Mapping[str, Json] | None = None,
    notices: Iterable[Notice] = (),
    seal: Callable[[Draft], Draft] = lambda draft: draft,
) -> Applied:
    """Append exactly the steps of a plan as one revision by ``actor``, inside the transaction that verified it.

    ``time`` is ISO 8601 in UTC; ``message`` and ``details`` are stored with the revision, ``notices`` in the outbox.
    ``seal`` adds the operator's signature, or refuses the revision for want of one.
    """
    draft = revision_draft(verified, actor, time, message)
    draft = seal(replace(draft, details=details or {}, notices=tuple(notices)))
    return Applied(verified.store.append(draft), verified.base_moved)


def revision_draft(verified: Verified, actor: str, time: str, message: str) -> Draft:
    """The revision that :func:`commit` appends, without details: what is signed of it."""
    plan = verified.plan
    return Draft(
        action=plan.kind,
        actor=actor,
        time=time,
        message=message,
        plan_digest=plan_digest(plan),
        changes=change_rows(plan),
        approvals=tuple(renamed_stop_rows(verified.stops, plan.steps)),
        bodies=plan.bodies,
    )


def change_rows(plan: Plan) -> tuple[ChangeRow, ...]:
    """The changes that a plan's revision records."""
    return tuple(map(_row, plan.steps))


def _row(step: Step) -> ChangeRow:
    return ChangeRow(0, step.stage, step.address, step.action, step.before, step.after, step.moved_from, step.reason)


def _check_steps(plan: Plan, store: Store, stages: Stages, stops: Stops) -> None:
    diagnostics = _against_the_gate(plan, store, stages, stops)
    if not diagnostics and plan.kind is PlanKind.ROLLBACK:
        diagnostics += _not_as_before(plan, store, stages)
    if not diagnostics:
        diagnostics += [*_wrong_descriptions(plan, stages), *_without_administrator(plan, stages)]
    if not diagnostics:
        diagnostics += _missing_references(plan, stages)
    if diagnostics:
        raise Refused(diagnostics)


def faults_of_recorded(plan: Plan, store: Store) -> list[Diagnostic]:
    """What the gate finds in the steps of a revision, for audits; ``store`` ends with the revision before it.

    Of other plans than promotions it only judges whether such a plan may have such steps. Whether a promotion may bring
    back what a rollback took is not judged: revisions do not record that option.
    """
    if plan.kind is not PlanKind.PROMOTE:
        return [_invalid_step(step, plan) for step in plan.steps if not _fits(step, plan)]
    stages = Stages(store)
    return _against_the_gate(replace(plan, rolled_back=True), store, stages, stages.stops)


def _against_the_gate(plan: Plan, store: Store, stages: Stages, stops: Stops) -> list[Diagnostic]:
    """Steps that do not belong to a plan of its kind, bring back what is stopped, or promote what is not approved."""
    diagnostics = [_invalid_step(step, plan) for step in plan.steps if not _fits(step, plan)]
    if not diagnostics and stops and plan.steps_on(Stage.LIVE):
        diagnostics += still_stopped(stages.effect(plan, Stage.LIVE).after, _as_renamed(stops, plan, store))
    if not diagnostics and plan.kind is PlanKind.PROMOTE:
        diagnostics += [
            *_not_from_design(plan, store, stages),
            *_not_approved(plan, stages),
            *_held_after_rollback(plan, store, stages),
        ]
    return diagnostics


def _fits(step: Step, plan: Plan) -> bool:
    address, stage = step.address, step.stage
    old = step.moved_from or address
    live = stage.stage is Stage.LIVE
    offer = address.kind is Kind.OFFER
    entries = [entry for entry in (step.before, step.after) if entry is not None]
    if (old.environment, old.kind, stage.at) != (address.environment, address.kind, None):
        return False
    if stage.environment != address.environment or any((e.activation is not None) != (live and offer) for e in entries):
        return False
    if step.after is not None and plan.bodies[step.after.fingerprint].kind != address.kind:
        return False
    match plan.kind:
        case PlanKind.APPLY:
            return live == (address.kind is Kind.CAMPAIGN)
        case PlanKind.PROMOTE:
            return live and address.kind not in ADMINISTRATIVE_KINDS
        case PlanKind.PURGE:
            return live and offer and step.action is Action.DELETE and step.before == Entry(_print(step), ())
        case PlanKind.ROLLBACK:
            return True


def _print(step: Step) -> str:
    return step.before.fingerprint if step.before is not None else ""


def _invalid_step(step: Step, plan: Plan) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_EDITED,
        f"the plan cannot be right: “{step.action} {step.address} in {step.stage}” is not a step of a {plan.kind} plan",
        hint="Make the plan again.",
        address=step.address,
    )


def _not_approved(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    live = stages.effect(plan, Stage.LIVE)
    in_both = (a for a in live.addresses if a in live.before.entries and a in live.after.entries)
    lengthened = without_earlier_ends(live.after, live.before, ended_earlier(live.before, live.after, in_both))
    decisions = _decisions(live, stages)
    yield from unapproved(live, decisions, lengthened)
    yield from unapproved_settings(live, decisions)
    for change in stages.withheld_cases(live):
        yield Diagnostic(
            Code.CASES_CHANGED,
            f"{change.address} would change in live: {change.why}",
            "An author cannot change live's cases alone.",
            change.how,
            change.address,
        )


def _decisions(live: BeforeAfter, stages: Stages) -> Decisions:
    """The decisions that count on what a promotion touches."""
    settings = [address for address in live.addresses if is_setting(address, live.before, live.after)]
    return stages.effective_decisions([*live.after.of_kind(Kind.OFFER), *settings])


def _held_after_rollback(plan: Plan, store: Store, stages: Stages) -> Iterator[Diagnostic]:
    """Promotion steps for what a rollback took back and design still has, without --include-rolled-back.

    Plans before format 2 do not record that option, so they are not checked.
    """
    if plan.rolled_back or plan.format < 2:
        return
    held = holds(store, stages.side(Stage.DESIGN), stages.side(Stage.LIVE))
    for step in plan.steps if held else ():
        if step.address in held and not only_leaves_spaces(step.before, step.after):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {step.address} is held: {held[step.address]}",
                hint="Change it in design, or promote with --include-rolled-back.",
                address=step.address,
            )


def _as_renamed(stops: Stops, plan: Plan, store: Store) -> Stops:
    """The stops by the names after a plan: with its own renames, and those that a rollback undoes."""
    stops = stops.along({step.moved_from: step.address for step in plan.steps if step.moved_from})
    if plan.kind is not PlanKind.ROLLBACK:
        return stops
    names: dict[Address, Address] = {}
    for stage in {step.stage for step in plan.steps_on(Stage.LIVE)}:
        names |= store.renames_since(stage, plan.to)
    return stops.along(names)


def _not_from_design(plan: Plan, store: Store, stages: Stages) -> Iterator[Diagnostic]:
    """Steps of a promotion that do not match design: live gets changes only from there."""
    design, live = stages.side(Stage.DESIGN), stages.effect(plan, Stage.LIVE)

    def decisions() -> Decisions:
        return _decisions(live, stages)

    @cache
    def refused() -> set[Address]:
        return {a.key.address for a in store.approvals() if a.decision is Decision.REJECTED}

    for step in plan.steps:
        kind = step.address.kind
        design_entry = stages.entries(step.stage.on(Stage.DESIGN)).get(step.address)
        if kind is Kind.CAMPAIGN or (kind is Kind.OFFER and is_withdrawal(design, live, step, decisions)):
            continue
        if step.after is not None and step.after.activation != ():
            matches_design = design_entry is not None and design_entry.fingerprint == step.after.fingerprint
        elif kind is Kind.OFFER:
            names = stages.names.family([step.address])
            is_off = (
                design_entry is None or not refused().isdisjoint(names) or step.before == step.after
            )  # the last: a rename
            matches_design = step.after is not None and is_off
        else:
            matches_design = design_entry is None
        if not matches_design:
            yield _invalid_step(step, plan)


def _not_as_before(plan: Plan, store: Store, stages: Stages) -> Iterator[Diagnostic]:
    """Steps of a rollback that do not match what it claims to restore: a stage, a part, or one revision's changes.

    What was withdrawn since can be included only on request.
    """
    if not plan.steps:
        return
    if plan.undoes and (plan.to != plan.undoes - 1 or plan.targets):
        yield _invalid_step(plan.steps[0], plan)
        return
    changes = {(step.stage, step.address, step.before, step.after, step.moved_from) for step in plan.steps}
    request = RollbackRequest.of(plan, store)
    # Earlier versions recorded renames as other changes.
    requests = [request, replace(request, renames=False)] if not (plan.undoes or plan.targets) else [request]
    if any(changes == _changes(candidate.changes(stages)) for candidate in requests):
        return
    if any(changes == _changes(replace(candidate, withdrawn=True).changes(stages)) for candidate in requests):
        for offer, why in sorted((request.changes(stages)[Stage.LIVE]).out.items()):
            yield Diagnostic(
                Code.WITHDRAWN,
                f"the plan would bring back {offer}: {why}",
                "A rollback brings back what was rejected, switched off or retired only on request.",
                "Make the plan again, or with “offerkit rollback … --include-withdrawn”.",
                offer,
            )
        return
    yield _invalid_step(plan.steps[0], plan)


def _changes(
    ways: Mapping[Stage, RollbackChanges],
) -> set[tuple[StageRef, Address, Entry | None, Entry | None, FormerAddress]]:
    return {(d.stage, d.address, d.before, d.after, d.moved_from) for way in ways.values() for d in way.deltas}


def _wrong_descriptions(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    """Steps whose description does not match their effect: a reviewer must be able to trust a plan's text."""
    stages.bodies.fetch(step.before.fingerprint for step in plan.steps if step.before is not None)
    for step in plan.steps:
        before = _read(stages.bodies, step.before)
        after = _read(plan.bodies, step.after)
        label = str((after if after is not None else before or {}).get("label", ""))
        if (_action(step), label) != (step.action, step.label) or not _describe(
            redacted_changes(step.changes), before, after
        ):
            yield _invalid_step(step, plan)


def _describe(changes: tuple[FieldChange, ...], before: JsonMap | None, after: JsonMap | None) -> bool:
    """Whether ``changes`` describe the difference between two bodies, in this version's form or an earlier one's."""
    if before is None or after is None:
        return not changes
    return any(changes == redacted_changes(tell(before, after)) for tell in (field_changes, field_changes_by_place))


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


def _without_administrator(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    """A change of operators after which no administrator would be left."""
    stage = StageRef(SHARED, Stage.DESIGN)
    steps = [s for s in plan.steps if s.stage == stage and s.address.kind is Kind.OPERATOR]
    if not steps:
        return
    after = stages.snapshot([stage]).apply(steps, plan.bodies)
    operators = [body for address in after.of_kind(Kind.OPERATOR) if (body := after(address)) is not None]
    diagnostic = without_administrator(operators, steps[0].address)
    if diagnostic is not None:
        yield diagnostic


def _missing_references(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    """References that would be missing after the plan; the whole side is checked."""
    for side in (Stage.DESIGN, Stage.LIVE):
        if not plan.steps_on(side) or (side is Stage.DESIGN and plan.kind is not PlanKind.APPLY):
            continue
        effect = stages.effect(plan, side)
        yield from _dangling(effect, side)
        renamed = set(effect.origins.values())
        for address, removed in effect.left_behind().items():
            # Campaigns are updated after renames and rollbacks: the new names are not live before.
            is_campaign = address.kind is Kind.CAMPAIGN
            stays = plan.kind is PlanKind.ROLLBACK and address.kind in KEPT_BY_ROLLBACK
            missing = [a for a in removed if not (stays or (is_campaign and a in renamed))]
            if missing:
                yield _names_missing(address, missing[0]) if side is Stage.DESIGN else _still_named(address, missing[0])


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
            yield _names_missing(step.address, min(missing))


def _names_missing(address: Address, missing: str) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_EDITED,
        f"the plan cannot be right: {address} names {missing}, which would not exist",
        hint="Make the plan again.",
        address=address,
    )


def _still_named(address: Address, gone: Address) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_STALE,
        f"the plan is stale: {address} names {gone}, which the plan removes",
        hint="Make the plan again and review what changed.",
        address=address,
    )
