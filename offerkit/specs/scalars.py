"""What a plain YAML scalar is, by the core schema of YAML 1.2.

Only null and booleans become Python values here; what looks like a number stays text
(:class:`offerkit.models.base.Number`), because only its field knows what it means.
"""

from __future__ import annotations

import re

from offerkit.models.base import Number

Scalar = str | bool | None

WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
"""The plain scalars that are not text."""
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar: ``no`` and ``2026-01-01`` are text, ``1e3`` is a number."""
    if text in WORDS:
        return WORDS[text]
    if text[0] in "-+.0123456789" and _NUMBER.fullmatch(text):
        return Number(text)
    return text
