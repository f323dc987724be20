"""The parts that conditions are made of at their top-level ``and``, and questions about them.

Two parts with the same text and the same bound values are the same part, wherever they are written, and parts that
share no field say nothing about each other. So each question is about few parts and is asked once, however many offers
it concerns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from offerkit.address import Address
from offerkit.engine.condition import BoundCondition, Path
from offerkit.engine.contact_history import HistoryCondition
from offerkit.engine.resources import LocatedCondition
from offerkit.prove.question import AllOf, AnyOf, DayRange, Fixed, Formula, Holds, leaves, reads_clock
from offerkit.prove.result import Existence
from offerkit.rules.check import conjuncts
from offerkit.rules.nodes import CheckedExpression
from offerkit.usecases.conditions import located
from offerkit.usecases.lint_findings import LintPlace

if TYPE_CHECKING:
    from offerkit.prove.prover import Prover

Key: TypeAlias = tuple[object, ...]
Reads: TypeAlias = frozenset[tuple[str, str]]
CLOCK = ("", "now")
"""What all parts that depend on the time have in common."""


@dataclass(frozen=True, slots=True)
class ConditionPart:
    """A part of a condition: its text, and where it is written.

    ``key``: the same for parts that mean the same. ``reads``: fields, and :data:`CLOCK`.
    """

    text: str
    formula: Formula
    place: LintPlace
    key: Key
    reads: Reads


class ConditionParts:
    """The parts of conditions, each taken apart once."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[tuple[BoundCondition, Address, Path], tuple[ConditionPart, ...]] = {}

    def all_of(self, conditions: Iterable[LocatedCondition]) -> tuple[ConditionPart, ...]:
        """The parts of several conditions, in order."""
        return tuple(part for condition in conditions for part in self.of(condition))

    def of(self, condition: LocatedCondition | None) -> tuple[ConditionPart, ...]:
        """The parts of a condition, in order; none if it cannot be read, which is reported elsewhere."""
        if condition is None:
            return ()
        key = (condition.condition, condition.address, condition.path)
        parts = self._known.get(key)
        if parts is None:
            formula = located(condition)
            whole = conjuncts(formula.expression) if isinstance(formula, Holds) else ()
            place = LintPlace(condition.address, condition.path)
            parts = tuple(_part(formula, each, place) for each in whole if isinstance(formula, Holds))
            if isinstance(condition.condition, HistoryCondition):  # limits of one number, which stand together
                parts = (whole_part(formula, place, condition.condition.expression.text),)
            self._known[key] = parts
        return parts


def _part(formula: Holds, expression: CheckedExpression, place: LintPlace) -> ConditionPart:
    read = set(expression.fields)
    bound = tuple(
        (namespace, {name: value for name, value in row.items() if (namespace, name) in read})
        for namespace, row in formula.bound
    )
    holds = Holds(expression, tuple((namespace, row) for namespace, row in bound if row), formula.positive)
    place = LintPlace(place.address, place.path, expression.root.start)
    return ConditionPart(expression.text, holds, place, formula_key(holds), reads(holds))


def of_any_offer(parts: Iterable[ConditionPart]) -> tuple[ConditionPart, ...]:
    """The parts of a category's condition that read none of the offer's fields: they mean the same for every offer."""
    return tuple(part for part in parts if not _of_one_offer(part))


def of_one_offer(parts: Iterable[ConditionPart]) -> tuple[ConditionPart, ...]:
    """The parts of a category's condition that read fields of the offer, for the offer that they are bound to."""
    return tuple(part for part in parts if _of_one_offer(part))


def _of_one_offer(part: ConditionPart) -> bool:
    return isinstance(part.formula, Holds) and part.formula.expression.uses("offer")


def whole_part(formula: Formula, place: LintPlace, text: str = "") -> ConditionPart:
    """A formula as one part."""
    return ConditionPart(text, formula, place, formula_key(formula), reads(formula))


