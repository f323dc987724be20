"""The types of the rule language, and the values they have in Python.

A **string** or **enumeration** is ``str`` (compared by code point), an **integer** is ``int`` of 64 bits, a
**decimal** is :class:`~decimal.Decimal` with six digits after the point and at most twelve before it, a
**boolean** is ``bool``, a **date** is ``date``, a **timestamp** is a ``datetime`` without zone: the wall clock of
the environment's time zone. A **list** is a tuple of strings. ``None`` is unknown, of every type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from offerkit.fingerprint import canonical, digest

Value: TypeAlias = str | int | Decimal | bool | date | datetime | tuple[str, ...] | None
"""A value of the language (see above); a ``list`` is a tuple of strings."""

Row: TypeAlias = Mapping[str, Value]
"""The values of one namespace by field; every declared field is a key, and unknown values are None."""


class BaseType(StrEnum):
    """What a value can be; the names are those of the spec files."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    ENUMERATION = "enumeration"
    LIST = "list"
    NULL = "null"
    """The literal ``null``, which fits everywhere; no field has this type."""


@dataclass(frozen=True, slots=True)
class FieldType:
    """The type of a field or of a part of an expression; ``values`` are an enumeration's."""

    base: BaseType
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class NameScope:
    """The names that an expression can use: namespace → field → type (``recipient`` → ``age`` → integer)."""

    namespaces: Mapping[str, Mapping[str, FieldType]]

    @cached_property
    def digest(self) -> str:
        """Equal for scopes in which every expression means the same."""
        plain = {
            space: {name: [type_.base.value, *type_.values] for name, type_ in fields.items()}
            for space, fields in self.namespaces.items()
        }
        return digest(b"scope", canonical(plain))


class ExpectedResult(StrEnum):
    """The kind of result that an expression must give, depending on where it is used."""

    CONDITION = "condition"
    """A boolean: ``when``, ``contacts``."""
    FORMULA = "formula"
    """A number: a weight's ``formula``."""
    VALUE = "value"
    """Anything: stored extra data, ``offerkit eval``."""
