"""A team's database: PostgreSQL behind :class:`~offerkit.store.database.Database`, by psycopg 3.

Everything specific to PostgreSQL is here, in :mod:`offerkit.store.postgres_lease` (the lock), in
:mod:`offerkit.store.postgres_schema` (checks of the schema) and in :mod:`offerkit.store.postgres_errors`.

A store has a schema of its own. Its table ``offerkit_store`` marks it as a store and holds the fence: one row that
the process which appends a revision locks until the end of the transaction (docs/adr/0016-postgresql.md).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from itertools import count

import orjson
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from offerkit.store import errors, postgres_clearing, postgres_schema
from offerkit.store.database import LOG_BEGUN, Cell, Row
from offerkit.store.location import PostgresAddress
from offerkit.store.lock import Holder
from offerkit.store.postgres_errors import (
    DriverErrors,
    cannot_store,
    not_allowed,
    not_connected,
    not_known,
    passing,
    refusal,
)
from offerkit.store.postgres_lease import Lease, advisory_key
from offerkit.store.postgres_reader import PostgresReader

MARKER = """CREATE TABLE offerkit_store (
    one BOOLEAN NOT NULL PRIMARY KEY CHECK (one), token BIGINT NOT NULL,
    who TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, since TEXT NOT NULL)"""
IDLE_LIMIT = "15min"
"""How long a transaction that appends a revision can be idle before the server ends it."""
DEFAULTS = {
    "fallback_application_name": "offerkit",
    "connect_timeout": "10",
    # A server that vanished is noticed within a minute, by a connection that only waits and by one that has sent (ms).
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Settings of libpq unless the address has others; times in seconds unless said otherwise."""
ATTEMPTS = 4
"""Attempts to connect while the server is full or starting; connecting is safe to repeat."""
_PAUSE = 0.25
_STANDING = b"SELECT tableoid::bigint, value, %s FROM meta WHERE key = 'project'"
_STANDS = _STANDING % b"true"
_HAS_LOG = _STANDING % b"to_regclass('proposition_change') IS NOT NULL"
_LOG_BEGUN = _STANDING % f"EXISTS ({LOG_BEGUN})".encode()
_READER_WAITS = 5.0
"""Seconds that a question waits for a lock, which only a change of the schema holds."""
_PATIENCE = 5.0
"""Seconds that the beginning of the log waits for writers from before it."""
_COPY_FROM = 50
"""Rows from which on COPY is faster than INSERT."""
_HERE = "(SELECT system_identifier::text || '.' || 'proposition_change'::regclass::oid::text FROM pg_control_system())"
"""Names this server and this table among all others."""
_PART = re.compile(r"'[^']*'|\?|%")


