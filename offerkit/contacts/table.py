"""Contacts in a table that is read by SQL: of a database, or of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from offerkit.contacts.bad_rows import BadRows, readable
from offerkit.contacts.fields import BadCell, check_columns, unread_columns
from offerkit.contacts.files import Stamp, stamp_at
from offerkit.contacts.keys import key_text
from offerkit.contacts.relation import Relation
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, Refused, install_hint, refuse
from offerkit.rules.types import BaseType, FieldType, Row, Value

if TYPE_CHECKING:
    from offerkit.models.dimension import Dimension

_EXACT = {BaseType.STRING, BaseType.INTEGER, BaseType.ENUMERATION}
"""Types that every database compares as offerkit does; values of other types are compared here."""


class Table(Protocol):
    """A table. Names are columns from :meth:`columns`; values are only passed as parameters."""

    @property
    def label(self) -> str:
        """Its name in messages."""

    def columns(self, types: Mapping[str, FieldType]) -> Sequence[str]:
        """All columns. Raises Refused when a column's type cannot hold its field's values."""

    def read(self, columns: Sequence[str], equal: Mapping[str, Value], limit: int) -> Iterator[Sequence[object]]:
        """The cells of ``columns`` in the rows that match ``equal``, read lazily; ``limit`` 0: all."""

    def relation(self, types: Mapping[str, FieldType]) -> Relation | None:
        """The columns of ``types`` as DuckDB reads them; None unless it reads exactly the same cells."""

    def count(self) -> int:
        """The number of rows."""

    def close(self) -> None:
        """Close files and connections."""


class TableContacts(Contacts):
    """The rows of a :class:`Table`."""

    def __init__(self, name: str, dimension: Dimension, zone: tzinfo, table: Table, file: Path | None = None) -> None:
        """``file``: the file that has all of the table, if there is one."""
        super().__init__(name, dimension, zone)
        self._table, self._file = table, file
        self._columns: Sequence[str] | None = None
        self._checked: Stamp | None = None

    def rows(self, limit: int = 0, bad: BadRows | None = None) -> Iterator[Row]:
        """The rows of the table."""
        self._check()
        yield from readable(self._table.read(list(self.types), {}, limit), self._row, bad)

    def count(self) -> int:
        """As :meth:`Table.relation`."""
        return self._table.count()

    def relation(self, fields: Sequence[str]) -> Relation | None:
        """As :meth:`Table.relation`."""
        self._check()
        return self._table.relation({name: self.types[name] for name in fields})

    def columns(self) -> Sequence[str]:
        """All columns of the table."""
        return self._table.columns(self.types)

    def notes(self) -> tuple[Diagnostic, ...]:
        """Columns that no field reads."""
        return unread_columns(self._check(), self.types, self._table.label)

    def stamp(self) -> Stamp | None:
        """That of the file."""
        return stamp_at(str(self._file)) if self._file is not None else None

    def close(self) -> None:
        """Close the table."""
        self._table.close()

    def _matches(self, values: Mapping[str, Value]) -> Iterator[Row]:
        self._check()
        equal = {name: value for name, value in values.items() if self.types[name].base in _EXACT}
        for cells in self._table.read(list(self.types), equal, 0):
            plain = self._plain_cells(cells)
            by_name = dict(zip(self.types, plain, strict=True))
            if all(self._fields.value(name, by_name[name]) == value for name, value in values.items()):
                yield self._plain_row(plain)

    def _check(self) -> Sequence[str]:
        stamp = self.stamp()
        if self._columns is None or stamp != self._checked:
            columns = self._table.columns(self.types)
            check_columns(columns, self.types, self._table.label, None)
            self._columns, self._checked = columns, stamp
        return self._columns

    def _row(self, cells: Sequence[object]) -> Row:
        return self._plain_row(self._plain_cells(cells))

    def _plain_cells(self, cells: Sequence[object]) -> list[object]:
        return [_plain(cell, type_) for cell, type_ in zip(cells, self.types.values(), strict=True)]

    def _plain_row(self, plain: Sequence[object]) -> Row:
        try:
            return self._fields.row(plain)
        except BadCell as error:
            names = list(self.types)
            key = key_text(self._fields.value(name, plain[names.index(name)]) for name in self.key)
            raise refuse(
                Code.CONTACT_VALUE,
                f"{self._table.label}: “{error.field}” is not a value of type"
                f" {self.types[error.field].base.value}: {error}",
                detail=f"In the row whose key {'|'.join(self.key)} is “{key[:80]}”.",
                hint="Correct the row, or read from a view that converts the column.",
            ) from error


def _plain(cell: object, type_: FieldType) -> object:
    """A cell as :func:`~offerkit.rules.values.parse_value` takes it: databases have more types than the language."""
    match cell:
        case bool() | None | str():
            return cell
        case int() if type_.base is BaseType.BOOLEAN and cell in (0, 1):
            return bool(cell)
        case tuple():
            return list(cell)
        case _ if type(cell).__name__ == "UUID":
            return str(cell)
        case _:
            return cell


def database_refused(label: str, reason: str, hint: str = "") -> Refused:
    """The error for a database's error message; ``reason`` must not hold a secret."""
    return refuse(Code.CONTACTS_DATABASE, f"{label} cannot be read: {reason}", hint=hint)


def missing_package(what: str, package: str, extra: str) -> Refused:
    """The error for a package that is not installed."""
    return refuse(
        Code.CONTACTS_PACKAGE,
        f"reading contacts from {what} needs the Python package “{package}”",
        hint=install_hint(extra),
    )


def first_line(error: BaseException) -> str:
    """The first line of an error's message; some continue with the query."""
    return (str(error).strip().splitlines() or ["no reason given"])[0][:300]
