"""Copies of the history that a server hands out, with all its bodies, each as a store of its own."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from offerkit.store import Store, copying
from offerkit.usecases.session import Session

PART = 1024 * 1024
"""Bytes of a copy that are sent at a time."""


@dataclass(frozen=True)
class HistoryCopy:
    """A copy of the history, in a file that has no name any more: it is gone with the last who reads it."""

    etag: str
    file: BinaryIO
    size: int

    def parts(self) -> Iterator[bytes]:
        """Its bytes; any number of callers may read at once."""
        for start in range(0, self.size, PART):
            yield os.pread(self.file.fileno(), PART, start)


class HistoryCopies:
    """The newest copy of the history, made on demand and kept until the history changes.

    No copy stays on the disk: its file is unlinked while open, so it is gone even when the server is killed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._made: HistoryCopy | None = None

    def newest(self) -> HistoryCopy:
        """A copy of the current history; concurrent callers wait while one is made."""
        with self._lock:
            with self._session.existing() as store:
                newest = _named(store)
            if self._made is None or self._made.etag != newest:
                self._made = self._make()
            return self._made

    def _make(self) -> HistoryCopy:
        with tempfile.TemporaryDirectory(prefix="offerkit-copy-") as building:
            path = Path(building) / "store.db"
            copying.copy_history(self._session.store, path)
            with Store.open(path) as copy:
                etag = _named(copy)  # others may have written since the store was asked
            return HistoryCopy(etag, path.open("rb"), path.stat().st_size)


def _named(store: Store) -> str:
    """What names the history of ``store``: the digest of its newest revision."""
    last = store.revision(store.last_serial())
    return last.digest if last is not None else "0" * 64
