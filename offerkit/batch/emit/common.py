"""What several dialects share: limits, letters and pieces of SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import TypeAlias

from offerkit.rules.calendar import FARTHEST, date_add
from offerkit.rules.text import LONGEST, lower, upper
from offerkit.rules.types import BaseType

Cells: TypeAlias = Sequence[str | int | None]
"""A row of constants."""
_SIGNS = {"add": "+", "sub": "-", "mul": "*"}
_PLACES = 2**31 - 1
"""More characters than any text has."""
_WHOLE, _LIMIT = 2**63, 10**12


class NotEmittedError(Exception):
    """Something has no known form with the same meaning in the engine; the message names it."""


def types(text: str, whole: str, decimal: str, moment: str, listed: str) -> dict[BaseType, str]:
    """The engine's type names, by base type."""
    return {
        BaseType.STRING: text,
        BaseType.ENUMERATION: text,
        BaseType.NULL: text,
        BaseType.INTEGER: whole,
        BaseType.DECIMAL: decimal,
        BaseType.BOOLEAN: "BOOLEAN",
        BaseType.DATE: "DATE",
        BaseType.TIMESTAMP: moment,
        BaseType.LIST: listed,
    }


@cache
def letters(name: str) -> tuple[str, str]:
    """The characters that ``lower`` or ``upper`` changes, and their results: the same table for every engine."""
    change = lower if name == "lower" else upper
    signs = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    pairs = [(sign, other) for sign in signs if (other := change(sign)) != sign]
    return "".join(sign for sign, _ in pairs), "".join(other for _, other in pairs)


def sign_of(name: str) -> str:
    """The operator sign: ``+``, ``-`` or ``*``."""
    return _SIGNS[name]


def whole_limits() -> tuple[str, str]:
    """The numbers just outside 64 bits."""
    return f"({-_WHOLE - 1})", str(_WHOLE)


def decimal_limits() -> tuple[str, str]:
    """The smallest numbers with too many digits before the point."""
    return f"({-_LIMIT})", str(_LIMIT)


def grown(length: Callable[[str], str], divided: str, text: str, old: str, new: str) -> str:
    """Whether ``replace`` would make a text too long, as SQL; ``divided`` is a format for a quotient."""
    removed_length = f"{length(text)} - {length(f'REPLACE({text}, {old}, {chr(39) * 2})')}"
    count = divided.format(f"({removed_length})", f"GREATEST({length(old)}, 1)")
    more = f"{length(new)} - {length(old)}"
    return f"{more} > 0 AND {length(text)} + {count} * ({more}) > {LONGEST}"


def clamped(number: str, least: int) -> str:
    """``number``, limited to between ``least`` and more characters than any text has."""
    return f"CASE WHEN {number} < {least} THEN {least} WHEN {number} > {_PLACES} THEN {_PLACES} ELSE {number} END"


def edge_of(unit: str, number: int) -> datetime | None:
    """The last (or first) moment from which an interval forward (or back) stays in the calendar, or None."""
    if abs(number) > FARTHEST[unit]:
        return None
    units = {"months": 0, "days": 0, "seconds": 0, unit: -number}
    edge = date_add(datetime.max if number > 0 else datetime.min, *units.values())
    assert edge is None or isinstance(edge, datetime)
    return edge


def calendar_of(base: BaseType) -> tuple[str, str]:
    """The first and last date or timestamp."""
    if base is BaseType.DATE:
        return "0001-01-01", "9999-12-31"
    return "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"
