"""What SQLite's result codes mean to a user."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from offerkit.diagnostics import Refused
from offerkit.store import errors

CANNOT_WRITE_BESIDE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""SQLite's codes when a read-only connection would need files beside the database."""

_NO_ROOM = (
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
)
"""A limit on file size, or a quota, appears as a failed write, not as a full disk."""
_DAMAGED = (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_DATA, sqlite3.SQLITE_IOERR_CORRUPTFS)
"""Errors in the file itself; all other I/O errors come from the machine."""


def primary(error: sqlite3.Error) -> int:
    """The primary result code; 0 for an error of the driver, not of SQLite."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def refusal(error: sqlite3.Error, path: Path) -> Refused:
    """The error to show for ``error``; bugs of offerkit (a closed connection, say) are raised as they are."""
    name = str(path)
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
        raise error
    code = getattr(error, "sqlite_errorcode", 0)
    if code in _NO_ROOM:
        return errors.full(name)
    if code in (sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_IOERR_NOMEM):
        return errors.from_os(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), name)
    match primary(error):
        case sqlite3.SQLITE_NOTADB:
            return errors.foreign(name, "It is not an SQLite database.")
        case sqlite3.SQLITE_FULL:
            return errors.full(name)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return errors.read_only(name)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return errors.locked(name)
        case sqlite3.SQLITE_CANTOPEN if (exhausted := _exhausted()) is not None:
            return errors.from_os(exhausted, name)
        case sqlite3.SQLITE_CANTOPEN if os.access(path, os.R_OK) and not os.access(path.parent, os.W_OK):
            return errors.read_only(name)
        case sqlite3.SQLITE_CANTOPEN if not path.exists() and not os.access(path.parent, os.W_OK):
            return errors.read_only(name)
        case sqlite3.SQLITE_CANTOPEN:
            return errors.unreadable(name, str(error))
        case sqlite3.SQLITE_IOERR if code not in _DAMAGED:
            return errors.disk_failed(name, f"SQLite says: {error} ({error.sqlite_errorname})")
        case _:
            return errors.damaged(name, f"SQLite says: {error}", hint=errors.RESTORE)


def _exhausted() -> OSError | None:
    """The reason if no file at all can be opened, which SQLite does not report."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error
    return None
