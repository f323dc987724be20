"""Checks what hooks return: it is another's code, so kinds, numbers and sizes are checked before anything uses it.

What is accepted consists of plain values of exactly the types of :data:`offerkit.hooks.Value`; what is not raises
UnusableAnswerError, whose text names no value, because values are about contacts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from itertools import islice
from types import MappingProxyType

from offerkit.hooks import Candidate, Product
from offerkit.rules.types import FieldType, Value
from offerkit.rules.values import parse_value

MAX_PRODUCTS = 1000
"""The most products of one offer."""
MAX_WEIGHT = Decimal(10) ** 16
MAX_DIGITS = 400
"""The most digits of a number, before and after its point together."""
MAX_PRODUCT_VALUES = 200
"""The most values of one product."""
MAX_NAME = 100
"""The most characters of a value's name."""
MAX_PRODUCT_TEXT = 65_536
"""The most characters of a product's names and values together."""
MAX_ADDED = 1000
"""The most call data that one target loading returns."""


_LONE = re.compile("[\ud800-\udfff]")


class UnusableAnswerError(ValueError):
    """A hook returned something unusable; the message says what."""


def added_data(answer: object) -> dict[str, object]:
    """The call data that a target-loading hook returned; the caller checks them against their declared types."""
    if not isinstance(answer, Mapping) or len(answer) > MAX_ADDED:
        raise UnusableAnswerError(f"it must return a mapping of at most {MAX_ADDED:,} call data by name")
    return {_name(name, "call data"): value for name, value in islice(answer.items(), MAX_ADDED)}


def product_pairs(
    answer: object, declared: Mapping[str, FieldType], zone: tzinfo
) -> tuple[tuple[Product, Decimal], ...]:
    """The products and weights that a dynamic-offer hook returned, those of ``declared`` fields in their types."""
    if not isinstance(answer, Sequence) or isinstance(answer, str) or len(answer) > MAX_PRODUCTS:
        raise UnusableAnswerError(f"it must return at most {MAX_PRODUCTS:,} (product, weight) pairs")
    pairs: list[tuple[Product, Decimal]] = []
    for pair in islice(answer, MAX_PRODUCTS):
        try:
            product, weight = pair
        except (TypeError, ValueError):
            raise UnusableAnswerError("each must be a pair of a product and a weight") from None
        pairs.append((_product(product, declared, zone), checked_weight(weight)))
    return tuple(pairs)


def kept_candidates(answer: object, candidates: Sequence[Candidate]) -> list[tuple[int, Decimal | None]]:
    """The places of the candidates that a post-processing hook returned, in its order, each with its new weight if it
    has one. A candidate whose new weight is 0 is left out.
    """
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise UnusableAnswerError("it must return a list of candidates")
    position_of = {id(candidate): position for position, candidate in enumerate(candidates)}
    kept: dict[int, Decimal | None] = {}
    for item in islice(answer, len(candidates) + 1):  # one more than there are is there twice, or is foreign
        candidate, weight = item, None
        if isinstance(item, tuple) and len(item) == 2:
            candidate, weight = item[0], checked_weight(item[1])
        position = position_of.get(id(candidate))
        if position is None:
            raise UnusableAnswerError("it returned something that is not one of the candidates")
        if position in kept:
            raise UnusableAnswerError("it returned a candidate twice")
        kept[position] = weight
    return [(position, weight) for position, weight in kept.items() if weight is None or weight > 0]


def checked_weight(weight: object) -> Decimal:
    """``weight`` as an exact number from 0 to :data:`MAX_WEIGHT`."""
    if isinstance(weight, bool) or not isinstance(weight, int | float | Decimal):
        raise UnusableAnswerError(f"a weight must be a number, not {type(weight).__name__[:80]}")
    if isinstance(weight, int):
        if not 0 <= weight < int(MAX_WEIGHT):
            raise _no_weight(Decimal(weight) if abs(weight) < int(MAX_WEIGHT) else None)
        return Decimal(weight)
    number = Decimal(float.__repr__(weight)) if isinstance(weight, float) else Decimal(weight)
    if not number.is_finite() or not 0 <= number < MAX_WEIGHT or _too_long(number):
        raise _no_weight(None if number.is_finite() and _too_long(number) else number)
    return number


