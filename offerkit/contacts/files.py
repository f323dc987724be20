"""Files of the project that hold contacts: opened only if they are regular files inside it, and kept open."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from time import monotonic, time_ns
from typing import BinaryIO, Final, Generic, Protocol, TypeAlias, TypeVar

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, reason_of

Stamp: TypeAlias = tuple[int, ...]
_KEPT_FOR: Final = 0.1
"""Seconds that a file stays open, at most: a network mount may tell of a change only when a file is opened."""
TICK: Final = 0.02
"""Seconds within which two changes may have one time: a file's times have the ticks of the system's clock."""


class Closable(Protocol):
    """What was opened."""

    def close(self) -> None:
        """Close it."""


T = TypeVar("T", bound=Closable)


class KeptOpen(Generic[T]):
    """What is opened from a file, kept open from one search to the next while the path leads to the same file."""

    def __init__(self, path: Path, open_: Callable[[], T], timer: Callable[[], float] = monotonic) -> None:
        """``path`` is looked at each time, ``open_`` called where it changed. Nothing is opened yet."""
        self._path, self._open, self._timer = os.fspath(path), open_, timer
        self._opened: T | None = None
        self._stamp: Stamp | None = None
        self._until = 0.0

    def get(self) -> tuple[T, Stamp | None]:
        """What is open, and a stamp that changes when the file does (None: unknown). Raises what opening raises."""
        stamp, now = stamp_at(self._path), self._timer()
        if self._opened is None or stamp is None or stamp != self._stamp or now >= self._until:
            self.close()
            self._opened, self._until = self._open(), now + _KEPT_FOR
            # if it changed in between, nobody can tell which of the two was opened
            self._stamp = stamp if stamp == stamp_at(self._path) else None
        return self._opened, self._stamp

    def close(self) -> None:
        """Close what is open; :meth:`get` opens it again."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()


def stamp_at(path: str) -> Stamp | None:
    """A stamp that changes when the file at ``path`` does, or another file is there; None if it cannot be read."""
    try:
        return stamp_of(os.stat(path))  # noqa: PTH116 - asked at every search
    except (OSError, ValueError):
        return None


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of a file with this ``status``.

    It begins with the size. Shortly after a change it is another one than later: there might be a second change with
    the same times.
    """
    settled = abs(time_ns() - status.st_ctime_ns) > TICK * 1e9
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev, settled


def inside(root: Path, path: str) -> Path:
    """The real path of ``path``. Raises Refused when it is outside of the project (as for its YAML files)."""
    try:
        real = os.path.realpath(root / path)
    except ValueError as error:  # a NUL in the path
        raise _refused(Code.CONTACTS_SOURCE, path, f"this is not a valid path: {reason_of(error)}") from error
    real_root = os.path.realpath(root)
    if not real.startswith(real_root.rstrip(os.sep) + os.sep):
        raise _refused(
            Code.LINK_OUTSIDE,
            path,
            "this file is outside of the project",
            "Data for decisions must be inside the project, or be named by a URL.",
            "Copy the file into the project, or use a source of format sql.",
        )
    return Path(real)


def open_file(root: Path, path: str) -> BinaryIO:
    """Open the file at ``path`` in the project. Raises Refused when it is missing, unreadable or not a regular file."""
    real = inside(root, path)
    try:
        # O_NONBLOCK: otherwise, opening a named pipe would wait for a writer forever.
        descriptor = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        hint = "The path is relative to the project's folder; that of contacts is “source” in the dimension."
        raise _refused(Code.CONTACTS_SOURCE, path, "this file does not exist", hint=hint) from error
    except OSError as error:
        hint = "Check the file's permissions."
        raise _refused(Code.CONTACTS_SOURCE, path, f"cannot be read: {error.strerror}", hint=hint) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _refused(Code.CONTACTS_SOURCE, path, "this is not a regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _refused(code: Code, path: str, summary: str, detail: str = "", hint: str = "") -> Refused:
    return Refused([Diagnostic(code, summary, detail, hint, position=Position(path.replace("\0", "␀"), 1, 1))])
