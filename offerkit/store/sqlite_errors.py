"""What SQLite's result codes mean to a user."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from offerkit.diagnostics import Refused
from offerkit.store import errors

CANNOT_WRITE_BESIDE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""How SQLite says that a read-only connection would need files beside the database."""

_NO_ROOM = (
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
)
"""A limit on file size shows as a failed write, not as a full disk."""


def primary(error: sqlite3.Error) -> int:
    """The result code without its extension; 0 when the error is of the driver, not of SQLite."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def refusal(error: sqlite3.Error, path: Path) -> Refused:
    """The refusal for ``error``; mistakes of ours (a closed connection, say) are raised as they are."""
    name = str(path)
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
        raise error
    if getattr(error, "sqlite_errorcode", 0) in _NO_ROOM:
        return errors.full(name)
    match primary(error):
        case sqlite3.SQLITE_NOTADB:
            return errors.foreign(name, "It is not an SQLite database.")
        case sqlite3.SQLITE_FULL:
            return errors.full(name)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return errors.read_only(name)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return errors.locked(name)
        case sqlite3.SQLITE_CANTOPEN if os.access(path, os.R_OK) and not os.access(path.parent, os.W_OK):
            return errors.read_only(name)
        case sqlite3.SQLITE_CANTOPEN if not path.exists() and not os.access(path.parent, os.W_OK):
            return errors.read_only(name)
        case sqlite3.SQLITE_CANTOPEN:
            return errors.unreadable(name, str(error))
        case _:
            return errors.damaged(name, f"SQLite says: {error}")
