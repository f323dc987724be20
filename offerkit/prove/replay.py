"""Evaluates formulas for one contact with the rule evaluators, independently of the encoding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from offerkit.prove.question import AllOf, AnyOf, DayRange, Fixed, Formula, Holds
from offerkit.rules.python import compile_one
from offerkit.rules.types import Row, Value

Values = Mapping[tuple[str, str], Value]
"""The values of fields by namespace and name; a missing one is unknown."""


class _Defaults(dict[str, Value]):
    """A row in which a missing field is unknown."""

    def __missing__(self, key: str) -> Value:
        return None


def is_true(formula: Formula, values: Values, now: datetime) -> bool:
    """Whether a formula is true for a contact with ``values`` at the wall clock ``now``."""
    rows: dict[str, _Defaults] = {}
    for (space, name), value in values.items():
        rows.setdefault(space, _Defaults())[name] = value

    def holds(part: Holds) -> bool:
        names = tuple(dict.fromkeys(space for space, _ in part.expression.fields))
        bound: dict[str, Row] = dict(part.bound)
        given = [bound[name] if name in bound else rows.get(name, _Defaults()) for name in names]
        value = compile_one(part.expression, names)(*given, now, now.date())
        if part.positive:
            return isinstance(value, int | Decimal) and not isinstance(value, bool) and value > 0
        return value is True

    return evaluated(formula, holds, now)


def evaluated(formula: Formula, holds: Callable[[Holds], bool], now: datetime) -> bool:
    """Whether a formula is true at ``now`` if its expressions are as ``holds`` says."""
    match formula:
        case Fixed():
            return formula.value
        case DayRange():
            today = now.date()
            return (formula.first is None or formula.first <= today) and (formula.last is None or today <= formula.last)
        case AllOf():
            return all(evaluated(part, holds, now) for part in formula.parts)
        case AnyOf():
            return any(evaluated(part, holds, now) for part in formula.parts)
        case Holds():
            return holds(formula)
