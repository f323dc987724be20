"""Verifies what a plan file says besides its steps, by generating it again with the code that makes plans.

Steps are executed as saved; the applier checks them against the rules. What explains them (reasons, effects, what is
blocked and why, notes) is what reviewers read and what the history keeps, and a file can say anything. So all of it is
generated again from the steps and the store, and differences are refused. Changes since the plan was made that do not
affect its steps can be described differently: only statements about them may differ, and only in sentences that plans
use. A plan made in this process was generated just now, and is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cached_property

from offerkit.address import Address, Kind, Stage, by_stage
from offerkit.applier import Verified
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.governance.aspects import affecting, approval_keys
from offerkit.governance.rights import approvers
from offerkit.governance.withdrawals import ended_earlier, promotion_reasons
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
    in_current_words,
    invalid_texts,
    is_excused_case_note,
    is_format_1_reason,
    is_held_back_reason,
    is_note,
    is_note_with_time,
    is_rollback_note,
)
from offerkit.state.changes import Body, Delta, LayeredBodies
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.usecases.plan import dependences, explained_steps, may_break
from offerkit.usecases.promote import plan_promotion, promotion_dependences
from offerkit.usecases.rollback import plan_rollback, plan_undo
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
    found = [_untrue(plan, what) for what in invalid_texts(plan)]
    if plan.bodies.keys() != {step.after.fingerprint for step in plan.steps if step.after is not None}:
        found.append(_untrue(plan, "what it brings"))
    if (plan.to or plan.undoes or plan.withdrawn) and plan.kind is not PlanKind.ROLLBACK:
        found.append(_untrue(plan, "the revision that it goes back to"))
    if plan.rolled_back and plan.kind is not PlanKind.PROMOTE:
        found.append(_untrue(plan, "what it was asked for"))
    if plan.kind in (PlanKind.ROLLBACK, PlanKind.PURGE) and plan.asked != PlanRequest():
        found.append(_untrue(plan, "what it was asked for"))
    # A plan made without a store names no project.
    if not plan.project and (plan.kind is not PlanKind.APPLY or any(base.revision for base in plan.base)):
        found.append(_untrue(plan, "the project that it is of"))
    if not found:
        found = list(_CHECKS[plan.kind](_PlanFile(session, plan, stages.store, verified)))
    if found:
        raise Refused(found)


class _PlanFile:
    """A plan from a file, and what it is compared with."""

    def __init__(self, session: Session, plan: Plan, store: Store, verified: Verified) -> None:
        self.session, self.plan, self.store, self.stages = session, plan, store, verified.stages
        self.bodies: Mapping[str, Body] = LayeredBodies(plan.bodies, self.stages.bodies)
        self.deltas = sorted(
            (Delta(s.address, s.stage, s.action, s.before, s.after, s.moved_from) for s in plan.steps),
            key=lambda d: (d.stage.stage is Stage.LIVE, d.stage, d.address.sort_key),
        )
        self.sources = {step.address: step.source for step in plan.steps if step.source is not None}

    @cached_property
    def earliest(self) -> int:
        """The last revision that the plan relies on; it cannot have been made earlier."""
        found = max([base.revision for base in self.plan.base], default=0)
        for stage, needed in by_stage(self.plan.depends).items():
            last = self.store.last_change(stage, {item.address for item in needed})
            found = max([found, *(row.serial for row in last.values())])
        return max([found, *self._given()])

    def _given(self) -> list[int]:
        """The revisions of the first approvals of what the steps take live."""
        if self.plan.kind is not PlanKind.PROMOTE:
            return []
        after = self.stages.effect(self.plan, Stage.LIVE).after
        offers = {step.address: after.entries[step.address].activation for step in self.plan.steps if step.after}
        active = {offer: {"", *spaces} for offer, spaces in offers.items() if spaces}
        decisions = self.stages.decisions(active)
        each = (decisions.each(k) for offer, on in active.items() for k in approval_keys(after, offer) if k.space in on)
        return [rows[0].revision for rows in each if rows]

    @cached_property
    def since(self) -> frozenset[Address]:
        """What has changed since then; for promotions, also what was decided, which does not affect other plans."""
        promotes = self.plan.kind is PlanKind.PROMOTE
        changed = {
            address
            for stage in self.stages.stages
            for row in self.store.changes_since(stage, self.earliest)
            for address in (row.address, row.moved_from)
            if address and (promotes or stage.stage is Stage.DESIGN or address.kind is Kind.CAMPAIGN)
        }
        decided = {row.key.address for row in self.store.approvals() if row.revision > self.earliest and promotes}
        return frozenset(changed | decided)

    @cached_property
    def reasons(self) -> Mapping[Address, Reason]:
        """Why each step of a promotion is in it, derived from the steps alone."""
        live = self.stages.effect(self.plan, Stage.LIVE)
        there = (a for a in live.addresses if a in live.before.entries and a in live.after.entries)
        ended = ended_earlier(live.before, live.after, there)
        return promotion_reasons(self.deltas, self.stages.side(Stage.DESIGN), live.after, ended)

    def moved(self, addresses: Iterable[Address]) -> bool:
        """Whether any of ``addresses``, or anything that it depends on, was changed or decided on since."""
        since = self.since
        if not since:
            return False
        for address in addresses:
            around = {address}
            if address.kind is Kind.OFFER:
                for side in (Stage.DESIGN, Stage.LIVE):
                    snapshot = self.stages.side(side)
                    if address in snapshot.entries:
                        around |= affecting(snapshot, address)
            if not since.isdisjoint(around):
                return True
        return False


def _specs(told: _PlanFile) -> Iterator[Diagnostic]:
    """Checks a plan of specs: everything except what is blocked."""
    plan, stages = told.plan, told.stages
    yield from protected_deletions(told.deltas, stages.bodies)
    refs = _References(_after(told), told.bodies)
    context = StepContext(told.bodies, refs.around(told.deltas), told.sources)
    made = explained_steps(stages, told.deltas, context)
    yield from _steps(told, made)
    arriving = {step.address: refs[step.address] for step in plan.steps if step.after is not None}
    if set(plan.depends) != set(dependences(list(plan.steps), arriving, stages)):
        yield _untrue(plan, "what it relies on")
    if plan.format > 1:
        yield from _selected(told, refs)
    elif not all(map(is_note, plan.notes)):
        yield _untrue(plan, "its notes")
    for blocked in plan.blocked:
        if not _may_be_held(told, blocked):
            yield _untrue(plan, "what stays behind", blocked.address)
    if plan.approvals:
        yield _untrue(plan, "the approvals that it relies on")


def _selected(told: _PlanFile, refs: _References) -> Iterator[Diagnostic]:
    """Checks that all steps were requested or come along, and that the notes say so."""
    plan = told.plan
    patterns = AddressPatterns.of(plan.targets, plan.asked.excludes)
    known = {*refs.entries, *(b.address for b in plan.blocked), *(d.moved_from or d.address for d in told.deltas)}
    before = _References(told.stages.side(Stage.DESIGN), told.bodies)
    selection = select_changes(told.deltas, patterns, refs, lambda address: before.get(address, ()))
    lost = [p.text for p in patterns.targets if not any(map(p.matches, known))]
    if lost or {d.address for d in selection.chosen} != {d.address for d in told.deltas} or plan.asked.environments:
        yield _untrue(plan, "what it was asked for")
    elif sorted([*selection.notes, *_policy_notes(told)]) != sorted(plan.notes):
        yield _untrue(plan, "its notes")


def _policy_notes(told: _PlanFile) -> list[str]:
    """The notes that policies add to a plan of specs."""
    if not may_break(told.stages, told.plan):
        return []
    from offerkit.usecases.policy_checks import judge

    return judge(told.session, told.stages, told.plan)[1]


def _may_be_held(told: _PlanFile, blocked: Blocked) -> bool:
    """Whether this entry can be blocked in specs: the store alone cannot tell, but sets limits."""
    campaign = blocked.address.kind is Kind.CAMPAIGN
    stage = blocked.address.stage(Stage.LIVE if campaign else Stage.DESIGN)
    code = Code.NOT_LIVE if blocked.how == HOW_TO_GO_LIVE else Code.PLAN_EMPTY_TARGET
    there = blocked.address in told.stages.entries(stage)
    return (
        (blocked.stage, blocked.code, blocked.who, blocked.keys) == (stage, code, (), ())
        and (campaign or code is Code.PLAN_EMPTY_TARGET)
        and is_held_back_reason(blocked.why, blocked.how)
        and blocked.address not in {step.address for step in told.plan.steps}
        and (blocked.live == (there and code is Code.NOT_LIVE) or told.moved([blocked.address]))
    )


def _promotion(told: _PlanFile) -> Iterator[Diagnostic]:
    """Checks a promotion by planning it again, without campaigns, which are checked like plans of specs."""
    plan, stages = told.plan, told.stages
    campaigns = [d for d in told.deltas if d.address.kind is Kind.CAMPAIGN]
    made = steps_for(campaigns, StepContext(told.bodies, {}, told.sources))
    again = _promoted_again(told)
    if again is not None:
        made += again.steps
    yield from _steps(told, made)
    live, design = stages.side(Stage.LIVE), stages.side(Stage.DESIGN)
    after = stages.effect(plan, Stage.LIVE).after
    if set(plan.depends) != set(promotion_dependences(list(plan.steps), after, live, design)):
        yield _untrue(plan, "what it relies on")
    if again is None:
        if not all(map(is_note, plan.notes)):
            yield _untrue(plan, "its notes")
        yield from _stayed(told)
        return
    for key in sorted(set(plan.approvals) ^ set(again.approvals), key=_place):
        if not told.moved([key.address]):
            yield _untrue(plan, "the approvals that it relies on", key.address)
            break
    yield from _stays(told, again)
    yield from _notes(told, again)


def _promoted_again(told: _PlanFile) -> Plan | None:
    """The promotion as planned now; None for format 1, which does not contain what was requested."""
    plan = told.plan
    if plan.format < 2:
        return None
    patterns = AddressPatterns.of(plan.targets, plan.asked.excludes)
    return plan_promotion(
        told.session,
        told.stages,
        plan.asked.environments,
        patterns,
        include_rolled_back=plan.rolled_back,
        released=False,
    )


def _stays(told: _PlanFile, again: Plan) -> Iterator[Diagnostic]:
    """Checks what is blocked and why. Resources that changed since can have been blocked for other reasons."""
    said = {_reworded(b) for b in told.plan.blocked if b.address.kind is not Kind.CAMPAIGN}
    for blocked in sorted(said ^ set(again.blocked), key=lambda b: b.address):
        if not told.moved([blocked.address, *addresses_in(blocked.why), *addresses_in(blocked.how)]):
            yield _untrue(told.plan, "what stays behind", blocked.address)
    for blocked in told.plan.blocked:
        if blocked.address.kind is Kind.CAMPAIGN and not _may_be_held(told, blocked):
            yield _untrue(told.plan, "what stays behind", blocked.address)


def _reworded(blocked: Blocked) -> Blocked:
    return replace(blocked, why=in_current_words(blocked.why), how=in_current_words(blocked.how))


def _stayed(told: _PlanFile) -> Iterator[Diagnostic]:
    """Checks what a promotion of format 1 says is blocked; it does not contain enough to plan it again."""
    for blocked in told.plan.blocked:
        about = [blocked.address, *addresses_in(blocked.why), *addresses_in(blocked.how)]
        if blocked.address.kind is Kind.CAMPAIGN or (_is_of_promotion(blocked) and told.moved(about)):
            continue
        live = told.stages.side(Stage.LIVE).entries.get(blocked.address)
        there = live is not None or blocked.address in told.stages.side(Stage.DESIGN).entries
        so = live is None or blocked.live == (live.activation != ())
        if not (_is_of_promotion(blocked) and there and so and _may_lift(told, about).issuperset(blocked.who)):
            yield _untrue(told.plan, "what stays behind", blocked.address)


def _is_of_promotion(blocked: Blocked) -> bool:
    """Whether the entry has the form of blocked entries in promotions of format 1."""
    return (
        blocked.stage == blocked.address.stage(Stage.LIVE)
        and blocked.code in (Code.NOT_APPROVED, Code.REQUIRED_FIELD)
        and len(set(blocked.who)) == len(blocked.who)
        and is_format_1_reason(blocked.why, blocked.how)
    )


def _may_lift(told: _PlanFile, about: Iterable[Address]) -> set[str]:
    """Who may approve one of the offers ``about``: their named reviewers, or otherwise the roles."""
    design = told.stages.side(Stage.DESIGN)
    offers = [design.offer(a) for a in about if a.kind is Kind.OFFER and a in design.entries]
    aspects = (Aspect.CONTENT, Aspect.ELIGIBILITY)
    return {name for offer in offers for aspect in aspects for name in approvers(offer.reviewers(aspect))}


def _notes(told: _PlanFile, again: Plan) -> Iterator[Diagnostic]:
    said = [
        note for note in told.plan.notes if not is_excused_case_note(note)
    ]  # these are held against the cases that are run
    if len(set(said)) < len(said) and sorted(said) != sorted(again.notes):
        yield _untrue(told.plan, "its notes")
        return
    for note in sorted(set(said) ^ set(again.notes)):
        about = list(addresses_in(note))
        released = note in said and about and about[0].kind is Kind.CAMPAIGN and about[1:] == []
        if not (is_note(note) and (released or told.moved(about))):
            yield _untrue(told.plan, "its notes")
            return


def _rollback(told: _PlanFile) -> Iterator[Diagnostic]:
    """Checks a rollback. That its steps restore a stage was verified already; this checks its explanations."""
    plan, stages = told.plan, [base.stage for base in told.plan.base]
    if plan.blocked or plan.depends or plan.approvals or not stages:
        yield _untrue(plan, "what it relies on")
        return
    if plan.undoes:
        again = plan_undo(told.store, plan.undoes, withdrawn=plan.withdrawn)
    else:
        again = plan_rollback(told.session, told.store, stages[0], str(plan.to), plan.targets, withdrawn=plan.withdrawn)
    yield from _steps(told, again.steps)
    if plan.format < 2:
        same = all(is_rollback_note(note, stages[0], plan.to) for note in plan.notes)
    else:
        same = plan.notes[1:] == again.notes[1:] and all(
            is_note_with_time(said, made, plan.to) for said, made in zip(plan.notes, again.notes, strict=False)
        )
    if not same or len(plan.notes) != len(again.notes):
        yield _untrue(plan, "its notes")


def _purge(told: _PlanFile) -> Iterator[Diagnostic]:
    """Checks a purge. That retention is over was verified already."""
    from offerkit.usecases.purge import may_be_kept

    reasons = dict.fromkeys((d.address for d in told.deltas), Reason.RETENTION_OVER)
    yield from _steps(told, steps_for(told.deltas, StepContext(told.bodies, {}, {}), reasons))
    plan = told.plan
    if plan.blocked or plan.depends or plan.approvals:
        yield _untrue(plan, "what it relies on")
    if plan.targets:
        yield _untrue(plan, "what it was asked for")
    if len(set(plan.notes)) < len(plan.notes) or not may_be_kept(told.store, plan).issuperset(plan.notes):
        yield _untrue(plan, "its notes")


_CHECKS: dict[PlanKind, Callable[[_PlanFile], Iterator[Diagnostic]]] = {
    PlanKind.APPLY: _specs,
    PlanKind.PROMOTE: _promotion,
    PlanKind.ROLLBACK: _rollback,
    PlanKind.PURGE: _purge,
}


def _steps(told: _PlanFile, made: Iterable[Step]) -> Iterator[Diagnostic]:
    """Checks that each step explains itself as when it is planned again."""
    again = {(step.stage, step.address): step for step in made}
    for step in told.plan.steps:
        one = again.get((step.stage, step.address))
        if one is None or (one.before, one.after, one.moved_from) != (step.before, step.after, step.moved_from):
            if told.plan.kind in _EARLIER and told.plan.format < 2:
                yield from _made_before(told, step)
            elif not told.moved([step.address]) or told.reasons.get(step.address) != step.reason:
                yield _untrue(told.plan, "why it is in there", step.address)
            continue
        one = replace(one, source=step.source, changes=step.changes)  # both are verified elsewhere
        if set(one.dependents) != set(step.dependents) and _may_affect(told, step, one):
            one = replace(one, dependents=step.dependents)
        wrong = [name for name in _SHOWN if getattr(one, name) != getattr(step, name)]
        if wrong:
            yield _untrue(told.plan, _WORDS.get(wrong[0], wrong[0]), step.address)


_EARLIER = (PlanKind.PROMOTE, PlanKind.ROLLBACK)
"""Kinds of plans whose steps may have differed in earlier versions; the applier applies today's rules."""