class PostgresDatabase:
    """One connection to a store's schema. ``write`` is False for a read-only one."""

    def __init__(self, connection: psycopg.Connection, address: PostgresAddress, *, write: bool) -> None:
        """Use a connection whose search path is the schema."""
        self._connection = connection
        self._address = address
        self._write = write
        self._open = ""
        self._cursors = count(1)
        self._opened: tuple[int, str] | None = None
        self._has_log = False
        self._era = ""
        self._log_begun: bool | None = None
        self._lease = Lease(self, advisory_key("lock", address.schema), str(address))
        self.name = str(address)
        self._errors = DriverErrors(connection, self.name, write=write)
        self.ddl: Mapping[str, str] = {"key": 'TEXT COLLATE "C"', "text": 'TEXT COLLATE "C"', "clustered": ""}
        self.for_update = " FOR UPDATE"
        self.unindexed = ""
        self.upgrades_itself = False

    def join(self, value: str, separator: str) -> str:
        """Joins the values as text."""
        return f"string_agg(CAST({value} AS text), {separator})"

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
        with self._errors:
            rows: list[Row] = self._connection.execute(_translated(sql), args).fetchall()  # type: ignore[assignment]
            return rows

    def stream(self, sql: str, args: Sequence[Cell], size: int) -> Iterator[list[Row]]:
        """The rows of a query, in parts, through a server-side cursor; outside of a transaction it is held open."""
        name = f"offerkit_{next(self._cursors)}"
        with self._errors, self._connection.cursor(name, withhold=not self._open) as cursor:
            cursor.execute(_translated(sql), args)
            while rows := cursor.fetchmany(size):
                yield rows  # type: ignore[misc]

    def run(self, sql: str, args: Sequence[Cell] = ()) -> int:
        """Execute one statement. Returns how many rows it changed."""
        with self._errors:
            return self._connection.execute(_translated(sql), args).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Cell]]) -> None:
        """Execute one statement for each of ``rows``, without waiting for each answer."""
        with self._errors, self._connection.cursor() as cursor:
            cursor.executemany(_translated(sql), rows)

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Cell]]) -> None:
        """Add rows to a table: a few by one INSERT of a JSON text, many by COPY."""
        if len(rows) < _COPY_FROM:
            if rows:
                self.run(_insert(table, columns), (_objects(columns, rows),))
            return
        statement = f"COPY {table} ({columns}) FROM STDIN".encode()
        with self._errors, self._connection.cursor() as cursor, cursor.copy(statement) as copy:
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
    def readers(self, number: int) -> Iterator[Sequence[PostgresDatabase]]:
        """This connection."""
        with self.reading():
            yield [self]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Lock the fence, so that no other process appends a revision until this ends.

        Raises Refused when another process took the lock over from this connection.
        """
        with self._transaction("writing"):
            self.run(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_LIMIT}'")
            self.check_in_place()
            self._lease.check()
            yield

    def upgrading(self) -> AbstractContextManager[None]:
        """As :meth:`writing`."""
        return self.writing()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """A transaction that locks only the rows it changes; others run at the same time."""
        with self._transaction("recording"):
            self.check_in_place()
            yield

    def erasing(self) -> AbstractContextManager[None]:
        """As :meth:`writing`; see :meth:`clear_deleted`."""
        return self.writing()

    def clear_deleted(self, tables: Sequence[str]) -> str:
        """Let the server remove dead rows now, rather than when it gets to it; only owners may."""
        return postgres_clearing.clear(self, tables)

    def version(self) -> None:
        """None: if every call changed one row, they would all wait for each other."""

    def claim_version(self) -> None:
        """None: see :meth:`version`."""

    @contextmanager
    def creating(self) -> Iterator[None]:
        """A transaction of one process at a time, for a schema that has nothing to lock yet."""
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
                raise not_known(self.name, "The connection broke during the commit") from error
            raise refusal(error, self.name, write=self._write, closed=False) from error
        except psycopg.Error as error:
            raise refusal(error, self.name, write=self._write, closed=self._connection.closed) from error

    def _roll_back(self) -> None:
        self._open = ""
        if not self._connection.closed and self._connection.info.transaction_status.value:
            with suppress(psycopg.Error):  # the first error is already being raised
                self._connection.execute("ROLLBACK")

    def log_begun(self) -> bool:
        """As the check at the beginning of the transaction found it, without a round trip of its own."""
        if self._log_begun is None:
            self._log_begun = bool(self.rows(LOG_BEGUN))
        return self._log_begun

    def await_earlier_writers(self) -> None:
        """Whoever has looked for the log holds a lock on its table until the end of its transaction."""
        waited_for, until = self._who_looked(), time.monotonic() + _PATIENCE
        while waited_for:
            if time.monotonic() > until:
                raise errors.locked(self.name)
            time.sleep(0.02)
            waited_for &= self._who_looked()

    def _who_looked(self) -> set[str]:
        rows: list[tuple[str]] = self.rows(
            "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND relation = 'proposition_change'::regclass AND mode IN ('AccessShareLock', 'RowExclusiveLock')"
        )
        return {transaction for (transaction,) in rows}

    def log_position(self) -> str:
        """The era of the log (:meth:`_log_era`) and the transaction's number."""
        era, known = (self._era, True) if self._era else self._log_era()
        if not known:
            self.run("SELECT pg_advisory_xact_lock(?)", (advisory_key("log", self._address.schema),))
            era, known = self._log_era()
        if not known:
            self.run(
                "INSERT INTO proposition_change (position, id, environment, event, status, changed)"
                f" SELECT ?, {_HERE}, '', 'era', 0, ''",
                (f"{era}{0:016x}",),
            )
        elif self._open:
            self._era = era
        rows: list[tuple[int]] = self.rows("SELECT txid_current()")
        return f"{era}{rows[0][0]:016x}"

    def log_settled(self) -> str:
        """The oldest transaction that still runs: those before it have committed, or never will."""
        era, known = self._log_era()
        rows: list[tuple[int]] = self.rows("SELECT txid_snapshot_xmin(txid_current_snapshot())")
        return f"{era}{rows[0][0] if known else 0:016x}"

    def _log_era(self) -> tuple[str, bool]:
        """Eight digits before the numbers of transactions, and whether the log has begun that era already.

        Numbers of transactions belong to a server. A copy of the store (by pg_dump, or from SQLite) has another table
        or is on another server, and begins the next era, so that new positions come after those it has.
        """
        rows: list[tuple[str, bool]] = self.rows(
            "SELECT last, EXISTS (SELECT 1 FROM proposition_change"  # noqa: S608 - constants
            f" WHERE position = substr(last, 1, 8) || '{0:016x}' AND id = {_HERE})"
            " FROM (SELECT COALESCE(MAX(position), '0') AS last FROM proposition_change) AS newest"
        )
        last, begun = rows[0]
        return (last[:8], True) if begun else (f"{int(last[:8], 16) + 1:08x}", False)

    def day_of(self, column: str, seconds: int) -> str:
        """By PostgreSQL's timestamps; of UTC, the text as it begins."""
        shifted = f"to_char(substr({column}, 1, 19)::timestamp + interval '{seconds} seconds', 'YYYY-MM-DD')"
        return shifted if seconds else f"substr({column}, 1, 10)"

    def lease(self, who: str, timeout: float, waiting: Callable[[Holder], None] | None) -> AbstractContextManager[None]:
        """Hold the store's lock on this connection."""
        return self._lease.held_by(who, timeout, waiting)

    def holder(self) -> Holder:
        """The holder of the lock, as the database knows it."""
        return self._lease.holder()

    def blank(self) -> bool:
        """Whether the schema is missing or empty. Raises Refused when it holds something other than a store."""
        tables: list[tuple[str, bool]] = self.rows(
            "SELECT c.relname, has_schema_privilege(n.oid, 'USAGE')"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?"
            " ORDER BY c.relname <> 'offerkit_store', c.relname LIMIT 1",
            (self._address.schema,),
        )
        if tables and tables[0][0] != "offerkit_store":
            raise errors.foreign(self.name, f"The schema {self._address.schema} holds {tables[0][0][:80]}.")
        if tables and not tables[0][1]:
            raise not_allowed(self.name, f"permission denied for schema {self._address.schema}", write=self._write)
        return not tables

    def mark_as_store(self) -> None:
        """Create the schema, unless it exists, and the table that marks it as a store."""
        encoding = self._connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise errors.foreign(self.name, f"Its database encodes text as {encoding}; a store needs UTF8.")
        schemas: list[tuple[int]] = self.rows("SELECT 1 FROM pg_namespace WHERE nspname = ?", (self._address.schema,))
        if not schemas:
            self.run(f'CREATE SCHEMA "{self._address.schema}"')
        self.run(MARKER)
        self.run("INSERT INTO offerkit_store (one, token, who, host, pid, since) VALUES (true, 0, '', '', 0, '')")

    def identity(self) -> str:
        """The marking table that was opened, and its project."""
        return str(self._opened)

    def note_identity(self) -> None:
        """Remember which store this is: the schema can hold another one later."""
        standing = self._standing(_HAS_LOG)
        self._opened, self._has_log = (standing[:2], standing[2]) if standing is not None else (None, False)

    def check_in_place(self) -> None:
        """Raises Refused when the schema holds other tables than those that were opened, or another project.

        In a transaction, the tables that were read cannot be dropped before its end.
        """
        self._log_begun = self._log_begun or None
        if self._opened is None:
            return
        asks = self.in_writing and self._has_log and not self._log_begun
        standing = self._standing(_LOG_BEGUN if asks else _STANDS)
        if standing is None or standing[:2] != self._opened:
            raise errors.replaced(self.name, "was deleted or replaced")
        if asks:
            self._log_begun = standing[2]

    def _standing(self, sql: bytes) -> tuple[int, str, bool] | None:
        """The object id of the marking table, the project and an answer; None if the schema has no sound store."""
        try:
            row = self._connection.execute(sql).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        except (psycopg.Error, UnicodeError) as error:
            raise refusal(error, self.name, write=self._write, closed=self._connection.closed) from error
        return (int(row[0]), str(row[1]), bool(row[2])) if row is not None else None

    def reader(self) -> PostgresReader:
        """Another connection. Raises Refused if the schema no longer holds this store."""
        other = open_schema(self._address, create=False, write=False, busy_timeout=_READER_WAITS)
        try:
            other.note_identity()
            if other.identity() != self.identity():
                raise errors.replaced(self.name, "was deleted or replaced")
            return PostgresReader(other._connection, self.name)
        except BaseException:
            other.close()
            raise

    def checkpoint(self) -> int:
        """Nothing to do: PostgreSQL maintains itself."""
        return 0

    def size(self) -> int:
        """Bytes of the schema's tables and indexes."""
        rows: list[tuple[int]] = self.rows(
            "SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = 'r'",
            (self._address.schema,),
        )
        return rows[0][0]

    def foreign_objects(self) -> list[str]:
        """Views, triggers, rules, functions and the like in the schema."""
        return postgres_schema.foreign_objects(self)

    def differences(self) -> list[str]:
        """Every object of the schema that differs from the format."""
        return postgres_schema.differences(self)

    def damage(self) -> list[str]:
        """Damage that the database has noted in its catalog."""
        return postgres_schema.damage(self, self._address.schema)

    def close(self) -> None:
        """Close the connection; the server rolls back an open transaction and releases its locks."""
        self._connection.close()


