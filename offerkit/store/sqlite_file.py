"""Checks that an open store is still the file at its path, and closing one that is not.

SQLite continues with the files it has opened even if they were deleted, replaced or overwritten; what it then stores is
lost. So every commit checks here first (docs/adr/0024-store-in-place.md).
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

DELETED, REPLACED, OVERWRITTEN, LOG_LOST = "was deleted", "was replaced", "was overwritten", "lost its log"
"""What can happen to an open store."""
_LOGS = ("-wal", "-shm")
_HEADER = 100
_LOG_HEADER, _FRAME_HEADER = 32, 24
_NOT_OURS = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""SQLite's codes for a file that is not a store: no such table, or not a database."""
_NO_CHECKPOINT_ON_CLOSE = 1006
"""SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE."""
_REMEMBERED = 10_000
"""Versions of this process's own transactions that are remembered, in order."""


def identity(path: str) -> Identity | None:
    """The file that ``path`` names now; None if it is missing."""
    try:
        status = os.stat(path)  # noqa: PTH116 - asked at every commit: a Path would take longer to make
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


@dataclass
class _Inode:
    """What the connections of this process to one file share.

    ``written`` is the file's last known modification time and size. ``counter`` and ``reached`` are the latest change
    counter and version of its header. ``descriptor`` stays open as long as any connection: closing it would release the
    locks of all (POSIX, ``fcntl``).
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
    """The file of one connection."""

    def __init__(self, path: Path, real: str, main: Identity, inode: _Inode) -> None:
        """Use :func:`watched`."""
        self.path = path
        self._real, self._main, self._inode = real, main, inode
        self._linked = str(path) != real
        self._logs: dict[str, Identity] = {}
        self._synced = (0, 0, 0)
        self._closed = False

    @property
    def identity(self) -> str:
        """An id of the file that is unique as long as it is open."""
        return f"{self._main[0]}:{self._main[1]}:{self._real}"

    def note_logs(self) -> None:
        """Remember the log and its index beside the file as those that the connection has open."""
        for suffix in _LOGS:
            log = identity(self._real + suffix)
            if log is not None:
                self._inode.logs.add(self._logs.setdefault(suffix, log))

    def check_log(self, frames: int, page_size: int) -> None:
        """Raises Refused when the log is shorter than its index says: others still use a deleted one."""
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

    def fate(self) -> str:
        """What happened to the open file, if the path no longer names it; empty if it still does."""
        if self._linked:
            real = os.path.realpath(self.path)
            if real != self._real:
                return DELETED if identity(real) is None else REPLACED
        header_fate = self._header_fate()
        if header_fate:
            return header_fate
        if self._inode.log_lost or any(
            identity(self._real + suffix) != log_identity for suffix, log_identity in self._logs.items()
        ):
            self._inode.log_lost = True
            return LOG_LOST
        return ""

    def check(self) -> None:
        """Raises Refused when the open file is not the one at the path."""
        fate = self.fate()
        if fate:
            raise errors.replaced(str(self.path), fate)

    def sync(self, moved: tuple[int, int, int]) -> None:
        """Sync what a checkpoint moved, unless it answered the same before: it moved nothing.

        SQLite itself syncs the file only when nothing is left in the log: all at once, and every call waits.
        """
        if moved != self._synced:
            try:
                os.fsync(self._inode.descriptor)
            except OSError as error:
                raise errors.from_os(error, str(self.path)) from error
            self._synced = moved

    def _header_fate(self) -> str:
        """What happened to the file itself; empty if its header did not go back: a checkpoint only ever makes it newer.

        A link in the file's place is another file; a folder that became a link leads to the same log, or to none.
        """
        inode = self._inode
        with inode.lock:  # otherwise a header read before another thread's would seem to have gone back
            header = os.pread(inode.descriptor, _HEADER, 0)
            try:
                status = os.lstat(self._real)
            except (OSError, ValueError):
                return DELETED
            if (status.st_dev, status.st_ino) != self._main:
                return REPLACED
            if inode.overwritten:
                return OVERWRITTEN
            if len(header) < _HEADER:
                inode.overwritten = inode.counter >= 0  # a new store has no header until its first commit
                return OVERWRITTEN if inode.overwritten else ""
            counter, version = int.from_bytes(header[24:28], "big"), int.from_bytes(header[60:64], "big")
            reached = inode.versions.get(version, inode.reached)
            inode.overwritten = counter < inode.counter or reached < inode.reached
            if not inode.overwritten and inode.written != (status.st_mtime_ns, status.st_size):
                inode.overwritten = self._holds_another_project()
            if inode.overwritten:
                return OVERWRITTEN
            inode.counter, inode.reached = counter, reached
            inode.written = (status.st_mtime_ns, status.st_size)
            return ""

    def _holds_another_project(self) -> bool:
        """Whether a new connection finds another project in the file; an open connection would not notice."""
        project = ""
        try:
            fresh = sqlite3.connect(f"{Path(self._real).as_uri()}?mode=ro", uri=True, timeout=0.1)
            try:
                project = str(fresh.execute("SELECT value FROM meta WHERE key = 'project'").fetchone()[0])
            finally:
                fresh.close()
        except (sqlite3.DatabaseError, TypeError, UnicodeDecodeError) as error:
            if isinstance(error, sqlite3.Error) and primary(error) not in _NOT_OURS:
                return False  # it cannot be read now
        if not self._inode.project:  # the first check, or a store that is being created
            self._inode.project = project
        return project != self._inode.project

    def close(self, connection: sqlite3.Connection) -> None:
        """Close ``connection``; if its file is no longer at the path, leave the one there alone."""
        if self._closed:
            return
        self._closed = True
        fate = self.fate()
        if fate == OVERWRITTEN:
            self._clear_log()
        elif fate:
            self._rescue(connection, fate)
        if fate in (DELETED, REPLACED):
            self._give_up(connection)
            return
        connection.close()
        _leave(self._main)

    def _give_up(self, connection: sqlite3.Connection) -> None:
        """Close ``connection``, except the last one of this process: SQLite would delete the log by its name.

        That could now be the log of the store that replaced it. Python 3.12 can tell SQLite to leave it alone.
        """
        leave_alone = getattr(connection, "setconfig", None)
        if leave_alone is not None:
            leave_alone(_NO_CHECKPOINT_ON_CLOSE, True)
        with _GUARD:
            is_last = self._inode.users == 1
            if is_last and leave_alone is None:
                self._set_log_aside()
                self._inode.given_up.append(connection)
                from ctypes import py_object, pythonapi

                pythonapi.Py_IncRef(py_object(connection))  # so that it is not closed at the end of the process either
                return
            if not is_last:
                self._inode.users -= 1
            else:
                self._set_log_aside()
        connection.close()
        if is_last:
            _leave(self._main)

    def _rescue(self, connection: sqlite3.Connection, fate: str) -> None:
        """Move the content of the log into the open file, wherever that is now.

        If the log stayed at the path, SQLite would apply it to the file that is there now. A lost log is left alone if
        another process has begun a new one, or the index alone was lost: the index says what is in that process's log.
        """
        if fate == LOG_LOST and not self._log_is_missing():
            return
        try:
            rows = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error:
            return
        complete = rows is not None and rows[0] == 0 and rows[1] == rows[2]
        if complete and fate != LOG_LOST:
            for suffix, log_identity in self._logs.items():
                if identity(self._real + suffix) == log_identity:
                    Path(self._real + suffix).unlink(missing_ok=True)

    def _log_is_missing(self) -> bool:
        """Whether nothing, or an empty file that another process opened, took the place of the log."""
        try:
            status = os.stat(f"{self._real}-wal")  # noqa: PTH116 - as identity() does
        except OSError:
            return True
        return status.st_size == 0 and (status.st_dev, status.st_ino) != self._logs.get("-wal")

    def _set_log_aside(self) -> None:
        """Keep a log that could not be moved into the file under another name; at the path it would do harm."""
        log = Path(f"{self._real}-wal")
        if identity(str(log)) == self._logs.get("-wal") is not None:
            with suppress(OSError):
                log.replace(f"{log}.stale-{strftime('%Y%m%dT%H%M%S')}")

    def _clear_log(self) -> None:
        """Copy the log of an overwritten file and empty it: it belongs to the old content."""
        log = Path(f"{self._real}-wal")
        if identity(str(log)) != self._logs.get("-wal"):
            return
        with suppress(OSError):
            if log.stat().st_size:
                shutil.copyfile(log, f"{log}.stale-{strftime('%Y%m%dT%H%M%S')}")
                os.truncate(log, 0)


@contextmanager
def watched(path: Path) -> Iterator[list[StoreFile]]:
    """Open a connection inside; afterwards the list holds its file.

    Raises Refused when another file replaced it meanwhile, or when this process still has the replaced one open.
    """
    files: list[StoreFile] = []
    if identity(f"{os.path.realpath(path)}-wal") in _others_logs(identity(str(path))):
        raise errors.replaced(str(path), REPLACED)  # SQLite would apply it to the file that is there now
    main = _enter(path)  # before SQLite: from then on, closing the descriptor would release SQLite's locks
    try:
        yield files
        main = main or _enter(path)
        real = os.path.realpath(path)
        if main is None or identity(real) != main:
            raise errors.replaced(str(path), REPLACED)
        files.append(StoreFile(path, real, main, _INODES[main]))
    except BaseException:
        if main is not None:
            _leave(main)
        raise


def _enter(path: Path) -> Identity | None:
    """Count one more user of the file at ``path``; None if it is missing or cannot be read."""
    with _GUARD:
        main = identity(str(path))
        if main is None or main not in _INODES:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError:
                return None
            status = os.fstat(descriptor)
            main = (status.st_dev, status.st_ino)
            _INODES.setdefault(main, _Inode(descriptor))  # in a rare race, one too many stays open: see _Inode
        inode = _INODES[main]
        while inode.given_up:  # the file is at the path again, and so is its own log
            inode.given_up.pop().close()
            inode.users -= 1
        if not inode.users:
            inode = _INODES[main] = _Inode(inode.descriptor)
        elif inode.overwritten or inode.log_lost:  # until all connections to it are closed
            raise errors.replaced(str(path), OVERWRITTEN if inode.overwritten else LOG_LOST)
        inode.users += 1
        return main


def _others_logs(main: Identity | None) -> set[Identity]:
    """The logs of the files that this process has open, except those of ``main``."""
    with _GUARD:
        return {log for file, inode in _INODES.items() if file != main for log in inode.logs}


def _leave(main: Identity) -> None:
    with _GUARD:
        inode = _INODES[main]
        inode.users -= 1
        if inode.users == 0:
            os.close(inode.descriptor)
            del _INODES[main]
