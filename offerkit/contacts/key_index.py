"""Finding the records with a key in a file: the first searches scan it; then an index of it is made and kept.

A server has that of a large file made in the background, in small parts: other calls go on meanwhile.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from heapq import merge
from os import fstat
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import BinaryIO, NamedTuple, Protocol

from offerkit.contacts.files import TICK, KeptOpen, Stamp, open_file, stamp_of
from offerkit.diagnostics import Refused
from offerkit.rules.types import Row, Value

SCANS = 3
"""Searches that scan a file; making an index takes as long as several of them."""
LARGE = 512 * 1024
"""Bytes of a file whose index takes long: an event loop has it made in the background."""
_PART = 32 * 1024
"""Bytes of a file that are indexed at once in the background, in about a millisecond."""
_REST = 0.01
"""Seconds between two parts, at most; usually a quarter of what a part takes."""
_BUCKETS = 1024
_OFFSET_BITS = 40
_HASH_BITS = 64 - _OFFSET_BITS
_SCAN_READ = 1024 * 1024


class Readable(Protocol):
    """A file as records are read from it."""

    def seek(self, offset: int, /) -> int:
        """Go to a byte."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""


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

    def offsets(self, key: tuple[Value, ...]) -> Iterator[int]:
        """Where the records begin that may have ``key``, in the file's order."""
        number, upper = hash(key) % _BUCKETS, _upper(hash(key))
        if number not in self._sorted:
            self._buckets[number] = array("Q", sorted(self._buckets[number]))
            self._sorted.add(number)
        bucket = self._buckets[number]
        first, end = bisect_left(bucket, upper), bisect_left(bucket, upper + (1 << _OFFSET_BITS))
        return merge(self.uncut, (bucket[place] - upper for place in range(first, end)))


def _upper(bits: int) -> int:
    return (bits // _BUCKETS % (1 << _HASH_BITS)) << _OFFSET_BITS


class _StoppedError(Exception):
    """An index is no longer needed."""


class _PacedFile:
    """Reads a file in small parts and rests before each; raises _StoppedError once ``stopped`` is set."""

    def __init__(self, file: BinaryIO, stopped: Event) -> None:
        self._file, self._stopped = file, stopped
        self._since = monotonic()
        self.seek = file.seek

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, and one part."""
        sleep(min((monotonic() - self._since) / 4, _REST))  # meanwhile, other threads run
        if self._stopped.is_set():
            raise _StoppedError
        self._since = monotonic()
        return self._file.read(min(size, _PART))


class IndexingError(Exception):
    """A search has to wait until ``made`` is done: an index is being made in the background. Then search again."""

    def __init__(self, made: Future[KeyIndex | None]) -> None:
        super().__init__("an index is being made")
        self.made = made


class _BackgroundIndex:
    """An index that a thread makes of a file as it is at ``stamp``; None if that fails or is no longer needed.

    Of a file that changed just now nothing can be said: its stamp is going to be another one.
    """

    def __init__(self, open_: Callable[[], BinaryIO], stamp: Stamp, make: Callable[[Readable], KeyIndex]) -> None:
        self.made = Future[KeyIndex | None]()
        self.made.set_running_or_notify_cancel()  # a call that is given up cannot cancel what others wait for
        self._open, self._stamp, self._make = open_, stamp, make
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="offerkit-index", daemon=True)
        self._thread.start()

    def stop(self, *, wait: bool = False) -> None:
        """Have the thread end after its part; ``wait`` for that."""
        self._stopped.set()
        if wait:
            self._thread.join()

    def _run(self) -> None:
        index = None
        try:
            if not self._stamp[-1]:
                sleep(TICK)
                raise _StoppedError
            with self._open() as file:
                made = self._make(_PacedFile(file, self._stopped))
                if stamp_of(fstat(file.fileno())) == self._stamp:
                    index = made
        except (_StoppedError, Refused, OSError, MemoryError):
            pass  # whatever is wrong with the file, a search tells: it scans the file then
        finally:
            self.made.set_result(index)


class SearchedFile:
    """A file kept open for searches: how many there were by which fields, and the indexes that were made."""

    def __init__(self, root: Path, path: str) -> None:
        """``path`` is relative to the project's folder ``root``. Nothing is opened yet."""
        self._open = lambda: open_file(root, path)
        self._file = KeptOpen(root / path, self._open)
        self._stamp: Stamp | None = None
        self._count: Counter[tuple[str, ...]] = Counter()
        self._indexes: dict[tuple[str, ...], KeyIndex] = {}
        self._background: dict[tuple[str, ...], _BackgroundIndex] = {}
        self._in_vain = False

    def begin(self) -> tuple[BinaryIO, bool]:
        """The file, for one search, and whether it may have changed since the last one: then nothing of it is known.

        Raises Refused when it cannot be opened.
        """
        file, stamp = self._file.get()
        changed = stamp is None or stamp != self._stamp
        if changed:
            if stamp is None or self._stamp is None or stamp[:-1] != self._stamp[:-1]:
                self._in_vain |= any(names not in self._indexes for names in self._background)
            self._forget()
            self._stamp = stamp
        return file, changed

    def index(
        self, file: BinaryIO, names: tuple[str, ...], make: Callable[[Readable], KeyIndex], *, background: bool
    ) -> KeyIndex | None:
        """The index of the fields ``names`` of ``file``, which :meth:`begin` gave; None: scan it.

        With ``background``, raises IndexingError while that of a large file is made. A file that changed before its
        last one was finished is scanned meanwhile: it may always do so.
        """
        if (index := self._indexes.get(names)) is not None:
            return index
        if background and self._stamp is not None and self._stamp[0] > LARGE:
            return self._background_index(names, self._stamp, make)
        self._count[names] += 1
        if self._count[names] > SCANS:
            index = self._indexes[names] = make(file)
        return index

    def close(self) -> None:
        """Close the file; no thread reads it any longer."""
        self._file.close()
        self._forget(wait=True)

    def _background_index(
        self, names: tuple[str, ...], stamp: Stamp, make: Callable[[Readable], KeyIndex]
    ) -> KeyIndex | None:
        if names not in self._background:
            self._background[names] = _BackgroundIndex(self._open, stamp, make)
        made = self._background[names].made
        if made.done():
            index = made.result()
            if index is not None:
                self._indexes[names] = index
                self._in_vain = False
            return index
        if self._in_vain:
            return None
        raise IndexingError(made)

    def _forget(self, *, wait: bool = False) -> None:
        self._stamp = None
        self._count.clear()
        self._indexes.clear()
        for background in self._background.values():
            background.stop(wait=wait)
        self._background.clear()


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
