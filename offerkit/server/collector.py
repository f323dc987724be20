"""When Python's garbage collector runs. Calls leave hardly any reference cycles, and only those need it.

Python counts objects that are made less objects that are freed. A server that remembers histories frees as many old
ones as it makes new ones: its young objects pile up unseen, and when they are searched at last, all calls wait for a
tenth of a second. So young objects are searched every few calls, and what outlives that is left alone until a full
search. That one delays every call by a fifth of a second: it runs when there are few calls, when calls do leave
cycles, and at least once an hour.
"""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop, TimerHandle

YOUNG = 64
"""Calls after which what they made is searched: a millisecond or two."""
EVERY = 5.0
"""Seconds between two looks whether to search everything."""
QUIET = 5
"""Calls between two looks at which a moment more or less is nothing."""
REST, LATEST = 60.0, 3_600.0
"""Seconds after which all is searched again when it is quiet, and at the latest."""
FEW, MANY = 1_000, 200_000
"""Objects in cycles: up to so few, a full search was not worth it, and the next quiet one waits twice as long; so many
among young objects let the next look search everything, since some were still in use when they were searched."""


def set_up() -> None:
    """Exclude existing objects from all collections, and old ones from Python's own."""
    gc.enable()  # the command line turns it off: its runs are short
    gc.collect()
    gc.set_threshold(20_000, 1_000_000, 1_000_000)  # for what is not a call
    gc.freeze()  # what is compiled stays: looking through it again and again would only cost


class Collector:
    """Searches young objects as calls come, and everything now and then, in the event loop it is started in."""

    def __init__(self) -> None:
        self._calls = self._seen = self._found = 0
        self._timer: TimerHandle | None = None
        self._last, self._rest = 0.0, REST

    def called(self) -> None:
        """Note a call."""
        self._calls += 1
        if not self._calls % YOUNG:
            self._found += gc.collect(0)

    def start(self, loop: AbstractEventLoop) -> None:
        """Begin to look."""
        self._last = loop.time()
        self._later(loop)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self, now: float) -> bool:
        """Search everything if it is time to at ``now`` (seconds); whether it was."""
        calls, self._seen = self._calls - self._seen, self._calls
        since = now - self._last
        if since < REST or (self._found < MANY and since < (LATEST if calls > QUIET else self._rest)):
            return False
        found = gc.collect()
        self._rest = min(self._rest * 2, LATEST) if found <= FEW else REST
        self._last, self._found = now, 0
        return True

    def _later(self, loop: AbstractEventLoop) -> None:
        self._timer = loop.call_later(EVERY, self._again, loop)

    def _again(self, loop: AbstractEventLoop) -> None:
        self.look(loop.time())
        self._later(loop)
