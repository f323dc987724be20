"""What proofs are about: conditions put together as the engine puts them together.

A :class:`Formula` is true, or it is not: where an expression is unknown, the contact is not eligible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from offerkit.address import Address
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import Row, Value


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a part of a formula is written: the resource, and the path inside its body."""

    address: Address
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Holds:
    """An expression that must be true, or as a weight's ``formula`` a number above 0.

    ``bound``: the rows of the namespaces that are no contact's (a filter's ``parameter`` and ``offer``).
    """

    expression: CheckedExpression
    bound: tuple[tuple[str, Row], ...] = ()
    positive: bool = False
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DayRange:
    """Today is in a period of whole days, both ends included; None means no limit."""

    first: date | None = None
    last: date | None = None
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always true, or never; ``why`` a resource is switched off, stopped or cannot be read."""

    value: bool
    why: str = field(default="", compare=False)
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part is true; without parts: true."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part is true; without parts: never."""

    parts: tuple[Formula, ...]


Formula: TypeAlias = "Holds | DayRange | Fixed | AllOf | AnyOf"

TRUE = Fixed(True)
FALSE = Fixed(False)


@dataclass(frozen=True, slots=True)
class FieldHint:
    """What values of a field look like, for believable examples; proofs do not depend on it."""

    least: Value = None
    most: Value = None
    examples: tuple[Value, ...] = ()


CALL = "interaction"
"""The namespace of call data."""

Hints: TypeAlias = Mapping[tuple[str, str], FieldHint]
"""By namespace and field."""


def leaves(formula: Formula) -> Iterable[Holds | DayRange | Fixed]:
    """The parts that are not made of others, in order."""
    if isinstance(formula, AllOf | AnyOf):
        for part in formula.parts:
            yield from leaves(part)
    else:
        yield formula


def reads_clock(formula: Formula) -> bool:
    """Whether the value of a formula depends on the time."""
    return any(
        isinstance(part, DayRange) or (isinstance(part, Holds) and part.expression.uses_clock)
        for part in leaves(formula)
    )
