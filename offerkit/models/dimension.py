"""The targeting dimension: a kind of contact, with its fields and source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from offerkit.address import Kind
from offerkit.diagnostics import has_secret
from offerkit.models.base import Duration, Flag, Label, Name, NameList, Part, Resource, Text
from offerkit.models.typed_values import ShortValueText, type_error
from offerkit.rules.types import BaseType
from offerkit.rules.types import FieldType as ValueType
from offerkit.rules.values import parse_value

MAX_EXAMPLES = 20
"""The most examples of a field."""
ORDERED = (BaseType.INTEGER, BaseType.DECIMAL, BaseType.DATE, BaseType.TIMESTAMP)
"""The types whose values can be in a range."""

FieldType = Literal["string", "integer", "decimal", "boolean", "date", "timestamp", "enumeration", "list"]


class TypedField(Part):
    """The type of a contact's field, of call data or of a filter's parameter. ``list`` is a list of strings."""

    type: FieldType = "string"
    label: Label = ""
    values: tuple[Text, ...] = Field((), description="The values of an enumeration.")

    @property
    def value_type(self) -> ValueType:
        """The type in the rule language."""
        return ValueType(BaseType(self.type), self.values)

    @model_validator(mode="after")
    def _values_fit_type(self) -> Self:
        if (self.type == "enumeration") != bool(self.values):
            raise PydanticCustomError("values", "an enumeration needs values, and only an enumeration has them")
        return self


class PlausibleRange(Part):
    """The plausible values of a number, date or timestamp, both ends included."""

    min: ShortValueText | None = Field(None, description="The smallest plausible value.")
    max: ShortValueText | None = Field(None, description="The largest plausible value.")


class DimensionField(TypedField):
    """A field of contacts; call data has the same properties.

    ``range`` and ``examples`` are for the contacts that offerkit invents to show a difference. They judge nothing.
    """

    range: PlausibleRange = Field(
        PlausibleRange(),
        description="The plausible values of a number, date or timestamp, for invented examples only: contacts outside"
        " of it are read and decided as all others.",
    )
    examples: tuple[ShortValueText, ...] = Field(
        (),
        max_length=MAX_EXAMPLES,
        description="Plausible values, the best first, for invented examples only. A list is written as its entries,"
        " separated by `|`.",
    )

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        """Report every value that does not fit the type or the range, each at its place."""
        faults = list(self._faults())
        if faults:
            raise ValidationError.from_exception_data(
                "plausible values",
                [
                    InitErrorDetails(type=PydanticCustomError("plausible", "{why}", {"why": why}), loc=path, input=None)
                    for path, why in faults
                ],
            )
        return self

    def _faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        bounds: dict[str, Any] = {"min": self.range.min, "max": self.range.max}
        type_ = self.value_type
        if type_.base is BaseType.ENUMERATION and not self.values:
            return  # reported already
        if type_.base not in ORDERED and any(text is not None for text in bounds.values()):
            yield ("range",), f"only numbers, dates and timestamps have a range, not the type {self.type}"
            bounds = dict.fromkeys(bounds)
        for end, text in bounds.items():
            if text is not None:
                bounds[end] = None if (why := type_error(text, type_)) else parse_value(text, type_, UTC)
                if why:
                    yield ("range", end), f"“{end}” does not fit: {why}"
        least, most = bounds["min"], bounds["max"]
        if least is not None and most is not None and least > most:
            yield ("range", "max"), f"max ({self.range.max}) is less than min ({self.range.min})"
            least = most = None
        for number, text in enumerate(self.examples):
            if why := type_error(text, type_):
                yield ("examples", number), f"the example does not fit: {why}"
                continue
            value: Any = parse_value(text, type_, UTC)
            if (least is not None and value < least) or (most is not None and value > most):
                yield ("examples", number), f"the example “{text}” is outside of the range"


class Source(Part):
    """Where contacts are read from: a CSV, JSON Lines or Parquet file in the project, or a database table."""

    format: Literal["csv", "jsonl", "parquet", "sql"]
    path: Text = Field("", description="csv, jsonl, parquet: the file, relative to the project.")
    url: Text = Field("", description="sql: the database's URL, without a password or other secret.")
    url_env: Text = Field("", description="sql: the environment variable that holds the URL with its secrets.")
    table: Text = Field("", description="sql: the table.")

    @field_validator("url")
    @classmethod
    def _no_password(cls, value: str) -> str:
        if has_secret(value):
            raise PydanticCustomError(
                "secret", "a URL in a spec must not contain a password or other secret; name a variable in url_env"
            )
        return value

    @model_validator(mode="after")
    def _complete(self) -> Source:
        if self.format == "sql":
            if not self.table or bool(self.url) == bool(self.url_env):
                raise PydanticCustomError("source", "a sql source needs table, and either url or url_env")
        elif not self.path or self.url or self.url_env or self.table:
            raise PydanticCustomError(
                "source", "a csv, jsonl or parquet source needs path, and no url, url_env or table"
            )
        return self


class History(Part):
    """The storage of propositions to this dimension's contacts."""

    name: Name = "propositions"
    retention: Duration | None = Field(
        None, description="“offerkit store purge” deletes older propositions; if absent, none."
    )


class Dimension(Resource):
    """A targeting dimension: fields with their types, the primary key, and where its contacts come from."""

    kind = Kind.DIMENSION

    key: NameList = Field(min_length=1, description="The fields of the primary key, in order.")
    fields: dict[Name, DimensionField] = Field(min_length=1)
    source: Source | None = None
    history: History = History()
    visitors: Flag = Field(False, description="The contacts of this dimension are anonymous visitors.")

    @model_validator(mode="after")
    def _key_is_a_field(self) -> Dimension:
        for name in self.key:
            if name not in self.fields:
                raise PydanticCustomError(
                    "key", "the key names “{name}”, which is not one of the fields", {"name": name}
                )
        return self
