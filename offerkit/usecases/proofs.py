"""Proofs about a change of states: what it means for every contact there can be, offline and without a contact.

Equal questions are asked once, and equal answers are one. Nothing here changes a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from offerkit.address import SHARED, Address, Kind, Stage
from offerkit.diagnostics import Code, refuse
from offerkit.diagnostics.installation import install_by_name
from offerkit.plans.plan import Plan, PlanKind, Step
from offerkit.prove.proofs import INTERRUPTED, REACHING, ChangeProofs, ProvedChange, ProvedOffer
from offerkit.prove.result import Comparison, Reading, Side, Verdict
from offerkit.prove.solver import solver_path
from offerkit.state.changes import Action, Entry
from offerkit.state.snapshot import BeforeAfter
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.requests import ProofRequest
from offerkit.usecases.session import Session

if TYPE_CHECKING:
    from offerkit.usecases.diff import Difference
    from offerkit.usecases.proof_questions import FormulaKey, ProofQuestion

MISSING = "Not shown: proofs of what these changes mean for every contact there can be, which need z3-solver."
_TELLING = frozenset(
    {
        "call_data",
        "category",
        "contacts",
        "dimension",
        "eligible",
        "enabled",
        "fields",
        "filters",
        "multiplier",
        "offer_fields",
    }
)
_TELLING |= {"parameters", "template", "time_zone", "weights", "when"}
"""The fields whose changes can change who is eligible; without the solver, others are not worth a line."""
_NOT_READ = frozenset({"content", "representations", "reviewers"})
"""The fields of offers and templates that no condition reads."""
PATIENT = 600.0
"""The seconds for proofs that are asked for on their own."""
_REPLAYED = 6
"""For how many alike answers it is tried whether one example fits them all."""


def proofs_of_plan(session: Session, plan: Plan, request: ProofRequest) -> ChangeProofs:
    """What is proved of ``plan``: of a promotion for live, of an apply as if all of it were approved.

    The plan is shown whatever happens here: without the solver the proofs say what is missing, and an interruption or
    a resource that this version cannot read leaves them out, and says so. Raises Refused if the moment is not a time.
    """

    waiting = plan.kind is PlanKind.PROMOTE and bool(plan.blocked)
    if not (waiting or _reaching(plan.steps)) or solver_path() is None:
        return proofs_or_why_not(plan.steps, ChangeProofs)
    from pydantic import ValidationError

    from offerkit.usecases.narrowing import narrowing  # imports the engine: most plans need none of it
    from offerkit.usecases.plan_effect import deciding_stage

    begun = monotonic()
    with session.reading() as store:
        stages = Stages(store)
        stage = deciding_stage(plan) if store is not None else Stage.DESIGN
        proofs = proofs_or_why_not(plan.steps, lambda: prove_change(stages.effect(plan, stage), request))
        if not waiting or _was_interrupted(proofs):
            return proofs
        try:
            left = replace(request, seconds=max(1.0, round(request.seconds - (monotonic() - begun))))
            return replace(proofs, narrowing=narrowing(plan, stages, left))
        except (KeyboardInterrupt, ValidationError):  # what a rule would decide is not what is proved
            return proofs


def _was_interrupted(proofs: ChangeProofs) -> bool:
    whys = (reading.why for each in proofs.changes for reading in (each.comparison.now, each.comparison.later))
    return INTERRUPTED in whys or any(INTERRUPTED in note for _, note in proofs.notes)


def proofs_of_difference(difference: Difference, request: ProofRequest) -> ChangeProofs:
    """What is proved of how one state differs from another, as :func:`proofs_of_plan`."""
    return proofs_or_why_not(difference.steps, lambda: prove_change(_with_shared(difference), request))


def _with_shared(difference: Difference) -> BeforeAfter:
    """The effect of a difference, with the shared resources that decisions need where the first state has none."""
    known: dict[Address, Entry] = {}
    for state in (difference.after, difference.before):
        for address, entry in (*state.entries.items(), *state.beside.items()):
            if address.environment == SHARED:
                known[address] = entry
    before = difference.effect.before
    return BeforeAfter.of(before.with_entries({**known, **before.entries}), difference.steps)


def prove_between(difference: Difference, request: ProofRequest) -> ChangeProofs:
    """:func:`proofs_of_difference`, where nothing else is asked for.

    Raises Refused without the solver, and for two environments, which have contacts, spaces and offers of their own.
    """
    from offerkit.usecases.prove_conditions import require_solver

    require_solver()
    if difference.across is not None:
        raise refuse(
            Code.BAD_POINT,
            f"proofs compare two states of one environment, not {difference.across[0]} and {difference.across[1]}",
            hint="Name the same environment twice, as in recipients@live recipients@design.",
        )
    return proofs_of_difference(difference, request)


def proofs_or_why_not(steps: Iterable[Step], prove: Callable[[], ChangeProofs]) -> ChangeProofs:
    """What ``prove`` gives, if ``steps`` change anything to prove about; else, or without the solver, why not."""
    reaching = _reaching(steps)
    if not reaching:
        return ChangeProofs()
    if solver_path() is None:
        telling = any(_head(change.path) in _TELLING for step in reaching for change in step.changes)
        return ChangeProofs(missing=f"{MISSING} {install_by_name('prove')}" if telling else "")
    from pydantic import ValidationError

    try:
        return prove()
    except KeyboardInterrupt:
        return ChangeProofs(notes=(("", f"Nothing is proved: {INTERRUPTED}."),))
    except ValidationError:
        return ChangeProofs(
            notes=(("", "Nothing is proved: a resource is declared in a way that this version cannot read."),)
        )


def _reaching(steps: Iterable[Step]) -> list[Step]:
    """The steps that could change who is eligible, of offers that are there before and after."""
    return [
        step
        for step in steps
        if step.before and step.after and step.address.kind in REACHING and not _changes_only_content(step)
    ]


def _changes_only_content(step: Step) -> bool:
    """Whether a step changes nothing of an offer or a template that any condition reads."""
    heads = {_head(change.path) for change in step.changes}
    inherits = step.address.kind in (Kind.OFFER, Kind.TEMPLATE)
    return inherits and step.action is Action.UPDATE and bool(heads) and heads <= _NOT_READ


def _head(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def prove_change(change: BeforeAfter, request: ProofRequest) -> ChangeProofs:
    """What ``change`` means for every contact there can be. Raises Refused if ``request.at`` is not a time."""
    from offerkit.usecases.proof_answers import solve
    from offerkit.usecases.proof_questions import touched_environments

    solved = solve(change, touched_environments(change), request)
    return ChangeProofs(tuple(_folded(solved.answers, change.addresses)), solved.moments, solved.notes)


def _folded(answers: Sequence[tuple[ProofQuestion, Comparison]], edited: Collection[Address]) -> Iterator[ProvedChange]:
    """The answers, alike ones together; those about what is edited come first."""
    groups: dict[FormulaKey, list[tuple[ProofQuestion, Comparison]]] = {}
    for question, answer in answers:
        key = question.environment, question.about, _alike(answer.now), _alike(answer.later)
        groups.setdefault(key, []).append((question, answer))
    for group in groups.values():
        alike = [question for question, _ in group]
        first, answer = next((pair for pair in group if pair[0].offers), group[0])
        offers: dict[Address, list[str]] = {}
        for question in alike:
            for offer, spaces in question.offers.items():
                offers.setdefault(offer, []).extend(spaces)
        yield ProvedChange(
            first.environment,
            first.about,
            answer,
            tuple(condition for question in alike for condition in question.conditions),
            tuple(
                ProvedOffer(offer, tuple(sorted(offers[offer])), offer in edited)
                for offer in sorted(offers, key=lambda offer: (offer not in edited, offer))
            ),
            "" if _are_examples_of_all(answer, alike) else _first_subject(first),
        )


def _are_examples_of_all(answer: Comparison, questions: Sequence[ProofQuestion]) -> bool:
    """Whether the examples of an answer are examples of all questions that have it; not tried for many questions."""
    if len(questions) == 1:
        return True
    if len(questions) > _REPLAYED:
        return False
    from offerkit.prove.replay import is_true

    for reading in (answer.now, answer.later) if answer.later is not answer.now else (answer.now,):
        for side, gained in ((reading.gained, True), (reading.lost, False)):
            if side.witness is not None:
                values, moment = side.witness.values, side.witness.moment
                for question in questions:
                    held, holds = (is_true(formula, values, moment) for formula in (question.before, question.after))
                    if (held, holds) != (not gained, gained):
                        return False
    return True


def _first_subject(question: ProofQuestion) -> str:
    """``offer.gold on email``: something that the answer to a question is about."""
    for offer, spaces in question.offers.items():
        return f"{offer.name} on {spaces[0]}"
    condition = question.conditions[0]
    return f"{condition.address} › {condition.path}"


def _alike(reading: Reading) -> FormulaKey:
    if reading.verdict is Verdict.SAME:
        return (Verdict.SAME,)
    return (*(_side(side) for side in (reading.gained, reading.lost)), reading.before, reading.after)


def _side(side: Side) -> FormulaKey:
    return side.answer, repr(side.facts), side.exact, side.why