def _no_weight(number: Decimal | None) -> UnusableAnswerError:
    shown = "a number of that size" if number is None else str(number)[:80]
    return UnusableAnswerError(f"{shown} is not a weight; weights are 0 or more, and less than 10¹⁶")


def _too_long(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and (len(number.as_tuple().digits) + abs(exponent)) > MAX_DIGITS


def _product(product: object, declared: Mapping[str, FieldType], zone: tzinfo) -> Product:
    if not isinstance(product, Mapping):
        raise UnusableAnswerError(f"a product must be a mapping, not {type(product).__name__[:80]}")
    if len(product) > MAX_PRODUCT_VALUES:
        raise UnusableAnswerError(f"a product can have at most {MAX_PRODUCT_VALUES} values")
    values: dict[str, Value] = {}
    size = 0
    for key, given in islice(product.items(), MAX_PRODUCT_VALUES):
        name = _name(key, "the fields of a product")
        value = _plain(name, given)
        size += len(name) + _size(value)
        if size > MAX_PRODUCT_TEXT:
            raise UnusableAnswerError(f"a product can have at most {MAX_PRODUCT_TEXT:,} characters")
        type_ = declared.get(name)
        values[name] = value if type_ is None else _typed(name, value, type_, zone)
    return MappingProxyType(values)


def _name(name: object, of: str) -> str:
    if not isinstance(name, str):
        raise UnusableAnswerError(f"the names of {of} must be texts")
    if len(name) > MAX_NAME:
        raise UnusableAnswerError(f"the names of {of} can have at most {MAX_NAME} characters")
    return _text(name, "a name")


def _typed(name: str, value: Value, type_: FieldType, zone: tzinfo) -> Value:
    try:
        return parse_value(value, type_, zone)
    except ValueError:
        raise UnusableAnswerError(
            f"field “{name}” of a product is not of type {type_.base}, as product_fields declares it"
        ) from None


def _plain(name: str, value: object) -> Value:
    """``value`` as one of the language's own types, whatever class it was; NaN and infinity are unknown."""
    match value:
        case None | bool():
            return value
        case str():
            return _text(value, f"field “{name}” of a product")
        case float():
            return Decimal(float.__repr__(value)) if value == value and abs(value) < float(MAX_WEIGHT) else None
        case int():
            if value.bit_length() > 3 * MAX_DIGITS:
                raise UnusableAnswerError(f"field “{name}” of a product has more than {MAX_DIGITS} digits")
            return int(value)
        case Decimal():
            if not value.is_finite():
                return None
            if _too_long(value):
                raise UnusableAnswerError(f"field “{name}” of a product has more than {MAX_DIGITS} digits")
            return Decimal(value)
        case datetime():
            return datetime.fromisoformat(datetime.isoformat(value))
        case date():
            return date(value.year, value.month, value.day)
        case list() | tuple() if len(value) <= MAX_PRODUCT_TEXT and all(isinstance(item, str) for item in value):
            return tuple(_text(item, f"field “{name}” of a product") for item in value)
        case _:
            raise UnusableAnswerError(
                f"field “{name}” of a product is a {type(value).__name__[:80]}; it must be a text, number or date"
            )


def _text(value: str, what: str) -> str:
    text = str.__str__(value)
    if len(text) > MAX_PRODUCT_TEXT:
        raise UnusableAnswerError(f"{what} can have at most {MAX_PRODUCT_TEXT:,} characters")
    if not text.isascii() and _LONE.search(text):
        raise UnusableAnswerError(f"{what} has half a character (a lone surrogate)")
    return text


def _size(value: Value) -> int:
    if isinstance(value, tuple):
        return sum(len(item) + 2 for item in value)
    return len(value) if isinstance(value, str) else 20
