"""Contacts in a JSON Lines file: the one place that knows the format.

One object a line, in UTF-8, with a value for each field by its name. Empty lines are left out; a name that an object
does not have is unknown, as is null. Values are texts, numbers, booleans, and lists of texts; dates are texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import orjson

from offerkit.contacts.bad_rows import BadRows, readable
from offerkit.contacts.fields import BadCell, check_columns, unread_columns
from offerkit.contacts.files import open_file
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, Position, Refused
from offerkit.rules.types import Row, Value

if TYPE_CHECKING:
    from offerkit.models.dimension import Dimension

MAX_LINE = 1024 * 1024
"""Bytes in a line, at most."""
MAX_NAMES = 1_000
"""Different names in a file, at most."""
_BOM = b"\xef\xbb\xbf"


class JsonLinesContacts(Contacts):
    """The objects of a JSON Lines file."""

    def __init__(self, name: str, dimension: Dimension, zone: tzinfo, root: Path, path: str) -> None:
        """``path`` is relative to the project's folder ``root``."""
        super().__init__(name, dimension, zone)
        self._root, self._path = root, path
        self._names: tuple[str, ...] | None = None

    def rows(self, limit: int = 0, bad: BadRows | None = None) -> Iterator[Row]:
        """The objects of the file as rows."""
        self._check()
        with open_file(self._root, self._path) as file:

            def read(numbered: tuple[int, bytes]) -> Row:
                number, line = numbered
                return self._row(number, self._object(number, line))

            yield from readable(islice(self._lines(file), limit or None), read, bad)

    def count(self) -> int:
        """How many lines are not empty."""
        with open_file(self._root, self._path) as file:
            return sum(1 for _ in self._lines(file))

    def columns(self) -> Sequence[str]:
        """All names, in the order in which they first occur. Raises Refused for a line that is not an object."""
        if self._names is None:
            names: dict[str, None] = {}
            with open_file(self._root, self._path) as file:
                for number, line in self._lines(file):
                    names.update(dict.fromkeys(self._object(number, line)))
                    if len(names) > MAX_NAMES:
                        raise self._refused(number, f"the file has more than {MAX_NAMES:,} different names")
            self._names = tuple(names)
        return self._names

    def notes(self) -> tuple[Diagnostic, ...]:
        """Names that no field reads."""
        return unread_columns(self.columns(), self.types, f"the file {self._path}")

    def _matches(self, values: Mapping[str, Value]) -> Iterator[Row]:
        with open_file(self._root, self._path) as file:
            for number, line in self._lines(file):
                cells = self._object(number, line)
                if all(self._fields.value(name, cells.get(name)) == value for name, value in values.items()):
                    yield self._row(number, cells)

    def _check(self) -> None:
        """Raise Refused if no object has the key's fields."""
        check_columns(self.columns(), self.key, "the file", Position(self._path, 1, 1))

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        """The lines that are not empty, with their numbers."""
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise self._refused(number, f"the line is longer than {MAX_LINE:,} bytes")
            line = line.removeprefix(_BOM) if number == 1 else line
            if line.strip():
                yield number, line

    def _object(self, number: int, line: bytes) -> Mapping[str, object]:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise self._refused(number, "the line is not JSON", error.colno) from None
        if not isinstance(value, dict):
            raise self._refused(number, "the line is not a JSON object")
        return value

    def _row(self, number: int, cells: Mapping[str, object]) -> Row:
        try:
            return self._fields.row([cells.get(name) for name in self.types])
        except BadCell as error:
            summary = f"“{error.field}” is not a value of type {self.types[error.field].base.value}: {error}"
            raise self._refused(
                number, summary, code=Code.CONTACT_VALUE, hint="Mend the line; null means unknown."
            ) from error

    def _refused(
        self, line: int, summary: str, column: int = 1, *, code: Code = Code.CONTACT_ROW, hint: str = ""
    ) -> Refused:
        hint = hint or 'Each line is one object, such as {"id": 1, "city": "Lyon"}.'
        return Refused([Diagnostic(code, summary, hint=hint, position=Position(self._path, line, max(column, 1)))])
