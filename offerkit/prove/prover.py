"""Asks the solver about formulas: what a change means, what contradicts itself, what adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import TypeAlias

from offerkit.prove.encode import UnprovableError
from offerkit.prove.inquiry import Confirmation, Inquiry
from offerkit.prove.question import FALSE, TRUE, AllOf, Formula, Hints
from offerkit.prove.replay import is_true
from offerkit.prove.result import Comparison, Existence, Extent, Reading, Side, undecided
from offerkit.prove.smt import conj, neg
from offerkit.prove.solver import Limits, Solver, SolverError

_Encoded: TypeAlias = tuple[Formula, str]
"""A formula, and its term in a script."""


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
            return self._exists(AllOf(tuple(by)), part, at)
        except (SolverError, UnprovableError):
            return Existence.UNDECIDED

    def _is_possible(self, formula: Formula, at: datetime) -> bool:
        """Whether a formula can be true; an undecided one raises SolverError."""
        answer = self._exists(formula, FALSE, at)
        if answer is Existence.UNDECIDED:
            raise SolverError("not decided")
        return answer is Existence.SOME

    def _exists(self, true: Formula, not_true: Formula, at: datetime) -> Existence:
        """Whether one formula can be true and another not, at any moment from ``at`` on."""
        inquiry = Inquiry(self._solver, at, later=True)
        goal = conj(inquiry.encoder.formula(true), neg(inquiry.encoder.formula(not_true)))
        inquiry.begin()
        answer, _ = inquiry.exists(goal, _confirmation(true, not_true))
        self.unreplayed += inquiry.unreplayed
        return answer

    def _reading(self, before: Formula, after: Formula, at: datetime, *, later: bool) -> tuple[Reading, Inquiry | None]:
        inquiry = Inquiry(self._solver, at, later=later)
        try:
            was, will = inquiry.encoder.formula(before), inquiry.encoder.formula(after)
            key = (inquiry.text, was, will, tuple(inquiry.encoder.fields), at)
            if key not in self._known:
                inquiry.begin()
                self._known[key] = _compared(inquiry, (before, was), (after, will))
                self.unreplayed += inquiry.unreplayed
            return self._known[key], inquiry
        except (SolverError, UnprovableError) as error:
            return undecided(str(error)), inquiry


def _compared(inquiry: Inquiry, before: _Encoded, after: _Encoded) -> Reading:
    gained = _side(inquiry, after, before)
    lost = _side(inquiry, before, after)
    return Reading(
        gained,
        lost,
        _extent(inquiry, before, some=lost.answer is Existence.SOME, lacking=gained.answer is Existence.SOME),
        _extent(inquiry, after, some=gained.answer is Existence.SOME, lacking=lost.answer is Existence.SOME),
    )


def _side(inquiry: Inquiry, true: _Encoded, not_true: _Encoded) -> Side:
    """The contacts for whom one formula is true and the other is not."""
    answer, witness = inquiry.exists(conj(true[1], neg(not_true[1])), _confirmation(true[0], not_true[0]))
    return Side(answer, witness, why=inquiry.why if answer is Existence.UNDECIDED else "")


def _confirmation(true: Formula, not_true: Formula) -> Confirmation:
    """Whether the rule evaluator says of an example that one formula is true for it and the other is not."""
    return lambda example: (
        is_true(true, example.values, example.moment) and not is_true(not_true, example.values, example.moment)
    )


def _extent(inquiry: Inquiry, encoded: _Encoded, *, some: bool, lacking: bool) -> Extent:
    """For whom a formula is true. ``some``: it is for somebody; ``lacking``: it is not for somebody."""
    formula, term = encoded
    holds = Existence.SOME if some else inquiry.exists(term, _confirmation(formula, FALSE))[0]
    fails = Existence.SOME if lacking else inquiry.exists(neg(term), _confirmation(TRUE, formula))[0]
    if holds is Existence.NONE:
        return Extent.NOBODY
    if fails is Existence.NONE:
        return Extent.EVERYBODY
    return Extent.SOME if holds is fails is Existence.SOME else Extent.UNDECIDED
