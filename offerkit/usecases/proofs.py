"""Proofs about a change of states: what it means for every contact there can be, offline and without a contact.

Equal questions are asked once, and equal answers are told once. Nothing here changes a plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import ValidationError

from offerkit.address import SHARED, Address, Kind, Stage, environment_address
from offerkit.diagnostics import Code, refuse
from offerkit.diagnostics.installation import install_hint
from offerkit.plans.plan import Plan, Step
from offerkit.prove.hints import hints_of
from offerkit.prove.proofs import ProofMoment, Proofs, ProvedChange, ProvedOffer
from offerkit.prove.replay import is_true
from offerkit.prove.result import Comparison, Existence, Reading, Side, Verdict, undecided
from offerkit.prove.solver import Limits, solver_path
from offerkit.specs.progress import Progress, no_progress
from offerkit.state.changes import Entry
from offerkit.state.snapshot import BeforeAfter
from offerkit.store.stage_snapshots import Stages
from offerkit.times import wall_clock
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.plan_effect import deciding_stage
from offerkit.usecases.proof_questions import (
    REACHING,
    EnvironmentQuestions,
    FormulaKey,
    ProofQuestion,
    touched_environments,
)
from offerkit.usecases.prove_conditions import require_solver
from offerkit.usecases.session import Session

if TYPE_CHECKING:
    from offerkit.prove.prover import Prover
    from offerkit.usecases.diff import Difference

MISSING = "Not shown: proofs of what these changes mean for every contact there can be, which need z3-solver."
INTERRUPTED = "it was interrupted"
_TELLING = frozenset({"call_data", "category", "contacts", "dimension", "eligible", "enabled", "fields", "multiplier"})
_TELLING |= {"parameters", "template", "time_zone", "weights", "when"}
"""The fields whose changes can change who is eligible; without the solver, others are not worth a line."""
PATIENT = 600.0
"""The seconds for proofs that are asked for on their own."""
_REPLAYED = 6
"""For how many alike answers it is tried whether one example fits them all."""
_SHOWN = 50
"""For how many resources one question counts: a bar of progress is shown for long work only."""


@dataclass(frozen=True)
class ProofRequest:
    """``at``: the moment as the user wrote it; empty: ``now`` (ISO 8601, UTC). ``only``: the addresses to prove about.

    ``seconds``: after this time, what is left is not decided.
    """

    now: str
    at: str = ""
    seconds: float = 15.0
    only: Callable[[Address], bool] = lambda address: True
    progress: Progress = no_progress


def proofs_of_plan(session: Session, plan: Plan, request: ProofRequest) -> Proofs:
    """What is proved of ``plan``: of a promotion for live, of an apply as if all of it were approved.

    The plan is shown whatever happens here: without the solver the proofs say what is missing, and an interruption or
    a resource that this version cannot read leaves them out, and says so. Raises Refused if the moment is not a time.
    """

    def prove() -> Proofs:
        with session.reading() as store:
            stage = deciding_stage(plan) if store is not None else Stage.DESIGN
            return prove_change(Stages(store).effect(plan, stage), request)

    return proofs_or_why_not(plan.steps, prove)


def proofs_of_difference(difference: Difference, request: ProofRequest) -> Proofs:
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


def prove_between(difference: Difference, request: ProofRequest) -> Proofs:
    """:func:`proofs_of_difference`, where nothing else is asked for.

    Raises Refused without the solver, and for two environments, which have contacts, spaces and offers of their own.
    """
    require_solver()
    if difference.across is not None:
        raise refuse(
            Code.BAD_POINT,
            f"proofs compare two states of one environment, not {difference.across[0]} and {difference.across[1]}",
            hint="Name the same environment twice, as in recipients@live recipients@design.",
        )
    return proofs_of_difference(difference, request)


def proofs_or_why_not(steps: Iterable[Step], prove: Callable[[], Proofs]) -> Proofs:
    """What ``prove`` gives, if ``steps`` change anything to prove about; else, or without the solver, why not."""
    reaching = [step for step in steps if step.before and step.after and step.address.kind in REACHING]
    if not reaching:
        return Proofs()
    if solver_path() is None:
        telling = any(_head(change.path) in _TELLING for step in reaching for change in step.changes)
        return Proofs(missing=f"{MISSING} {install_hint('prove')}" if telling else "")
    try:
        return prove()
    except KeyboardInterrupt:
        return Proofs(notes=(("", f"Nothing is proved: {INTERRUPTED}."),))
    except ValidationError:
        return Proofs(
            notes=(("", "Nothing is proved: a resource is declared in a way that this version cannot read."),)
        )


def _head(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def prove_change(change: BeforeAfter, request: ProofRequest) -> Proofs:
    """What ``change`` means for every contact there can be. Raises Refused if ``request.at`` is not a time."""
    questions: list[ProofQuestion] = []
    moments: list[ProofMoment] = []
    notes: list[tuple[str, str]] = []
    with ExitStack() as stack:
        solving: dict[str, _Solving] = {}
        for name in touched_environments(change):
            environment = EnvironmentQuestions(change, name, request.only)
            asked = environment.questions() if not environment.doubt else []
            words = [environment.doubt] if environment.doubt else environment.notes if asked else []
            notes += [(name, text) for text in words]
            if not asked:
                continue
            questions += asked
            zone = environment.after.zone
            at = wall_clock(parse_time(request.at, zone, request.now), zone)
            if not request.at:
                at = at.replace(second=0, microsecond=0)  # a moment that can be said and asked for again
            moments.append(ProofMoment(name, at, str(zone)))
            solving[name] = stack.enter_context(_Solving(environment, asked, at, request.seconds))
        questions.sort(key=lambda question: not question.edited)
        answers = _answers(questions, solving, request)
    return Proofs(tuple(_folded(questions, answers, change.addresses)), tuple(moments), tuple(notes))


def _answers(
    questions: Sequence[ProofQuestion], solving: dict[str, _Solving], request: ProofRequest
) -> list[Comparison]:
    """The answers, in order; what there was no time for, or what an interruption left, is not decided."""
    answers: list[Comparison] = []
    deadline, why = monotonic() + request.seconds, ""
    with request.progress("Proving", len(questions) * _SHOWN) as advance:
        for question in questions:
            if not why and monotonic() > deadline:
                why = f"proofs took longer than {request.seconds:g} s altogether"
            try:
                answer = solving[question.environment].answer(question, why)
            except KeyboardInterrupt:
                why = INTERRUPTED
                answer = solving[question.environment].answer(question, why)
            answers.append(answer)
            advance(_SHOWN)
    return answers


class _Solving:
    """The prover of one environment, and what it has found out about the parts that many questions differ in."""

    def __init__(
        self, environment: EnvironmentQuestions, questions: Iterable[ProofQuestion], at: datetime, seconds: float
    ) -> None:
        from offerkit.prove.prover import Prover  # plans without a change of a rule load no encoder

        name, bodies = environment.name, environment.bodies
        dimension = Address(SHARED, Kind.DIMENSION, environment.after.dimension.name)
        hints = hints_of(bodies[dimension], bodies[environment_address(name)])
        self._prover: Prover = Prover(Limits(total_seconds=seconds), hints)
        self._at = at
        self._shared = Counter(question.core[0] for question in questions if question.core is not None)
        self._cores: dict[FormulaKey, Comparison] = {}

    def __enter__(self) -> _Solving:
        self._prover.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._prover.__exit__(None, None, None)

    def answer(self, question: ProofQuestion, why: str = "") -> Comparison:
        """The answer; ``why``: only as far as it is known without the solver, and why no more is asked."""
        if question.doubt:
            return self._unknown(question.doubt)
        core = self._core(question, why)
        if core is not None and core.now.verdict is core.later.verdict is Verdict.SAME:
            return Comparison(self._at, _same(core.now), _same(core.later))
        if not why:
            return self._prover.compare(question.before, question.after, self._at)
        if core is None:
            return self._unknown(why)
        return Comparison(self._at, _known(core.now, why), _known(core.later, why))

    def _core(self, question: ProofQuestion, why: str) -> Comparison | None:
        """What is proved of the parts in which the two formulas differ, if several questions differ in them alone."""
        if question.core is None:
            return None
        key, before, after = question.core
        if key not in self._cores and not why and self._shared[key] > 1:
            self._cores[key] = self._prover.compare(before, after, self._at)
        return self._cores.get(key)

    def _unknown(self, why: str) -> Comparison:
        reading = undecided(why)
        return Comparison(self._at, reading, reading)


def _same(core: Reading) -> Reading:
    """The reading of a whole whose differing parts mean the same."""
    return Reading(Side(core.gained.answer), Side(core.lost.answer))


def _known(core: Reading, why: str) -> Reading:
    """What is known of a whole: what nobody gains or loses by the differing parts, nobody does by the whole."""
    gained, lost = (
        Side(Existence.NONE) if side.answer is Existence.NONE else Side(Existence.UNDECIDED, why=why)
        for side in (core.gained, core.lost)
    )
    return Reading(gained, lost)


def _folded(
    questions: Sequence[ProofQuestion], answers: Sequence[Comparison], edited: Collection[Address]
) -> Iterator[ProvedChange]:
    """The answers, alike ones together; those about what is edited come first."""
    groups: dict[FormulaKey, list[tuple[ProofQuestion, Comparison]]] = {}
    for question, answer in zip(questions, answers, strict=True):
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
