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
from offerkit.contacts.files import Stamp, open_file, stamp_at
from offerkit.contacts.key_index import FileRecord, KeyIndex, Readable, SearchedFile, rows_of
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, Position, Refused
from offerkit.rules.types import Row, Value

if TYPE_CHECKING:
    from offerkit.models.dimension import Dimension

MAX_LINE = 1024 * 1024
"""Bytes in a line, at most."""
MAX_NAMES = 1_000
"""Different names in a file, at most."""
_FIRST_READ, _NEXT_READ = 2 * 1024, 256 * 1024
"""Bytes read at once: few at first, since the line that an index leads to is often all."""
_BOM = b"\xef\xbb\xbf"


class JsonLinesContacts(Contacts):
    """The objects of a JSON Lines file, which is kept open for searches."""

    def __init__(self, name: str, dimension: Dimension, zone: tzinfo, root: Path, path: str) -> None:
        """``path`` is relative to the project's folder ``root``."""
        super().__init__(name, dimension, zone)
        self._root, self._path = root, path
        self._searched = SearchedFile(root, path)
        self._names: tuple[str, ...] | None = None

    def rows(self, limit: int = 0, bad: BadRows | None = None) -> Iterator[Row]:
        """The objects of the file as rows."""
        self._check()
        with open_file(self._root, self._path) as file:
            lines = islice(self._lines(file), limit or None)
            yield from readable(lines, lambda line: self._row(line, self._object(line)), bad)

    def count(self) -> int:
        """How many lines are not empty."""
        with open_file(self._root, self._path) as file:
            return sum(1 for _ in self._lines(file))

    def columns(self) -> Sequence[str]:
        """All names, in the order in which they first occur. Raises Refused for a line that is not an object."""
        if self._names is None:
            names: dict[str, None] = {}
            with open_file(self._root, self._path) as file:
                for line in self._lines(file):
                    names.update(dict.fromkeys(self._object(line)))
                    if len(names) > MAX_NAMES:
                        raise self._refused(line.line, f"the file has more than {MAX_NAMES:,} different names")
            self._names = tuple(names)
        return self._names

    def notes(self) -> tuple[Diagnostic, ...]:
        """Names that no field reads."""
        return unread_columns(self.columns(), self.types, f"the file {self._path}")

    def stamp(self) -> Stamp | None:
        """That of the file."""
        return stamp_at(str(self._root / self._path))

    def prepare(self, keys: tuple[str, ...]) -> None:
        """Begin the index by these fields, if the file is large."""
        self._index_by(self._searched.begin()[0], keys)

    def close(self) -> None:
        """Close the file."""
        self._searched.close()

    def _matches(self, values: Mapping[str, Value]) -> Iterator[Row]:
        file, _ = self._searched.begin()

        def read(line: FileRecord) -> Row | None:
            cells = self._object(line)
            matches = all(self._fields.value(name, cells.get(name)) == value for name, value in values.items())
            return self._row(line, cells) if matches else None

        yield from rows_of(file, self._candidates(file, values), read)

    def _candidates(self, file: BinaryIO, values: Mapping[str, Value]) -> Iterator[FileRecord]:
        """The lines that may hold ``values``, in the file's order."""
        index = self._index_by(file, tuple(values))
        if index is None:
            yield from self._lines(file)
            return
        for offset in index.offsets(tuple(values.values())):
            yield from islice(self._lines(file, offset, 0), 1)

    def _index_by(self, file: BinaryIO, names: tuple[str, ...]) -> KeyIndex | None:
        return self._searched.index(file, names, lambda whole: self._index(whole, names), background=self.background)

    def _index(self, file: Readable, names: tuple[str, ...]) -> KeyIndex:
        """An index of all lines; one that is not an object is refused at each search."""
        index = KeyIndex()
        for line in self._lines(file):
            try:
                cells = self._object(line)
            except Refused:
                index.uncut.append(line.offset)
            else:
                index.add([tuple(map(self._fields.value, names, map(cells.get, names)))], [line.offset])
        return index

    def _check(self) -> None:
        """Raise Refused if no object has the key's fields."""
        check_columns(self.columns(), self.key, "the file", Position(self._path, 1, 1))

    def _lines(self, file: Readable, offset: int = 0, number: int = 1) -> Iterator[FileRecord]:
        """The lines from ``offset`` on that are not empty; the first has this ``number``, 0: none of them has one."""
        file.seek(offset)
        remainder, portion = b"", _FIRST_READ
        while chunk := file.read(portion):
            portion = _NEXT_READ
            *lines, remainder = (remainder + chunk).split(b"\n")
            for line in lines:
                if len(line) >= MAX_LINE:
                    raise self._too_long(number)
                if text := _text(line, offset):
                    yield FileRecord(text, number, offset)
                offset += len(line) + 1
                number += number > 0
            if len(remainder) > MAX_LINE:
                raise self._too_long(number)
        if text := _text(remainder, offset):
            yield FileRecord(text, number, offset)

    def _object(self, line: FileRecord) -> Mapping[str, object]:
        try:
            value = orjson.loads(line.raw)
        except orjson.JSONDecodeError as error:
            raise self._refused(line.line, "the line is not JSON", error.colno) from None
        if not isinstance(value, dict):
            raise self._refused(line.line, "the line is not a JSON object")
        return value

    def _row(self, line: FileRecord, cells: Mapping[str, object]) -> Row:
        try:
            return self._fields.row([cells.get(name) for name in self.types])
        except BadCell as error:
            summary = f"“{error.field}” is not a value of type {self.types[error.field].base.value}: {error}"
            raise self._refused(
                line.line, summary, code=Code.CONTACT_VALUE, hint="Mend the line; null means unknown."
            ) from error

    def _too_long(self, number: int) -> Refused:
        return self._refused(number, f"the line is longer than {MAX_LINE:,} bytes")

    def _refused(
        self, line: int, summary: str, column: int = 1, *, code: Code = Code.CONTACT_ROW, hint: str = ""
    ) -> Refused:
        hint = hint or 'Each line is one object, such as {"id": 1, "city": "Lyon"}.'
        return Refused([Diagnostic(code, summary, hint=hint, position=Position(self._path, line, max(column, 1)))])


def _text(line: bytes, offset: int) -> bytes:
    """A line without the file's byte order mark; empty if it has only blanks."""
    text = line if offset else line.removeprefix(_BOM)
    return b"" if text.isspace() else text
