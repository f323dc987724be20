"""Verifies what a plan file says beyond its steps, by generating it again with the code that makes plans.

Steps are executed as saved; the applier checks them against the rules. What explains them (reasons, effects, what is
blocked and why, notes) is what reviewers read and what the history keeps, and a file can say anything. So all of it is
generated again from the steps and the store, and differences are refused. Changes since the plan was made that do not
affect its steps may be described differently, in sentences that plans use. A plan made in this process is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace

from offerkit.address import Address, Kind, Stage
from offerkit.applier import Verified
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.governance.profiles import applied_profiles
from offerkit.governance.rights import approvers
from offerkit.plans.make import (
    HOW_TO_GO_LIVE,
    AddressPatterns,
    StepContext,
    protected_deletions,
    select_changes,
    steps_for,
)
from offerkit.plans.plan import ApprovalKey, Aspect, Blocked, Plan, PlanKind, PlanRequest, Reason, Step
from offerkit.plans.sentences import (
    addresses_in,
    blocked_in_current_words,
    invalid_texts,
    is_excused_case_note,
    is_format_1_reason,
    is_held_back_reason,
    is_note,
    is_note_with_time,
    is_rollback_note,
)
from offerkit.state.changes import Body, Delta
from offerkit.state.snapshot import Snapshot
from offerkit.usecases.plan import dependences, explained_steps, may_break
from offerkit.usecases.promote import plan_promotion, promotion_dependences
from offerkit.usecases.rollback import plan_rollback, plan_undo
from offerkit.usecases.saved_plan import SavedPlan
from offerkit.usecases.session import Session

_WORD = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN = tuple(f.name for f in fields(Step) if f.name not in ("address", "stage", "before", "after", "moved_from"))


def check_explanation(session: Session, verified: Verified) -> None:
    """Raise Refused if a plan from a file says something untrue; called inside the transaction that applies it."""
    plan = verified.plan
    if not plan.was_read:
        return
    stages = verified.stages
    assert stages.store is not None
    if plan.empty:
        raise refuse(
            Code.PLAN_EXPLANATION,
            "the plan has no steps, so there is nothing to apply",
            detail="The history records only changes.",
            hint="Make the plan again.",
        )
    diagnostics = [_untrue(plan, what) for what in invalid_texts(plan)]
    if plan.bodies.keys() != {step.after.fingerprint for step in plan.steps if step.after is not None}:
        diagnostics.append(_untrue(plan, "what it brings"))
    if (plan.to or plan.undoes or plan.withdrawn) and plan.kind is not PlanKind.ROLLBACK:
        diagnostics.append(_untrue(plan, "the revision that it goes back to"))
    request_fits = plan.kind not in (PlanKind.ROLLBACK, PlanKind.PURGE) or plan.asked == PlanRequest()
    if (plan.rolled_back and plan.kind is not PlanKind.PROMOTE) or not request_fits:
        diagnostics.append(_untrue(plan, "what it was asked for"))
    # A plan made without a store names no project.
    if not plan.project and (plan.kind is not PlanKind.APPLY or any(base.revision for base in plan.base)):
        diagnostics.append(_untrue(plan, "the project that it is of"))
    if not diagnostics:
        diagnostics = list(_CHECKS[plan.kind](SavedPlan(session, plan, stages.store, verified)))
    if diagnostics:
        raise Refused(diagnostics)


def _check_specs(saved: SavedPlan) -> Iterator[Diagnostic]:
    """Checks a plan of specs: everything except what is blocked."""
    plan, stages = saved.plan, saved.stages
    yield from protected_deletions(saved.deltas, stages.bodies)
    refs = _References(_after(saved), saved.bodies)
    context = StepContext(saved.bodies, refs.around(saved.deltas), saved.sources)
    steps = explained_steps(stages, saved.deltas, context)
    yield from _check_steps(saved, steps)
    arriving = {step.address: refs[step.address] for step in plan.steps if step.after is not None}
    if set(plan.depends) != set(dependences(list(plan.steps), arriving, stages)):
        yield _untrue(plan, "what it relies on")
    if plan.format > 1:
        yield from _check_selection(saved, refs)
    elif not all(map(is_note, plan.notes)):
        yield _untrue(plan, "its notes")
    for blocked in plan.blocked:
        if not _may_be_held(saved, blocked):
            yield _untrue(plan, "what stays behind", blocked.address)
    if plan.approvals:
        yield _untrue(plan, "the approvals that it relies on")


def _check_selection(saved: SavedPlan, refs: _References) -> Iterator[Diagnostic]:
    """Checks that all steps were requested or come along, and that the notes say so."""
    plan = saved.plan
    patterns = AddressPatterns.of(plan.targets, plan.asked.excludes)
    known = {*refs.entries, *(b.address for b in plan.blocked), *(d.moved_from or d.address for d in saved.deltas)}
    before = _References(saved.stages.side(Stage.DESIGN), saved.bodies)
    selection = select_changes(saved.deltas, patterns, refs, lambda address: before.get(address, ()))
    unmatched = [p.text for p in patterns.targets if not any(map(p.matches, known))]
    if (
        unmatched
        or {d.address for d in selection.chosen} != {d.address for d in saved.deltas}
        or plan.asked.environments
    ):
        yield _untrue(plan, "what it was asked for")
    elif sorted([*selection.notes, *_policy_notes(saved)]) != sorted(plan.notes):
        yield _untrue(plan, "its notes")


def _policy_notes(saved: SavedPlan) -> list[str]:
    """The notes that policies add to a plan of specs."""
    if not may_break(saved.stages, saved.plan):
        return []
    from offerkit.usecases.policy_checks import judge

    return judge(saved.session, saved.stages, saved.plan)[1]


def _may_be_held(saved: SavedPlan, blocked: Blocked) -> bool:
    """Whether this entry can be blocked in specs: the store alone cannot tell, but sets limits."""
    campaign = blocked.address.kind is Kind.CAMPAIGN
    stage = blocked.address.stage(Stage.LIVE if campaign else Stage.DESIGN)
    code = Code.NOT_LIVE if blocked.how == HOW_TO_GO_LIVE else Code.PLAN_EMPTY_TARGET
    exists = blocked.address in saved.stages.entries(stage)
    return (
        (blocked.stage, blocked.code, blocked.who, blocked.keys) == (stage, code, (), ())
        and (campaign or code is Code.PLAN_EMPTY_TARGET)
        and is_held_back_reason(blocked.why, blocked.how)
        and blocked.address not in {step.address for step in saved.plan.steps}
        and (blocked.live == (exists and code is Code.NOT_LIVE) or saved.has_changed([blocked.address]))
    )


def _check_promotion(saved: SavedPlan) -> Iterator[Diagnostic]:
    """Checks a promotion by planning it again, without campaigns, which are checked like plans of specs."""
    plan, stages = saved.plan, saved.stages
    campaigns = [d for d in saved.deltas if d.address.kind is Kind.CAMPAIGN]
    steps = steps_for(campaigns, StepContext(saved.bodies, {}, saved.sources))
    replanned = _replanned_promotion(saved)
    if replanned is not None:
        steps += replanned.steps
    yield from _check_steps(saved, steps)
    live, design = stages.side(Stage.LIVE), stages.side(Stage.DESIGN)
    after = stages.effect(plan, Stage.LIVE).after
    if set(plan.depends) != set(promotion_dependences(list(plan.steps), after, live, design)):
        yield _untrue(plan, "what it relies on")
    if replanned is None:
        if not all(map(is_note, plan.notes)):
            yield _untrue(plan, "its notes")
        yield from _check_format_1_blocked(saved)
        return
    for key in sorted(set(plan.approvals) ^ set(replanned.approvals), key=_key_order):
        if not saved.has_changed([key.address]):
            yield _untrue(plan, "the approvals that it relies on", key.address)
            break
    yield from _check_blocked(saved, replanned)
    yield from _check_notes(saved, replanned)


def _replanned_promotion(saved: SavedPlan) -> Plan | None:
    """The promotion as planned now; None for format 1, which does not contain what was requested."""
    plan = saved.plan
    if plan.format < 2:
        return None
    patterns = AddressPatterns.of(plan.targets, plan.asked.excludes)
    return plan_promotion(
        saved.session,
        saved.stages,
        plan.asked.environments,
        patterns,
        include_rolled_back=plan.rolled_back,
        released=False,
    )


def _check_blocked(saved: SavedPlan, replanned: Plan) -> Iterator[Diagnostic]:
    """Checks what is blocked and why. Resources that changed since can have been blocked for other reasons."""
    in_file = {blocked_in_current_words(b) for b in saved.plan.blocked if b.address.kind is not Kind.CAMPAIGN}
    for blocked in sorted(in_file ^ set(replanned.blocked), key=lambda b: b.address):
        if not saved.has_changed([blocked.address, *addresses_in(blocked.why), *addresses_in(blocked.how)]):
            yield _untrue(saved.plan, "what stays behind", blocked.address)
    for blocked in saved.plan.blocked:
        if blocked.address.kind is Kind.CAMPAIGN and not _may_be_held(saved, blocked):
            yield _untrue(saved.plan, "what stays behind", blocked.address)


def _check_format_1_blocked(saved: SavedPlan) -> Iterator[Diagnostic]:
    """Checks what a promotion of format 1 says is blocked; it does not contain enough to plan it again."""
    for blocked in saved.plan.blocked:
        addresses = [blocked.address, *addresses_in(blocked.why), *addresses_in(blocked.how)]
        if blocked.address.kind is Kind.CAMPAIGN or (_is_of_promotion(blocked) and saved.has_changed(addresses)):
            continue
        live = saved.stages.side(Stage.LIVE).entries.get(blocked.address)
        exists = live is not None or blocked.address in saved.stages.side(Stage.DESIGN).entries
        live_as_said = live is None or blocked.live == (live.activation != ())
        if not (
            _is_of_promotion(blocked)
            and exists
            and live_as_said
            and _may_approve(saved, addresses).issuperset(blocked.who)
        ):
            yield _untrue(saved.plan, "what stays behind", blocked.address)


def _is_of_promotion(blocked: Blocked) -> bool:
    """Whether the entry has the form of blocked entries in promotions of format 1."""
    return (
        blocked.stage == blocked.address.stage(Stage.LIVE)
        and blocked.code in (Code.NOT_APPROVED, Code.REQUIRED_FIELD)
        and len(set(blocked.who)) == len(blocked.who)
        and is_format_1_reason(blocked.why, blocked.how)
    )


def _may_approve(saved: SavedPlan, addresses: Iterable[Address]) -> set[str]:
    """Who may approve one of the offers ``about``: their named reviewers, or otherwise the roles."""
    design = saved.stages.side(Stage.DESIGN)
    offers = [design.offer(a) for a in addresses if a.kind is Kind.OFFER and a in design.entries]
    aspects = (Aspect.CONTENT, Aspect.ELIGIBILITY)
    profiles = applied_profiles(design)
    return {
        name
        for offer in offers
        for aspect in aspects
        for name in approvers(offer.reviewers(aspect), profiles, offer.address.environment)
    }


def _check_notes(saved: SavedPlan, replanned: Plan) -> Iterator[Diagnostic]:
    notes = [
        note for note in saved.plan.notes if not is_excused_case_note(note)
    ]  # these are verified when the cases run
    if len(set(notes)) < len(notes) and sorted(notes) != sorted(replanned.notes):
        yield _untrue(saved.plan, "its notes")
        return
    for note in sorted(set(notes) ^ set(replanned.notes)):
        addresses = list(addresses_in(note))
        released = note in notes and addresses and addresses[0].kind is Kind.CAMPAIGN and addresses[1:] == []
        if not (is_note(note) and (released or saved.has_changed(addresses))):
            yield _untrue(saved.plan, "its notes")
            return


def _check_rollback(saved: SavedPlan) -> Iterator[Diagnostic]:
    """Checks a rollback. That its steps restore a stage was verified already; this checks its explanations."""
    plan, stages = saved.plan, [base.stage for base in saved.plan.base]
    if plan.blocked or plan.depends or plan.approvals or not stages:
        yield _untrue(plan, "what it relies on")
        return
    if plan.undoes:
        replanned = plan_undo(saved.store, plan.undoes, withdrawn=plan.withdrawn)
    else:
        replanned = plan_rollback(
            saved.session, saved.store, stages[0], str(plan.to), plan.targets, withdrawn=plan.withdrawn
        )
    yield from _check_steps(saved, replanned.steps)
    if plan.format < 2:
        notes_match = all(is_rollback_note(note, stages[0], plan.to) for note in plan.notes)
    else:
        notes_match = plan.notes[1:] == replanned.notes[1:] and all(
            is_note_with_time(file_note, new_note, plan.to)
            for file_note, new_note in zip(plan.notes, replanned.notes, strict=False)
        )
    if not notes_match or len(plan.notes) != len(replanned.notes):
        yield _untrue(plan, "its notes")


def _check_purge(saved: SavedPlan) -> Iterator[Diagnostic]:
    """Checks a purge. That retention is over was verified already."""
    from offerkit.usecases.purge import may_be_kept

    reasons = dict.fromkeys((d.address for d in saved.deltas), Reason.RETENTION_OVER)
    yield from _check_steps(saved, steps_for(saved.deltas, StepContext(saved.bodies, {}, {}), reasons))
    plan = saved.plan
    if plan.blocked or plan.depends or plan.approvals:
        yield _untrue(plan, "what it relies on")
    if plan.targets:
        yield _untrue(plan, "what it was asked for")
    if len(set(plan.notes)) < len(plan.notes) or not may_be_kept(saved.store, plan).issuperset(plan.notes):
        yield _untrue(plan, "its notes")


_CHECKS: dict[PlanKind, Callable[[SavedPlan], Iterator[Diagnostic]]] = {
    PlanKind.APPLY: _check_specs,
    PlanKind.PROMOTE: _check_promotion,
    PlanKind.ROLLBACK: _check_rollback,
    PlanKind.PURGE: _check_purge,
}


def _check_steps(saved: SavedPlan, steps: Iterable[Step]) -> Iterator[Diagnostic]:
    """Checks that each step explains itself as when it is planned again."""
    expected_steps = {(step.stage, step.address): step for step in steps}
    for step in saved.plan.steps:
        expected = expected_steps.get((step.stage, step.address))
        if expected is None or (expected.before, expected.after, expected.moved_from) != (
            step.before,
            step.after,
            step.moved_from,
        ):
            if saved.plan.kind in _EARLIER and saved.plan.format < 2:
                yield from _check_early_step(saved, step)
            elif not saved.has_changed([step.address]) or saved.reasons.get(step.address) != step.reason:
                yield _untrue(saved.plan, "why it is in there", step.address)
            continue
        expected = replace(expected, source=step.source, changes=step.changes)  # both are verified elsewhere
        if set(expected.dependents) != set(step.dependents) and _may_affect(saved, step, expected):
            expected = replace(expected, dependents=step.dependents)
        differing = [name for name in _SHOWN if getattr(expected, name) != getattr(step, name)]
        if differing:
            yield _untrue(saved.plan, _WORDS.get(differing[0], differing[0]), step.address)


_EARLIER = (PlanKind.PROMOTE, PlanKind.ROLLBACK)
"""Kinds of plans whose steps may have differed in earlier versions; the applier applies today's rules."""


