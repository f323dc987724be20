"""Contacts in a CSV file of the project: the one place that knows the format.

The dialect is RFC 4180 in UTF-8, with or without a byte order mark: commas, double quotes, lines that end with LF or
CR LF; empty lines are left out, and an empty cell, quoted or not, is unknown. Records are cut as bytes, so that a
search for one contact need not decode the others. DuckDB reads a file by itself only where it has no more to do than
cut it at newlines and commas (:func:`plain_lines`).
"""

from __future__ import annotations

import csv
import os
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from offerkit.contacts.bad_rows import BadRows, readable
from offerkit.contacts.fields import BadCell, check_columns, unread_columns
from offerkit.contacts.files import inside, open_file
from offerkit.contacts.relation import Relation, literal_path, quote_name, quote_text
from offerkit.contacts.source import Contacts, Stamp
from offerkit.diagnostics import Code, Diagnostic, Position, Refused
from offerkit.rules.types import BaseType, FieldType, Row, Value

if TYPE_CHECKING:
    from offerkit.models.dimension import Dimension

MAX_RECORD = 1024 * 1024
"""Bytes in a record, at most."""
SCANS = 3
"""Searches that scan the file; making an index takes as long as four of them."""
_DIALECT = (
    "header=true, delim=',', quote='', escape='', nullstr='', auto_detect=false, null_padding=false,"
    f" ignore_errors=false, strict_mode=true, max_line_size={MAX_RECORD}"
)
"""How DuckDB reads a plain file: it knows no quotes there, and an empty cell is unknown."""
_FIRST_READ, _NEXT_READ = 8 * 1024, 256 * 1024
"""Bytes read at once: few at first, since the header or the one record that an index leads to is often all."""
_SCAN_READ = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_OFFSET_BITS = 40
_HASH_BITS = 64 - _OFFSET_BITS
_NEVER_CLOSED = "A double quote may never be closed."
_QUOTING = "Write a cell that holds commas, quotes or line ends in double quotes, and each quote in it twice."
_NOT_UTF8 = "Save it as UTF-8; spreadsheet programs offer that as “CSV UTF-8”."
_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')
_CELL = re.compile(r'(?:"[^"]*(?:""[^"]*)*"(?!")|[^",\r\n][^,\r\n]*+|)(?:,|\r?\n?\Z)')
"""A cell with the comma behind it."""
_EXPONENT = re.compile(rb"[0-9]\.?[eE]")
"""An integer can be written without its digits: 2e3."""


class CsvRecord(NamedTuple):
    """The bytes of a record without its newline, the line it begins on (from 1; 0: unknown), and its offset."""

    raw: bytes
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Header:
    """All columns, and the number of each field's column, in the order of the fields."""

    columns: tuple[str, ...]
    places: Mapping[str, int]


