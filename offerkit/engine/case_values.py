"""The plain values that decision cases are made of, and what is wrong with those that are not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from offerkit.diagnostics import suggestion

_DIGITS = 28
"""Before or after the point: far more than a weight has, and few enough to be written out."""


class CaseError(ValueError):
    """A case that cannot be run: a sentence for who wrote it."""


def map_of(value: object, where: str) -> Mapping[str, object]:
    """A map by name."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return value
    raise CaseError(f"{where} is a map by name")


def text_of(value: object, where: str) -> str:
    """A text; a number is as it is written."""
    if isinstance(value, str | Decimal):
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    raise CaseError(f"{where} is a text")


def names_of(value: object, where: str) -> tuple[str, ...]:
    """A list of names."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(text_of(item, where) for item in value)
    raise CaseError(f"{where} is a list of names")


def whole_number(value: object, where: str) -> int:
    """A whole number."""
    try:
        return int(_plain(text_of(value, where)))
    except ValueError:
        raise CaseError(f"{where} is a whole number") from None


def decimal(value: object, where: str) -> Decimal:
    """A number that weights can have."""
    text = text_of(value, where)
    try:
        number = Decimal(_plain(text))
    except (InvalidOperation, ValueError):
        raise CaseError(f"{where} is a number") from None
    if len(text) > 2 * _DIGITS or not number.is_finite() or (number and abs(number.adjusted()) > _DIGITS):
        raise CaseError(f"{where} is a number of {_DIGITS} digits at most")
    return number


def _plain(text: str) -> str:
    """``text``. Raises ValueError for numbers that Python reads and YAML does not: 1_000, foreign digits."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return text


def known_keys(data: Mapping[str, object], known: Collection[str], where: str) -> None:
    """Raises CaseError for a key that is not among ``known``."""
    for key in data:
        if key not in known:
            raise CaseError(f"{where} has no “{key[:80]}”. {suggestion(key, known)}".strip())