def _check_early_step(saved: SavedPlan, step: Step) -> Iterator[Diagnostic]:
    """Checks that a step planned by an earlier version has the reason that it gave."""
    design = saved.stages.side(Stage.DESIGN)
    if saved.plan.kind is PlanKind.ROLLBACK:
        reason = Reason.ROLLED_BACK
    elif step.after is None or step.after.activation == ():
        reason = Reason.REJECTED if step.address in design.entries else Reason.REMOVED_FROM_DESIGN
    else:
        reason = Reason.APPROVED if step.address.kind is Kind.OFFER else Reason.RIDES_ALONG
    if step.reason is not reason or step.approvals_reset or step.notes:
        yield _untrue(saved.plan, _WORDS["reason"], step.address)


def _may_affect(saved: SavedPlan, step: Step, expected: Step) -> bool:
    """Whether it may have been true that a step affects other resources than now.

    Plans of specs in format 1 also name resources that exist in the specs only.
    """
    different = [address for address in {*step.dependents} ^ {*expected.dependents} if isinstance(address, Address)]
    if saved.plan.format < 2 and saved.plan.kind is PlanKind.APPLY:
        return set(expected.dependents) <= set(step.dependents) or saved.has_changed(different)
    return all(saved.has_changed([address]) for address in different)