class CsvContacts(Contacts):
    """The rows of a CSV file. The first searches scan the file; then an index of it is made and kept."""

    def __init__(self, name: str, dimension: Dimension, zone: tzinfo, root: Path, path: str) -> None:
        """``path`` is relative to the project's folder ``root``."""
        super().__init__(name, dimension, zone)
        self._root = root
        self._path = path
        self._file = os.fspath(root / path)
        self._searches: Counter[tuple[tuple[str, ...], Stamp]] = Counter()
        self._indexes: dict[tuple[str, ...], tuple[Stamp, KeyIndex]] = {}

    def rows(self, limit: int = 0, bad: BadRows | None = None) -> Iterator[Row]:
        """The records of the file as rows."""
        with open_file(self._root, self._path) as file:
            header, following = self._begin(file)

            def read(record: CsvRecord) -> Row:
                return self._row(record, self._cells(record, header), header)

            yield from readable(islice(following, limit or None), read, bad)

    def count(self) -> int:
        """How many records follow the header."""
        with open_file(self._root, self._path) as file:
            self._begin(file)
            lines = plain_lines(file)
            if lines is not None:
                return lines - 1
            _, following = self._begin(file)
            return sum(1 for _ in following)

    def relation(self, fields: Sequence[str]) -> Relation | None:
        """The file for DuckDB, unless something in it is quoted."""
        with open_file(self._root, self._path) as file:
            header, _ = self._begin(file)
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
            header, following = self._begin(file)
            places = [header.places[name] for name in fields]
            while batch := list(islice(following, size)):
                cut_records = (self._cells(record, header) for record in batch)
                yield [[cells[place] or None for place in places] for cells in cut_records]

    def stamp(self) -> Stamp | None:
        """The file's modification time, size and inode; None if they cannot be read."""
        try:
            return _stamp(os.stat(self._file))  # noqa: PTH116 - asked at every call
        except (OSError, ValueError):
            return None

    def columns(self) -> Sequence[str]:
        """What the header names."""
        with open_file(self._root, self._path) as file:
            header = next(records(file, self._path), None)
            return cut(header, self._path) if header is not None else ()

    def notes(self) -> tuple[Diagnostic, ...]:
        """Columns that no field reads."""
        with open_file(self._root, self._path) as file:
            header, _ = self._begin(file)
        return unread_columns(header.columns, self.types, f"the file {self._path}")

    def _matches(self, values: Mapping[str, Value]) -> Iterator[Row]:
        with open_file(self._root, self._path) as file:
            header, following = self._begin(file)
            for record in self._candidates(file, values, header, following):
                try:
                    row = self._row_if(record, values, header)
                except Refused:
                    if record.line:
                        raise
                    with_line = record._replace(line=_line_at(file, record.offset))
                    row = self._row_if(with_line, values, header)  # refuses again, and says where
                if row is not None:
                    yield row

    def _candidates(
        self, file: BinaryIO, values: Mapping[str, Value], header: _Header, following: Iterator[CsvRecord]
    ) -> Iterator[CsvRecord]:
        """The records that may hold ``values``, in the file's order: by a scan at first, later by an index."""
        names, stamp = tuple(values), _stamp(os.fstat(file.fileno()))
        if self._searches[names, stamp] < SCANS:
            self._searches[names, stamp] += 1
            passes = sieve(values, self.types, header.places)
            yield from (record for record in following if passes(record.raw))
            return
        indexed_stamp, index = self._indexes.get(names, (None, None))
        if indexed_stamp != stamp or index is None:
            index = self._index(names, header, following)
            self._indexes[names] = stamp, index
        may_match = sieve(values, self.types, header.places) if index.uncut else None
        for offset in index.offsets(tuple(values.values())):
            for record in islice(records(file, self._path, offset), 1):
                if may_match is None or may_match(record.raw):
                    yield record._replace(line=0)

    def _index(self, names: Sequence[str], header: _Header, following: Iterator[CsvRecord]) -> KeyIndex:
        """An index of the records after the header; one that cannot be cut into cells may have any key."""
        places = [header.places[name] for name in names]
        uncut = array("Q")

        def keys() -> Iterator[tuple[int, tuple[Value, ...]]]:
            for record in following:
                try:
                    cells = self._key_cells(record, places, header)
                except Refused:
                    uncut.append(record.offset)
                    continue
                yield record.offset, tuple(map(self._fields.value, names, cells))

        return KeyIndex(keys(), uncut)

    def _key_cells(self, record: CsvRecord, places: Sequence[int], header: _Header) -> list[str | None]:
        """The cells at ``places``. Raises Refused when the record cannot be cut that far."""
        last = max(places)
        cells: Sequence[str] = ()
        if b'"' not in record.raw:
            cells = [part.decode(errors="replace").removesuffix("\r") for part in record.raw.split(b",", last + 1)]
        if len(cells) <= last:
            cells = self._cells(record, header)
        return [cells[place] or None for place in places]

    def _begin(self, file: BinaryIO) -> tuple[_Header, Iterator[CsvRecord]]:
        """The header, checked, and the records after it."""
        following = records(file, self._path)
        header_record = next(following, None)
        if header_record is None:
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
        columns = tuple(cut(header_record, self._path))
        check_columns(columns, self.types, "the file", Position(self._path, header_record.line, 1))
        return _Header(columns, {name: columns.index(name) for name in self.types}), following

    def _cells(self, record: CsvRecord, header: _Header) -> list[str]:
        cells = cut(record, self._path)
        if len(cells) != len(header.columns):
            raise _bad_record(
                self._path,
                record.line,
                f"the row has {len(cells):,} cells, but the header names {len(header.columns):,} columns",
                "Put a cell that holds a comma in double quotes.",
            )
        return cells

    def _row_if(self, record: CsvRecord, values: Mapping[str, Value], header: _Header) -> Row | None:
        cells = self._key_cells(record, [header.places[name] for name in values], header)
        if any(self._fields.value(name, cell) != values[name] for name, cell in zip(values, cells, strict=True)):
            return None
        return self._row(record, self._cells(record, header), header)

    def _row(self, record: CsvRecord, cells: Sequence[str], header: _Header) -> Row:
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


