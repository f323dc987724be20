"""The contacts of a dimension, whatever their format: one by key, one after the other, or in bulk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self

from offerkit.contacts import keys as key_texts
from offerkit.contacts.bad_rows import BadRows
from offerkit.contacts.fields import FieldReader
from offerkit.contacts.files import Stamp
from offerkit.contacts.relation import Relation
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.models.expression_scopes import field_types
from offerkit.rules.types import Row, Value
from offerkit.rules.values import show

if TYPE_CHECKING:
    from offerkit.models.dimension import Dimension


class Contacts(ABC):
    """The contacts of one dimension. Methods raise Refused when the source cannot be read or a value does not fit.

    ``key`` are the fields of the primary key, in order; ``types`` the type of every field. Each format is a subclass,
    which alone knows the format, however its contacts are read.
    """

    background = False
    """Whether searches raise IndexingError while an index takes long to make: then an event loop is not blocked."""

    def __init__(self, name: str, dimension: Dimension, zone: tzinfo) -> None:
        """Nothing is opened before it is needed. ``zone`` is the environment's time zone."""
        self.name = name
        self.key = tuple(dimension.key)
        self.types = field_types(dimension.fields)
        self.zone = zone
        self._fields = FieldReader(self.types, self.key, zone)

    def find(self, values: Mapping[str, Value]) -> Row | None:
        """The contact whose fields equal ``values``; None if no contact matches, or a value is unknown.

        The fields need not be those of the primary key. Raises Refused when more than one contact matches.
        """
        if not values or any(name not in self.types for name in values):
            raise ValueError(f"contacts are found by fields of the dimension, not by {sorted(values)}")
        if any(value is None for value in values.values()):
            return None
        matches = list(islice(self._matches(values), 2))
        if len(matches) > 1:
            raise refuse(
                Code.CONTACT_AMBIGUOUS,
                f"more than one {self.name} has {_equals(values)}",
                detail="An offer is made to exactly one contact.",
                hint=f"Remove the duplicate from the source, or identify by {'|'.join(self.key)}.",
            )
        return matches[0] if matches else None

    def parse_key(self, text: str, keys: Sequence[str] = ()) -> dict[str, Value]:
        """The values of ``keys`` (default: the primary key) in ``text``, such as ``20417|1984-02-29``.

        Raises Refused for a wrong number of parts and for parts of the wrong type.
        """
        return key_texts.parse_key(text, keys or self.key, self.types, self.zone)

    def key_of(self, row: Row) -> str:
        """The primary key as text, which identifies the contact in the history."""
        return key_texts.key_text(row[name] for name in self.key)

    @abstractmethod
    def _matches(self, values: Mapping[str, Value]) -> Iterator[Row]:
        """The contacts whose fields equal ``values``, which are all known (not None)."""

    @abstractmethod
    def rows(self, limit: int = 0, bad: BadRows | None = None) -> Iterator[Row]:
        """All contacts in the source's order, read lazily; at most ``limit`` of them unless it is 0.

        Those that cannot be read go to ``bad``; without it, the first of them raises Refused.
        """

    @abstractmethod
    def count(self) -> int:
        """How many contacts there are; their values are not checked."""

    def relation(self, fields: Sequence[str]) -> Relation | None:
        """``fields`` as DuckDB reads them by itself; None unless it reads exactly the same cells."""
        return None

    def cells(self, fields: Sequence[str], size: int) -> Iterator[Sequence[Sequence[str | None]]] | None:
        """The cells of ``fields`` as text, ``size`` contacts at a time; None if the format has typed values."""
        return None

    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The names of all columns, whether a field reads them or not."""

    @abstractmethod
    def notes(self) -> tuple[Diagnostic, ...]:
        """Notes about the source, such as on columns that no field reads."""

    def stamp(self) -> Stamp | None:
        """A value that changes when the contacts may have; None if the source cannot tell without reading them."""
        return None

    def prepare(self, keys: tuple[str, ...]) -> None:  # noqa: B027 - most sources have nothing to prepare
        """Begin what searches by the fields ``keys`` need. Raises IndexingError as a search does, and Refused."""

    def close(self) -> None:  # noqa: B027 - most sources hold nothing open
        """Close files and connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def no_contact(dimension_name: str, values: Mapping[str, Value]) -> Refused:
    """The error for a key that no contact has."""
    return refuse(
        Code.NO_CONTACT,
        f"no {dimension_name} has {_equals(values)}",
        hint="Check the source that the dimension declares; keys are compared exactly.",
    )


def _equals(values: Mapping[str, Value]) -> str:
    return " and ".join(f"{name} “{_cut(show(value))}”" for name, value in values.items())


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