_WORDS = {
    "reason": "why it is in there",
    "approvals_reset": "the approvals that it resets",
    "dependents": "what it affects",
    "notes": "its notes",
}


def _after(saved: SavedPlan) -> Snapshot:
    """Design after the plan, with live's campaigns."""
    design = saved.stages.effect(saved.plan, Stage.DESIGN).after
    live = saved.stages.effect(saved.plan, Stage.LIVE).after
    campaigns = {address: live.entries[address] for address in live.of_kind(Kind.CAMPAIGN)}
    return design.with_entries({**design.entries, **campaigns}, saved.plan.bodies)


class _References(Mapping[Address, tuple[Address, ...]]):
    """References in a state, read on demand: most are never needed."""

    def __init__(self, state: Snapshot, bodies: Mapping[str, Body]) -> None:
        self._state, self._bodies = state, bodies

    @property
    def entries(self) -> Iterable[Address]:
        """All entries of the state."""
        return self._state.entries

    def __getitem__(self, address: Address) -> tuple[Address, ...]:
        if address not in self._state.entries:
            raise KeyError(address)
        return self._state.references(address)

    def __iter__(self) -> Iterator[Address]:
        return iter(self._state.entries)

    def __len__(self) -> int:
        return len(self._state.entries)

    def around(self, deltas: Iterable[Delta]) -> dict[Address, tuple[Address, ...]]:
        """The references of changed resources, and of everything that refers to them, directly or not."""
        changes = list(deltas)
        references = {d.address: self[d.address] for d in changes if d.address in self._state.entries}
        pending = {d.address for d in changes if d.before is not None} | {d.moved_from for d in changes if d.moved_from}
        words = {address: frozenset(self._words(address)) for address in self._state.entries} if pending else {}
        while pending:
            names = {address.name.rpartition("/")[2] for address in pending if address}
            coming: set[Address] = set()
            for address, body_words in words.items():
                if address not in references and not names.isdisjoint(body_words):
                    targets = self[address]
                    if not pending.isdisjoint(targets):
                        references[address] = targets
                        coming.add(address)
            pending = coming
        return references

    def _words(self, address: Address) -> list[str]:
        parent = address.name.split("/")[:-1] if address.kind is Kind.CATEGORY else []
        return [*_WORD.findall(self._bodies[self._state.entries[address].fingerprint].text), *parent]


def _key_order(key: ApprovalKey) -> tuple[Address, str, str]:
    return key.address, key.aspect, key.space


def _untrue(plan: Plan, what: str, address: Address | str = "") -> Diagnostic:
    of = f" of {address}" if address else ""
    return Diagnostic(
        Code.PLAN_EXPLANATION,
        f"the plan is wrong or out of date{of}: {what}",
        "What a plan says about its steps is computed again when it is applied, and must be the same.",
        "Make the plan again, and look at the changes.",
        address if isinstance(address, Address) else "",
    )
