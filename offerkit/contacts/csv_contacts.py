"""Contacts in a CSV file of the project: with ``csv_records``, the one place that knows the format.

An empty cell, quoted or not, is unknown. DuckDB reads a file by itself only where it has no more to do than cut it at
newlines and commas (:func:`~offerkit.contacts.csv_records.plain_lines`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from offerkit.contacts.bad_rows import BadRows, readable
from offerkit.contacts.csv_records import MAX_RECORD, bad_record, cut, plain_lines, records
from offerkit.contacts.fields import BadCell, check_columns, unread_columns
from offerkit.contacts.files import Stamp, inside, open_file, stamp_at
from offerkit.contacts.key_index import FileRecord, KeyIndex, Readable, SearchedFile, rows_of
from offerkit.contacts.relation import Relation, literal_path, quote_name, quote_text
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, Position, Refused
from offerkit.rules.types import BaseType, FieldType, Row, Value

if TYPE_CHECKING:
    from offerkit.models.dimension import Dimension

_DIALECT = (
    "header=true, delim=',', quote='', escape='', nullstr='', auto_detect=false, null_padding=false,"
    f" ignore_errors=false, strict_mode=true, max_line_size={MAX_RECORD}"
)
"""How DuckDB reads a plain file: it knows no quotes there, and an empty cell is unknown."""
_EXPONENT = re.compile(rb"[0-9]\.?[eE]")
"""An integer can be written without its digits: 2e3."""
_PLAIN_CELL = re.compile(rb'(?:[^"]*|"[^"]*")\Z')
_TELLING = (BaseType.STRING, BaseType.INTEGER, BaseType.ENUMERATION)
"""Types whose values are written in one way or nearly so; the first tell contacts apart best."""


@dataclass(frozen=True, slots=True)
class _Header:
    """All columns, the number of each field's column, in the order of the fields, and where the next line begins."""

    columns: tuple[str, ...]
    places: Mapping[str, int]
    offset: int
    line: int


