"""Checks specs, plans and promotions against policies, and applies overrides.

Policies of live and of design apply, and those that the change itself adds. Plans are not trusted:
:func:`check_policies` checks again inside the transaction that applies a plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from offerkit.address import ADMINISTRATIVE_KINDS, SHARED, Address, Kind, Stage, StageRef
from offerkit.applier import Verified
from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, refuse
from offerkit.fingerprint import canonical, fingerprint
from offerkit.governance.authors import Authors
from offerkit.governance.overrides import Obstacle, Operators, Override, OverrideKind
from offerkit.governance.policies import (
    ActivePolicy,
    EnvironmentPolicies,
    Violation,
    change_violations,
    changes_by_environment,
    declared_violations,
    how_to_lift,
    policy_obstacle,
)
from offerkit.governance.promotion_draft import DeniedChange
from offerkit.governance.rights import Actor
from offerkit.plans.plan import Plan, PlanKind
from offerkit.specs import Loaded
from offerkit.state.changes import Body, Entry
from offerkit.state.effective import names_in
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.authorship import authors_record
from offerkit.usecases.requests import PolicyDenial
from offerkit.usecases.session import Session, operators

_LISTED = 20
"""How many warnings or denials of one policy to list."""
_SIDES = {
    PlanKind.APPLY: (Stage.DESIGN, Stage.LIVE),
    PlanKind.PROMOTE: (Stage.LIVE,),
    PlanKind.ROLLBACK: (Stage.DESIGN,),
    PlanKind.PURGE: (),
}
"""The stages in which plans are checked. A rollback of live must be possible at any time; a purge only deletes what is
out.
"""
OverrideFinder = Callable[[Violation], Override | None]


def judge(
    session: Session, stages: Stages, plan: Plan, actor: Actor | None = None
) -> tuple[list[Violation], list[str]]:
    """The denials of ``plan`` without an override, and notes for the plan: warnings and overrides.

    ``actor``: the operator who applies it; None while planning.
    """
    violations = list(broken_by(session, stages, plan))
    if not violations:
        return [], []
    override_of = _override_finder(stages, _authors(session, stages, plan, actor))
    denied, notes, warned = [], [], []
    for violation in violations:
        override = override_of(violation) if violation.policy.denies else None
        if (
            plan.kind is PlanKind.PROMOTE
            and violation.address.kind is Kind.CAMPAIGN
            and (override or not violation.policy.denies)
        ):
            continue  # campaigns come from the specs: without these, the note could not be verified
        if override is not None:
            notes.append(f"{override.sentence}.")
        elif violation.policy.denies:
            denied.append(violation)
        else:
            warned.append(violation)
    return denied, [*_warnings(warned), *dict.fromkeys(notes)]


def broken_by(session: Session, stages: Stages, plan: Plan) -> Iterator[Violation]:
    """The policies that ``plan`` breaks, with or without an override."""
    for side in _SIDES[plan.kind]:
        steps = plan.steps_on(side)
        names = {step.address.environment for step in steps} - {SHARED}
        arriving = {step.address.environment for step in plan.steps if step.address.kind is Kind.POLICY}
        if any(name in arriving or _has_policies(stages, name) for name in names):
            design = stages.side(Stage.DESIGN) if plan.kind is PlanKind.PROMOTE else None
            yield from _broken(session.now, stages, stages.effect(plan, side), side, design)


def _has_policies(stages: Stages, environment: str) -> bool:
    return any(stages.entries(StageRef(environment, side), Kind.POLICY) for side in Stage)


def _broken(now: str, stages: Stages, effect: BeforeAfter, side: Stage, design: Snapshot | None) -> Iterator[Violation]:
    for name, changes in changes_by_environment(effect).items():
        policies = _environment_policies(now, stages, effect, name, side)
        if policies.policies:
            yield from change_violations(policies, changes, effect, side, design)


def _environment_policies(now: str, stages: Stages, effect: BeforeAfter, name: str, side: Stage) -> EnvironmentPolicies:
    kinds = (Kind.POLICY, Kind.ENVIRONMENT)
    live, design = (stages.snapshot([StageRef(name, stage)], *kinds) for stage in (Stage.LIVE, Stage.DESIGN))
    with_current_names = _with_current_names(stages, name)
    own = map(with_current_names, effect.pair) if side is Stage.LIVE else effect.pair
    return EnvironmentPolicies(name, (with_current_names(live), design, *own), now)


def _with_current_names(stages: Stages, name: str) -> Callable[[Snapshot], Snapshot]:
    """Returns a function that updates operators' names in the live policies of a state.

    Whoever may override a policy is the operator who had the name when the policy went live, even if renamed since.
    """
    new: dict[Address, tuple[str, Entry]] = {}
    bodies: dict[str, Body] = {}
    view = stages.snapshot([StageRef(name, Stage.LIVE)], Kind.POLICY) if stages.names.operators else Snapshot()
    went_live = stages.promotion_serials(view.entries) if view.entries else {}
    for address, entry in view.entries.items():
        body = view(address) or {}
        names = names_in(body, "override")
        current = sorted({stages.names.operator(operator, went_live.get(address, 0) + 1) for operator in names})
        if current != sorted(names):
            text = canonical({**body, "override": current})
            updated = replace(entry, fingerprint=fingerprint(Kind.POLICY, text))
            bodies[updated.fingerprint] = Body(Kind.POLICY, text.decode())
            new[address] = entry.fingerprint, updated

    def read(state: Snapshot) -> Snapshot:
        replaced = {
            address: updated
            for address, (old_fingerprint, updated) in new.items()
            if address in state.entries and state.entries[address].fingerprint == old_fingerprint
        }
        return state.with_entries({**state.entries, **replaced}, bodies) if replaced else state

    return read


def _override_finder(stages: Stages, authors: Callable[[Violation], Collection[str]]) -> OverrideFinder:
    """Returns a function that finds the override of a broken policy: not by an author, and after the last change."""

    def lifting(broken: Violation) -> Override | None:
        override = stages.overrides.lifting(OverrideKind.POLICIES, broken.address, broken.fingerprint)
        if override is None or stages.store is None:
            return None
        if override.revision <= stages.live_since(broken.address):
            return None
        return None if stages.names.operator(override.operator, override.revision) in authors(broken) else override

    return lifting


def _authors(
    session: Session, stages: Stages, plan: Plan, actor: Actor | None
) -> Callable[[Violation], Collection[str]]:
    """The authors of what breaks a policy: of a promotion, from the history; otherwise, who applies it and whom they
    name.
    """
    if plan.kind is PlanKind.PROMOTE:
        return _promoted_authors(stages)
    if actor is None:
        return lambda broken: ()
    noted = authors_record(session, plan, actor).get("authors")
    named = {str(name) for name in noted} if isinstance(noted, list) else {actor.name}
    return lambda broken: named


def _promoted_authors(stages: Stages) -> Callable[[Violation], Collection[str]]:
    assert stages.store is not None
    history = Authors(stages.store, stages.side(Stage.DESIGN), lambda: stages.side(Stage.LIVE))

    def authors(broken: Violation) -> Collection[str]:
        return history.of_changes({broken.address, *broken.by})

    return authors


def _warnings(warned: Sequence[Violation]) -> Iterator[str]:
    counts: Counter[Address] = Counter()
    for violation in warned:
        counts[violation.policy.address] += 1
        if counts[violation.policy.address] <= _LISTED:
            unknown = f" ({violation.why})" if violation.why else ""
            yield f"{violation.policy.address} warns of {violation.address}: {violation.message}{unknown}"
    for address, number in sorted(counts.items()):
        if number > _LISTED:
            yield f"{address} warns of {number - _LISTED:,} more."


def check_plan(session: Session, loaded: Loaded, stages: Stages, plan: Plan) -> Plan:
    """``plan``, of specs, with notes from policies. Raises Refused with all denials and their positions."""
    noted, denied = judge_plan(session, loaded, stages, plan)
    if denied:
        raise Refused(denied)
    return noted


def judge_plan(session: Session, loaded: Loaded, stages: Stages, plan: Plan) -> tuple[Plan, list[Diagnostic]]:
    """``plan``, of specs, with notes from policies; and all denials with their positions."""
    denied, notes = judge(session, stages, plan)
    people = operators(stages.store) if denied and stages.store is not None else None
    noted = replace(plan, notes=(*plan.notes, *notes)) if notes else plan
    return noted, _placed(loaded, _diagnostics(denied, people)) if denied else []


def check_policies(session: Session, verified: Verified, actor: Actor) -> None:
    """Raise Refused with everything that policies deny of a plan; called inside the transaction that applies it.

    A plan from a file must contain the notes of policies, even one of an earlier format, whose other notes are not
    verified.
    """
    denied, notes = judge(session, verified.stages, verified.plan, actor)
    if denied:
        raise Refused(_diagnostics(denied, operators(verified.store)))
    missing = [note for note in notes if note not in verified.plan.notes] if verified.plan.was_read else []
    if missing:
        raise refuse(
            Code.PLAN_EXPLANATION,
            "the plan lacks a note from a policy",
            detail=missing[0],
            hint="Make the plan again, and look at the changes.",
        )


def _bounded(denied: Sequence[Violation]) -> Iterator[Violation]:
    """The first few of each policy."""
    counts: Counter[str] = Counter()
    for violation in denied:
        counts[violation.policy.meaning] += 1
        if counts[violation.policy.meaning] <= _LISTED:
            yield violation


_UNCHANGED = "Change it. It is already live like this, and only changes can be overridden."


def _diagnostic(broken: Violation, people: Operators | None, live: Collection[Address]) -> Diagnostic:
    """``people``: the operators of the store that could record an override; None without a store."""
    code = Code.POLICY_DENIED if broken.policy.denies else Code.POLICY_WARNED
    severity = Severity.ERROR if broken.policy.denies else Severity.WARNING
    hint = "Change it. Overrides need a store, which this project does not have yet."
    if not broken.policy.denies:
        hint = ""
    elif people is not None:
        hint, _ = how_to_lift(broken, people) if broken.address not in live else (_UNCHANGED, ())
    verb = "denies" if broken.policy.denies else "warns of"
    detail = f"It requires: {broken.required[:400]}" + (f" ({broken.why})" if broken.why else "")
    return Diagnostic(
        code,
        f"{broken.policy.address} {verb} {broken.address}: {broken.message}",
        detail,
        hint,
        broken.address,
        severity=severity,
    )


def _diagnostics(
    broken: Sequence[Violation], people: Operators | None, live: Collection[Address] = ()
) -> list[Diagnostic]:
    """The diagnostics; of a policy with very many, the first few and the number of the others."""
    diagnostics = [_diagnostic(violation, people, live) for violation in _bounded(broken)]
    policies = {violation.policy.meaning: violation.policy for violation in broken}
    for meaning, number in Counter(violation.policy.meaning for violation in broken).items():
        policy = policies[meaning]
        if number > _LISTED:
            code = Code.POLICY_DENIED if policy.denies else Code.POLICY_WARNED
            severity = Severity.ERROR if policy.denies else Severity.WARNING
            more = f"{policy.address} is broken {number - _LISTED:,} more times"
            diagnostics.append(Diagnostic(code, more, address=policy.address, severity=severity))
    return diagnostics


def _placed(loaded: Loaded, diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Add positions to diagnostics about declared resources."""
    records = loaded.records
    return [
        replace(diagnostic, position=records[diagnostic.address].position)
        if isinstance(diagnostic.address, Address) and diagnostic.address in records
        else diagnostic
        for diagnostic in diagnostics
    ]


