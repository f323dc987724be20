"""Values that stand in spec files: examples, samples of call data, defaults and values of a filter's parameters."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from offerkit.fingerprint import Json
from offerkit.models.base import MAX_TEXT, Text
from offerkit.rules.types import FieldType
from offerkit.rules.values import parse_value


def _word(value: object) -> object:
    return ("true" if value else "false") if isinstance(value, bool) else value


ValueText = Annotated[
    Text,
    BeforeValidator(_word),
    WithJsonSchema({"type": ["string", "number", "boolean"], "maxLength": MAX_TEXT}),
]
"""A value as text; numbers, true and false need no quotes in YAML."""
MAX_SHORT_VALUE = 200
ShortValueText = Annotated[
    str,
    Field(max_length=MAX_SHORT_VALUE),
    BeforeValidator(_word),
    WithJsonSchema({"type": ["string", "number", "boolean"], "maxLength": MAX_SHORT_VALUE}),
]
"""A short value as text, such as an example."""

MAX_ENTRIES = 1_000
"""The most entries of a list that an offer gives as a value."""


def _given(value: object) -> object:
    """A value of any type as text, and a list as a tuple of texts."""
    if isinstance(value, list | tuple):
        if len(value) > MAX_ENTRIES:
            raise PydanticCustomError("value", "a list of more than {most} entries", {"most": f"{MAX_ENTRIES:,}"})
        entries = tuple(_word(entry) for entry in value)
        if not all(isinstance(entry, str) for entry in entries):
            raise PydanticCustomError("value", "expected a list of texts")
        return entries
    text = _word(value)
    if not isinstance(text, str):
        raise PydanticCustomError("value", "expected a text, a number, true, false, a date or a list of texts")
    if len(text) > MAX_TEXT:
        raise PydanticCustomError("value", "a text of more than {most} characters", {"most": f"{MAX_TEXT:,}"})
    return text


GivenValue = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_given),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number", "boolean"], "maxLength": MAX_TEXT},
                {"type": "array", "items": {"type": "string"}, "maxItems": MAX_ENTRIES},
            ]
        }
    ),
]
"""A value of a type that is declared elsewhere: a text, or a list of texts."""
WrittenValue: TypeAlias = str | tuple[str, ...] | list[Json]
"""A :data:`GivenValue` in a resource (a tuple) or in its body (a list)."""


def type_error(written: WrittenValue, type_: FieldType) -> str:
    """Why ``written`` is not a value of the type; empty if it is one. The time zone does not matter for this."""
    try:
        value = parse_value(written, type_, UTC)
    except ValueError as error:
        return str(error)
    return f"“{str(written)[:40]}” is not a value" if value is None else ""
