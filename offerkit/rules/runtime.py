"""What compiled rules may call: every name here, and no other, is in the namespace that they run in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from offerkit.rules import calendar, numbers, text
from offerkit.rules.types import Value


def greatest(*values: Value) -> Value:
    """The greatest of those that are known."""
    return max((value for value in values if value is not None), default=None)


def least(*values: Value) -> Value:
    """The least of those that are known."""
    return min((value for value in values if value is not None), default=None)


HELPERS: Mapping[str, Callable[..., Value]] = MappingProxyType(
    {
        helper.__name__: helper
        for helper in (
            abs,
            len,
            greatest,
            least,
            numbers.integer,
            numbers.decimal,
            numbers.to_decimal,
            numbers.decimal_add,
            numbers.decimal_sub,
            numbers.decimal_mul,
            numbers.decimal_neg,
            numbers.decimal_mod,
            numbers.integer_mod,
            numbers.divide,
            numbers.round_to,
            numbers.floor,
            numbers.ceil,
            text.lower,
            text.upper,
            text.trim,
            text.substring,
            text.substring_from,
            text.replace,
            calendar.to_timestamp,
            calendar.date_add,
            calendar.date_trunc,
            calendar.date_diff,
            calendar.extract,
            calendar.age_in_years,
        )
    }
)
