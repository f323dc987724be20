"""What keeps a store quick, done beside the calls: none of them should wait for it."""

from __future__ import annotations

import threading
from logging import getLogger

from offerkit.workflow.session import Session

_LOG = getLogger("offerkit.tidy")
EVERY = 1.0
"""Seconds between two times."""


class Tidy:
    """A thread with a store of its own. A time that fails is logged, and the next one comes."""

    def __init__(self, session: Session) -> None:
        """Nothing is opened before :meth:`start`."""
        self._session = session
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="offerkit-tidy", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                with self._session.writing() as store:
                    while not self._stop.wait(EVERY):
                        store.tidy()
            except Exception:
                _LOG.warning("the store could not be tidied", exc_info=True)
