"""Reading ahead: a source that works outside of Python's lock is read while what it gave before is worked on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
_AHEAD = 2
"""Parts that wait to be taken, at most."""
_PATIENCE = 0.1
"""Seconds between two looks at whether anybody still waits for a part."""


class _Reader(Thread, Generic[T]):
    def __init__(self, parts: Iterator[T]) -> None:
        super().__init__(name="offerkit-ahead", daemon=True)
        self._parts = parts
        self._ready: Queue[T | None] = Queue(_AHEAD)
        self._stopped = Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            for part in self._parts:
                if not self._put(part):
                    return
        except BaseException as error:  # raised where the parts are taken
            self._error = error
        finally:
            if isinstance(self._parts, Generator):
                self._parts.close()  # a cursor that is not read to its end would hold its transaction
        self._put(None)

    def _put(self, part: T | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(part, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False

    def taken(self) -> Iterator[T]:
        """The parts in their order, then what went wrong."""
        while True:
            try:
                part = self._ready.get(timeout=_PATIENCE)  # with a timeout, so that Ctrl-C is heard
            except Empty:
                continue
            if part is None:
                break
            yield part
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Read no further; returns when nothing reads any more."""
        self._stopped.set()
        self.join()


def ahead(parts: Iterator[T]) -> Generator[T, None, None]:
    """``parts`` in their order, the next ones read by a thread; None is no part. Errors are raised where they belong.

    Until the end, or until this is closed, nothing else may use what ``parts`` reads from.
    """
    reader = _Reader(parts)
    reader.start()
    with closing(reader):
        yield from reader.taken()
