"""The database of a team: PostgreSQL behind :class:`~offerkit.store.database.Database`, by psycopg 3.

Everything specific to PostgreSQL is here, in :mod:`offerkit.store.postgres_lease` (the lock), in
:mod:`offerkit.store.postgres_schema` (what must stand in the schema) and in :mod:`offerkit.store.postgres_errors`.

A store has a schema of its own. Its table ``offerkit_store`` marks it as ours and holds the fence: one row that
whoever appends a revision locks until the end of the transaction (docs/adr/0016-postgresql.md).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from itertools import count

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from offerkit.store import errors, postgres_schema
from offerkit.store.database import Cell, Row
from offerkit.store.location import PostgresAddress
from offerkit.store.lock import Holder
from offerkit.store.postgres_errors import not_allowed, not_connected, not_known, passing, refusal
from offerkit.store.postgres_lease import Lease, advisory_key

MARKER = """CREATE TABLE offerkit_store (
    one BOOLEAN NOT NULL PRIMARY KEY CHECK (one), token BIGINT NOT NULL,
    who TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, since TEXT NOT NULL)"""
IDLE_LIMIT = "15min"
"""How long whoever may append a revision may stand still in it before the server ends the transaction."""
DEFAULTS = {
    "fallback_application_name": "offerkit",
    "connect_timeout": "10",
    # A server that is gone without a word is noticed within a minute, also by who only waits for it.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
"""What libpq is told unless the address says otherwise; seconds."""
ATTEMPTS = 4
"""How often to try while the server has no room or is starting; to connect is safe to repeat."""
_PAUSE = 0.25
_STANDING = b"SELECT tableoid::bigint, value FROM meta WHERE key = 'project'"
_COPY_FROM = 50
"""Rows from which on COPY is faster than INSERT."""
_PART = re.compile(r"'[^']*'|\?|%")


class PostgresDatabase:
    """One connection to a store's schema. ``write`` is False for one that only reads."""

    def __init__(self, connection: psycopg.Connection, address: PostgresAddress, *, write: bool) -> None:
        """Take over a connection whose search path is the schema."""
        self._connection = connection
        self._address = address
        self._write = write
        self._open = ""
        self._cursors = count(1)
        self._opened: tuple[int, str] | None = None
        self._lease = Lease(self, advisory_key("lock", address.schema), str(address))
        self.name = str(address)
        self.ddl: Mapping[str, str] = {"key": 'TEXT COLLATE "C"', "text": 'TEXT COLLATE "C"', "clustered": ""}
        self.for_update = " FOR UPDATE"
        self.upgrades_itself = False

    def join_lines(self, text: str) -> str:
        """All values of ``text`` in lines."""
        return f"string_agg({text}, chr(10))"

    @property
    def in_writing(self) -> bool:
        """Whether a write transaction is open."""
        return self._open in ("writing", "recording")

    @property
    def exclusive(self) -> bool:
        """Whether the open transaction holds the fence."""
        return self._open == "writing"

    def rows(self, sql: str, args: Sequence[Cell] = ()) -> list[Row]:
        """All rows of a query."""
        with self._errors():
            found: list[Row] = self._connection.execute(_translated(sql), args).fetchall()  # type: ignore[assignment]
            return found

    def stream(self, sql: str, args: Sequence[Cell], size: int) -> Iterator[list[Row]]:
        """The rows of a query, in parts, through a cursor of the server; outside a transaction it keeps its rows."""
        name = f"offerkit_{next(self._cursors)}"
        with self._errors(), self._connection.cursor(name, withhold=not self._open) as cursor:
            cursor.execute(_translated(sql), args)
            while rows := cursor.fetchmany(size):
                yield rows  # type: ignore[misc]

    def run(self, sql: str, args: Sequence[Cell] = ()) -> int:
        """Execute one statement; how many rows it changed."""
        with self._errors():
            return self._connection.execute(_translated(sql), args).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Cell]]) -> None:
        """Execute one statement for every one of ``rows``, without waiting for each answer."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.executemany(_translated(sql), rows)

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Cell]]) -> None:
        """Add rows to a table: few by INSERT, many by COPY."""
        if len(rows) < _COPY_FROM:
            marks = ", ".join("?" * (columns.count(",") + 1))
            self.run_many(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - our own names
            return
        statement = f"COPY {table} ({columns}) FROM STDIN".encode()
        with self._errors(), self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let all reads inside see one state."""
        if self._open:
            yield
            return
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._open = "reading"
        try:
            yield
        finally:
            self._roll_back()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Lock the fence, so that no other appends a revision until this ends.

        Raises Refused when another has taken the lock over from this connection.
        """
        with self._transaction("writing"):
            self.run(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_LIMIT}'")
            self.check_in_place()
            self._lease.check()
            yield

    @contextmanager
    def recording(self) -> Iterator[None]:
        """A transaction beside those of others: it locks only the rows that it changes."""
        with self._transaction("recording"):
            self.check_in_place()
            yield

    def version(self) -> None:
        """None: a row that every call changes would let them all wait for each other."""

    def claim_version(self) -> None:
        """None: see :meth:`version`."""

    @contextmanager
    def creating(self) -> Iterator[None]:
        """A transaction that one process at a time may have, where there may be nothing to lock yet."""
        with self._transaction("writing"):
            self.run("SELECT pg_advisory_xact_lock(?)", (advisory_key("creation", self._address.schema),))
            yield

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        if self._open:
            raise RuntimeError("a transaction is open already")
        try:
            self.run("BEGIN ISOLATION LEVEL READ COMMITTED")
            self._open = kind
            yield
            self._commit()
        finally:
            self._roll_back()

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except psycopg.OperationalError as error:
            if self._connection.closed:
                raise not_known(self.name, "The connection broke while the change was being kept") from error
            raise refusal(error, self.name, write=self._write, closed=False) from error
        except psycopg.Error as error:
            raise refusal(error, self.name, write=self._write, closed=self._connection.closed) from error

    def _roll_back(self) -> None:
        self._open = ""
        if not self._connection.closed and self._connection.info.transaction_status.value:
            with suppress(psycopg.Error):  # what led here is already being told
                self._connection.execute("ROLLBACK")

    def lease(self, who: str, timeout: float, waiting: Callable[[Holder], None] | None) -> AbstractContextManager[None]:
        """Hold the store's lock on this connection."""
        return self._lease.held_by(who, timeout, waiting)

    def holder(self) -> Holder:
        """Who holds the lock, as the database tells."""
        return self._lease.holder()

    def blank(self) -> bool:
        """Whether the schema is missing or empty; refused when something else is in it."""
        found: list[tuple[str, bool]] = self.rows(
            "SELECT c.relname, has_schema_privilege(n.oid, 'USAGE')"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?"
            " ORDER BY c.relname <> 'offerkit_store', c.relname LIMIT 1",
            (self._address.schema,),
        )
        if found and found[0][0] != "offerkit_store":
            raise errors.foreign(self.name, f"The schema {self._address.schema} holds {found[0][0][:80]}.")
        if found and not found[0][1]:
            raise not_allowed(self.name, f"permission denied for schema {self._address.schema}", write=self._write)
        return not found

    def mark_as_store(self) -> None:
        """Make the schema, unless somebody with more rights did, and the table that marks it as ours."""
        encoding = self._connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise errors.foreign(self.name, f"Its database keeps texts as {encoding}; a store needs one of UTF8.")
        there: list[tuple[int]] = self.rows("SELECT 1 FROM pg_namespace WHERE nspname = ?", (self._address.schema,))
        if not there:
            self.run(f'CREATE SCHEMA "{self._address.schema}"')
        self.run(MARKER)
        self.run("INSERT INTO offerkit_store (one, token, who, host, pid, since) VALUES (true, 0, '', '', 0, '')")

    def identity(self) -> str:
        """The table that was opened."""
        return str(self._opened)

    def note_identity(self) -> None:
        """Know this store from any other that may be in the schema later."""
        self._opened = self._standing()

    def check_in_place(self) -> None:
        """Raise Refused when the schema holds other tables than were opened, or another project.

        In a transaction the tables that were looked at cannot be dropped before its end.
        """
        if self._opened is not None and self._standing() != self._opened:
            raise errors.replaced(self.name, "was deleted or replaced")

    def _standing(self) -> tuple[int, str] | None:
        """The object that the marking table is, and the project; None where there is no sound store."""
        try:
            found = self._connection.execute(_STANDING).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        except (psycopg.Error, UnicodeError) as error:
            raise refusal(error, self.name, write=self._write, closed=self._connection.closed) from error
        return (int(found[0]), str(found[1])) if found is not None else None

    def checkpoint(self) -> None:
        """Nothing: the database does it by itself."""

    def size(self) -> int:
        """The bytes of the schema's tables with their indexes."""
        found: list[tuple[int]] = self.rows(
            "SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = 'r'",
            (self._address.schema,),
        )
        return found[0][0]

    def foreign_objects(self) -> list[str]:
        """Views, triggers, rules, functions and the like in the schema."""
        return postgres_schema.foreign_objects(self)

    def differences(self) -> list[str]:
        """Every object of the schema that is not as the format says."""
        return postgres_schema.differences(self)

    def damage(self) -> list[str]:
        """What the catalog of the database says is not as we made it."""
        return postgres_schema.damage(self, self._address.schema)

    def close(self) -> None:
        """Close the connection; the server rolls back what is open, and gives its locks back."""
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, UnicodeError) as error:
            raise refusal(error, self.name, write=self._write, closed=self._connection.closed) from error


