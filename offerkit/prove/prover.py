"""Asks the solver about formulas: what a change means, what contradicts itself, what adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType

from offerkit.diagnostics import and_list
from offerkit.prove.encode import UnprovableError
from offerkit.prove.inquiry import Inquiry
from offerkit.prove.question import AllOf, Formula, Hints
from offerkit.prove.replay import is_true
from offerkit.prove.result import Comparison, Existence, Extent, Reading, Side, undecided
from offerkit.prove.smt import conj, neg
from offerkit.prove.solver import Limits, Solver, SolverError

_REFINEMENTS = 6
"""How often an opaque part may be pinned to its value for one more contact."""


class Prover:
    """Answers questions about formulas, each distinct one once; a context manager.

    ``hints`` make examples plausible and change no answer. ``unreplayed`` counts examples that the rule evaluator did
    not confirm although every part has an encoding: each is a fault of the encoding.
    """

    def __init__(self, limits: Limits | None = None, hints: Hints | None = None, solver: Solver | None = None) -> None:
        self.hints: Hints = hints or {}
        self.unreplayed = 0
        self._solver = solver or Solver(limits)
        self._known: dict[object, Reading] = {}

    def __enter__(self) -> Prover:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the solver."""
        self._solver.close()

    def compare(self, before: Formula, after: Formula, at: datetime) -> Comparison:
        """For whom ``after`` is true and ``before`` is not, and the other way round; see :class:`Comparison`."""
        now, inquiry = self._reading(before, after, at, later=False)
        later = now
        if inquiry is not None and inquiry.encoder.uses_clock:
            later, _ = self._reading(before, after, at, later=True)
        return Comparison(at, now, later, inquiry.opaque_names if inquiry is not None else ())

    def extent(self, formula: Formula, at: datetime) -> tuple[Extent, Extent]:
        """For whom a formula is true: at the moment ``at``, and at every moment from then on.

        *Nobody* and *everybody* speak of all those moments.
        """
        comparison = self.compare(formula, formula, at)
        return comparison.now.after, comparison.later.after

    def contradiction(self, parts: Sequence[Formula], at: datetime) -> tuple[int, ...] | None:
        """A smallest choice of ``parts`` that are never all true from ``at`` on, by index.

        None: they can all be true. Empty: not decided.
        """
        try:
            if self._is_possible(AllOf(tuple(parts)), at):
                return None
            chosen = list(range(len(parts)))
            for index in range(len(parts)):
                fewer = [each for each in chosen if each != index]
                if not self._is_possible(AllOf(tuple(parts[each] for each in fewer)), at):
                    chosen = fewer
            return tuple(chosen)
        except (SolverError, UnprovableError):
            return ()

    def implied(self, part: Formula, by: Sequence[Formula], at: datetime) -> Existence:
        """Whether there can be a contact from ``at`` on for whom all of ``by`` are true and ``part`` is not.

        NONE: ``part`` adds nothing to them.
        """
        try:
            inquiry = Inquiry(self._solver, at, later=True)
            goal = conj(inquiry.encoder.formula(AllOf(tuple(by))), neg(inquiry.encoder.formula(part)))
            inquiry.begin()
            return inquiry.check(goal)
        except (SolverError, UnprovableError):
            return Existence.UNDECIDED

    def _is_possible(self, formula: Formula, at: datetime) -> bool:
        """Whether a formula can be true; an undecided one raises SolverError."""
        inquiry = Inquiry(self._solver, at, later=True)
        goal = inquiry.encoder.formula(formula)
        inquiry.begin()
        answer = inquiry.check(goal)
        if answer is Existence.UNDECIDED:
            raise SolverError(inquiry.why)
        return answer is Existence.SOME

    def _reading(self, before: Formula, after: Formula, at: datetime, *, later: bool) -> tuple[Reading, Inquiry | None]:
        inquiry = Inquiry(self._solver, at, later=later)
        try:
            was, will = inquiry.encoder.formula(before), inquiry.encoder.formula(after)
            key = (inquiry.text, was, will, tuple(inquiry.encoder.fields))
            if key not in self._known:
                inquiry.begin()
                self._known[key] = self._compared(inquiry, (before, was), (after, will))
            return self._known[key], inquiry
        except (SolverError, UnprovableError) as error:
            return undecided(str(error)), inquiry

    def _compared(self, inquiry: Inquiry, before: tuple[Formula, str], after: tuple[Formula, str]) -> Reading:
        gained = self._side(inquiry, after, before)
        lost = self._side(inquiry, before, after)
        return Reading(
            gained,
            lost,
            _extent(inquiry, before[1], some=lost.answer is Existence.SOME, lacking=gained.answer is Existence.SOME),
            _extent(inquiry, after[1], some=gained.answer is Existence.SOME, lacking=lost.answer is Existence.SOME),
        )

    def _side(self, inquiry: Inquiry, true: tuple[Formula, str], not_true: tuple[Formula, str]) -> Side:
        """The contacts for whom one formula is true and the other is not."""
        goal = conj(true[1], neg(not_true[1]))
        for _ in range(_REFINEMENTS):
            answer = inquiry.check(goal)
            if answer is not Existence.SOME:
                return Side(answer, why=inquiry.why if answer is Existence.UNDECIDED else "")
            witness = inquiry.witness()
            values, moment = witness.values, witness.moment
            if is_true(true[0], values, moment) and not is_true(not_true[0], values, moment):
                return Side(Existence.SOME, witness)
            if not inquiry.refine(witness):
                break
        if not inquiry.encoder.opaque:
            self.unreplayed += 1
        return Side(Existence.UNDECIDED, why=_about(inquiry.opaque_names) or "an example could not be confirmed")


def _extent(inquiry: Inquiry, term: str, *, some: bool, lacking: bool) -> Extent:
    """For whom a term is true. ``some``: it is for somebody; ``lacking``: it is not for somebody."""
    holds = Existence.SOME if some else inquiry.check(term)
    fails = Existence.SOME if lacking else inquiry.check(neg(term))
    if holds is Existence.NONE:
        return Extent.NOBODY
    if fails is Existence.NONE:
        return Extent.EVERYBODY
    if Existence.UNDECIDED in (holds, fails) or (inquiry.encoder.opaque and not (some and lacking)):
        return Extent.UNDECIDED
    return Extent.SOME


def _about(names: tuple[str, ...]) -> str:
    """Why opaque parts leave something undecided; empty if there are none."""
    return f"nothing is known about what {and_list(names)} gives there" if names else ""
