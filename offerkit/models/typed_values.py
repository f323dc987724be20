"""Values that stand in spec files: examples, samples of call data, defaults and values of a filter's parameters."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

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


def type_error(text: str, type_: FieldType) -> str:
    """Why ``text`` is not a value of the type; empty if it is one. The time zone does not matter for this."""
    try:
        value = parse_value(text, type_, UTC)
    except ValueError as error:
        return str(error)
    return f"“{text[:40]}” is not a value" if value is None else ""