@lru_cache(maxsize=1024)
def _translated(sql: str) -> bytes:
    """``sql`` with ``%s`` for every ``?`` outside of a text, as psycopg takes it."""
    return _PART.sub(lambda part: "%s" if part[0] == "?" else part[0].replace("%", "%%"), sql).encode()


def open_schema(address: PostgresAddress, *, create: bool, write: bool, busy_timeout: float) -> PostgresDatabase:
    """The database at ``address``; its schema is blank when there was none and ``create`` is set.

    ``busy_timeout``: how many seconds a statement waits for a lock.
    """
    db = PostgresDatabase(_connect(address), address, write=write)
    try:
        db.rows(
            "SELECT set_config('search_path', ?, false), set_config('lock_timeout', ?, false),"
            " set_config('default_transaction_read_only', ?, false)",
            (f'"{address.schema}", pg_temp', f"{max(int(busy_timeout * 1000), 1)}ms", "off" if write else "on"),
        )
        if not create and db.blank():
            raise errors.missing(db.name)
    except BaseException:
        db.close()
        raise
    return db


def _connect(address: PostgresAddress) -> psycopg.Connection:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            given = {**DEFAULTS, **conninfo_to_dict(address.conninfo), "client_encoding": "UTF8"}
            return psycopg.connect(make_conninfo("", **given), autocommit=True)
        except psycopg.Error as error:
            if attempt == ATTEMPTS or not passing(error):
                raise not_connected(error, address) from None  # what the driver says may hold the password
        time.sleep(_PAUSE * attempt)
    raise AssertionError("the last attempt returns or raises")
