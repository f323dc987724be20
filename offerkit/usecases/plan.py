"""``plan``: what changes if the specs are applied to the design stages (campaigns: to live)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache

import orjson

from offerkit import __version__
from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.governance.approvals import approval_resets
from offerkit.governance.rights import without_administrator
from offerkit.plans.make import (
    HOW_TO_GO_LIVE,
    WHY_NOT_LIVE,
    AddressPatterns,
    Selection,
    StepContext,
    not_live,
    protected_deletions,
    select_changes,
    steps_for,
)
from offerkit.plans.plan import ApprovalReset, Blocked, Dependence, Plan, PlanKind, PlanRequest, Step
from offerkit.reports.words import listing
from offerkit.specs import Loaded
from offerkit.specs.record import Mistake
from offerkit.state.changes import Action, Body, Delta, Entry, LayeredBodies, by_environment, delta, final_names
from offerkit.state.effective import Inheritance
from offerkit.state.references import references_of
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import EMPTY, Stages
from offerkit.usecases.session import Session

_LISTED = 10
"""How many offers a note lists."""


def plan(session: Session, patterns: AddressPatterns) -> Plan:
    """What applying the specs would change: the design stages, and campaigns in live. Writes nothing.

    Raises Refused with all mistakes in the specs, and as :func:`plan_design` does.
    """
    loaded = session.load()
    with session.reading() as store:
        return plan_design(session, loaded, store, patterns)


def plan_design(
    session: Session, loaded: Loaded, store: Store | None, patterns: AddressPatterns, *, check_policies: bool = True
) -> Plan:
    """The plan that makes the store match the specs, limited to ``patterns``.

    ``check_policies``: whether to check it against policies. Raises Refused if a pattern matches nothing, a protected
    resource would be deleted, a campaign that is named in ``patterns`` refers to something that is not live, or a
    policy denies the plan.
    """
    return plan_against(session, loaded, Stages(store), patterns, check_policies=check_policies)


def plan_against(
    session: Session, loaded: Loaded, current: Stages, patterns: AddressPatterns, *, check_policies: bool = True
) -> Plan:
    """:func:`plan_design` against ``current``: the stages of a store, or a substitute."""
    stages = _design_stages(loaded, current)
    touched = [stage for stage in stages if loaded.digests.get(stage.environment, EMPTY) != current.digest(stage)]
    differences = _differences(loaded, current, touched) + _campaigns(loaded, current)
    if patterns.targets or patterns.excludes:
        patterns.check_known(
            {*loaded.records, *(a for stage in stages for a in current.entries(stage)), *loaded.campaigns}
        )
    project = current.store.project if current.store is not None else ""
    if not differences:
        return Plan(PlanKind.APPLY, project, __version__, base=tuple(current.base(stage) for stage in stages))
    refs = {address: tuple(ref.target for ref in record.refs) for address, record in loaded.records.items()}

    sources: dict[Address, Entry | None] = {d.moved_from or d.address: d.before for d in differences}

    @cache
    def before(address: Address) -> tuple[Address, ...]:
        entry = sources[address]
        return references_of(address, orjson.loads(current.bodies[entry.fingerprint].text)) if entry is not None else ()

    selection = select_changes(differences, patterns, refs, before)
    new_plan = _plan(session, loaded, current, differences, selection, refs, patterns)
    return _held_to_policies(session, loaded, current, new_plan) if check_policies else new_plan


def _held_to_policies(session: Session, loaded: Loaded, current: Stages, new_plan: Plan) -> Plan:
    if not may_break(current, new_plan):
        return new_plan
    from offerkit.usecases.policy_checks import check_plan  # imports the compiler; most projects have no policies

    return check_plan(session, loaded, current, new_plan)


def may_break(stages: Stages, plan: Plan) -> bool:
    """Whether any policies exist where ``plan`` changes something, or in the plan itself."""
    names = {step.address.environment for step in plan.steps} - {SHARED}
    return any(step.address.kind is Kind.POLICY for step in plan.steps) or any(
        stages.entries(StageRef(name, side), Kind.POLICY) for name in names for side in Stage
    )


def _design_stages(loaded: Loaded, current: Stages) -> list[StageRef]:
    names = {*loaded.digests, *(stage.environment for stage in current.stages if stage.stage is Stage.DESIGN)}
    return [StageRef(name, Stage.DESIGN) for name in sorted(names)]


def _differences(loaded: Loaded, current: Stages, stages: list[StageRef]) -> list[Delta]:
    deltas: list[Delta] = []
    if not stages:
        return deltas  # avoids building the records
    desired: dict[str, dict[Address, Entry]] = {}
    for address, record in loaded.records.items():
        if record.kind is not Kind.CAMPAIGN:
            desired.setdefault(record.environment, {})[address] = Entry(record.fingerprint)
    moves = by_environment(loaded.moves)
    for stage in stages:
        name = stage.environment
        deltas += _delta(current, stage, current.entries(stage), desired.get(name, {}), moves.get(name, {}))
    return deltas


def _delta(
    current: Stages,
    stage: StageRef,
    before: Mapping[Address, Entry],
    after: Mapping[Address, Entry],
    moves: Mapping[Address, Address],
) -> list[Delta]:
    """The differences in a stage. Raises Refused for a rename that is impossible because the old name stays."""

    def happened(old: Address, new: Address) -> bool:
        return any((old, new) == move[1:] for move in current.moves(stage))

    deltas = delta(stage, before, after, moves, happened)
    moved_from = {d.moved_from for d in deltas}
    refused = [
        Diagnostic(
            Code.BAD_MOVE,
            f"{old} cannot move to {new}: {old} is still declared, but the resource that takes its name is not in"
            f" {stage}",
            "A chain of renames needs all its resources in the stage.",
            f"Remove completed renames from “moved”, or rename {old} in a separate apply.",
            old,
        )
        for old, new in final_names(moves, after).items()
        if old in before and old in after and new in after and new not in before and old not in moved_from
    ]
    if refused:
        raise Refused(refused)
    return deltas


def _campaigns(loaded: Loaded, current: Stages) -> list[Delta]:
    desired: dict[str, dict[Address, Entry]] = {}
    for address, print_ in loaded.campaigns.items():
        desired.setdefault(address.environment, {})[address] = Entry(print_)
    names = desired.keys() | {stage.environment for stage in current.stages if stage.stage is Stage.LIVE}
    moves = by_environment(loaded.moves)
    deltas: list[Delta] = []
    for name in sorted(names):
        stage = StageRef(name, Stage.LIVE)
        deltas += _delta(
            current, stage, current.entries(stage, Kind.CAMPAIGN), desired.get(name, {}), moves.get(name, {})
        )
    return deltas


def _plan(
    session: Session,
    loaded: Loaded,
    current: Stages,
    differences: list[Delta],
    selection: Selection,
    refs: dict[Address, tuple[Address, ...]],
    patterns: AddressPatterns,
) -> Plan:
    chosen, by_address = selection.chosen, {d.address: d for d in differences}
    current.bodies.fetch({d.before.fingerprint for d in chosen if d.before is not None})
    new = new_bodies(loaded, chosen)
    bodies = LayeredBodies(new, current.bodies)
    chosen, held_back = _hold_back(loaded, current, chosen, new, patterns)
    refused = [*protected_deletions(chosen, bodies), *_without_administrator(current, chosen, bodies)]
    if refused:
        raise Refused(refused)
    positions = {address: record.position for address, record in loaded.records.items()} if chosen else {}
    with session.progress("Comparing", len(chosen)) as advance:
        steps = explained_steps(
            current,
            chosen,
            StepContext(bodies, _references_after(refs, current, chosen, by_address), positions, advance),
        )
    stages = sorted({step.stage for step in steps}) or _design_stages(loaded, current)
    fingerprints = {step.after.fingerprint for step in steps if step.after is not None}
    return Plan(
        PlanKind.APPLY,
        current.store.project if current.store is not None else "",
        __version__,
        base=tuple(current.base(stage) for stage in stages),
        steps=tuple(steps),
        blocked=(*selection.blocked, *held_back),
        depends=tuple(dependences(steps, refs, current)),
        notes=tuple(selection.notes),
        targets=tuple(p.text for p in patterns.targets),
        asked=PlanRequest(excludes=tuple(p.text for p in patterns.excludes)),
        bodies={key: new[key] for key in sorted(fingerprints)},
    )


def explained_steps(current: Stages, chosen: list[Delta], context: StepContext) -> list[Step]:
    """The steps of ``chosen`` with their effects; changes of design come before those of campaigns."""
    return _with_effects(current, chosen, steps_for(chosen, context), context.bodies)


def _references_after(
    refs: Mapping[Address, tuple[Address, ...]],
    current: Stages,
    chosen: list[Delta],
    differences: Mapping[Address, Delta],
) -> Mapping[Address, tuple[Address, ...]]:
    """The references of the specs; for changes that are left out, those of the resource as it stays."""
    left_out = [differences[address] for address in differences.keys() - {d.address for d in chosen}]
    if not left_out:
        return refs
    references = dict(refs)
    for item in left_out:
        references.pop(item.address, None)
        if item.before is not None:
            body = orjson.loads(current.bodies[item.before.fingerprint].text)
            references[item.moved_from or item.address] = references_of(item.moved_from or item.address, body)
    return references


def _without_administrator(current: Stages, chosen: list[Delta], bodies: Mapping[str, Body]) -> list[Diagnostic]:
    """Refuses a plan that would leave no administrator, so that nobody could change anything."""
    touched = [d for d in chosen if d.address.kind is Kind.OPERATOR]
    if not touched:
        return []
    after = current.snapshot([StageRef(SHARED, Stage.DESIGN)], Kind.OPERATOR).apply(touched, bodies)
    operators = [body for address in after.entries if (body := after(address)) is not None]
    diagnostic = without_administrator(operators, touched[0].address)
    return [diagnostic] if diagnostic is not None else []


def new_bodies(loaded: Loaded, chosen: list[Delta]) -> dict[str, Body]:
    """The bodies of new and changed resources, by fingerprint."""
    arriving = [d for d in chosen if d.after is not None]
    texts = loaded.bodies(d.address for d in arriving)
    return {
        d.after.fingerprint: Body(d.address.kind, texts[d.address].decode()) for d in arriving if d.after is not None
    }


def _hold_back(
    loaded: Loaded, current: Stages, chosen: list[Delta], new: Mapping[str, Body], patterns: AddressPatterns
) -> tuple[list[Delta], list[Blocked]]:
    """Hold back campaigns that refer to something that is not live; those that are named in ``patterns``
    are refused.
    """
    campaigns = [d for d in chosen if d.address.kind is Kind.CAMPAIGN and d.after is not None]
    if not campaigns:
        return chosen, []

    held_back = held_back_campaigns(loaded, campaigns, new, cache(lambda stage: current.snapshot([stage])))
    named = {target.text for target in patterns.targets}
    findings: list[Mistake] = []
    for address, (mistakes, _) in held_back.items():
        if address in named or address.partition("/")[2] in named:
            findings += mistakes
    if findings:
        raise Refused(loaded.placed(findings))
    return [d for d in chosen if d.address not in held_back], [blocked for _, blocked in held_back.values()]


def _with_effects(current: Stages, chosen: list[Delta], steps: list[Step], bodies: Mapping[str, Body]) -> list[Step]:
    """The steps with their effects beyond fields: approvals reset, spaces gained and lost."""
    design = [d for d in chosen if d.stage.stage is Stage.DESIGN]
    resets, notes = _effects_on_existing(current, design, bodies)
    notes |= _spaces_of_new_offers(current, design, bodies)
    return [
        replace(step, approvals_reset=resets.get(step.address, ()), notes=notes.get(step.address, ()))
        if step.stage.stage is Stage.DESIGN and (step.address in resets or step.address in notes)
        else step
        for step in steps
    ]


def _effects_on_existing(
    current: Stages, design: list[Delta], bodies: Mapping[str, Body]
) -> tuple[dict[Address, tuple[ApprovalReset, ...]], dict[Address, tuple[str, ...]]]:
    """By step: the approvals that stop counting, and the spaces that offers gain or lose."""
    kinds = {d.address: d.address.kind for d in design}
    changed = [d for d in design if d.before and d.after and kinds[d.address] is Kind.OFFER]
    spaces = [d for d in design if d.after and kinds[d.address] is Kind.SPACE]
    if current.store is None or not (spaces or any(d.before for d in design)):
        return {}, {}
    decisions = current.decisions()
    if not (decisions or changed or spaces):
        return {}, {}
    before = current.side(Stage.DESIGN)
    after = before.apply(design, bodies)
    resets = approval_resets(design, before, after, decisions) if decisions else {}
    return resets, {d.address: _spaces_note(before, after, d) for d in changed} | _offers_notes(before, after, spaces)


def _spaces_note(before: Snapshot, after: Snapshot, item: Delta) -> tuple[str, ...]:
    """The spaces that an offer without ``spaces`` gains or loses through its changed fields."""
    spaces_before = set(before.offer(item.moved_from or item.address).shown_on)
    spaces_after = set(after.offer(item.address).shown_on)
    notes = [
        ("to be shown on", spaces_after - spaces_before),
        ("no longer to be shown on", spaces_before - spaces_after),
    ]
    return tuple(f"{words} {', '.join(sorted(spaces))}" for words, spaces in notes if spaces)


def _offers_notes(before: Snapshot, after: Snapshot, spaces: list[Delta]) -> dict[Address, tuple[str, ...]]:
    """By new or changed space, the existing offers that would be shown on it from now on."""
    coming: dict[Address, list[str]] = {}
    for environment in {d.address.environment for d in spaces}:
        for offer in before.of_kind(Kind.OFFER, environment):
            if before.entries[offer] == after.entries.get(offer) and not after.offer(offer).named_spaces:
                for space in set(after.offer(offer).shown_on) - set(before.offer(offer).shown_on):
                    coming.setdefault(offer.beside(Kind.SPACE, space), []).append(offer.name)
    return {
        d.address: (f"offers that name no spaces, newly to be shown here: {listing(coming[d.address], _LISTED)}",)
        for d in spaces
        if d.address in coming and not d.moved_from
    }


def _spaces_of_new_offers(
    current: Stages, design: list[Delta], bodies: Mapping[str, Body]
) -> dict[Address, tuple[str, ...]]:
    """Where new offers without ``spaces`` would be shown: wherever they provide the required fields."""
    kinds = {d.address: d.address.kind for d in design}
    new = [d for d in design if d.action is Action.CREATE and kinds[d.address] is Kind.OFFER]
    read_kinds = (Kind.SPACE, Kind.TEMPLATE)
    before = current.snapshot({d.stage for d in new}, *read_kinds)
    coming = before.apply([*new, *(d for d in design if kinds[d.address] in read_kinds)], bodies)
    inherited = cache(lambda name: Inheritance(name, coming.read, coming.of_kind(Kind.SPACE, name)))
    notes: dict[Address, tuple[str, ...]] = {}
    note_of: dict[tuple[str, ...], tuple[str, ...]] = {}
    for d in new:
        offer = inherited(d.address.environment).offer(d.address)
        if not offer.named_spaces:
            where = offer.shown_on
            if where not in note_of:
                spaces_text = ", ".join(where) or "none of those that there will be"
                note_of[where] = (f"names no spaces; to be shown on {spaces_text}",)
            notes[d.address] = note_of[where]
    return notes


def dependences(steps: list[Step], refs: Mapping[Address, tuple[Address, ...]], current: Stages) -> list[Dependence]:
    """What the steps rely on but do not change, as it is now."""
    touched = {step.address for step in steps}
    targets = {
        (StageRef(address.environment, step.stage.stage), address)
        for step in steps
        if step.after is not None
        for address in refs.get(step.address, ())
        if address not in touched
    }
    entries = {stage: current.entries(stage) for stage in {stage for stage, _ in targets}}
    return [
        Dependence(stage, target, entries[stage][target].fingerprint if target in entries[stage] else "")
        for stage, target in sorted(targets)
    ]


def held_back_campaigns(
    loaded: Loaded, items: Iterable[Delta], bodies: Mapping[str, Body], live: Callable[[StageRef], Snapshot]
) -> dict[Address, tuple[list[Mistake], Blocked]]:
    """The campaigns of ``items`` that refer to something not live: their findings and the plan's entry for each.

    ``live`` returns a live stage. Positions are looked up for all at once, because that parses files again.
    """
    held_back: dict[Address, tuple[Delta, list[Mistake]]] = {}
    for item in items:
        assert item.after is not None
        body = orjson.loads(bodies[item.after.fingerprint].text)
        record = loaded.records[item.address]
        findings = [
            Mistake(record, path, Code.NOT_LIVE, summary, WHY_NOT_LIVE, HOW_TO_GO_LIVE)
            for path, summary in not_live(item.address, record.refs, body, live(item.stage))
        ]
        if findings:
            held_back[item.address] = item, findings
    firsts = loaded.placed([findings[0] for _, findings in held_back.values()]) if held_back else []
    return {
        address: (findings, _blocked(item, first, len(findings) - 1))
        for (address, (item, findings)), first in zip(held_back.items(), firsts, strict=True)
    }


def _blocked(item: Delta, first: Diagnostic, others: int) -> Blocked:
    why = first.summary + (f" (and {others} more)" if others else "")
    live_now = item.before is not None
    return Blocked(item.address, item.stage, first.code, why, first.hint, (), live_now, first.position)
