"""The fields that an environment declares for its offers, beside the built-in ones: margin, supplier, city."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from offerkit.models.base import Flag, Part, Text
from offerkit.models.dimension import ORDERED, TypedField
from offerkit.models.typed_values import ShortValueText, WrittenValue, type_error
from offerkit.rules.types import FieldType
from offerkit.rules.values import parse_value

MAX_OFFER_FIELDS = 200
"""The most fields that an environment can declare for its offers."""


class AllowedRange(Part):
    """The values that offers can give to a number, date or timestamp, both ends included."""

    min: ShortValueText | None = Field(None, description="The smallest value.")
    max: ShortValueText | None = Field(None, description="The largest value.")


class OfferField(TypedField):
    """A field of offers, which expressions and templates read as ``offer.<name>``; without a value, it is unknown."""

    description: Text = Field("", description="What the field means, for readers.")
    required: Flag = Field(False, description="Every offer must give or inherit a value.")
    range: AllowedRange = Field(
        AllowedRange(), description="The values that a number, date or timestamp can have; others are refused."
    )

    @model_validator(mode="after")
    def _range_fits(self) -> OfferField:
        faults = list(self._faults())
        if faults:
            raise ValidationError.from_exception_data(
                "range",
                [
                    InitErrorDetails(type=PydanticCustomError("range", "{why}", {"why": why}), loc=path, input=None)
                    for path, why in faults
                ],
            )
        return self

    def _faults(self) -> Iterator[tuple[tuple[str, ...], str]]:
        ends = {"min": self.range.min, "max": self.range.max}
        given = {end: text for end, text in ends.items() if text is not None}
        if given and self.value_type.base not in ORDERED:
            yield ("range",), f"only numbers, dates and timestamps have a range, not the type {self.type}"
            return
        wrong = {end: why for end, text in given.items() if (why := type_error(text, self.value_type))}
        for end, why in wrong.items():
            yield ("range", end), f"“{end}” does not fit: {why}"
        if not wrong and len(given) == 2:
            least, most = (_ordered(text, self.value_type) for text in given.values())
            if least > most:
                yield ("range", "max"), f"max ({self.range.max}) is less than min ({self.range.min})"


def misfit(written: WrittenValue, type_: FieldType, least: str | None, most: str | None) -> str:
    """Why ``written`` is not a value of a field with this type and range; empty if it is one."""
    if why := type_error(written, type_):
        return why
    for bound, word in ((least, "less"), (most, "greater")):
        if bound is not None and isinstance(written, str) and not type_error(bound, type_):
            value, end = _ordered(written, type_), _ordered(bound, type_)
            if (value < end) if word == "less" else (value > end):
                return f"{written.strip()[:40]} is {word} than {bound}"
    return ""


def _ordered(text: str, type_: FieldType) -> Any:
    return parse_value(text, type_, UTC)