class CsvContacts(Contacts):
    """The rows of a CSV file, which is kept open for searches."""

    def __init__(self, name: str, dimension: Dimension, zone: tzinfo, root: Path, path: str) -> None:
        """``path`` is relative to the project's folder ``root``."""
        super().__init__(name, dimension, zone)
        self._root = root
        self._path = path
        self._searched = SearchedFile(root, path)
        self._header: _Header | None = None

    def rows(self, limit: int = 0, bad: BadRows | None = None) -> Iterator[Row]:
        """The records of the file as rows."""
        with open_file(self._root, self._path) as file:
            header = self._begin(file)

            def read(record: FileRecord) -> Row:
                return self._row(record, self._cells(record, header), header)

            yield from readable(islice(self._following(file, header), limit or None), read, bad)

    def count(self) -> int:
        """How many records follow the header."""
        with open_file(self._root, self._path) as file:
            header = self._begin(file)
            lines = plain_lines(file)
            return sum(1 for _ in self._following(file, header)) if lines is None else lines - 1

    def relation(self, fields: Sequence[str]) -> Relation | None:
        """The file for DuckDB, unless something in it is quoted."""
        with open_file(self._root, self._path) as file:
            header = self._begin(file)
            if plain_lines(file) is None:
                return None
        path = quote_text(literal_path(str(inside(self._root, self._path))))
        # columns are numbered, because a header may name one twice that no field reads
        columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(header.columns)))
        selected = ", ".join(f"c{header.places[name]} AS {quote_name(name)}" for name in fields)
        return Relation(
            f"(SELECT {selected} FROM read_csv({path}, columns={{{columns}}}, {_DIALECT}))",  # noqa: S608 - quoted
            text=True,
        )

    def cells(self, fields: Sequence[str], size: int) -> Iterator[Sequence[Sequence[str | None]]]:
        """The cells of ``fields``, ``size`` records at a time. Raises Refused for a record that cannot be cut."""
        with open_file(self._root, self._path) as file:
            header = self._begin(file)
            following = self._following(file, header)
            places = [header.places[name] for name in fields]
            while batch := list(islice(following, size)):
                cut_records = (self._cells(record, header) for record in batch)
                yield [[cells[place] or None for place in places] for cells in cut_records]

    def stamp(self) -> Stamp | None:
        """That of the file."""
        return stamp_at(str(self._root / self._path))

    def columns(self) -> Sequence[str]:
        """What the header names."""
        with open_file(self._root, self._path) as file:
            header = next(records(file, self._path), None)
            return cut(header, self._path) if header is not None else ()

    def notes(self) -> tuple[Diagnostic, ...]:
        """Columns that no field reads."""
        with open_file(self._root, self._path) as file:
            header = self._begin(file)
        return unread_columns(header.columns, self.types, f"the file {self._path}")

    def prepare(self, keys: tuple[str, ...]) -> None:
        """Begin the index by these fields, if the file is large."""
        self._index_by(*self._search(), keys)

    def close(self) -> None:
        """Close the file."""
        self._searched.close()

    def _search(self) -> tuple[BinaryIO, _Header]:
        """The file, for one search, and its header."""
        file, changed = self._searched.begin()
        if changed or self._header is None:
            self._header = None  # should the file be refused now
            self._header = self._begin(file)
        return file, self._header

    def _index_by(self, file: BinaryIO, header: _Header, names: tuple[str, ...]) -> KeyIndex | None:
        return self._searched.index(
            file, names, lambda whole: self._index(whole, names, header), background=self.background
        )

    def _matches(self, values: Mapping[str, Value]) -> Iterator[Row]:
        file, header = self._search()
        yield from rows_of(
            file, self._candidates(file, values, header), lambda record: self._row_if(record, values, header)
        )

    def _candidates(self, file: BinaryIO, values: Mapping[str, Value], header: _Header) -> Iterator[FileRecord]:
        """The records that may hold ``values``, in the file's order."""
        index = self._index_by(file, header, tuple(values))
        if index is None:
            sieve = Sieve(values, self.types, header.places)
            following = records(file, self._path, header.offset, header.line, sieve.stops_all)
            yield from (record for record in following if sieve.passes(record.raw))
            return
        uncut_sieve = Sieve(values, self.types, header.places) if index.uncut else None
        for offset in index.offsets(tuple(values.values())):
            for record in islice(records(file, self._path, offset), 1):
                if uncut_sieve is None or uncut_sieve.passes(record.raw):
                    yield record._replace(line=0)

    def _index(self, file: Readable, names: Sequence[str], header: _Header) -> KeyIndex:
        """An index of the records after the header; one that cannot be cut into cells may have any key."""
        places = [header.places[name] for name in names]
        index = KeyIndex()

        def values(name: str, cells: Sequence[str]) -> list[Value]:
            return [self._fields.value(name, cell or None) for cell in cells]

        def add_plain(lines: bytes, offset: int) -> bool:
            rows = lines.split(b"\n")[:-1]
            columns = _columns(rows, places)
            if columns is not None:
                keys = zip(*map(values, names, columns), strict=True)
                index.add(keys, accumulate([offset, *(len(row) + 1 for row in rows[:-1])]))
            return columns is not None

        for record in records(file, self._path, header.offset, header.line, add_plain):
            try:
                cells = self._key_cells(record, places, header)
            except Refused:
                index.uncut.append(record.offset)
                continue
            index.add([tuple(map(self._fields.value, names, cells))], [record.offset])
        return index

    def _key_cells(self, record: FileRecord, places: Sequence[int], header: _Header) -> list[str | None]:
        """The cells at ``places``. Raises Refused when the record cannot be cut that far."""
        columns = _columns([record.raw], places)
        if columns is None:
            cells = self._cells(record, header)
            return [cells[place] or None for place in places]
        return [cell or None for (cell,) in columns]

    def _begin(self, file: BinaryIO) -> _Header:
        """The header, checked."""
        record = next(records(file, self._path), None)
        if record is None:
            raise Refused(
                [
                    Diagnostic(
                        Code.CONTACT_COLUMNS,
                        "the contacts' file is empty",
                        hint="Its first row names the columns.",
                        position=Position(self._path, 1, 1),
                    )
                ]
            )
        columns = tuple(cut(record, self._path))
        check_columns(columns, self.types, "the file", Position(self._path, record.line, 1))
        places = {name: columns.index(name) for name in self.types}
        end = record.offset + len(record.raw) + 1
        return _Header(columns, places, end, record.line + record.raw.count(b"\n") + 1)

    def _following(self, file: BinaryIO, header: _Header) -> Iterator[FileRecord]:
        """The records after the header."""
        return records(file, self._path, header.offset, header.line)

    def _cells(self, record: FileRecord, header: _Header) -> list[str]:
        cells = cut(record, self._path)
        if len(cells) != len(header.columns):
            raise bad_record(
                self._path,
                record.line,
                f"the row has {len(cells):,} cells, but the header names {len(header.columns):,} columns",
                "Put a cell that holds a comma in double quotes.",
            )
        return cells

    def _row_if(self, record: FileRecord, values: Mapping[str, Value], header: _Header) -> Row | None:
        cells = self._key_cells(record, [header.places[name] for name in values], header)
        if any(self._fields.value(name, cell) != values[name] for name, cell in zip(values, cells, strict=True)):
            return None
        return self._row(record, self._cells(record, header), header)

    def _row(self, record: FileRecord, cells: Sequence[str], header: _Header) -> Row:
        try:
            return self._fields.row([cells[column_number] or None for column_number in header.places.values()])
        except BadCell as error:
            column_number = header.places[error.field]
            # exact in a row without quotes; else where the cell would begin without them
            column = sum(len(cell) + 1 for cell in cells[:column_number]) + 1
            raise Refused(
                [
                    Diagnostic(
                        Code.CONTACT_VALUE,
                        f"“{error.field}” is not a value of type {self.types[error.field].base.value}: {error}",
                        hint="Mend the row; an empty cell means unknown.",
                        position=Position(self._path, record.line, column),
                    )
                ]
            ) from error


