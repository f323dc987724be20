"""Asks the solver about formulas: what a change means, what contradicts itself, what adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TypeAlias, TypedDict

from offerkit.prove.describe import Describer
from offerkit.prove.encode import UnprovableError
from offerkit.prove.examples import is_writable, literals_of, moments_of, plausible
from offerkit.prove.inquiry import Confirmation, Inquiry
from offerkit.prove.question import FALSE, TRUE, AllOf, Formula, Hints
from offerkit.prove.replay import DuckReplay, Replay
from offerkit.prove.result import CommonFact, Comparison, Existence, Extent, Reading, Side, Witness, undecided
from offerkit.prove.smt import conj, neg
from offerkit.prove.solver import Limits, Solver, SolverError


class _Described(TypedDict):
    facts: tuple[CommonFact, ...]
    exact: bool


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
        self.duckdb = DuckReplay()
        self.solver = solver or Solver(limits)
        self._known: dict[object, Reading] = {}

    def __enter__(self) -> Prover:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the solver."""
        self.solver.close()
        self.duckdb.close()

    def compare(self, before: Formula, after: Formula, at: datetime) -> Comparison:
        """For whom ``after`` is true and ``before`` is not, and the other way round; see :class:`Comparison`."""
        now, inquiry = self._reading(before, after, at)
        later = now
        if inquiry is not None and inquiry.encoder.uses_clock:
            later, _ = self._reading(before, after, at, now)
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
        inquiry = Inquiry(self.solver, at, later=True)
        goal = conj(inquiry.encoder.formula(true), neg(inquiry.encoder.formula(not_true)))
        inquiry.begin()
        answer, _ = inquiry.exists(goal, _confirmation(true, not_true, Replay()))
        self.unreplayed += inquiry.unreplayed
        return answer

    def _reading(
        self, before: Formula, after: Formula, at: datetime, now: Reading | None = None
    ) -> tuple[Reading, Inquiry | None]:
        """The reading at the moment ``at``; with that one as ``now``, the one at every moment from then on."""
        inquiry = Inquiry(self.solver, at, later=now is not None)
        try:
            was, will = inquiry.encoder.formula(before), inquiry.encoder.formula(after)
            key = (inquiry.key, was, will, at)
            if key not in self._known:
                inquiry.begin()
                change = _Change(self, inquiry, before, after, at)
                self._known[key] = change.reading(was, will, now)
                self.unreplayed += inquiry.unreplayed
            return self._known[key], inquiry
        except (SolverError, UnprovableError) as error:
            return undecided(str(error)), inquiry


