"""When Python's garbage collector runs. Calls leave hardly any reference cycles, and only those need it.

A full collection delays every call by a fifth of a second. So Python itself collects young objects only; a full
collection runs when there are few calls, and at least once an hour.
"""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable

EVERY = 5.0
"""Seconds between two looks."""
QUIET = 5
"""Calls between two looks at which a moment more or less is nothing."""
REST, LATEST = 60.0, 3_600.0
"""Seconds after which all is searched again when it is quiet, and at the latest."""


def set_up() -> None:
    """Exclude existing objects from all collections, and old ones from Python's own."""
    gc.enable()  # the command line turns it off: its runs are short
    gc.collect()
    gc.set_threshold(1_000, 2, 1_000_000)  # little at a time: calls wait
    gc.freeze()  # what is compiled stays: looking through it again and again would only cost


class Collector:
    """Searches everything now and then, in the event loop it is started in."""

    def __init__(self, calls: Callable[[], int]) -> None:
        """``calls`` counts the calls so far."""
        self._calls, self._seen = calls, 0
        self._timer: TimerHandle | None = None
        self._last = 0.0

    def start(self, loop: AbstractEventLoop) -> None:
        """Begin to look."""
        self._last = loop.time()
        self._later(loop)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self, now: float) -> bool:
        """Search if it is time to at ``now`` (seconds); whether it was."""
        calls, before = self._calls(), self._seen
        self._seen = calls
        since = now - self._last
        if since < REST or (calls - before > QUIET and since < LATEST):
            return False
        gc.collect()
        self._last = now
        return True

    def _later(self, loop: AbstractEventLoop) -> None:
        self._timer = loop.call_later(EVERY, self._again, loop)

    def _again(self, loop: AbstractEventLoop) -> None:
        self.look(loop.time())
        self._later(loop)