def check_declared(session: Session, loaded: Loaded) -> list[Diagnostic]:
    """What the policies in the specs say about everything declared, changed or not.

    Overrides in the store, if one can be read, turn denials into warnings.
    """
    violations = list(declared_broken(session, loaded))
    if not violations:
        return []
    store_overrides = _store_overrides(session) if any(violation.policy.denies for violation in violations) else None
    lifted: list[Diagnostic] = []
    remaining: list[Violation] = []
    for violation in violations:
        override = (
            store_overrides.overrides.lifting(OverrideKind.POLICIES, violation.address, violation.fingerprint)
            if store_overrides
            else None
        )
        if override is None or not violation.policy.denies:
            remaining.append(violation)
        elif len(lifted) < _LISTED:
            sentence = override.sentence
            lifted.append(
                Diagnostic(Code.POLICY_WARNED, sentence, address=violation.address, severity=Severity.WARNING)
            )
    people, live = (
        (store_overrides.people, store_overrides.unchanged(loaded)) if store_overrides else (None, set[Address]())
    )
    return _placed(loaded, [*_diagnostics(remaining, people, live), *lifted])


def declared_broken(session: Session, loaded: Loaded) -> Iterator[Violation]:
    """Declared policies that anything declared breaks, except policies about changes."""
    names = sorted({a.environment for a, record in loaded.records.items() if record.kind is Kind.POLICY})
    for name in names:
        yield from declared_violations(EnvironmentPolicies(name, (loaded.snapshot,), session.now), loaded.snapshot)


