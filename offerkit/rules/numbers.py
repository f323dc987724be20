"""Arithmetic for known values: 64-bit integers, decimals with 12 digits before the point and 6 after it.

A result that does not fit is unknown (None). Decimals are rounded half away from zero. Everything is computed in
contexts of our own, so that settings of a host program change no result.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
_WHOLE_LIMIT = 10**12
DECIMAL_LIMIT = Decimal(_WHOLE_LIMIT)
DIGITS = 6

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[])
# Truncating the quotient far behind the sixth digit keeps what decides the rounding; rounding twice would not.
_CUT = Context(prec=60, rounding=ROUND_DOWN, traps=[])
_QUANTA = tuple(Decimal(1).scaleb(-digits) for digits in range(DIGITS + 1))


def integer(number: int) -> int | None:
    """``number`` if it fits into 64 bits, else None."""
    return number if INTEGER_MIN <= number <= INTEGER_MAX else None


def decimal(number: Decimal, digits: int = DIGITS) -> Decimal | None:
    """``number`` rounded to ``digits`` after the point, or None if it does not fit; never a negative zero."""
    if not -DECIMAL_LIMIT < number < DECIMAL_LIMIT:
        return None
    rounded = _EXACT.plus(number.quantize(_QUANTA[digits], ROUND_HALF_UP, _EXACT))
    return rounded if -DECIMAL_LIMIT < rounded < DECIMAL_LIMIT else None


def to_decimal(number: int) -> Decimal | None:
    """An integer as a decimal, or None if it does not fit."""
    return Decimal(number) if -_WHOLE_LIMIT < number < _WHOLE_LIMIT else None


def decimal_add(left: Decimal, right: Decimal) -> Decimal | None:
    """``left + right``; not rounded, because a sum has no more digits after the point than its terms."""
    total = _EXACT.add(left, right)
    return total if -DECIMAL_LIMIT < total < DECIMAL_LIMIT else None


def decimal_sub(left: Decimal, right: Decimal) -> Decimal | None:
    """``left - right``, not rounded either."""
    total = _EXACT.subtract(left, right)
    return total if -DECIMAL_LIMIT < total < DECIMAL_LIMIT else None


def decimal_mul(left: Decimal, right: Decimal) -> Decimal | None:
    """``left * right``, rounded."""
    return decimal(_EXACT.multiply(left, right))


def divide(left: Decimal | int, right: Decimal | int) -> Decimal | None:
    """``left / right``, always a decimal; unknown when ``right`` is zero."""
    if not right:
        return None
    return decimal(_CUT.divide(Decimal(left), Decimal(right)))


def decimal_mod(left: Decimal, right: Decimal) -> Decimal | None:
    """The remainder of the division, with the sign of ``left``; unknown when ``right`` is zero."""
    return decimal(_EXACT.remainder(left, right)) if right else None


def integer_mod(left: int, right: int) -> int | None:
    """The remainder of the division, with the sign of ``left``; unknown when ``right`` is zero."""
    if not right:
        return None
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def decimal_neg(number: Decimal) -> Decimal:
    """``-number``; zero stays zero."""
    return _EXACT.minus(number)


def round_to(number: Decimal | int, digits: int) -> Decimal | None:
    """Rounded to 0 to 6 digits after the point, halves away from zero."""
    return decimal(Decimal(number), min(digits, DIGITS))


def floor(number: Decimal) -> int:
    """The greatest integer that is not above ``number``."""
    return int(number.to_integral_value(ROUND_FLOOR, _EXACT))


def ceil(number: Decimal) -> int:
    """The least integer that is not below ``number``."""
    return int(number.to_integral_value(ROUND_CEILING, _EXACT))
