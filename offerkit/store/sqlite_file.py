"""Whether an open store is still the file at its path, and how to let go of one that is not.

SQLite goes on with the files it has opened, also when they were deleted, replaced or written over: what it then keeps
is in a file that nobody finds again. So every commit asks here before it counts (docs/adr/0024-store-in-place.md).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import strftime
from typing import TypeAlias

from offerkit.store import errors
from offerkit.store.sqlite_errors import primary

Identity: TypeAlias = tuple[int, int]
"""Device and inode."""

DELETED, REPLACED, WRITTEN_OVER, LOG_LOST = "was deleted", "was replaced", "was written over", "lost its log"
"""What happens to a store that is open."""
_LOGS = ("-wal", "-shm")
_HEADER = 100
_LOG_HEADER, _FRAME_HEADER = 32, 24
_NOT_OURS = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""How SQLite says that a file is no store: no such table, or no database."""
_NO_CHECKPOINT_ON_CLOSE = 1006
"""SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE."""
_REMEMBERED = 10_000
"""Versions of this process's own transactions that are told apart, in their order."""


def identity(path: str) -> Identity | None:
    """Which file ``path`` names now; None: none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked at every commit: a Path would take longer to make
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


@dataclass
class _Inode:
    """What the connections of this process to one file share.

    ``written`` is when the file was last seen to be written, and its size. ``counter`` and ``reached`` are how far its
    header has come. ``descriptor`` stays open as long as any of them: closing it would give up the locks of all (POSIX,
    ``fcntl``).
    """

    descriptor: int
    users: int = 0
    project: str = ""
    written: tuple[int, int] = (0, 0)
    counter: int = -1
    reached: int = 0
    versions: dict[int, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    logs: set[Identity] = field(default_factory=set)
    overwritten: bool = False
    log_lost: bool = False
    given_up: list[sqlite3.Connection] = field(default_factory=list)


_INODES: dict[Identity, _Inode] = {}
_GUARD = threading.Lock()


class StoreFile:
    """The file that one connection has opened."""

    def __init__(self, path: Path, real: str, main: Identity, inode: _Inode) -> None:
        """Use :func:`watched`."""
        self.path = path
        self._real, self._main, self._inode = real, main, inode
        self._logs: dict[str, Identity] = {}
        self._closed = False

    @property
    def identity(self) -> str:
        """What tells it from any other file, as long as it is open."""
        return f"{self._main[0]}:{self._main[1]}:{self._real}"

    def note_logs(self) -> None:
        """Take the log and its index that lie beside the file now for those that the connection has open."""
        for suffix in _LOGS:
            found = identity(self._real + suffix)
            if found is not None:
                self._inode.logs.add(self._logs.setdefault(suffix, found))

    def check_log(self, frames: int, page_size: int) -> None:
        """Raise Refused when the log is shorter than its index says: others still use one that was deleted."""
        with suppress(OSError):
            size = Path(f"{self._real}-wal").stat().st_size
            if frames > 0 and size < _LOG_HEADER + frames * (_FRAME_HEADER + page_size):
                raise errors.replaced(str(self.path), LOG_LOST)

    def note_version(self, version: int) -> None:
        """Remember a version of the store that this process is about to commit."""
        with self._inode.lock:
            versions = self._inode.versions
            newest = versions[next(reversed(versions))] if versions else 0
            versions.pop(version, None)
            versions[version] = newest + 1
            while len(versions) > _REMEMBERED:
                del versions[next(iter(versions))]

    def gone(self) -> str:
        """What has happened to the file at the path, if it is not the open one any more; empty when it still is."""
        real = os.path.realpath(self.path)
        main = identity(real)
        if main is None:
            return DELETED
        if main != self._main or real != self._real:
            return REPLACED
        if self._inode.overwritten or self._written_over():
            return WRITTEN_OVER
        if self._inode.log_lost or any(identity(self._real + suffix) != known for suffix, known in self._logs.items()):
            self._inode.log_lost = True
            return LOG_LOST
        return ""

    def check(self) -> None:
        """Raise Refused when the open file is not the one at the path."""
        gone = self.gone()
        if gone:
            raise errors.replaced(str(self.path), gone)

    def _written_over(self) -> bool:
        """Whether the file's own header went back: only what is newer is ever moved from the log into it."""
        inode = self._inode
        with inode.lock:  # a header that was read before another thread's would seem to have gone back
            header, status = os.pread(inode.descriptor, _HEADER, 0), os.fstat(inode.descriptor)
            if len(header) < _HEADER:
                inode.overwritten = inode.counter >= 0  # a new store has no header until its first commit
                return inode.overwritten
            counter, version = int.from_bytes(header[24:28], "big"), int.from_bytes(header[60:64], "big")
            reached = inode.versions.get(version, inode.reached)
            inode.overwritten = counter < inode.counter or reached < inode.reached
            if not inode.overwritten and inode.written != (status.st_mtime_ns, status.st_size):
                inode.overwritten = self._another()
            if not inode.overwritten:
                inode.counter, inode.reached = counter, reached
                inode.written = (status.st_mtime_ns, status.st_size)
            return inode.overwritten

    def _another(self) -> bool:
        """Whether somebody who opens the file now finds another project in it: an open connection would not notice."""
        project = ""
        try:
            fresh = sqlite3.connect(f"{Path(self._real).as_uri()}?mode=ro", uri=True, timeout=0.1)
            try:
                project = str(fresh.execute("SELECT value FROM meta WHERE key = 'project'").fetchone()[0])
            finally:
                fresh.close()
        except (sqlite3.DatabaseError, TypeError, UnicodeDecodeError) as error:
            if isinstance(error, sqlite3.Error) and primary(error) not in _NOT_OURS:
                return False  # it cannot be looked at now
        if not self._inode.project:  # the first look, or a store that is being made
            self._inode.project = project
        return project != self._inode.project

    def close(self, connection: sqlite3.Connection) -> None:
        """Close ``connection``; one to a file that is not at the path any more leaves alone what is there now."""
        if self._closed:
            return
        self._closed = True
        gone = self.gone()
        if gone == WRITTEN_OVER:
            self._empty_log()
        elif gone:
            self._rescue(connection, gone)
        if gone in (DELETED, REPLACED):
            self._give_up(connection)
            return
        connection.close()
        _leave(self._main)

    def _give_up(self, connection: sqlite3.Connection) -> None:
        """Close ``connection``, but keep the last one of this process: SQLite would delete what is its log by name.

        By now that may be the log of the store that took its place. Python 3.12 can tell SQLite to leave it alone.
        """
        leave_alone = getattr(connection, "setconfig", None)
        if leave_alone is not None:
            leave_alone(_NO_CHECKPOINT_ON_CLOSE, True)
        with _GUARD:
            last = self._inode.users == 1
            if last and leave_alone is None:
                self._set_log_aside()
                self._inode.given_up.append(connection)
                from ctypes import py_object, pythonapi

                pythonapi.Py_IncRef(py_object(connection))  # not closed at the end of the process either
                return
            if not last:
                self._inode.users -= 1
            else:
                self._set_log_aside()
        connection.close()
        if last:
            _leave(self._main)

    def _rescue(self, connection: sqlite3.Connection, gone: str) -> None:
        """Move what is only in the log into the open file, wherever that is now.

        A log of it that stays at the path would be read as that of the file that is there now.
        """
        try:
            rows = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error:
            return
        complete = rows is not None and rows[0] == 0 and rows[1] == rows[2]
        if complete and gone != LOG_LOST:
            for suffix, known in self._logs.items():
                if identity(self._real + suffix) == known:
                    Path(self._real + suffix).unlink(missing_ok=True)

    def _set_log_aside(self) -> None:
        """What could not all be moved into the file is kept under another name; at the path it would do harm."""
        log = Path(f"{self._real}-wal")
        if identity(str(log)) == self._logs.get("-wal") is not None:
            with suppress(OSError):
                log.replace(f"{log}.stale-{strftime('%Y%m%dT%H%M%S')}")

    def _empty_log(self) -> None:
        """Keep a copy of the log of a file that was written over, and empty it: it belongs to what was there before."""
        log = Path(f"{self._real}-wal")
        if identity(str(log)) != self._logs.get("-wal"):
            return
        with suppress(OSError):
            if log.stat().st_size:
                shutil.copyfile(log, f"{log}.stale-{strftime('%Y%m%dT%H%M%S')}")
                os.truncate(log, 0)