class _StoreOverrides:
    """The overrides of a store, and its operators."""

    def __init__(self, stages: Stages) -> None:
        self.overrides, self.people = stages.overrides, operators(stages.store)
        self._sides = [stages.side(side).entries for side in Stage]

    def unchanged(self, loaded: Loaded) -> set[Address]:
        """What design and live have as the specs declare it."""
        return {
            address
            for address, record in loaded.records.items()
            if all(address in side and side[address].fingerprint == record.fingerprint for side in self._sides)
        }


def _store_overrides(session: Session) -> _StoreOverrides | None:
    try:
        with session.reading() as store:
            return _StoreOverrides(Stages(store)) if store is not None else None
    except Refused:
        return None  # specs can be checked without a store


def promotion_denials(session: Session, stages: Stages, effect: BeforeAfter) -> Iterator[DeniedChange]:
    """What policies deny of a promotion with this ``effect``, without an override."""
    design = stages.side(Stage.DESIGN)
    if not any(view.by_kind.get(Kind.POLICY) for view in (design, *effect.pair)):
        return
    authors = _promoted_authors(stages)
    override_of, people = _override_finder(stages, authors), operators(stages.store)
    for violation in _broken(session.now, stages, effect, Stage.LIVE, design):
        if violation.policy.denies and override_of(violation) is None:
            how, who = how_to_lift(violation, people, authors(violation))
            unknown = f" ({violation.why})" if violation.why else ""
            yield DeniedChange(violation.address, violation.by, f"{violation.says}{unknown}", how, who)


