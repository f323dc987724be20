"""Throws away most records that cannot be the contact looked for, without decoding or parsing them.

A sieve may let a record through that does not match; it never stops one that does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from offerkit.rules.types import Base, FieldType, Value

_EXPONENT = re.compile(rb"[0-9]\.?[eE]")
"""How an integer may be written without its digits: 2e3."""


def sieve(
    values: Mapping[str, Value], types: Mapping[str, FieldType], places: Mapping[str, int]
) -> Callable[[bytes], bool]:
    """A test for the raw record: False when it certainly does not hold ``values``; ``places``: column numbers."""
    name = _best(list(values), types)
    value, place = values[name], places[name]
    # a doubled quote stands for one, so only the longest part without quotes is surely there as it is
    needle = max(str(value).split('"'), key=len).lstrip("-").encode()
    match types[name].base:
        case Base.STRING | Base.ENUMERATION:
            exact = str(value).encode()

            def may_be(cell: bytes) -> bool:
                return exact in cell

        case Base.INTEGER:

            def may_be(cell: bytes) -> bool:
                return not cell.isdigit() or len(cell) > 30 or int(cell) == value

        case _:
            return lambda raw: True

    whole = types[name].base is Base.INTEGER

    def passes(raw: bytes) -> bool:
        if b'"' in raw:
            return needle in raw or (whole and _EXPONENT.search(raw) is not None)
        if not whole and needle not in raw:
            return False
        parts = raw.split(b",", place + 1)
        return len(parts) <= place or may_be(parts[place].removesuffix(b"\r"))

    return passes


def _best(names: Sequence[str], types: Mapping[str, FieldType]) -> str:
    """The field that tells most and is written in one way."""
    order = (Base.STRING, Base.INTEGER, Base.ENUMERATION)
    return min(names, key=lambda name: order.index(types[name].base) if types[name].base in order else len(order))