@lru_cache(maxsize=1024)
def _translated(sql: str) -> bytes:
    """``sql`` with ``%s`` for every ``?`` outside of a literal, as psycopg takes it."""
    return _PART.sub(lambda part: "%s" if part[0] == "?" else part[0].replace("%", "%%"), sql).encode()


@lru_cache
def _insert(table: str, columns: str) -> str:
    """One statement for any number of rows, prepared once; a row costs a third of one that is sent by itself."""
    rows = f"json_populate_recordset(CAST(NULL AS {table}), ?)"
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {rows}"  # noqa: S608 - our own names


def _objects(columns: str, rows: Sequence[Sequence[Cell]]) -> str:
    names = columns.split(", ")
    try:
        return orjson.dumps([dict(zip(names, row, strict=True)) for row in rows]).decode()
    except orjson.JSONEncodeError as error:
        raise cannot_store(error) from error


def open_schema(address: PostgresAddress, *, create: bool, write: bool, busy_timeout: float) -> PostgresDatabase:
    """The database at ``address``; with ``create`` its schema can be missing or empty.

    ``busy_timeout``: seconds that a statement waits for a lock.
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
            options = {**DEFAULTS, **conninfo_to_dict(address.conninfo), "client_encoding": "UTF8"}
            return psycopg.connect(make_conninfo("", **options), autocommit=True)
        except psycopg.Error as error:
            if attempt == ATTEMPTS or not passing(error):
                raise not_connected(error, address) from None  # the driver's message may hold the password
        time.sleep(_PAUSE * attempt)
    raise AssertionError("the last attempt returns or raises")