def obstacles(stages: Stages, now: str) -> Iterator[Obstacle]:
    """What policies deny of promoting all of design, approved or not."""
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    if not any(view.by_kind.get(Kind.POLICY) for view in (design, live)):
        return
    effect = _everything(stages, design, live)
    authors = _promoted_authors(stages)
    override_of = _override_finder(stages, authors)
    for violation in _broken(now, stages, effect, Stage.LIVE, design):
        if violation.policy.denies and override_of(violation) is None:
            yield replace(violation.obstacle, authors=frozenset(authors(violation)))


def _everything(stages: Stages, design: Snapshot, live: Snapshot) -> BeforeAfter:
    """Live with everything in design."""
    from offerkit.usecases.renames import renames_of_live

    assert stages.store is not None
    coming: dict[Address, Entry] = {a: e for a, e in live.entries.items() if a.kind is Kind.CAMPAIGN}
    for address, entry in design.entries.items():
        if address.kind is Kind.OFFER:
            coming[address] = replace(entry, activation=design.offer(address).shown_on)
        elif address.kind not in ADMINISTRATIVE_KINDS:
            coming[address] = entry
    renames = renames_of_live(stages.store, design, live)
    for address, entry in live.entries.items():
        if address.kind is Kind.OFFER and address not in design.entries and address not in renames:
            coming[address] = replace(entry, activation=())
    deltas = live.diff(live.with_entries(coming, design.bodies), Stage.LIVE, renames)
    return BeforeAfter.of(live, deltas, design.bodies)


def plan_denials(session: Session, stages: Stages, plan: Plan) -> Iterator[PolicyDenial]:
    """What policies deny of ``plan``, in the form in which an override is requested."""
    for violation in broken_by(session, stages, plan):
        if violation.policy.denies:
            yield PolicyDenial(violation.policy.address, violation.policy.meaning, violation.address, violation.judged)


def reported_obstacles(stages: Stages, denials: Iterable[PolicyDenial]) -> Iterator[Obstacle]:
    """The obstacles that an operator found in local specs, according to the policies in live and design.

    A policy is named by its meaning, so its current text says who may override it. What it judged is known only where
    the specs are, and the override lifts nothing else. The authors are checked when the specs are applied.
    """
    known = _known_policies(stages)
    for denial in denials:
        known_policy = known.get((denial.policy, denial.meaning))
        if known_policy is not None and known_policy.denies and denial.address.environment == denial.policy.environment:
            yield policy_obstacle(known_policy, denial.address, denial.judged)


def recorded_obstacles(stages: Stages, override: Override) -> Iterator[Obstacle]:
    """What :func:`reported_obstacles` may have given for an override in the record: one for each text of its policy.

    What it judged is not in the record, so neither is the fingerprint of these.
    """
    for (address, _), policy in _known_policies(stages).items():
        named = address == override.details.get("policy") and address.environment == override.address.environment
        if named and policy.denies:
            yield policy_obstacle(policy, override.address, "")


def _known_policies(stages: Stages) -> dict[tuple[Address, str], ActivePolicy]:
    """The policies of live and design, by address and meaning."""
    known: dict[tuple[Address, str], ActivePolicy] = {}
    for side in Stage:
        stage_names = [stage for stage in stages.stages if stage.stage is side]
        view = stages.snapshot(stage_names, Kind.POLICY)
        if side is Stage.LIVE:
            for stage in stage_names:
                view = _with_current_names(stages, stage.environment)(view)
        for address in view.of_kind(Kind.POLICY):
            policy = ActivePolicy.of(view, address)
            known[address, policy.meaning] = policy
    return known
