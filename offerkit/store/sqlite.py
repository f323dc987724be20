"""The embedded database: SQLite behind :class:`~offerkit.store.database.Database`.

Everything specific to SQLite is here, in :mod:`offerkit.store.sqlite_file` (the file of an open store), in
:mod:`offerkit.store.sqlite_schema` (checks of the schema) and in :mod:`offerkit.store.sqlite_errors`: pragmas,
transactions, opening files, and what errors mean.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from offerkit.diagnostics import Refused, reason_of
from offerkit.store import errors, sqlite_schema
from offerkit.store.database import LOG_BEGUN, Cell, Row
from offerkit.store.lock import Holder, lock_holder, write_lock
from offerkit.store.sqlite_errors import CANNOT_WRITE_BESIDE, primary, refusal
from offerkit.store.sqlite_file import REPLACED, StoreFile, watched

APPLICATION_ID = 0x4F46524B
"""“OFRK” in the file's header marks a store among SQLite files."""

LOG_BYTES = 128 << 20
"""What a log that begins again keeps of its length: twice the usual, since overwriting takes less time than growing."""

BESIDE = ("-wal", "-shm", "-journal", ".lock", ".holder")
"""Suffixes of the files that SQLite and offerkit keep beside a store."""

_ATTEMPTS = 100
"""How often several connections try to see one state."""
_PATIENCE = 5.0
_FAILURES = (sqlite3.Error, UnicodeDecodeError)


