"""Where in a CSV file the records with given keys begin: eight bytes for each record."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from offerkit.contacts.csv_records import Record, records
from offerkit.rules.types import Value

_OFFSET_BITS = 40
_HASH_BITS = 64 - _OFFSET_BITS


class Index:
    """A sorted array of 24 bits of the key's hash and 40 bits of the offset (files up to a terabyte).

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
