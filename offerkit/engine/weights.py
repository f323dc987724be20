"""The weight of an offer (domain.md §3 step 6): exact decimals, never rounded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from offerkit.engine.condition import ConditionMemo
from offerkit.engine.resources import CompiledOffer, CompiledWeight
from offerkit.rules.types import Value

_EXACT = Context(prec=500, rounding=ROUND_HALF_EVEN)
"""A weight and each of its at most eight multipliers have at most 28 digits, so nothing is ever rounded."""

_LARGEST, _SIX = Decimal(10) ** 12, Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class BestWeight:
    """The highest weight that holds, before multipliers."""

    number: Decimal
    source: CompiledWeight


def times(number: Decimal, factors: Iterable[tuple[str, Decimal]]) -> Decimal:
    """``number`` times every factor, in normal form: 15, not 15.0."""
    for _, factor in factors:
        number = _EXACT.multiply(number, factor)
    return plain_number(number)


def plain_number(number: Decimal) -> Decimal:
    """The normal form of a number: no trailing zeros, no exponent."""
    if number == number.to_integral_value():
        return number.quantize(Decimal(1), context=_EXACT)
    return number.normalize(_EXACT)


def readable_weight(weight: Decimal) -> Decimal | None:
    """A weight as conditions read it: a decimal of the rule language, so rounded to six digits; None if too large."""
    if weight >= _LARGEST:
        return None
    return weight.quantize(_SIX, ROUND_HALF_UP, _EXACT)


def in_units(number: int, unit: Decimal) -> Decimal:
    """The exact weight of ``number`` units, if a weight of 1 is ``unit`` of them."""
    return _EXACT.divide(Decimal(number), unit)


def applicable_weights(offer: CompiledOffer, space: str, today: date) -> list[CompiledWeight]:
    """The weights that apply on this space and day, whatever their conditions."""
    return [weight for weight in offer.weights if weight.stands(space, today)]


def formula_weight(value: Value) -> Decimal | None:
    """The value of a formula as a weight; None if the weight does not hold (unknown, 0 or less)."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value <= 0:
        return None
    return Decimal(value)


def best_weight(weights: Iterable[CompiledWeight], memo: ConditionMemo) -> BestWeight | None:
    """The highest of ``weights`` that holds for this contact (the first of equal ones), or None."""
    best: BestWeight | None = None
    for weight in weights:
        number = weight.number if weight.formula is None else formula_weight(memo.value(weight.formula))
        if number is None or (best is not None and number <= best.number):
            continue
        for each in weight.requirements:
            if memo.value(each.condition) is not True:
                break
        else:
            best = BestWeight(number, weight)
    return best
