"""The propositions that count, from the store into DuckDB: threads read while DuckDB takes in what was read."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

from offerkit.batch.contact_table import ContactTable
from offerkit.contacts.bulk import column
from offerkit.store import CountedPart

T = TypeVar("T")
_AHEAD = 2
"""The most parts that are read ahead for each source."""
_PATIENCE = 0.1
"""Seconds between checks whether the parts are still wanted."""


def counted_rows(
    people: ContactTable, streams: Sequence[Iterator[CountedPart]], names: Sequence[str]
) -> Generator[str, None, None]:
    """For each part of ``streams`` (``CountedPropositionsReader.streams``): a query of its propositions.

    They have the contact's key (``k``), the texts of the columns ``names`` (``f_…``), and the number ``counts``. The
    query holds until the next part; close this if not all of them are read.
    """
    import numpy

    texts = [f"unnest(string_split(CAST(t{place} AS VARCHAR), chr(0)))" for place in range(len(names) + 2)]
    named = ["k", *map(column, names), "text"]
    values = ", ".join(f"{text} AS {name}" for text, name in zip(texts, named, strict=True))
    query = f"SELECT * EXCLUDE (text), CAST(text AS BIGINT) AS counts FROM (SELECT {values} FROM part)"  # noqa: S608 - quoted
    with closing(prefetch(*streams)) as parts:
        for part in parts:
            columns = {
                f"t{place}": numpy.array(texts, dtype=object) for place, texts in enumerate(zip(*part, strict=True))
            }
            people.connection.register("part", columns)
            yield query
            people.connection.unregister("part")


def prefetch(*sources: Iterator[T]) -> Generator[T, None, None]:
    """The parts of all ``sources``, each read ahead by a thread, for sources that work outside of Python's lock.

    Those of one source come in their order. They must not be None; errors are raised here. Until the end, or until
    this is closed, nothing else may use what the sources read from.
    """
    readers = _PrefetchThreads(sources)
    with closing(readers):
        yield from readers.parts()


class _PrefetchThreads(Generic[T]):
    def __init__(self, sources: Sequence[Iterator[T]]) -> None:
        self._ready: Queue[T | None] = Queue(_AHEAD * len(sources))
        self._stopped = Event()
        self._error: BaseException | None = None
        self._threads = [
            Thread(target=self._read, args=(source,), name="offerkit-ahead", daemon=True) for source in sources
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, source: Iterator[T]) -> None:
        try:
            for part in source:
                if not self._put(part):
                    return
        except BaseException as error:  # raised where the parts are consumed
            self._error = error
        finally:
            if isinstance(source, Generator):
                source.close()  # a cursor that is not read to its end would keep its transaction open
        self._put(None)

    def _put(self, part: T | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(part, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False

    def parts(self) -> Iterator[T]:
        """The parts as they come; raises the error of a source, if any, after what came before it."""
        reading = len(self._threads)
        while reading:
            try:
                part = self._ready.get(timeout=_PATIENCE)  # with a timeout, so that Ctrl-C works
            except Empty:
                continue
            if part is not None:
                yield part
            elif self._error is not None:
                raise self._error
            else:
                reading -= 1

    def close(self) -> None:
        """Stop reading; returns when the threads have ended."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