def records(file: BinaryIO, path: str, offset: int = 0, line: int = 1) -> Iterator[CsvRecord]:
    """The records from ``offset`` on, where line ``line`` begins; empty lines are left out.

    A line with an odd number of quotes continues on the next one. Raises Refused for a record that is too long, and
    for a quote that is never closed.
    """
    file.seek(offset)
    remainder = b""
    parts: list[bytes] = []
    size = 0
    begin = line
    portion = _FIRST_READ
    while chunk := file.read(portion):
        portion = _NEXT_READ
        lines = (remainder + chunk).split(b"\n")
        remainder = lines.pop()
        for text in lines:
            line += 1
            if parts or (b'"' in text and text.count(b'"') % 2):
                parts.append(text)
                size += len(text) + 1
                if size > MAX_RECORD:
                    raise _too_long(path, begin)
                if len(parts) > 1 and text.count(b'"') % 2:
                    yield CsvRecord(b"\n".join(parts), begin, offset)
                    offset, begin, parts, size = offset + size, line, [], 0
                continue
            if len(text) > MAX_RECORD:
                raise _too_long(path, begin)
            if text and text != b"\r":
                yield CsvRecord(text, begin, offset)
            offset += len(text) + 1
            begin = line
        if size + len(remainder) > MAX_RECORD:
            raise _too_long(path, begin)
    if parts or remainder:
        raw = b"\n".join([*parts, remainder])
        if raw.count(b'"') % 2:
            raise _bad_record(path, begin, "a double quote is opened in this row and never closed", _QUOTING)
        yield CsvRecord(raw, begin, offset)


def cut(record: CsvRecord, path: str) -> list[str]:
    """The cells of a record. Raises Refused for bytes that are not UTF-8, and for misplaced quotes."""
    raw = record.raw.removeprefix(_BOM) if record.offset == 0 else record.raw
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = record.line + raw.count(b"\n", 0, error.start)
        column = error.start - raw.rfind(b"\n", 0, error.start)
        problem = f"this is not UTF-8: byte 0x{raw[error.start]:02X}"
        raise _bad_record(path, line, problem, _NOT_UTF8, column) from error
    if "\0" in text:
        raise _bad_record(path, record.line, "the row has a NUL character; this is not text in UTF-8", _NOT_UTF8)
    text = text.removesuffix("\r")
    if '"' not in text and "\r" not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        raise _uncut(text, record, path) from None


def _uncut(text: str, record: CsvRecord, path: str) -> Refused:
    """Why a record cannot be cut into cells, and at which character of it."""
    at = 0
    problem, hint = "", _QUOTING
    while not problem and (cell := _CELL.match(text, at)) is not None and cell.end() > at:
        if len(cell.group()) > csv.field_size_limit():
            problem, hint = f"a cell is longer than {csv.field_size_limit():,} characters", _NEVER_CLOSED
        else:
            at = cell.end()
    if not problem:
        quoted = _QUOTED.match(text, at)
        at = quoted.end() if quoted else max(text.find("\r", at), at)
        if text[at : at + 1] == "\r":
            problem = "a carriage return (CR) stands alone, without a line feed"
            hint = (
                "End lines with LF or CR LF, as “CSV UTF-8” of spreadsheet programs does; in a cell, CR needs quotes."
            )
        else:
            problem = "more text follows the closing double quote of a cell"
    line = record.line + text.count("\n", 0, at)
    position = f"character {at - text.rfind(chr(10), 0, at)}" + (f" of line {line}" if line > record.line else "")
    return _bad_record(path, record.line, f"the row cannot be cut into cells: {problem} ({position})", hint)


def _bad_record(path: str, line: int, summary: str, hint: str = "", column: int = 1) -> Refused:
    return Refused([Diagnostic(Code.CONTACT_ROW, summary, hint=hint, position=Position(path, line, column))])


def _too_long(path: str, line: int) -> Refused:
    return _bad_record(path, line, f"the row that begins here is longer than {MAX_RECORD:,} bytes", _NEVER_CLOSED)