class _Change:
    """One reading of two formulas: both directions, their examples and descriptions."""

    def __init__(self, prover: Prover, inquiry: Inquiry, before: Formula, after: Formula, at: datetime) -> None:
        self._prover, self._inquiry, self._at = prover, inquiry, at
        self._before, self._after = before, after
        self._literals = literals_of(before, after)
        self._replay = Replay()
        self._is_hopeless = False
        """Whether neither direction is decided: then nothing else is asked."""

    def reading(self, was: str, will: str, now: Reading | None) -> Reading:
        """``was`` and ``will``: the terms of the formulas. ``now``: the reading at the moment, which is part of it."""
        gained = self._side((self._after, will), (self._before, was), now.gained if now else None)
        lost = self._side((self._before, was), (self._after, will), now.lost if now else None)
        some, none = gained.answer is Existence.SOME, lost.answer is Existence.SOME
        self._is_hopeless = gained.answer is lost.answer is Existence.UNDECIDED
        return Reading(
            gained,
            lost,
            self._extent((self._before, was), some=none, lacking=some, now=now.before if now else None),
            self._extent((self._after, will), some=some, lacking=none, now=now.after if now else None),
        )

    def _side(self, true: _Encoded, not_true: _Encoded, now: Side | None) -> Side:
        """The contacts for whom one formula is true and the other is not."""
        inquiry, goal = self._inquiry, conj(true[1], neg(not_true[1]))
        confirmed = self._confirming(true[0], not_true[0])
        if now is not None and now.witness is not None:
            return replace(now, **self._facts(goal, true[1]))
        if now is not None and now.answer is Existence.UNDECIDED:
            return now  # what is too hard at one moment is so at all of them
        elsewhere = partial(self._soon, true[0], not_true[0]) if now is not None else None
        answer, witness = inquiry.exists(goal, confirmed, elsewhere)
        if witness is None:
            return Side(answer, why=inquiry.why if answer is Existence.UNDECIDED else "")
        if now is None:
            witness = self._smallest(inquiry, goal, witness, confirmed)
        elif elsewhere is not None and witness.moment != self._at:
            witness = self._shown(true[0], not_true[0], witness, confirmed)
            inquiry.begin()
        if not all(map(is_writable, witness.values.values())):
            return Side(Existence.UNDECIDED, why="the only examples have characters that no contact has")
        duckdb_denies = self._prover.duckdb.denies(true[0], not_true[0], witness.values, witness.moment)
        if duckdb_denies or not confirmed(witness):
            inquiry.unreplayed += 1
            return Side(Existence.UNDECIDED, why="an example could not be confirmed")
        return Side(answer, witness, **self._facts(goal, true[1]))

    def _facts(self, goal: str, context: str) -> _Described:
        facts, exact = Describer(self._inquiry, goal, self._literals).facts(context)
        return {"facts": facts, "exact": exact}

    def _soon(self, true: Formula, not_true: Formula) -> Witness | None:
        """An example at a near moment, or when the formulas' dates come: each moment is a question of its own."""
        try:
            for moment in moments_of(self._at, true, not_true):
                inquiry = Inquiry(self._prover.solver, moment, later=False)
                goal = conj(inquiry.encoder.formula(true), neg(inquiry.encoder.formula(not_true)))
                if goal == "false":
                    continue
                inquiry.begin()
                answer, witness = inquiry.exists(goal, self._confirming(true, not_true))
                self._inquiry.unreplayed += inquiry.unreplayed
                if answer is Existence.SOME:
                    return witness
            return None
        finally:
            self._inquiry.begin()

    def _shown(self, true: Formula, not_true: Formula, witness: Witness, confirmed: Confirmation) -> Witness:
        """An example of another moment made as small as possible, in a question of its own."""
        inquiry = Inquiry(self._prover.solver, witness.moment, later=False)
        goal = conj(inquiry.encoder.formula(true), neg(inquiry.encoder.formula(not_true)))
        missing = {key: None for key in inquiry.encoder.fields if key not in witness.values}
        inquiry.begin()
        return self._smallest(inquiry, goal, Witness({**witness.values, **missing}, witness.moment), confirmed)

    def _smallest(self, inquiry: Inquiry, goal: str, witness: Witness, confirmed: Confirmation) -> Witness:
        """The example with plausible values, and without the fields whose value makes no difference."""
        types = {key: variable.type for key, variable in inquiry.encoder.fields.items() if key in witness.values}
        witness = plausible(witness, confirmed, types, self._prover.hints, self._literals)
        values = {key: value for key, value in witness.values.items() if key in types}
        for key in list(values):
            if not inquiry.matters(goal, values, key):
                del values[key]
        smaller = Witness(values, witness.moment)
        return smaller if confirmed(smaller) else witness

    def _confirming(self, true: Formula, not_true: Formula) -> Confirmation:
        return _confirmation(true, not_true, self._replay)

    def _extent(self, encoded: _Encoded, *, some: bool, lacking: bool, now: Extent | None) -> Extent:
        """For whom a formula is true. ``some``: it is for somebody; ``lacking``: it is not for somebody."""
        formula, term = encoded
        if self._is_hopeless:
            return Extent.UNDECIDED
        some, lacking = some or now in (Extent.SOME, Extent.EVERYBODY), lacking or now in (Extent.SOME, Extent.NOBODY)
        exists, confirmation = self._inquiry.exists, self._confirming
        holds = Existence.SOME if some else exists(term, confirmation(formula, FALSE))[0]
        if holds is Existence.NONE:
            return Extent.NOBODY
        fails = Existence.SOME if lacking else exists(neg(term), confirmation(TRUE, formula))[0]
        if fails is Existence.NONE:
            return Extent.EVERYBODY
        return Extent.SOME if holds is fails is Existence.SOME else Extent.UNDECIDED


def _confirmation(true: Formula, not_true: Formula, replay: Replay) -> Confirmation:
    """Whether the rule evaluator says of an example that one formula is true for it and the other is not."""
    is_true = replay.is_true
    return lambda example: (
        is_true(true, example.values, example.moment) and not is_true(not_true, example.values, example.moment)
    )
