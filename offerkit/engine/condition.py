"""Conditions as the engine holds them: checked once, compiled when first asked, shared by whoever says the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cached_property
from typing import NamedTuple, TypeAlias

from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import Row, Value
from offerkit.times import wall_clock

Evaluator: TypeAlias = Callable[..., Value]
Path: TypeAlias = tuple[str | int, ...]


class CallFacts(NamedTuple):
    """What conditions are asked about: contact, call data, and the wall clock of the environment's zone."""

    contact: Row
    data: Row
    now: datetime
    today: date


def facts_at(moment: datetime, zone: tzinfo, contact: Row, data: Row) -> CallFacts:
    """The facts of a call at ``moment``, an aware one, in an environment of time zone ``zone``.

    The only place where an instant becomes the environment's day and time of day: whoever decides, explains,
    evaluates or emits asks here, so that all mean the same day.
    """
    now = wall_clock(moment, zone)
    return CallFacts(contact, data, now, now.date())


@dataclass(frozen=True, eq=False)
class Expression:
    """An expression. ``checked`` is None when it cannot be read; then ``problem`` says why, and it never holds.

    Compiled evaluators are kept once made; two threads may both make one, and either is good.
    """

    text: str
    checked: CheckedExpression | None
    problem: str
    namespaces: tuple[str, ...]

    @cached_property
    def evaluate(self) -> Evaluator:
        """Called with one row for each namespace, now and today. A condition gives False when it is unknown."""
        if self.checked is None:
            return _unknown
        from offerkit.rules.python import compile_one

        return compile_one(self.checked, self.namespaces, exact=False)

    @property
    def data_read(self) -> tuple[str, ...]:
        """The call data that it reads."""
        fields = () if self.checked is None else self.checked.fields
        return tuple(name for namespace, name in fields if namespace == "interaction")

    @cached_property
    def parts(self) -> tuple[tuple[CheckedExpression, Evaluator], ...]:
        """The parts of the top-level ``and``, each with its own three-valued evaluator, for explanations."""
        if self.checked is None:
            return ()
        from offerkit.rules.check import conjuncts
        from offerkit.rules.python import compile_one

        return tuple((part, compile_one(part, self.namespaces)) for part in conjuncts(self.checked))


@dataclass(frozen=True, eq=False, slots=True)
class BoundCondition:
    """A condition (or formula) with the rows it is bound to besides contact and call data.

    ``bound`` is empty for almost all; a filter with parameters or offer fields has the offer's row and its values.
    Offers that bind a filter to the same values share one condition, so that it is evaluated once a decision.
    """

    expression: Expression
    bound: tuple[Row, ...] = ()

    @property
    def uses_clock(self) -> bool:
        """Whether what it gives depends on when it is asked."""
        return self.expression.checked is not None and self.expression.checked.uses_clock

    def value(self, facts: CallFacts) -> Value:
        """What the expression gives; None is unknown."""
        return self.expression.evaluate(facts.contact, facts.data, *self.bound, facts.now, facts.today)

    def rows(self, facts: CallFacts) -> dict[str, Row]:
        """The rows by namespace."""
        return dict(zip(self.expression.namespaces, (facts.contact, facts.data, *self.bound), strict=True))


class ConditionMemo:
    """What conditions gave in one decision, so that none is evaluated twice."""

    __slots__ = ("_known", "facts")

    def __init__(self, facts: CallFacts, known: dict[BoundCondition, Value] | None = None) -> None:
        """``known``: what was evaluated already."""
        self.facts = facts
        self._known = {} if known is None else known

    def value(self, condition: BoundCondition) -> Value:
        """What ``condition`` gives for the facts of this decision."""
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
    """Which part of a condition keeps it from holding; None when every part holds."""
    rows = condition.rows(facts)
    for part, evaluate in condition.expression.parts:
        result = evaluate(*rows.values(), facts.now, facts.today)
        if result is not True:
            values = tuple((f"{space}.{name}", rows[space].get(name)) for space, name in part.fields)
            return FailedPart(part.text, part.root.start, result, values)
    return None


def _unknown(*_: object) -> None:
    """A condition that cannot be read is unknown for everybody."""