def plain_lines(file: BinaryIO) -> int | None:
    """How many lines a file has that needs only to be cut at newlines and commas; None for any other file.

    Such a file has neither quotes nor NUL nor empty lines, no carriage return except before a newline, and no line of
    :data:`MAX_RECORD` bytes: DuckDB drops longer ones without a word, or fails.
    """
    lines = length = 0
    last = b"\n"  # so that an empty first line is noticed
    file.seek(0)
    while chunk := file.read(_SCAN_READ):
        joined = last + chunk
        if b'"' in chunk or b"\0" in chunk or b"\n\n" in joined or b"\n\r" in joined:
            return None
        if b"\r" in joined and joined.count(b"\r") - joined.endswith(b"\r") != joined.count(b"\r\n"):
            return None
        first = chunk.find(b"\n")
        if length + (first if first >= 0 else len(chunk)) >= MAX_RECORD:
            return None
        length = len(chunk) - 1 - chunk.rfind(b"\n") + (0 if first >= 0 else length)
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    if last == b"\r":
        return None
    return lines + (last != b"\n")


def sieve(
    values: Mapping[str, Value], types: Mapping[str, FieldType], places: Mapping[str, int]
) -> Callable[[bytes], bool]:
    """A test for the raw record: False when it certainly does not hold ``values``; ``places``: column numbers.

    It drops most other records without decoding or cutting them. It can let one pass that does not match, but never
    drops one that does.
    """
    name = _most_telling(list(values), types)
    value, column_number = values[name], places[name]
    # quotes are doubled in the file, so only the longest part without quotes is certainly there unchanged
    needle = max(str(value).split('"'), key=len).lstrip("-").encode()
    match types[name].base:
        case BaseType.STRING | BaseType.ENUMERATION:
            exact = str(value).encode()

            def may_be(cell: bytes) -> bool:
                return exact in cell

        case BaseType.INTEGER:

            def may_be(cell: bytes) -> bool:
                return not cell.isdigit() or len(cell) > 30 or int(cell) == value

        case _:
            return lambda raw: True

    is_integer = types[name].base is BaseType.INTEGER

    def passes(raw: bytes) -> bool:
        if b'"' in raw:
            return needle in raw or (is_integer and _EXPONENT.search(raw) is not None)
        if not is_integer and needle not in raw:
            return False
        parts = raw.split(b",", column_number + 1)
        return len(parts) <= column_number or may_be(parts[column_number].removesuffix(b"\r"))

    return passes


def _most_telling(names: Sequence[str], types: Mapping[str, FieldType]) -> str:
    """The field that tells contacts apart best and is written in one way."""
    order = (BaseType.STRING, BaseType.INTEGER, BaseType.ENUMERATION)
    return min(names, key=lambda name: order.index(types[name].base) if types[name].base in order else len(order))


class KeyIndex:
    """Where in the file the records with a given key begin: eight bytes for each record.

    A sorted array of 24 bits of the key's hash and 40 bits of the offset (files up to a terabyte). Two keys in a
    hundred thousand share their bits, so a record that is found still has to be compared. ``uncut`` are the offsets of
    records that may have any key.
    """

    def __init__(self, keys: Iterable[tuple[int, tuple[Value, ...]]], uncut: Sequence[int] = ()) -> None:
        """Index ``keys``: pairs of a record's offset and the values of its key."""
        entries = array("Q", (_bits(key) << _OFFSET_BITS | offset for offset, key in keys))
        self._entries = array("Q", sorted(entries))
        self.uncut = uncut

    def offsets(self, key: tuple[Value, ...]) -> list[int]:
        """Where the records begin that may have ``key``, in the file's order."""
        bits = _bits(key)
        at = bisect_left(self._entries, bits << _OFFSET_BITS)
        offsets = [*self.uncut]
        while at < len(self._entries) and self._entries[at] >> _OFFSET_BITS == bits:
            offsets.append(self._entries[at] & ((1 << _OFFSET_BITS) - 1))
            at += 1
        return sorted(offsets)


def _bits(key: tuple[Value, ...]) -> int:
    return hash(key) & ((1 << _HASH_BITS) - 1)


def _line_at(file: BinaryIO, offset: int) -> int:
    """The line, from 1, that begins at ``offset``."""
    file.seek(0)
    line, remaining = 1, offset
    while remaining and (chunk := file.read(min(remaining, _SCAN_READ))):
        line += chunk.count(b"\n")
        remaining -= len(chunk)
    return line


def _stamp(status: os.stat_result) -> Stamp:
    """A stamp that changes when the file does."""
    return status.st_mtime_ns, status.st_size, status.st_ino