def formula_key(formula: Formula) -> Key:
    """Equal for formulas with the same texts and values."""
    match formula:
        case Holds(expression, bound, positive):
            rows = tuple((space, name, type(v).__name__, repr(v)) for space, row in bound for name, v in row.items())
            return ("holds", expression.text, positive, tuple(sorted(rows)))
        case DayRange(first, last):
            return ("period", first, last)
        case Fixed(value):
            return ("fixed", value)
        case AllOf(parts) | AnyOf(parts):
            return (type(formula).__name__, *(formula_key(part) for part in parts))


def reads(formula: Formula) -> Reads:
    """The fields that a formula depends on, and :data:`CLOCK`."""
    fields: set[tuple[str, str]] = {CLOCK} if reads_clock(formula) else set()
    for part in leaves(formula):
        if isinstance(part, Holds):
            bound = {namespace for namespace, _ in part.bound}
            fields |= {each for each in part.expression.fields if each[0] not in bound}
    return frozenset(fields)


def groups(parts: Sequence[ConditionPart]) -> Iterator[list[int]]:
    """The indexes of parts that share fields, directly or through others; parts without fields stand alone."""
    leader = list(range(len(parts)))

    def root(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, part in enumerate(parts):
        for read in part.reads:
            leader[root(index)] = root(first.setdefault(read, index))
    members: dict[int, list[int]] = {}
    for index in range(len(parts)):
        members.setdefault(root(index), []).append(index)
    yield from members.values()


class PartProofs:
    """Questions about parts, each asked once. Without a ``prover`` only equal parts are known to imply each other.

    ``undecided`` counts the questions without an answer: what is not decided is no finding.
    """

    def __init__(self, prover: Prover | None, at: datetime) -> None:
        """``at``: the wall clock from which on answers hold."""
        self.prover, self.at = prover, at
        self.asked = self.undecided = 0
        self._implied: dict[Key, bool] = {}
        self._contradictions: dict[Key, tuple[Key, ...]] = {}

    def implied(self, part: ConditionPart, by: Iterable[ConditionPart]) -> bool:
        """Whether ``part`` is true for every contact for whom all of ``by`` are, at every moment from ``at`` on."""
        given = list(by)
        if any(other.key == part.key for other in given):
            return True
        if self.prover is None:
            return False
        together = next(group for group in groups([part, *given]) if 0 in group)
        relevant = {given[index - 1].key: given[index - 1] for index in together if index}
        key = (part.key, frozenset(relevant))
        if key not in self._implied:
            self.asked += 1
            answer = self.prover.implied(part.formula, [other.formula for other in relevant.values()], self.at)
            self.undecided += answer is Existence.UNDECIDED
            self._implied[key] = answer is Existence.NONE
        return self._implied[key]

    def all_implied(self, parts: Iterable[ConditionPart], by: Iterable[ConditionPart]) -> bool:
        """Whether each of ``parts`` is implied."""
        given = list(by)
        return all(self.implied(part, given) for part in parts)

    def contradiction(self, parts: Sequence[ConditionPart]) -> list[ConditionPart]:
        """A smallest choice of ``parts`` that are never all true from ``at`` on; empty if none exists."""
        if self.prover is None:
            return []
        for group in groups(parts):
            chosen = {parts[index].key: parts[index] for index in group}
            key: Key = (frozenset(chosen),)
            if key not in self._contradictions:
                self._contradictions[key] = self._ask(list(chosen.values()))
            if found := self._contradictions[key]:
                return [next(parts[index] for index in group if parts[index].key == each) for each in found]
        return []

    def _ask(self, parts: list[ConditionPart]) -> tuple[Key, ...]:
        assert self.prover is not None
        self.asked += 1
        indexes = self.prover.contradiction([part.formula for part in parts], self.at)
        self.undecided += indexes == ()
        return tuple(parts[index].key for index in indexes or ())
