"""Work that a thread with its own store repeats in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable

from offerkit.store import Store
from offerkit.usecases.session import Session

LATER = 1.0
"""Seconds until failed work is repeated, at least, by default."""


class BackgroundTask:
    """Repeats its work until it is stopped; after a failure it opens the store again."""

    def __init__(
        self,
        name: str,
        session: Session,
        seconds: float,
        work: Callable[[Store], None],
        told: Callable[[Exception | None], None],
        later: float = LATER,
    ) -> None:
        """Nothing is opened before :meth:`start`.

        ``told`` is called in the thread: with None when the store is open, and with what was raised.
        """
        self._session, self._seconds, self._work, self._told, self._later = session, seconds, work, told, later
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._session.writing() as store:
                    self._told(None)
                    while not self._stop.wait(self._seconds):
                        self._work(store)
            except Exception as error:
                self._told(error)
                self._stop.wait(max(self._seconds, self._later))