def _made_before(told: _PlanFile, step: Step) -> Iterator[Diagnostic]:
    """Checks that a step planned by an earlier version has the reason that it gave."""
    design = told.stages.side(Stage.DESIGN)
    if told.plan.kind is PlanKind.ROLLBACK:
        reason = Reason.ROLLED_BACK
    elif step.after is None or step.after.activation == ():
        reason = Reason.REJECTED if step.address in design.entries else Reason.REMOVED_FROM_DESIGN
    else:
        reason = Reason.APPROVED if step.address.kind is Kind.OFFER else Reason.RIDES_ALONG
    if step.reason is not reason or step.approvals_reset or step.notes:
        yield _untrue(told.plan, _WORDS["reason"], step.address)


def _may_affect(told: _PlanFile, step: Step, made: Step) -> bool:
    """Whether it may have been true that a step affects other resources than now.

    Plans of specs in format 1 also name resources that exist in the specs only.
    """
    different = [address for address in {*step.dependents} ^ {*made.dependents} if isinstance(address, Address)]
    if told.plan.format < 2 and told.plan.kind is PlanKind.APPLY:
        return set(made.dependents) <= set(step.dependents) or told.moved(different)
    return all(told.moved([address]) for address in different)


_WORDS = {
    "reason": "why it is in there",
    "approvals_reset": "the approvals that it resets",
    "dependents": "what it affects",
    "notes": "its notes",
}


