"""Formulas of proofs, evaluated by the Python evaluator of rules: what they are held to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from offerkit.prove.question import AllOf, DayRange, Fixed, Formula, Holds
from offerkit.rules.python import compile_one
from offerkit.rules.types import Row


def holds(formula: Formula, rows: Mapping[str, Row], now: datetime) -> bool:
    """Whether ``formula`` is true for these rows by namespace, at the wall clock ``now``."""
    if isinstance(formula, AllOf):
        return all(holds(part, rows, now) for part in formula.parts)
    if isinstance(formula, Holds):
        every = {**rows, **dict(formula.bound)}
        names = tuple(dict.fromkeys(namespace for namespace, _ in formula.expression.fields))
        value = compile_one(formula.expression, names)(*(every[name] for name in names), now, now.date())
        return value is not None and value > 0 if formula.positive else value is True  # type: ignore[operator]
    if isinstance(formula, DayRange):
        today = now.date()
        return (formula.first is None or formula.first <= today) and (formula.last is None or today <= formula.last)
    if isinstance(formula, Fixed):
        return formula.value
    return any(holds(part, rows, now) for part in formula.parts)