@contextmanager
def watched(path: Path) -> Iterator[list[StoreFile]]:
    """Open a connection inside; the file it has opened is the first of the list afterwards.

    Raises Refused when another file took its place meanwhile, or this process could not let go of it before.
    """
    found: list[StoreFile] = []
    if identity(f"{os.path.realpath(path)}-wal") in _others_logs(identity(str(path))):
        raise errors.replaced(str(path), REPLACED)  # it would be applied to the file that is there now
    main = _enter(path)  # before SQLite: from then on nobody closes the descriptor, which would give up its locks
    try:
        yield found
        main = main or _enter(path)
        real = os.path.realpath(path)
        if main is None or identity(real) != main:
            raise errors.replaced(str(path), REPLACED)
        found.append(StoreFile(path, real, main, _INODES[main]))
    except BaseException:
        if main is not None:
            _leave(main)
        raise


def _enter(path: Path) -> Identity | None:
    """Count one more user of the file at ``path``; None where there is none, or it cannot be read."""
    with _GUARD:
        main = identity(str(path))
        if main is None or main not in _INODES:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError:
                return None
            status = os.fstat(descriptor)
            main = (status.st_dev, status.st_ino)
            _INODES.setdefault(main, _Inode(descriptor))  # one too many, by a rare chance, stays open: see _Inode
        inode = _INODES[main]
        while inode.given_up:  # the file is at the path again: its log is its own
            inode.given_up.pop().close()
            inode.users -= 1
        if not inode.users:
            inode = _INODES[main] = _Inode(inode.descriptor)
        elif inode.overwritten or inode.log_lost:  # until all have let go of it
            raise errors.replaced(str(path), WRITTEN_OVER if inode.overwritten else LOG_LOST)
        inode.users += 1
        return main


def _others_logs(main: Identity | None) -> set[Identity]:
    """The logs of files that this process has open, but for ``main``."""
    with _GUARD:
        return {log for other, inode in _INODES.items() if other != main for log in inode.logs}


def _leave(main: Identity) -> None:
    with _GUARD:
        inode = _INODES[main]
        inode.users -= 1
        if inode.users == 0:
            os.close(inode.descriptor)
            del _INODES[main]
