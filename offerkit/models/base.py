"""The field types and the base class that every kind shares.

A YAML scalar that looks like a number arrives as :class:`Number` with its original text, so that the field decides
what it means: ``010`` is ten for an integer but “010” for a label, and weights never pass through a binary float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    model_validator,
)
from pydantic_core import PydanticCustomError

from offerkit.address import NAME, PATH, Kind

MAX_TEXT = 200_000
"""The longest text of a field, in characters; an offer's HTML is much shorter."""


class Number(str):
    """The text of a plain YAML scalar that YAML 1.2 reads as a number."""

    __slots__ = ()


_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_OTHER_BASE = re.compile(r"0x[0-9a-fA-F]{1,15}|0o[0-7]{1,20}")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DURATION = re.compile(r"(?:([0-9]{1,12})d)?(?: ?([0-9]{1,12})h)?")
_MOST_DAYS = 99_999
"""The most days of a duration, hours included: what is written in canonical form can be read again (offerkit.times)."""
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")


def _integer(value: object) -> object:
    if isinstance(value, Number):
        if _INTEGER.fullmatch(value):
            return int(value)
        if _OTHER_BASE.fullmatch(value):
            return _bounded(int(value, 0), value)
        raise PydanticCustomError("integer", "“{text}” is not a whole number", {"text": str(value)})
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        hint = "Write it without quotes." if _INTEGER.fullmatch(value) else ""
        raise PydanticCustomError(
            "integer", "“{text}” is a text, not a whole number", {"text": value[:80], "hint": hint}
        )
    raise PydanticCustomError("integer", "expected a whole number")


def _bounded(number: int, text: str) -> int:
    if abs(number) >= 2**63:
        raise PydanticCustomError("integer", "“{text}” is too large a number", {"text": text[:80]})
    return number


def _amount(value: object) -> Decimal:
    """A decimal in canonical form: 10, 10.0 and 1e1 are the same weight."""
    if type(value) is Number and len(value) <= 15 and value.isdecimal() and value.isascii():
        return Decimal(int(value))  # most are whole
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise PydanticCustomError("amount", "expected a number")
    try:
        if not isinstance(value, str) or _DECIMAL.fullmatch(value):
            number = Decimal(value)
        elif _OTHER_BASE.fullmatch(value):
            number = Decimal(int(value, 0))
        else:
            raise InvalidOperation
    except InvalidOperation:
        raise PydanticCustomError("amount", "“{text}” is not a number", {"text": str(value)[:80]}) from None
    if not number.is_finite():
        raise PydanticCustomError("amount", "“{text}” is not a finite number", {"text": str(value)})
    if len(number.as_tuple().digits) > 28 or not -12 <= number.adjusted() <= 15:
        raise PydanticCustomError(
            "amount", "the number is too large, too small or too long: “{text}”", {"text": str(value)[:80]}
        )
    if not number:
        return Decimal(0)  # -0 is not another weight
    number = number.normalize()
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day", "“{text}” is not a calendar date; write YYYY-MM-DD", {"text": str(value)[:80]})


