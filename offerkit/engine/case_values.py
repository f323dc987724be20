"""Reads the values in decision cases, and says what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from offerkit.diagnostics import suggestion

_DIGITS = 28
"""Digits before or after the point: far more than a weight has, few enough to write the number out."""


class CaseError(ValueError):
    """A case that cannot be run; the message is for its author."""


def map_of(value: object, where: str) -> Mapping[str, object]:
    """A map with names as keys. Raises CaseError."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return value
    raise CaseError(f"{where} must be a map with names as keys")


def text_of(value: object, where: str) -> str:
    """A text; a number as it is written. Raises CaseError."""
    if isinstance(value, str | Decimal):
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise CaseError(f"{where} must be a text")


def names_of(value: object, where: str) -> tuple[str, ...]:
    """A list of names. Raises CaseError."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(text_of(item, where) for item in value)
    raise CaseError(f"{where} must be a list of names")


def whole_number(value: object, where: str) -> int:
    """A whole number. Raises CaseError."""
    try:
        return int(_plain(text_of(value, where)))
    except ValueError:
        raise CaseError(f"{where} must be a whole number") from None


def decimal(value: object, where: str) -> Decimal:
    """A number in the range of weights. Raises CaseError."""
    text = text_of(value, where)
    try:
        number = Decimal(_plain(text))
    except (InvalidOperation, ValueError):
        raise CaseError(f"{where} must be a number") from None
    if len(text) > 2 * _DIGITS or not number.is_finite() or (number and abs(number.adjusted()) > _DIGITS):
        raise CaseError(f"{where} must be a number of at most {_DIGITS} digits")
    return number


def _plain(text: str) -> str:
    """``text``. Raises ValueError for numbers that Python reads but YAML does not: 1_000, non-ASCII digits."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return text


def known_keys(data: Mapping[str, object], known: Collection[str], where: str) -> None:
    """Raise CaseError for a key that is not among ``known``."""
    for key in data:
        if key not in known:
            raise CaseError(f"{where} has no key “{key[:80]}”. {suggestion(key, known)}".strip())
