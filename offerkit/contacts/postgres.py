"""Contacts in a table of a PostgreSQL database, read with psycopg 3."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from offerkit.contacts.table import database_refused, first_line, missing_package
from offerkit.diagnostics import Refused, secrets_of
from offerkit.rules.types import FieldType, Value

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composed, Identifier

CONNECT_TIMEOUT = 10
"""Seconds to wait for a server that does not answer."""
STATEMENT_TIMEOUT = 30
"""Seconds that one statement, or the next thousand rows, can take."""
_BATCH = 1000


class PostgresTable:
    """A table or view, ``name`` or ``schema.name``. One connection is kept for searches."""

    def __init__(self, url: str, table: str, label: str) -> None:
        self._url = url
        self._table = table.split(".")
        self.label = label
        self._kept: psycopg.Connection | None = None
        self._lock = threading.Lock()
        self._searches: dict[tuple[tuple[str, ...], tuple[str, ...], int], bytes] = {}

    def columns(self, types: Mapping[str, FieldType]) -> Sequence[str]:
        """The table's columns; values of the wrong type are found when they are read."""
        with self._lock, self._errors():
            from psycopg.sql import SQL

            cursor = self._connection().execute(SQL("select * from {} limit 0").format(self._name()))
            return [column.name for column in cursor.description or ()]

    def read(self, columns: Sequence[str], equal: Mapping[str, Value], limit: int) -> Iterator[Sequence[object]]:
        """The rows: of a search all at once, of a whole table through a server-side cursor."""
        if equal:
            with self._lock, self._errors():
                rows = self._found(columns, equal, limit)
            yield from rows
            return
        with (
            self._errors(),
            closing(self._connect(autocommit=False)) as connection,
            connection.cursor(name="offerkit_contacts") as cursor,
        ):
            cursor.execute(self._select(columns, equal, limit))
            while batch := cursor.fetchmany(_BATCH):
                yield from batch

    def _found(self, columns: Sequence[str], equal: Mapping[str, Value], limit: int) -> list[tuple[object, ...]]:
        """All rows of a search; none if a value is invalid for its column (not a UUID, say)."""
        from psycopg import DataError

        values, search = list(equal.values()), (tuple(columns), tuple(equal), limit)
        if search not in self._searches:
            self._searches[search] = self._select(columns, equal, limit).as_bytes(self._connection())
        query = self._searches[search]
        try:
            cursor = self._connection().execute(query, values)
        except DataError:
            try:  # with no rows to read, the query fails only if the values are invalid
                self._connection().execute(b"select 1 from (" + query + b") as rows limit 0", values)
            except DataError:
                return []
            raise
        return cursor.fetchall()

    def relation(self, types: Mapping[str, FieldType]) -> None:
        """A database is read row by row."""

    def count(self) -> int:
        """How many rows there are."""
        with self._lock, self._errors():
            from psycopg.sql import SQL

            row = self._connection().execute(SQL("select count(*) from {}").format(self._name())).fetchone()
            return int(row[0]) if row else 0

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    def _name(self) -> Identifier:
        from psycopg.sql import Identifier

        return Identifier(*self._table)

    def _select(self, columns: Sequence[str], equal: Mapping[str, Value], limit: int) -> Composed:
        """The query; every name is quoted, every value is a parameter."""
        from psycopg.sql import SQL, Identifier, Literal

        names = SQL(", ").join(map(Identifier, columns))
        query = SQL("select {} from {}").format(names, self._name())
        if equal:
            tests = [SQL("{} = %s").format(Identifier(name)) for name in equal]
            query += SQL(" where ") + SQL(" and ").join(tests)
        return query + SQL(" limit {}").format(Literal(limit)) if limit else query

    def _connection(self) -> psycopg.Connection:
        if self._kept is None or self._kept.closed:
            self._kept = self._connect(autocommit=True)
        return self._kept

    def _connect(self, *, autocommit: bool) -> psycopg.Connection:
        import psycopg

        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT,
            application_name="offerkit",
            prepare_threshold=None,
        )
        connection.execute("set session characteristics as transaction read only")
        connection.execute("select set_config('statement_timeout', %s, false)", [str(STATEMENT_TIMEOUT * 1000)])
        connection.execute("set timezone = 'UTC'")
        connection.autocommit = autocommit
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns the driver's errors into Refused without secrets."""
        try:
            import psycopg
        except ImportError as error:
            raise missing_package("PostgreSQL", "psycopg", "postgres") from error
        try:
            yield
        except psycopg.errors.QueryCanceled as error:
            hint = "Create an index on the key's columns."
            raise database_refused(self.label, f"the server took longer than {STATEMENT_TIMEOUT} s", hint) from error
        except (psycopg.Error, UnicodeError) as error:
            raise self._refused(error) from None  # the driver's message may hold the password

    def _refused(self, error: Exception) -> Refused:
        reason = first_line(error)
        secrets = secrets_of(self._url)
        if secrets is None or any(secret in reason for secret in secrets):
            reason = "the driver cannot use the URL, or the server refused it"
        return database_refused(
            self.label, reason, "Check the URL, that the server is running, and the rights of its user."
        )
