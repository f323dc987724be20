"""Contacts in a CSV file of the project."""

from __future__ import annotations

import os
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from offerkit.contacts.bad_rows import BadRows
from offerkit.contacts.bulk import Bulk, csv_bulk, pattern, plain_csv
from offerkit.contacts.columns import BadCell, check_columns, extra_note
from offerkit.contacts.csv_records import Record, bad_record, cells, records
from offerkit.contacts.files import inside, open_file
from offerkit.contacts.source import Contacts, Stamp
from offerkit.diagnostics import Code, Diagnostic, Position, Refused
from offerkit.rules.types import BaseType, FieldType, Row, Value

if TYPE_CHECKING:
    from offerkit.models.dimension import Dimension

SCANS = 3
"""Searches that scan the file; to make an index takes as long as four of them."""
_OFFSET_BITS = 40
_HASH_BITS = 64 - _OFFSET_BITS
_EXPONENT = re.compile(rb"[0-9]\.?[eE]")
"""How an integer may be written without its digits: 2e3."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the header says: all columns, and the column number of each field in the order of the fields."""

    columns: tuple[str, ...]
    places: Mapping[str, int]


class CsvContacts(Contacts):
    """The rows of a CSV file. The first searches scan the file; then an index of it is made and kept."""

    def __init__(self, name: str, dimension: Dimension, zone: tzinfo, root: Path, path: str) -> None:
        """Keep where the file is; ``path`` is relative to the project's folder ``root``."""
        super().__init__(name, dimension, zone)
        self._root = root
        self._path = path
        self._file = os.fspath(root / path)
        self._searched: Counter[tuple[tuple[str, ...], Stamp]] = Counter()
        self._indexes: dict[tuple[str, ...], tuple[Stamp, Index]] = {}

    def rows(self, limit: int = 0, bad: BadRows | None = None) -> Iterator[Row]:
        """Each record of the file as a row."""
        with open_file(self._root, self._path) as file:
            layout, following = self._begin(file)
            for record in islice(following, limit or None):
                try:
                    row = self._row(record, self._cells(record, layout), layout)
                except Refused as refused:
                    if bad is None:
                        raise
                    bad.add(refused.diagnostics)
                else:
                    yield row

    def count(self) -> int:
        """Records, the header not counted."""
        with open_file(self._root, self._path) as file:
            self._begin(file)
            lines = plain_csv(file)
            if lines is not None:
                return lines - 1
            _, following = self._begin(file)
            return sum(1 for _ in following)

    def bulk(self) -> Bulk | None:
        """The file for DuckDB, when nothing in it is quoted."""
        with open_file(self._root, self._path) as file:
            layout, _ = self._begin(file)
            if plain_csv(file) is None:
                return None
        return csv_bulk(pattern(str(inside(self._root, self._path))), layout.columns, self.types)

    def stamp(self) -> Stamp | None:
        """What the file system says of the file; None while it cannot say anything."""
        try:
            return _stamp_of(os.stat(self._file))  # noqa: PTH116 - asked for every call
        except (OSError, ValueError):
            return None

    def notes(self) -> tuple[Diagnostic, ...]:
        """Columns that no field reads."""
        with open_file(self._root, self._path) as file:
            layout, _ = self._begin(file)
        return extra_note(layout.columns, self.types, f"the file {self._path}")

    def _matches(self, values: Mapping[str, Value]) -> Iterator[Row]:
        names = tuple(values)
        with open_file(self._root, self._path) as file:
            layout, following = self._begin(file)
            stamp = _stamp(file)
            if self._searched[names, stamp] >= SCANS:
                # an index knows no line numbers, so a mistake is left to a scan to tell
                with suppress(Refused):
                    found = self._index(names, stamp, layout, following).find(file, self._path, tuple(values.values()))
                    yield from list(islice(self._rows_with(found, values, layout), 2))
                    return
                layout, following = self._begin(file)
            self._searched[names, stamp] += 1
            passes = sieve(values, self.types, layout.places)
            yield from self._rows_with((record for record in following if passes(record.raw)), values, layout)

    def _rows_with(self, found: Iterator[Record], values: Mapping[str, Value], layout: _Layout) -> Iterator[Row]:
        for record in found:
            row = self._row_if(record, values, layout)
            if row is not None:
                yield row

    def _index(self, names: tuple[str, ...], stamp: Stamp, layout: _Layout, following: Iterator[Record]) -> Index:
        kept, index = self._indexes.get(names, (None, None))
        if kept != stamp or index is None:
            index = Index((record.offset, self._key_values(record, names, layout)) for record in following)
            self._indexes[names] = stamp, index
        return index

    def _key_values(self, record: Record, names: Sequence[str], layout: _Layout) -> tuple[Value, ...]:
        places = [layout.places[name] for name in names]
        if b'"' in record.raw:
            found: Sequence[str] = self._cells(record, layout)
        else:
            parts = record.raw.split(b",", max(places) + 1)
            found = [part.decode(errors="replace").removesuffix("\r") for part in parts]
            if len(found) <= max(places):
                self._cells(record, layout)
        return tuple(self._reader.value(name, found[place] or None) for name, place in zip(names, places, strict=True))

    def _begin(self, file: BinaryIO) -> tuple[_Layout, Iterator[Record]]:
        """The header, checked, and the records after it."""
        following = records(file, self._path)
        header = next(following, None)
        if header is None:
            position = Position(self._path, 1, 1)
            raise Refused([
                Diagnostic(
                    Code.CONTACT_COLUMNS, "the contacts' file is empty",
                    hint="Its first row names the columns.", position=position,
                )
            ])  # fmt: skip
        columns = tuple(cells(header, self._path))
        check_columns(columns, self.types, "the file", Position(self._path, header.line, 1))
        return _Layout(columns, {name: columns.index(name) for name in self.types}), following

    def _cells(self, record: Record, layout: _Layout) -> list[str]:
        found = cells(record, self._path)
        if len(found) != len(layout.columns):
            raise bad_record(
                self._path, record.line,
                f"the row has {len(found):,} cells, but the header names {len(layout.columns):,} columns",
                "A cell with a comma in it stands in double quotes.",
            )  # fmt: skip
        return found

    def _row_if(self, record: Record, values: Mapping[str, Value], layout: _Layout) -> Row | None:
        found = self._cells(record, layout)
        for name, value in values.items():
            if self._reader.value(name, found[layout.places[name]] or None) != value:
                return None
        return self._row(record, found, layout)

    def _row(self, record: Record, found: Sequence[str], layout: _Layout) -> Row:
        try:
            return self._reader.row([found[place] or None for place in layout.places.values()])
        except BadCell as error:
            place = layout.places[error.field]
            # exact in a row without quotes; else where the cell would begin without them
            column = sum(len(cell) + 1 for cell in found[:place]) + 1
            raise Refused([
                Diagnostic(
                    Code.CONTACT_VALUE,
                    f"“{error.field}” is not a value of type {self.types[error.field].base.value}: {error}",
                    hint="Mend the row; a cell that is empty is unknown.",
                    position=Position(self._path, record.line, column),
                )
            ]) from error  # fmt: skip


