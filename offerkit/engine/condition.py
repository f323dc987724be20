"""The engine's conditions: checked once, compiled on first use, shared by all resources with the same text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cached_property
from typing import NamedTuple, TypeAlias

from offerkit.engine.history import GroupedHistory
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import Row, Value
from offerkit.times import wall_clock

Evaluator: TypeAlias = Callable[..., Value]
Path: TypeAlias = tuple[str | int, ...]


class CallFacts(NamedTuple):
    """What conditions read: the contact, call data, and the wall clock in the environment's time zone.

    ``past``: the contact's propositions, if the catalog counts them.
    """

    contact: Row
    data: Row
    now: datetime
    today: date
    past: GroupedHistory | None = None


def facts_at(moment: datetime, zone: tzinfo, contact: Row, data: Row) -> CallFacts:
    """The facts of a call at ``moment`` (with a time zone), in an environment with time zone ``zone``.

    The only function that turns an instant into the environment's day and time of day, so that deciding, explaining,
    evaluating and emitting SQL all mean the same day.
    """
    now = wall_clock(moment, zone)
    return CallFacts(contact, data, now, now.date())


@dataclass(frozen=True, eq=False)
class CompiledExpression:
    """An expression. If it cannot be read, ``checked`` is None, ``problem`` says why, and it never holds.

    Compiled evaluators are cached. Two threads may both compile one; either is valid.
    """

    text: str
    checked: CheckedExpression | None
    problem: str
    namespaces: tuple[str, ...]

    @cached_property
    def evaluate(self) -> Evaluator:
        """Takes one row for each namespace, then now and today. A condition returns False when it is unknown."""
        if self.checked is None:
            return _unknown
        from offerkit.rules.python import compile_one

        return compile_one(self.checked, self.namespaces, exact=False)

    @property
    def data_read(self) -> tuple[str, ...]:
        """The names of the call data that it reads."""
        fields = () if self.checked is None else self.checked.fields
        return tuple(name for namespace, name in fields if namespace == "interaction")

    @cached_property
    def parts(self) -> tuple[tuple[CheckedExpression, Evaluator], ...]:
        """For explanations: the parts of the top-level ``and``, each with its own three-valued evaluator."""
        if self.checked is None:
            return ()
        from offerkit.rules.check import conjuncts
        from offerkit.rules.python import compile_one

        return tuple((part, compile_one(part, self.namespaces)) for part in conjuncts(self.checked))


@dataclass(frozen=True, eq=False, slots=True)
class BoundCondition:
    """A condition (or formula) with the rows it reads besides contact and call data.

    ``bound`` is almost always empty; for a filter that reads parameters or offer fields it has the offer's row and the
    parameters' values. Offers with the same values share one bound condition, so it is evaluated once per decision.
    """

    expression: CompiledExpression
    bound: tuple[Row, ...] = ()

    @property
    def uses_clock(self) -> bool:
        """Whether its value depends on the time of the call."""
        return self.expression.checked is not None and self.expression.checked.uses_clock

    @property
    def is_constant(self) -> bool:
        """Whether it reads only what it is bound to: it has one value, whatever the call."""
        checked, bound = self.expression.checked, self.expression.namespaces[2:]
        return checked is not None and not checked.uses_clock and all(space in bound for space, _ in checked.fields)

    def value(self, facts: CallFacts) -> Value:
        """The value of the expression; None is unknown."""
        return self.expression.evaluate(facts.contact, facts.data, *self.bound, facts.now, facts.today)

    def rows(self, facts: CallFacts) -> dict[str, Row]:
        """The rows by namespace."""
        return dict(zip(self.expression.namespaces, (facts.contact, facts.data, *self.bound), strict=True))


class ConditionMemo:
    """The values of conditions in one decision, so that none is evaluated twice."""

    __slots__ = ("_known", "facts")

    def __init__(self, facts: CallFacts, known: dict[BoundCondition, Value] | None = None) -> None:
        """``known``: the values that are already computed."""
        self.facts = facts
        self._known = {} if known is None else known

    def value(self, condition: BoundCondition) -> Value:
        """The value of ``condition`` for the facts of this decision."""
        known = self._known
        if condition not in known:
            known[condition] = condition.value(self.facts)
        return known[condition]


class FailedPart(NamedTuple):
    """The first part of a condition that is not true: its text, its offset in the whole, and what it read."""

    text: str
    offset: int
    result: Value
    values: tuple[tuple[str, Value], ...]


def failed_part(condition: BoundCondition, facts: CallFacts) -> FailedPart | None:
    """The first part of a condition that does not hold; None if every part holds."""
    rows = condition.rows(facts)
    for part, evaluate in condition.expression.parts:
        result = evaluate(*rows.values(), facts.now, facts.today)
        if result is not True:
            values = tuple((f"{space}.{name}", rows[space].get(name)) for space, name in part.fields)
            return FailedPart(part.text, part.root.start, result, values)
    return None


def _unknown(*_: object) -> None:
    """The evaluator of a condition that cannot be read."""