def _after(told: _PlanFile) -> Snapshot:
    """Design after the plan, with live's campaigns."""
    design = told.stages.effect(told.plan, Stage.DESIGN).after
    live = told.stages.effect(told.plan, Stage.LIVE).after
    campaigns = {address: live.entries[address] for address in live.of_kind(Kind.CAMPAIGN)}
    return design.with_entries({**design.entries, **campaigns}, told.plan.bodies)


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
        made = list(deltas)
        found = {d.address: self[d.address] for d in made if d.address in self._state.entries}
        pending = {d.address for d in made if d.before is not None} | {d.moved_from for d in made if d.moved_from}
        words = {address: frozenset(self._words(address)) for address in self._state.entries} if pending else {}
        while pending:
            names = {address.name.rpartition("/")[2] for address in pending if address}
            coming: set[Address] = set()
            for address, said in words.items():
                if address not in found and not names.isdisjoint(said):
                    targets = self[address]
                    if not pending.isdisjoint(targets):
                        found[address] = targets
                        coming.add(address)
            pending = coming
        return found

    def _words(self, address: Address) -> list[str]:
        parent = address.name.split("/")[:-1] if address.kind is Kind.CATEGORY else []
        return [*_WORD.findall(self._bodies[self._state.entries[address].fingerprint].text), *parent]


def _place(key: ApprovalKey) -> tuple[Address, str, str]:
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
