"""``promote``: the plan of a promotion from design to live, as far as approvals allow.

Campaigns that were held back come along once everything that they refer to is live.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from offerkit import __version__
from offerkit.address import ADMINISTRATIVE_KINDS, Address, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Position, Refused, or_list
from offerkit.governance.cases import change_fingerprint
from offerkit.governance.notices import live_notices
from offerkit.governance.overrides import OverrideKind
from offerkit.governance.profiles import applied_profiles, right_to
from offerkit.governance.promotion import PromotionOutcome, decide_promotion
from offerkit.governance.promotion_draft import DeniedChange, PromotionRequest
from offerkit.governance.rights import Actor
from offerkit.governance.settings import is_setting, settings_key
from offerkit.governance.withdrawals import promotion_reasons, switched_off_by
from offerkit.models.profiles import Verb
from offerkit.plans.make import AddressPatterns, StepContext, steps_for
from offerkit.plans.plan import Blocked, Dependence, Plan, PlanKind, PlanRequest, Reason, Step
from offerkit.specs import Loaded
from offerkit.state.changes import Action, Body, Delta, Entry, FormerAddress, LayeredBodies
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store import Store
from offerkit.store.holds import holds
from offerkit.store.stage_snapshots import Stages, stage_view
from offerkit.usecases.affected_offers import affected_offers
from offerkit.usecases.argument_values import known_environments
from offerkit.usecases.plan import held_back_campaigns, may_break, new_bodies
from offerkit.usecases.renames import renames_of_live
from offerkit.usecases.session import Session, who_is


def promote(
    session: Session, environments: tuple[str, ...], patterns: AddressPatterns, *, include_rolled_back: bool = False
) -> Plan:
    """What can go from design to live now, what is blocked, and why. Writes nothing.

    Raises Refused if live would have invalid rules or texts, or fail required decision cases.
    """
    with session.existing() as store:
        stages = Stages(store, session.known)
        promotion = plan_promotion(session, stages, environments, patterns, include_rolled_back=include_rolled_back)
        if promotion.promotes:
            from offerkit.usecases.plan_effect import plan_effect

            # Imports the engine: an empty promotion does not need it.
            from offerkit.usecases.promotion_gates import check_gates

            excused = check_gates(session, store, plan_effect(promotion, store, stages))
            promotion = replace(promotion, notes=(*promotion.notes, *excused))
    return promotion


def tell_blocked(session: Session, plan: Plan) -> None:
    """Write an event for a promotion that can take nothing live: no revision records it.

    Told once for a state of the store, and only where the store is. It never fails the promotion.
    """
    with suppress(Refused):
        session.backend.require_local()
        with session.existing() as store:
            if not store.tells():
                return
        with session.writing() as store:
            store.tell_once(f"blocked at {store.last_serial()}", session.now, tuple(live_notices(plan)))


def plan_promotion(
    session: Session,
    stages: Stages,
    names: tuple[str, ...],
    patterns: AddressPatterns,
    *,
    include_rolled_back: bool,
    released: bool = True,
) -> Plan:
    """The plan that makes live match design as far as approvals allow, for some environments or all.

    ``released``: whether campaigns come along, which requires reading the specs.
    """
    store = stages.store
    assert store is not None
    known = stages.environments
    chosen = frozenset(known_environments(names, known) or known)
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    patterns.check_known({*design.entries, *live.entries})
    renames = renames_of_live(store, design, live)
    live_names = {new: old for old, new in renames.items()}
    dimensions = {str((design(environment_address(name)) or {}).get("dimension")) for name in chosen}
    request = PromotionRequest(
        design=design,
        live=live,
        decisions=stages.effective_decisions(),
        renames=renames,
        holds={} if include_rolled_back else holds(store, design, live),
        wanted=lambda address: _wanted(address, chosen, dimensions, patterns, live_names.get(address, "")),
        narrowed=bool(patterns.targets),
        excluded=lambda address: patterns.excluded(address, live_names.get(address, "")),
        stops=stages.stops,
        withheld=stages.withheld_cases,
        denied=_denied(session, stages),
    )
    outcome = decide_promotion(request)
    outcome.notes += _lifted_cases(stages, outcome.after)
    promotion = _plan(session, stages, request, outcome, patterns, released=released)
    if may_break(stages, promotion):
        from offerkit.usecases.policy_checks import judge

        denied, notes = judge(session, stages, promotion)
        if denied and released:  # only campaigns can be denied here; applying them reports why
            promotion = _plan(session, stages, request, outcome, patterns, released=False)
            _, notes = judge(session, stages, promotion)
        promotion = replace(promotion, notes=(*promotion.notes, *notes))
    how = PlanRequest(names, tuple(p.text for p in patterns.excludes))
    return replace(promotion, rolled_back=include_rolled_back, asked=how)


def _denied(session: Session, stages: Stages) -> Callable[[BeforeAfter], Iterable[DeniedChange]]:
    """What policies deny of a promotion, if there are any."""

    def denied(effect: BeforeAfter) -> Iterable[DeniedChange]:
        if not any(view.by_kind.get(Kind.POLICY) for view in (effect.before, stages.side(Stage.DESIGN))):
            return ()
        from offerkit.usecases.policy_checks import promotion_denials

        return promotion_denials(session, stages, effect)

    return denied


def _wanted(
    address: Address,
    chosen: Collection[str],
    dimensions: Collection[str],
    patterns: AddressPatterns,
    live_name: FormerAddress,
) -> bool:
    """Whether a promotion includes ``address``. A renamed resource can be named by its old or new name."""
    if address.kind in (*ADMINISTRATIVE_KINDS, Kind.CAMPAIGN):
        return False
    if address.kind is Kind.DIMENSION:
        return address.name in dimensions and not patterns.targets and not patterns.excluded(address)
    if address.environment not in chosen:
        return False
    return patterns.targeted(address, live_name) and not patterns.excluded(address, live_name)


def _plan(
    session: Session,
    stages: Stages,
    request: PromotionRequest,
    outcome: PromotionOutcome,
    patterns: AddressPatterns,
    *,
    released: bool,
) -> Plan:
    assert stages.store is not None
    live, design, after = request.live, request.design, outcome.after
    deltas = live.diff(after, Stage.LIVE, outcome.renamed)
    campaigns = _campaigns(session, stages.store, after, patterns) if released else _Campaigns()
    bodies = LayeredBodies(campaigns.bodies, after.bodies)
    refs: dict[Address, tuple[Address, ...]] = {
        d.address: after.references(d.address) for d in deltas if d.after is not None
    }
    reasons = promotion_reasons(deltas, design, after, outcome.ended)
    with session.progress("Comparing", len(deltas)) as advance:
        steps = steps_for(deltas, StepContext(bodies, refs, {}, advance), reasons)
    touched = affected_offers(live, after, deltas, outcome.renamed)
    steps = [
        replace(
            step,
            dependents=tuple(sorted({*outcome.changed_offers.get(step.address, ()), *touched.get(step.address, ())})),
        )
        for step in steps
    ]
    steps += steps_for(campaigns.ready, StepContext(bodies, {}, campaigns.positions))
    fingerprints = {step.after.fingerprint for step in steps if step.after is not None}
    bases = sorted({step.stage for step in steps}) or sorted(s for s in stages.stages if s.stage is Stage.LIVE)
    return Plan(
        PlanKind.PROMOTE,
        stages.store.project,
        __version__,
        base=tuple(map(stages.base, bases)),
        steps=tuple(steps),
        blocked=(*outcome.blocked, *campaigns.held),
        depends=tuple(promotion_dependences(steps, after, live, design)),
        approvals=tuple(outcome.approvals),
        notes=(
            *outcome.notes,
            *campaigns.notes,
            *_broken_campaigns(live, after),
            *_overridden(stages, request, deltas),
        ),
        targets=tuple(p.text for p in patterns.targets),
        bodies={key: bodies[key] for key in sorted(fingerprints)},
    )


def _lifted_cases(stages: Stages, after: Snapshot) -> Iterator[str]:
    """Notes about overrides that accept changed cases of live."""
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    for address in live.by_kind.get(Kind.CASES, ()):
        if after.entries.get(address) == live.entries[address]:
            continue
        print_ = change_fingerprint(address, live, design, stages.contacts_kept)
        override = stages.overrides.lifting(OverrideKind.CASES, address, print_)
        if override is not None:
            yield f"{address}: {override.sentence}."


def _overridden(stages: Stages, request: PromotionRequest, deltas: list[Delta]) -> list[str]:
    """Notes about overrides for what goes live."""
    if not stages.overrides.given:
        return []
    going_live = {delta.address for delta in deltas}
    sentences = [
        override.sentence for address, override in sorted(request.decisions.lifted.items()) if address in going_live
    ]
    for address in sorted(address for address in going_live if is_setting(address, request.design)):
        print_ = settings_key(request.design, address).fingerprint
        override = stages.overrides.lifting(OverrideKind.SETTINGS, address, print_, after=stages.live_since(address))
        sentences += [override.sentence] if override is not None else []
    return sentences


def _broken_campaigns(live: Snapshot, after: Snapshot) -> list[str]:
    """Live campaigns that refer to something that would no longer be live; only applying them again can fix that."""

    def is_live(view: Snapshot, address: Address) -> bool:
        return address in view.entries and view.entries[address].activation != ()

    return [
        f"{campaign} names {target}, which will no longer be live."
        for campaign in after.of_kind(Kind.CAMPAIGN)
        for target in after.references(campaign)
        if is_live(live, target) and not is_live(after, target)
    ]


def promotion_dependences(steps: list[Step], after: Snapshot, live: Snapshot, design: Snapshot) -> list[Dependence]:
    """What the promotion relies on: resources that stay in live, and design as it was promoted."""
    touched = {step.address for step in steps}
    fingerprints: dict[tuple[StageRef, Address], str] = {}
    for step in steps:
        if step.reason in (Reason.SWITCHED_OFF, Reason.LEAVES_SPACE) and step.address in design.entries:
            for address in (step.address, *switched_off_by(design, step.address)):
                fingerprints[address.stage(Stage.DESIGN), address] = design.entries[address].fingerprint
        if step.after is None or step.after.activation == () or step.address.kind is Kind.CAMPAIGN:
            continue
        for address in after.references(step.address):
            if address not in touched and address.kind not in ADMINISTRATIVE_KINDS:
                entry = live.entries.get(address)
                fingerprints[address.stage(Stage.LIVE), address] = entry.fingerprint if entry else ""
        design_entry = design.entries.get(step.address)
        if design_entry is not None:
            fingerprints[step.address.stage(Stage.DESIGN), step.address] = design_entry.fingerprint
    return [Dependence(stage, target, print_) for (stage, target), print_ in sorted(fingerprints.items())]


@dataclass
class _Campaigns:
    """Campaigns of the specs that were held back: those that can go live now, and those that still cannot."""

    ready: list[Delta] = field(default_factory=list)
    held: list[Blocked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)
    positions: dict[Address, Position] = field(default_factory=dict)


def _campaigns(session: Session, store: Store, after: Snapshot, patterns: AddressPatterns) -> _Campaigns:
    """The campaigns that this promotion releases.

    The specs are used only if they are present and valid: a promotion needs no checkout. Operators without the right to
    write campaigns get a note instead.
    """
    try:
        return _released(session, session.load(), store, after, patterns)
    except Refused:
        return _Campaigns()


def _released(session: Session, loaded: Loaded, store: Store, after: Snapshot, patterns: AddressPatterns) -> _Campaigns:
    result = _Campaigns()
    actor = _actor(session, store)
    design = stage_view(store, Stage.DESIGN)
    items = [
        Delta(address, address.stage(Stage.LIVE), Action.CREATE, None, Entry(print_))
        for address, print_ in sorted(loaded.campaigns.items())
        if address not in after.entries and patterns.targeted(address) and not patterns.excluded(address)
    ]
    bodies = new_bodies(loaded, items)
    held_back = held_back_campaigns(loaded, items, bodies, lambda stage: after)
    for item in items:
        address = item.address
        if address in held_back:
            result.held.append(held_back[address][1])
        elif actor is not None and actor.may(Verb.WRITE, address.environment, Kind.CAMPAIGN):
            assert item.after is not None
            result.ready.append(item)
            result.bodies[item.after.fingerprint] = bodies[item.after.fingerprint]
            result.positions[address] = loaded.records[address].position
        else:
            wanted = right_to(Verb.WRITE, address.environment, Kind.CAMPAIGN)
            who = or_list(applied_profiles(design).allowing(wanted))
            result.notes.append(f"{address} can go live after this: {who} may apply it.")
    return result


def _actor(session: Session, store: Store) -> Actor | None:
    try:
        return who_is(session, store)
    except Refused:
        return None
