"""Predefined filters: named, reusable conditions on the contact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.fingerprint import JsonPath
from offerkit.models.base import Expression, Name, Part, Reference, Resource
from offerkit.models.dimension import TypedField
from offerkit.models.typed_values import ValueText, type_error


class Parameter(TypedField):
    """A parameter of a filter; its condition uses it as ``parameter.<name>``."""

    default: ValueText | None = None

    @model_validator(mode="after")
    def _default_fits(self) -> Parameter:
        if self.default is not None and (why := type_error(self.default, self.value_type)):
            raise PydanticCustomError("default", "the default does not fit: {why}", {"why": why})
        return self


class FilterUse(Part):
    """A use of a filter: its name, and values for its parameters."""

    filter: Name
    values: dict[Name, ValueText] = Field(default_factory=dict, alias="with")

    @model_validator(mode="before")
    @classmethod
    def _by_name_alone(cls, value: object) -> object:
        if isinstance(value, str):
            return {"filter": value}
        if isinstance(value, dict):
            return value
        raise PydanticCustomError("filter", "expected a filter's name, or {filter: NAME, with: {…}}")


def filter_references(path: JsonPath, uses: Iterable[FilterUse]) -> Iterator[Reference]:
    """The filters in the list at ``path``."""
    for place, use in enumerate(uses):
        yield Reference((*path, place), Kind.FILTER, use.filter)


class Filter(Resource):
    """A reusable condition on the contact, which can use the offer's own fields."""

    kind = Kind.FILTER

    when: Expression
    parameters: dict[Name, Parameter] = {}
