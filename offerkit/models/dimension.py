"""The targeting dimension: a kind of contact, with its fields and source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.diagnostics import has_secret
from offerkit.models.base import Duration, Flag, Label, Name, NameList, Part, Resource, Text

FieldType = Literal["string", "integer", "decimal", "boolean", "date", "timestamp", "enumeration", "list"]


class DimensionField(Part):
    """A field of contacts; also the type of call data. ``list`` is a list of strings."""

    type: FieldType = "string"
    label: Label = ""
    values: tuple[Text, ...] = Field((), description="The values of an enumeration.")

    @model_validator(mode="after")
    def _values_fit_type(self) -> DimensionField:
        if (self.type == "enumeration") != bool(self.values):
            raise PydanticCustomError("values", "an enumeration needs values, and only an enumeration has them")
        return self


class Source(Part):
    """Where contacts are read from: a CSV or Parquet file in the project, or a database table."""

    format: Literal["csv", "parquet", "sql"]
    path: Text = Field("", description="csv, parquet: the file, relative to the project.")
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
            raise PydanticCustomError("source", "a csv or parquet source needs path, and no url, url_env or table")
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