def _duration(value: object) -> str:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        raise PydanticCustomError(
            "duration",
            "“{text}” is not a duration; write days and hours, as in 2d 6h",
            {"text": str(value)[:80]},
        )
    days, hours = (int(part or 0) for part in match.groups())
    too_long = max(days, hours, days + hours // 24) > _MOST_DAYS
    if too_long:
        most = "“{text}” is too long; at most 99999d, or 99999h"
        raise PydanticCustomError("duration", most, {"text": str(value)[:80]})
    days, hours = days + hours // 24, hours % 24
    return " ".join(filter(None, [f"{days}d" if days or not hours else "", f"{hours}h" if hours else ""]))


def _percentage(value: object) -> str:
    """A percentage in canonical form: 10%, 10.0 % and 010% are the same."""
    match = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError(
            "percentage",
            "“{text}” is not a percentage; write it as in 10% or 2.5%, with at most four decimals",
            {"text": str(value)[:80]},
        )
    number = Decimal(match[1])
    if number > 100:
        raise PydanticCustomError("share", "“{text}” is more than 100%", {"text": value})
    whole = number.quantize(Decimal(1))
    return f"{whole if number == whole else number.normalize()}%"


def unique_sorted(names: tuple[str, ...]) -> tuple[str, ...]:
    """Sort texts whose order has no meaning. Raises PydanticCustomError if one is listed twice."""
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise PydanticCustomError("twice", "listed twice: {names}", {"names": ", ".join(twice)})
    return tuple(sorted(names))


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    unique_sorted(names)
    return names


@lru_cache(maxsize=4096)  # thousands of offers name the same resources; what is refused is not remembered
def _name(value: str) -> str:
    if NAME.fullmatch(value) is None:
        raise PydanticCustomError("name", "“{text}” is not a name", {"text": value[:80]})
    return value


@lru_cache(maxsize=4096)
def _path(value: str) -> str:
    if PATH.fullmatch(value) is None:
        raise PydanticCustomError("name", "“{text}” is not a category path", {"text": value[:80]})
    return value


Text = Annotated[str, Field(max_length=MAX_TEXT)]
Label = Annotated[str, Field(max_length=200)]
Expression = Annotated[str, Field(min_length=1, max_length=10_000)]
"""A SQL condition or formula (docs/spec-files.md)."""
Flag = StrictBool
Integer = Annotated[int, BeforeValidator(_integer)]
Amount = Annotated[Decimal, BeforeValidator(_amount), PlainSerializer(str, return_type=str)]
Weighting = Annotated[Amount, Field(ge=0)]
Day = Annotated[date, BeforeValidator(_day)]
Duration = Annotated[str, BeforeValidator(_duration)]
"""Days and hours in canonical form (``2d 6h``)."""
Percentage = Annotated[str, BeforeValidator(_percentage)]
"""A share from 0% to 100% in canonical form (``2.5%``)."""
Name = Annotated[str, AfterValidator(_name)]
CategoryPath = Annotated[str, AfterValidator(_path)]
NameSet = Annotated[tuple[Name, ...], AfterValidator(unique_sorted)]
"""Names whose order has no meaning: sorted, so that reordering them does not change a fingerprint."""
PathSet = Annotated[tuple[CategoryPath, ...], AfterValidator(unique_sorted)]
NameList = Annotated[tuple[Name, ...], AfterValidator(_unique)]
"""Names whose order matters."""
Content = dict[Name, Text]
"""Content fields by name."""


class Reference(NamedTuple):
    """A name in a resource that another resource must declare.

    ``path`` is its position in the resource; ``environment`` is empty for the resource's own environment.
    """

    path: tuple[str | int, ...]
    kind: Kind
    name: str
    environment: str = ""


class Part(BaseModel):
    """A part of a resource: frozen, and without undeclared keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def __eq__(self, other: object) -> bool:
        """As pydantic compares models, without what these do not have; a body leaves parts out that are defaults."""
        return self is other or (type(self) is type(other) and vars(self) == vars(other))


class Resource(Part):
    """The fields of every kind. Subclasses have one file each and list their references."""

    kind: ClassVar[Kind]

    label: Label = ""
    description: Text = ""
    protected: Flag = Field(
        False, description="Forbids deleting the resource, even after it is removed from the specs."
    )

    def references(self) -> Iterator[Reference]:
        """All references to other resources."""
        return iter(())

    def body(self) -> dict[str, Any]:
        """The body for canonical bytes: JSON types only, without defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Period(Part):
    """A period of whole days, both ends included, in the environment's time zone."""

    from_: Day | None = Field(None, alias="from", description="The first day.")
    until: Day | None = Field(None, description="The last day.")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.from_ is not None and self.until is not None and self.until < self.from_:
            raise PydanticCustomError(
                "period",
                "until ({until}) is before from ({from_})",
                {"until": self.until.isoformat(), "from_": self.from_.isoformat()},
            )
        return self


def references_to(path: tuple[str | int, ...], kind: Kind, values: tuple[str, ...]) -> Iterator[Reference]:
    """A reference for each of ``values``, the items of a list at ``path``."""
    for place, value in enumerate(values):
        yield Reference((*path, place), kind, value)
