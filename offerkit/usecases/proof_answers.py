"""Answers the questions about a change of states, within a time: the important ones first, and none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, time
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from offerkit.address import SHARED, Address, Kind, environment_address
from offerkit.prove.hints import hints_of
from offerkit.prove.proofs import INTERRUPTED, ProofMoment
from offerkit.prove.question import AllOf, DayRange, Formula, reads_clock
from offerkit.prove.result import Comparison, Existence, Extent, Reading, Side, Verdict, undecided
from offerkit.prove.solver import Limits
from offerkit.state.changes import Change
from offerkit.state.snapshot import BeforeAfter
from offerkit.times import wall_clock
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.proof_questions import EnvironmentQuestions, FormulaKey, ProofQuestion, parts_of
from offerkit.usecases.requests import ProofRequest

if TYPE_CHECKING:
    from offerkit.prove.prover import Prover

_SHOWN = 50
"""For how many resources one question counts: a bar of progress is shown for long work only."""


class SolvedQuestions(NamedTuple):
    """The questions with their answers, those about changed resources first; ``notes``: what was not tried, and why."""

    answers: list[tuple[ProofQuestion, Comparison]]
    moments: tuple[ProofMoment, ...]
    notes: tuple[tuple[str, str], ...]


def solve(change: BeforeAfter, environments: Iterable[str], request: ProofRequest) -> SolvedQuestions:
    """All questions about ``change`` in some environments, answered. Raises Refused if ``request.at`` is not a time."""
    questions: list[ProofQuestion] = []
    moments: list[ProofMoment] = []
    notes: list[tuple[str, str]] = []
    changes: dict[str, list[Change]] = {}
    for each in change.changes:
        changes.setdefault(each.address.environment, []).append(each)
    with ExitStack() as stack:
        provers: dict[str, EnvironmentProver] = {}
        for name in environments:
            nearby = [*changes.get(name, ()), *changes.get(SHARED, ())]
            environment = EnvironmentQuestions(change, name, nearby, request.only)
            asked = environment.questions() if not environment.doubt else []
            words = [environment.doubt] if environment.doubt else environment.notes
            notes += [(name, text) for text in words]
            if not asked:
                continue
            questions += asked
            zone = environment.after.zone
            at = wall_clock(parse_time(request.at, zone, request.now), zone)
            if not request.at:
                at = at.replace(second=0, microsecond=0)  # a moment that can be said and asked for again
            moments.append(ProofMoment(name, at, str(zone)))
            provers[name] = stack.enter_context(EnvironmentProver(environment, asked, at, request.seconds))
        questions.sort(key=lambda question: not question.edited)
        answers = list(zip(questions, _answers(questions, provers, request), strict=True))
    return SolvedQuestions(answers, tuple(moments), tuple(notes))


def _answers(
    questions: Sequence[ProofQuestion], solving: dict[str, EnvironmentProver], request: ProofRequest
) -> Iterator[Comparison]:
    """The answers, in order; what there was no time for, or what an interruption left, is not decided."""
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
            yield answer
            advance(_SHOWN)


class EnvironmentProver:
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

    def __enter__(self) -> EnvironmentProver:
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
            return compare_on_days(self._prover, question.before, question.after, self._at)
        if core is None:
            return self._unknown(why)
        return Comparison(self._at, _known(core.now, why), _known(core.later, why))

    def _core(self, question: ProofQuestion, why: str) -> Comparison | None:
        """What is proved of the parts in which the two formulas differ, if several questions differ in them alone."""
        if question.core is None:
            return None
        key, before, after = question.core
        if key not in self._cores and not why and self._shared[key] > 1:
            self._cores[key] = compare_on_days(self._prover, before, after, self._at)
        return self._cores.get(key)

    def _unknown(self, why: str) -> Comparison:
        reading = undecided(why)
        return Comparison(self._at, reading, reading)


_NEVER = Reading(Side(Existence.NONE), Side(Existence.NONE), Extent.NOBODY, Extent.NOBODY)


def compare_on_days(prover: Prover, before: Formula, after: Formula, at: datetime) -> Comparison:
    """As the prover compares; days that both formulas share are no part of its question, which is then simpler."""
    days, rest = shared_days(before, after)
    if days is None or any(map(reads_clock, rest)):
        return prover.compare(before, after, at)
    today = at.date()
    if days.last is not None and days.last < max(today, days.first or today):
        return Comparison(at, _NEVER, _NEVER)
    answer = prover.compare(*rest, at)
    ends = replace(answer.now, before=_ending(answer.now.before), after=_ending(answer.now.after))
    later = answer.now if days.last is None else ends
    if days.first is None or days.first <= today:
        return replace(answer, later=later)
    return replace(answer, now=_NEVER, later=_on(ends, datetime.combine(days.first, time())))


def shared_days(before: Formula, after: Formula) -> tuple[DayRange | None, tuple[Formula, Formula]]:
    """The days on which both formulas are true at most, as both say in the same way, and the formulas without them."""
    shared = [part for part in parts_of(before) if isinstance(part, DayRange) and part in parts_of(after)]
    if not shared:
        return None, (before, after)
    days = DayRange(
        max((part.first for part in shared if part.first is not None), default=None),
        min((part.last for part in shared if part.last is not None), default=None),
    )
    was, will = (AllOf(tuple(part for part in parts_of(whole) if part not in shared)) for whole in (before, after))
    return days, (was, will)


def _ending(extent: Extent) -> Extent:
    """The extent at every moment of a condition that is never true on other days."""
    return Extent.SOME if extent is Extent.EVERYBODY else extent


def _on(reading: Reading, moment: datetime) -> Reading:
    """A reading whose examples are of a later moment."""

    def later(side: Side) -> Side:
        return side if side.witness is None else replace(side, witness=replace(side.witness, moment=moment))

    return replace(reading, gained=later(reading.gained), lost=later(reading.lost))


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