def _columns(rows: Sequence[bytes], places: Sequence[int]) -> list[list[str]] | None:
    """The cells at ``places``, column by column; None unless each row is a record that can be cut at its commas so far.

    That includes cells in quotes without commas and quotes within; the rest of a row is not looked at.
    """
    count = max(places) + 1
    cut_rows = [row.split(b",", count) for row in rows]
    if min(map(len, cut_rows)) < count or b"" in rows or b"\r" in rows or any(row.count(b'"') % 2 for row in rows):
        return None
    columns = [[cells[place].removesuffix(b"\r") for cells in cut_rows] for place in range(count)]
    for column in columns:
        if b'"' in b"".join(column):
            if not all(map(_PLAIN_CELL.match, column)):
                return None
            column[:] = [cell.strip(b'"') for cell in column]
    return [[cell.decode("utf-8", "replace") for cell in columns[place]] for place in places]


class Sieve:
    """Tests whether raw records may hold ``values``, without decoding or cutting most of them.

    It can let a record pass that does not match, but never stops one that does.
    """

    def __init__(self, values: Mapping[str, Value], types: Mapping[str, FieldType], places: Mapping[str, int]) -> None:
        """``places``: column numbers."""
        name = _most_telling(list(values), types)
        self._value, self._place = values[name], places[name]
        # quotes are doubled in the file, so only the longest part without quotes is certainly there unchanged
        self._needle = max(str(self._value).split('"'), key=len).lstrip("-").encode()
        self._exact = str(self._value).encode()
        self._is_integer = types[name].base is BaseType.INTEGER
        self._is_known = types[name].base in _TELLING

    def passes(self, raw: bytes) -> bool:
        """Whether the record ``raw`` may match."""
        if not self._is_known:
            return True
        if b'"' in raw:
            return self._needle in raw or (self._is_integer and _EXPONENT.search(raw) is not None)
        if not self._is_integer and self._needle not in raw:
            return False
        parts = raw.split(b",", self._place + 1)
        return len(parts) <= self._place or self._may_be(parts[self._place].removesuffix(b"\r"))

    def stops_all(self, lines: bytes, _: int) -> bool:
        """Whether certainly none of ``lines``, which are whole records, matches."""
        if not self._is_known or self._needle in lines:
            return False
        if not self._is_integer:
            return True
        columns = _columns(lines.split(b"\n")[:-1], [self._place])
        return columns is not None and "".join(columns[0]).isdigit()

    def _may_be(self, cell: bytes) -> bool:
        if self._is_integer:
            return not cell.isdigit() or len(cell) > 30 or int(cell) == self._value
        return self._exact in cell


def _most_telling(names: Sequence[str], types: Mapping[str, FieldType]) -> str:
    """The field that tells contacts apart best and is written in one way."""
    bases = [types[name].base for name in names]
    return names[min(range(len(names)), key=lambda at: (*_TELLING, bases[at]).index(bases[at]))]
