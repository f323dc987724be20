"""Finding the records with a key in a file: the first searches scan it; then an index of it is made and kept."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from offerkit.contacts.files import Stamp
from offerkit.diagnostics import Refused
from offerkit.rules.types import Row, Value

SCANS = 3
"""Searches that scan a file; making an index takes as long as several of them."""
_BUCKETS = 1024
_OFFSET_BITS = 40
_HASH_BITS = 64 - _OFFSET_BITS
_SCAN_READ = 1024 * 1024


class FileRecord(NamedTuple):
    """The bytes of a record without its newline, the line it begins on (from 1; 0: unknown), and its offset."""

    raw: bytes
    line: int
    offset: int


class KeyIndex:
    """Where in the file the records with a given key begin: eight bytes for each record.

    24 bits of the key's hash and 40 bits of the offset (files up to a terabyte), in a bucket that ten more bits of the
    hash choose. A bucket is sorted when it is first searched, so that no call waits for all of them. Two keys can share
    their bits, so a record that is found still has to be compared. ``uncut`` are the offsets of records that may have
    any key.
    """

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        self._sorted: set[int] = set()
        self.uncut = array("Q")

    def add(self, keys: Iterable[tuple[Value, ...]], offsets: Iterable[int]) -> None:
        """Add records by the values of their keys and their offsets."""
        buckets = self._buckets
        for key, offset in zip(keys, offsets, strict=True):
            bits = hash(key)
            buckets[bits % _BUCKETS].append(_upper(bits) | offset)

    def offsets(self, key: tuple[Value, ...]) -> list[int]:
        """Where the records begin that may have ``key``, in the file's order."""
        number, upper = hash(key) % _BUCKETS, _upper(hash(key))
        if number not in self._sorted:
            self._buckets[number] = array("Q", sorted(self._buckets[number]))
            self._sorted.add(number)
        bucket = self._buckets[number]
        first, end = bisect_left(bucket, upper), bisect_left(bucket, upper + (1 << _OFFSET_BITS))
        return sorted([*self.uncut, *(entry - upper for entry in bucket[first:end])])


def _upper(bits: int) -> int:
    return (bits // _BUCKETS % (1 << _HASH_BITS)) << _OFFSET_BITS


class Searches:
    """The searches in one file: how many there were by which fields, and the indexes that were made."""

    def __init__(self) -> None:
        self._stamp: Stamp | None = None
        self._count: Counter[tuple[str, ...]] = Counter()
        self._indexes: dict[tuple[str, ...], KeyIndex] = {}

    def follow(self, stamp: Stamp | None) -> bool:
        """Forget everything if the file's ``stamp`` is another one, or unknown. Returns whether it was."""
        if stamp is not None and stamp == self._stamp:
            return False
        self._stamp = stamp
        self._count.clear()
        self._indexes.clear()
        return True

    def index(self, names: tuple[str, ...], make: Callable[[], KeyIndex]) -> KeyIndex | None:
        """The index of the fields ``names``; None as long as a scan is quicker than making it."""
        if names not in self._indexes:
            if self._count[names] < SCANS:
                self._count[names] += 1
                return None
            self._indexes[names] = make()
        return self._indexes[names]


def rows_of(file: BinaryIO, records: Iterable[FileRecord], read: Callable[[FileRecord], Row | None]) -> Iterator[Row]:
    """What ``read`` makes of each of ``records``, without None. What it refuses, it refuses with its line."""
    for record in records:
        try:
            row = read(record)
        except Refused:
            if record.line:
                raise
            row = read(record._replace(line=_line_at(file, record.offset)))  # refuses again, and says where
        if row is not None:
            yield row


def _line_at(file: BinaryIO, offset: int) -> int:
    """The line, from 1, that begins at ``offset``."""
    file.seek(0)
    line, remaining = 1, offset
    while remaining and (chunk := file.read(min(remaining, _SCAN_READ))):
        line += chunk.count(b"\n")
        remaining -= len(chunk)
    return line
