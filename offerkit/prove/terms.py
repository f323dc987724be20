"""Encoded values: each has a term for "unknown" and one for the value where it is known.

Integers are mathematical integers, kept to 64 bits; decimals are integers of millionths; dates are days since
0001-01-01, which is 1; timestamps are microseconds on the same scale, so that a day is a timestamp divided by
:data:`DAY`, rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from offerkit.prove.smt import NoEncodingError, conj, disj, neg, number, text
from offerkit.rules.numbers import DIGITS, INTEGER_MAX, INTEGER_MIN
from offerkit.rules.types import BaseType, Value

SCALE = 10**DIGITS
"""Millionths in 1."""
DECIMAL_MOST = 10**18 - 1
"""The greatest decimal, in millionths."""
DAY = 86_400_000_000
"""Microseconds in a day."""
LAST_DAY = date.max.toordinal()
RANGES = {
    BaseType.INTEGER: (INTEGER_MIN, INTEGER_MAX),
    BaseType.DECIMAL: (-DECIMAL_MOST, DECIMAL_MOST),
    BaseType.DATE: (1, LAST_DAY),
    BaseType.TIMESTAMP: (DAY, (LAST_DAY + 1) * DAY - 1),
}
"""The least and the greatest value of each type that is a number in SMT-LIB."""
_FIRST = datetime(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Term:
    """``null``: whether it is unknown; ``value``: a term of the type's sort, of any value where ``null`` is true."""

    null: str
    value: str


def sort_of(base: BaseType) -> str:
    """The SMT-LIB sort of a type."""
    match base:
        case BaseType.BOOLEAN:
            return "Bool"
        case BaseType.STRING | BaseType.ENUMERATION:
            return "String"
        case BaseType.LIST | BaseType.NULL:
            raise NoEncodingError(f"a {base}")
        case _:
            return "Int"


def default_of(base: BaseType) -> str:
    """Any value of the type's sort, for what is unknown."""
    return {"Bool": "false", "String": '""', "Int": "0"}[sort_of(base)]


def in_range(value: str, base: BaseType) -> str:
    """Whether an integer term is a value of the type."""
    least, most = RANGES[base]
    return conj(f"(<= {number(least)} {value})", f"(<= {value} {number(most)})")


def bounded(null: str, value: str, base: BaseType) -> Term:
    """A result that is unknown where it leaves the range of its type."""
    return Term(disj(null, neg(in_range(value, base))), value)


def literal(value: Value, base: BaseType) -> Term:
    """A constant."""
    if value is None:
        return Term("true", "false" if base is BaseType.NULL else default_of(base))
    return Term("false", written(value))


def written(value: Value) -> str:
    """A known value as a term. Raises NoEncodingError for a list, and for a text that SMT-LIB does not have."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return text(value)
        case int():
            return number(value)
        case Decimal():
            return number(int(value * SCALE))
        case datetime():
            return number(microseconds(value))
        case date():
            return number(value.toordinal())
        case _:
            raise NoEncodingError("a list")


def microseconds(moment: datetime) -> int:
    """A wall clock as a timestamp's number."""
    return (moment - _FIRST) // timedelta(microseconds=1) + DAY


def read(value: bool | int | str, base: BaseType) -> Value:
    """A value of the solver's model as one of the rule language."""
    if isinstance(value, bool | str):
        return value
    match base:
        case BaseType.DECIMAL:
            return Decimal(value).scaleb(-DIGITS)
        case BaseType.DATE:
            return date.fromordinal(value)
        case BaseType.TIMESTAMP:
            return _FIRST + timedelta(microseconds=value - DAY)
        case _:
            return value