class SqliteDatabase:
    """One connection to a store file."""

    def __init__(self, connection: sqlite3.Connection, file: StoreFile) -> None:
        self._connection = connection
        self._file = file
        self._path = file.path
        self._writing = self._renewed = self._log_begun = False
        self._unchanged = 0
        self.name = str(file.path)
        self.ddl: Mapping[str, str] = {"key": "TEXT", "text": "TEXT", "clustered": "WITHOUT ROWID"}
        self.for_update = ""
        self.unindexed = "+"
        self.upgrades_itself = True

    def join(self, value: str, separator: str) -> str:
        """Joins the values as text."""
        return f"group_concat({value}, {separator})"

    @property
    def in_writing(self) -> bool:
        """Whether a write transaction is open."""
        return self._writing

    @property
    def exclusive(self) -> bool:
        """As :attr:`in_writing`: SQLite has one writer at a time."""
        return self._writing

    def rows(self, sql: str, args: Sequence[Cell] = ()) -> list[Row]:
        """All rows of a query."""
        try:
            return self._connection.execute(sql, args).fetchall()
        except _FAILURES as error:
            raise self._refusal(error) from error

    def _refusal(self, error: sqlite3.Error | UnicodeDecodeError) -> Refused:
        if isinstance(error, UnicodeDecodeError):  # of a name in a damaged schema, as part of SQLite's message
            return errors.damaged(self.name, "It has bytes that are not text")
        return refusal(error, self._path)

    def stream(self, sql: str, args: Sequence[Cell], size: int) -> Iterator[list[Row]]:
        """The rows of a query, in parts."""
        try:
            cursor = self._connection.execute(sql, args)
            while rows := cursor.fetchmany(size):
                yield rows
        except _FAILURES as error:
            raise self._refusal(error) from error

    def run(self, sql: str, args: Sequence[Cell] = ()) -> int:
        """Execute one statement. Returns how many rows it changed."""
        try:
            return self._connection.execute(sql, args).rowcount
        except _FAILURES as error:
            raise self._refusal(error) from error

    def run_many(self, sql: str, rows: Iterable[Sequence[Cell]]) -> None:
        """Execute one statement for each of ``rows``."""
        try:
            self._connection.executemany(sql, rows)
        except _FAILURES as error:
            raise self._refusal(error) from error

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Cell]]) -> None:
        """Add rows, which should be sorted by key, so that the table grows at its end."""
        marks = ", ".join("?" * (columns.count(",") + 1))
        self.run_many(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - our own names

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let all reads inside see one state."""
        if self._connection.in_transaction:
            yield
            return
        self.run("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    @contextmanager
    def readers(self, number: int) -> Iterator[Sequence[SqliteDatabase]]:
        """More connections to the file; this one alone in a transaction, or while others write all the time."""
        with ExitStack() as opened:
            alone = self._connection.in_transaction or number < 2
            readers = [] if alone else [self._again(opened) for _ in range(number)]
            for _ in range(_ATTEMPTS if readers else 0):
                with ExitStack() as reading:
                    for reader in readers:
                        reading.enter_context(reader.reading())
                    if len({reader.version() for reader in readers}) == 1:
                        yield readers
                        return
            with self.reading():
                yield [self]

    def _again(self, opened: ExitStack) -> SqliteDatabase:
        """Another connection for reading much of the file, until ``opened`` is closed."""
        db = open_file(self._path, create=False, write=False, busy_timeout=_PATIENCE)
        opened.callback(db.close)
        if db.identity() != self.identity():
            raise errors.replaced(self.name, REPLACED)
        return db

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Lock the store for writing; commit at the end, or roll back on an exception."""
        if self._connection.in_transaction:
            raise RuntimeError("a transaction is open already")
        try:
            self.run("BEGIN IMMEDIATE")
            self._writing, self._renewed = True, False
            self._unchanged = self._connection.total_changes
            self._file.check()
            yield
            if not self._renewed:
                self.claim_version()
            self.run("COMMIT")
            self._file.check()  # only what is in the file at the path counts
        finally:
            self._writing = False
            self._roll_back()

    @contextmanager
    def upgrading(self) -> Iterator[None]:
        """As :meth:`writing`; freed pages are not filled with zeros: that takes ten times as long."""
        self.run("PRAGMA secure_delete = FAST")
        with self.writing():
            yield

    @contextmanager
    def erasing(self) -> Iterator[None]:
        """As :meth:`writing`; freed space is filled with zeros."""
        self.run("PRAGMA secure_delete = ON")
        with self.writing():
            yield

    def clear_deleted(self, tables: Sequence[str]) -> str:
        """Write the file again, without free pages, and empty the log; others read and write as before and after."""
        self._file.check()
        self.run("VACUUM")
        until = time.monotonic() + _PATIENCE
        while True:  # one that reads an earlier state keeps the log
            found: list[tuple[int, int, int]] = self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            if not found[0][0]:
                self._file.check()
                return ""
            if time.monotonic() > until:
                return f"another process reads the store, so its log {self._path.name}-wal still has earlier pages"
            time.sleep(0.05)

    def version(self) -> int:
        """The application's number in the file's header, which belongs to the state that is read."""
        rows: list[tuple[int]] = self.rows("PRAGMA user_version")
        return rows[0][0]

    def reader(self) -> None:
        """None: a file is asked at once."""

    def claim_version(self) -> tuple[int, int] | None:
        """The new version is random, not a counter: no later transaction gets the one that a failed one claimed."""
        if self._connection.total_changes == self._unchanged:
            return None
        old_version = self.version()
        new_version = old_version ^ (1 + secrets.randbelow(2**31 - 1))
        self._file.note_version(new_version)
        self.run(f"PRAGMA user_version = {new_version}")
        self._renewed = True
        return old_version, new_version

    def recording(self) -> AbstractContextManager[None]:
        """As :meth:`writing`: SQLite has one writer at a time."""
        return self.writing()

    @contextmanager
    def creating(self) -> Iterator[None]:
        """As :meth:`writing`; the new store then uses a write-ahead log."""
        with self.writing():
            yield
        self.log_ahead()

    def log_begun(self) -> bool:
        """Looked up until it has; the one writer at a time is this one."""
        if not self._log_begun:
            self._log_begun = bool(self.rows(LOG_BEGUN))
        return self._log_begun

    def await_earlier_writers(self) -> None:
        """Nothing to do: there is one writer at a time."""

    def log_position(self) -> str:
        """The one after the newest: there is one writer at a time."""
        rows: list[tuple[str | None]] = self.rows("SELECT MAX(position) FROM proposition_change")
        return f"{int(rows[0][0] or '0', 16) + 1:024x}"

    def log_settled(self) -> str:
        """Everything that is seen is settled."""
        return ""

    def day_of(self, column: str, seconds: int) -> str:
        """By SQLite's functions of dates; of UTC, the text as it begins."""
        return f"date({column}, '{seconds:+d} seconds')" if seconds else f"substr({column}, 1, 10)"

    def lease(self, who: str, timeout: float, waiting: Callable[[Holder], None] | None) -> AbstractContextManager[None]:
        """Hold the lock beside the file."""
        return write_lock(self._path, who=who, timeout=timeout, waiting=waiting)

    def holder(self) -> Holder:
        """The holder of the lock beside the file."""
        return lock_holder(self._path)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # the first error is already being raised
                self._connection.rollback()

    def identity(self) -> str:
        """The file that is open."""
        return self._file.identity

    def note_identity(self) -> None:
        """Nothing to do: opening the file noted its identity."""

    def check_in_place(self) -> None:
        """Raises Refused when the open file is no longer the one at the path."""
        self._file.check()

    def checkpoint(self) -> int:
        """Move the log into the file, as far as no reader needs it; readers and the writer continue meanwhile.

        Once nothing is left in it, the next commit begins the log again: overwriting takes less time than appending.
        """
        self._file.check()
        found: list[tuple[int, int, int]] = self.rows("PRAGMA wal_checkpoint(PASSIVE)")
        self._file.sync(found[0])
        return found[0][1]

    def foreign_objects(self) -> list[str]:
        """Views, triggers and virtual tables."""
        return sqlite_schema.foreign_objects(self)

    def differences(self) -> list[str]:
        """Every object of the file that differs from the format."""
        return sqlite_schema.differences(self)

    def damage(self) -> list[str]:
        """What SQLite finds wrong with the file and its indexes, and values of a type that offerkit never writes."""
        return sqlite_schema.damage(self)

    def close(self) -> None:
        """Close the connection; the last one to close folds the write-ahead log into the file."""
        self._file.close(self._connection)

    def blank(self) -> bool:
        """Whether the file is empty. Raises Refused when it holds something other than a store."""
        identity = self._application_id()
        if identity == APPLICATION_ID:
            return False
        if identity == 0 and not self.rows("SELECT 1 FROM sqlite_master LIMIT 1"):
            return True
        if self._application_id() == APPLICATION_ID:  # another process created the store between the two statements
            return False
        raise errors.foreign(self.name, "It is an SQLite database of another application.")

    def _application_id(self) -> int:
        rows: list[tuple[int]] = self.rows("PRAGMA application_id")
        return rows[0][0]

    def mark_as_store(self) -> None:
        """Mark the blank file as a store."""
        self.run(f"PRAGMA application_id = {APPLICATION_ID}")

    def duplicate(self, target: Path) -> None:
        """Write everything that is committed now to a new file at ``target``; others can write meanwhile."""
        try:
            copy = sqlite3.connect(target)
            try:
                self._connection.backup(copy)
            finally:
                copy.close()
        except _FAILURES as error:
            raise self._refusal(error) from error

    def size(self) -> int:
        """Bytes of the file and its log."""
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def tune(self, *, write: bool) -> None:
        """Set the pragmas of this connection."""
        self.run("PRAGMA trusted_schema = OFF")  # limits what views and triggers in the file can call
        if write:
            self.run("PRAGMA synchronous = FULL")
            # 64 MB of log: a server checkpoints before, beside its calls (offerkit.server.decision_service)
            self.run("PRAGMA wal_autocheckpoint = 16000")
            self.run(f"PRAGMA journal_size_limit = {LOG_BYTES}")
            self.run("PRAGMA foreign_keys = ON")
        else:
            self.run("PRAGMA query_only = ON")

    def log_ahead(self) -> None:
        """Use a write-ahead log, so that readers and a writer do not block each other; slower without, but safe."""
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            if primary(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR):
                raise refusal(error, self._path) from error
        self.note_logs()
        self._file.check()
        moved: list[tuple[int, int, int]] = self.rows("PRAGMA wal_checkpoint(PASSIVE)")
        size: list[tuple[int]] = self.rows("PRAGMA page_size")
        self._file.check_log(moved[0][1], size[0][0])

    def note_logs(self) -> None:
        """Remember the log, to tell it from another one that could replace it."""
        self.rows("PRAGMA schema_version")
        self._file.note_logs()


def open_file(path: Path, *, create: bool, write: bool, busy_timeout: float) -> SqliteDatabase:
    """The database in the file at ``path``; with ``create`` the file can be missing or blank."""
    _inspect(path, create=create)
    db = _connect(path, create=create, write=write, busy_timeout=busy_timeout)
    try:
        db.tune(write=write)
        if db.blank():
            if not create:
                raise errors.missing(db.name)
        elif write:
            db.log_ahead()
        else:
            db.note_logs()
    except BaseException:
        db.close()
        raise
    return db


def _connect(path: Path, *, create: bool, write: bool, busy_timeout: float) -> SqliteDatabase:
    if write:
        if path.exists() and not _writable(path):
            raise errors.read_only(str(path))
        return _attempt(path, "mode=rwc" if create else "mode=rw", busy_timeout)
    # A reader that may write recovers after a crash and leaves no files behind; query_only keeps it a reader.
    try:
        return _attempt(path, "mode=rw" if _writable(path) else "mode=ro", busy_timeout)
    except _CannotWriteBeside as failure:
        # A log in a read-only folder needs files beside it; if the log is empty, the file alone has everything.
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size > 0:
            raise failure.refusal from failure
    return _attempt(path, "immutable=1", busy_timeout)


class _CannotWriteBeside(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, error: sqlite3.Error, path: Path) -> None:
        super().__init__()
        self.refusal = refusal(error, path)


def _attempt(path: Path, parameters: str, busy_timeout: float) -> SqliteDatabase:
    connection = None
    try:
        with watched(path) as opened:
            uri = f"{path.absolute().as_uri()}?{parameters}"
            # One thread at a time uses a store. A server closes the stores of its threads when they have ended; a batch
            # reads its history in a thread (offerkit.batch.exclusions) and continues when that has ended.
            connection = sqlite3.connect(
                uri, uri=True, timeout=busy_timeout, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        if parameters == "mode=ro" and primary(error) in CANNOT_WRITE_BESIDE:
            raise _CannotWriteBeside(error, path) from error
        raise refusal(error, path) from error
    except Refused:
        if connection is not None:
            connection.close()
        raise
    return SqliteDatabase(connection, opened[0])


def _inspect(path: Path, *, create: bool) -> None:
    """Raises Refused for what cannot be a store before SQLite opens it, and creates the folder of a new one."""
    name = str(path)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        if not create:
            raise errors.missing(name) from error
        _check_new(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise errors.from_os(failure, name) from failure
        return
    except (OSError, ValueError) as error:
        raise errors.unreadable(name, reason_of(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise errors.foreign(name, "It is a folder." if stat.S_ISDIR(status.st_mode) else "It is not a file.")
    if 0 < status.st_size < 100:  # shorter than a header: SQLite would take it for an empty database
        raise errors.foreign(name, "It is not an SQLite database.")
    if status.st_size == 0:  # as a crash while creating leaves it
        if not create:
            raise errors.missing(name)
        _check_new(path)


def _check_new(path: Path) -> None:
    """Raises Refused for the name of a file beside a store, which would be taken for that store's log or lock."""
    real = os.path.realpath(path)
    if real.endswith(BESIDE):
        raise errors.foreign(str(path), f"Files beside a store have such names: {', '.join(BESIDE)}.")


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)
