"""Contacts in a table of a SQLite file, opened read-only and kept open for searches."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import quote, unquote

from offerkit.contacts.files import KeptOpen, inside, open_file
from offerkit.contacts.table import database_refused, first_line
from offerkit.diagnostics import Code, refuse
from offerkit.rules.types import FieldType, Value

TIMEOUT = 30.0
"""Seconds that a query can take until its next row."""
_STEPS = 20_000
"""Steps of SQLite's virtual machine between two checks of the deadline."""


def sqlite_path(url: str, root: Path) -> Path:
    """The file of ``sqlite:///relative`` (from the project's folder, and in it) or ``sqlite:////absolute``.

    Where it is now: a link may lead elsewhere later. Raises Refused unless it can be opened: SQLite alone would wait
    for a named pipe.
    """
    path = Path(_path_in(url))
    if path.is_absolute():
        open_file(path.parent, path.name).close()
        return path
    open_file(root, str(path)).close()
    return inside(root, str(path))


def _path_in(url: str) -> str:
    host, slash, rest = url.partition("://")[2].partition("/")
    path = unquote(rest)
    if host or not slash or not path or "?" in rest or "\0" in path:
        raise refuse(
            Code.CONTACTS_URL,
            "this URL does not name a SQLite file",
            hint="Write sqlite:///data/crm.db for a file of the project, sqlite:////var/lib/crm.db for another.",
        )
    return path


class SqliteTable:
    """A table or view."""

    def __init__(self, url: str, root: Path, table: str, label: str) -> None:
        """``url`` as in :func:`sqlite_path`, which is asked whenever the file is opened."""
        self._url, self._root = url, root
        sqlite_path(url, root)
        self._kept = KeptOpen(root / _path_in(url), self._connect)
        self._table = ".".join(_quoted(part) for part in table.split("."))
        self.label = label

    def columns(self, types: Mapping[str, FieldType]) -> Sequence[str]:
        """The table's columns; SQLite's columns have no fixed types, so values are checked when they are read."""
        with closing(self._connect()) as connection:
            _bounded(connection)
            try:
                cursor = connection.execute(f"select * from {self._table} limit 0")  # noqa: S608 - quoted
            except sqlite3.Error as error:
                raise self._refused(error) from error
            return [str(column[0]) for column in cursor.description]

    def read(self, columns: Sequence[str], equal: Mapping[str, Value], limit: int) -> Iterator[Sequence[object]]:
        """The rows, in SQLite's order."""
        condition = " and ".join(f"{_quoted(name)} = ?" for name in equal)
        sql = f"select {', '.join(map(_quoted, columns))} from {self._table}"  # noqa: S608 - quoted
        sql += (f" where {condition}" if condition else "") + (f" limit {limit:d}" if limit else "")
        # the whole table through a connection of its own, which may stay open for long
        with ExitStack() as stack:
            connection = self._kept.get()[0] if equal else stack.enter_context(closing(self._connect()))
            deadline = _bounded(connection)
            try:
                rows = stack.enter_context(closing(connection.cursor()))
                for row in rows.execute(sql, [_parameter(value) for value in equal.values()]):
                    yield row
                    deadline[0] = time.monotonic() + TIMEOUT
            except (sqlite3.Error, OverflowError) as error:
                raise self._refused(error) from error

    def relation(self, types: Mapping[str, FieldType]) -> None:
        """None: a database is read row by row."""

    def count(self) -> int:
        """How many rows there are."""
        with closing(self._connect()) as connection:
            _bounded(connection)
            try:
                (rows,) = connection.execute(f"select count(*) from {self._table}").fetchone()  # noqa: S608 - quoted
            except sqlite3.Error as error:
                raise self._refused(error) from error
            return int(rows)

    def close(self) -> None:
        """Close the connection."""
        self._kept.close()

    def _connect(self) -> sqlite3.Connection:
        path = sqlite_path(self._url, self._root)
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0, check_same_thread=False
            )
            connection.execute("pragma query_only = on")
            connection.execute("pragma trusted_schema = off")
        except sqlite3.Error as error:
            raise self._refused(error) from error
        return connection

    def _refused(self, error: Exception) -> Exception:
        reason = "the query took too long" if str(error) == "interrupted" else first_line(error)
        return database_refused(self.label, reason, "Check the table's name, and that it has an index on the key.")


def _bounded(connection: sqlite3.Connection) -> list[float]:
    """Interrupt queries at a deadline. Returns it in a list, so that the caller can move it."""
    deadline = [time.monotonic() + TIMEOUT]
    connection.set_progress_handler(lambda: time.monotonic() > deadline[0], _STEPS)
    return deadline


def _parameter(value: Value) -> str | int | None:
    return value if isinstance(value, int | None) else str(value)


def _quoted(name: str) -> str:
    # not in double quotes: SQLite takes a column that is not there any more, in double quotes, for a text
    return "`" + name.replace("`", "``") + "`"