def _stamp(file: BinaryIO) -> Stamp:
    """Changes when the file does."""
    return _stamp_of(os.fstat(file.fileno()))


def _stamp_of(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def sieve(
    values: Mapping[str, Value], types: Mapping[str, FieldType], places: Mapping[str, int]
) -> Callable[[bytes], bool]:
    """A test for the raw record: False when it certainly does not hold ``values``; ``places``: column numbers.

    It throws most other records away without decoding or parsing them. It may let one through that does not match;
    it never stops one that does.
    """
    name = _best(list(values), types)
    value, place = values[name], places[name]
    # a doubled quote stands for one, so only the longest part without quotes is surely there as it is
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

    whole = types[name].base is BaseType.INTEGER

    def passes(raw: bytes) -> bool:
        if b'"' in raw:
            return needle in raw or (whole and _EXPONENT.search(raw) is not None)
        if not whole and needle not in raw:
            return False
        parts = raw.split(b",", place + 1)
        return len(parts) <= place or may_be(parts[place].removesuffix(b"\r"))

    return passes


def _best(names: Sequence[str], types: Mapping[str, FieldType]) -> str:
    """The field that tells most and is written in one way."""
    order = (BaseType.STRING, BaseType.INTEGER, BaseType.ENUMERATION)
    return min(names, key=lambda name: order.index(types[name].base) if types[name].base in order else len(order))


class Index:
    """Where in the file the records with given keys begin: eight bytes for each record.

    A sorted array of 24 bits of the key's hash and 40 bits of the offset (files up to a terabyte).

    Two keys in a hundred thousand share their bits: whoever asks compares the records.
    """

    def __init__(self, keys: Iterable[tuple[int, tuple[Value, ...]]]) -> None:
        """Index ``keys``, pairs of the record's offset and its key's values."""
        self._entries = array("Q", (_bits(key) << _OFFSET_BITS | offset for offset, key in keys))
        self._entries = array("Q", sorted(self._entries))

    def find(self, file: BinaryIO, path: str, key: tuple[Value, ...]) -> Iterator[Record]:
        """The records that may have ``key``, in the file's order; their line is 0: not known."""
        bits = _bits(key)
        at = bisect_left(self._entries, bits << _OFFSET_BITS)
        while at < len(self._entries) and self._entries[at] >> _OFFSET_BITS == bits:
            offset = self._entries[at] & ((1 << _OFFSET_BITS) - 1)
            for record in islice(records(file, path, offset), 1):
                yield record._replace(line=0)
            at += 1


def _bits(key: tuple[Value, ...]) -> int:
    return hash(key) & ((1 << _HASH_BITS) - 1)
