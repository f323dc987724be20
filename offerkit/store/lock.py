"""The lock that lets one process at a time change a store.

The operating system holds it and gives it back when its holder dies, however that happens. Beside it lies a
note that names the holder: only to be read, never to decide by.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.fingerprint import canonical
from offerkit.store import errors
from offerkit.times import utc


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of the lock: ``pid`` is 0 while it is unknown; ``host`` is empty on this machine."""

    pid: int
    who: str
    since: str
    host: str = ""

    def __str__(self) -> str:
        where = f" on {self.host}" if self.host else ""
        return f"{self.who} (process {self.pid}{where}), since {self.since}" if self.pid else "another process"


UNKNOWN = Holder(0, "", "")


def still_locked(name: str, holder: Holder, timeout: float) -> Refused:
    """The error for a lock that another process still holds after ``timeout`` seconds."""
    waited = f"This run waited {timeout:g} s." if timeout else "This run does not wait."
    return refuse(
        Code.STORE_LOCKED,
        f"the store is locked by {holder}",
        detail=f"One process at a time changes {name}. {waited}",
        hint="Run the command again later, or wait longer: --lock-timeout SECONDS.",
    )


@contextmanager
def write_lock(
    store_path: Path, *, who: str, timeout: float, waiting: Callable[[Holder], None] | None = None
) -> Iterator[None]:
    """Hold the store's lock. Raises Refused when another process still holds it after ``timeout`` seconds.

    ``who`` is the name that others see meanwhile. ``waiting`` is called once if the lock is not free at once.
    A timeout of 0 does not wait; a negative one waits forever.
    """
    from filelock import FileLock, Timeout

    path = store_path.resolve()
    lock = FileLock(_beside(path, ".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if timeout == 0:
                raise
            if waiting is not None:
                waiting(lock_holder(path))
            lock.acquire(timeout=timeout)
    except Timeout:
        raise still_locked(str(path), lock_holder(path), timeout) from None
    except OSError as error:
        raise errors.from_os(error, str(store_path)) from error
    try:
        _note(path, who)
        yield
    finally:
        with suppress(OSError):
            _beside(path, ".holder").unlink()
        lock.release()


def lock_holder(store_path: Path) -> Holder:
    """The holder of the lock, as far as the note beside it says."""
    try:
        note = orjson.loads(_beside(store_path.resolve(), ".holder").read_bytes())
        return Holder(int(note["pid"]), str(note["who"]), str(note["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return UNKNOWN


def _note(path: Path, who: str) -> None:
    """Write down the holder; if that fails, the lock still holds."""
    since = utc(datetime.now(UTC), "seconds")
    draft = _beside(path, ".holder.new")
    with suppress(OSError):
        draft.write_bytes(canonical({"pid": os.getpid(), "who": who, "since": since}))
        draft.replace(_beside(path, ".holder"))


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
