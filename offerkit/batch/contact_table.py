"""The contacts of a batch as a DuckDB table, which spills to disk; they are never all in Python's memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count as count_from
from typing import TYPE_CHECKING

from offerkit.contacts.bad_rows import BadRows
from offerkit.contacts.bulk import BATCH, Progress, fill
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, refuse
from offerkit.rules.types import FieldType, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    Connection = duckdb.DuckDBPyConnection

MEMORY = "512MB"
"""How much memory DuckDB uses before it spills to disk."""


class ContactTable:
    """The table ``contact``: ``n`` from 0 in the source's order, ``k`` the key as text, ``f_…`` the fields."""

    def __init__(self, connection: Connection, count: int, types: Mapping[str, FieldType]) -> None:
        self.connection = connection
        self.count = count
        self.types = types
        self._numbers = count_from(1)

    def narrow(self, condition: str) -> None:
        """Keep only the contacts for whom an SQL condition over the columns holds."""
        self.connection.execute(
            "CREATE OR REPLACE TABLE contact AS SELECT row_number() OVER (ORDER BY n) - 1 AS n, * EXCLUDE (n)"  # noqa: S608 - compiled
            f" FROM contact WHERE {condition} ORDER BY n"
        )
        row = self.connection.execute("SELECT count(*) FROM contact").fetchone()
        self.count = int(row[0]) if row is not None else 0

    def fresh(self, name: str) -> str:
        """A name for a table that no other batch with the same contacts uses."""
        return f"{name}_{next(self._numbers)}"


@contextmanager
def open_contact_table(
    source: Iterable[Row] | Contacts,
    key: Sequence[str],
    types: Mapping[str, FieldType],
    progress: Progress | None = None,
    bad: BadRows | None = None,
) -> Iterator[ContactTable]:
    """Load the contacts with the fields of ``types`` into a database that is deleted afterwards.

    DuckDB reads the source itself where it can (offerkit.contacts.bulk). Contacts that cannot be read, and those with
    a key that occurred before, go to ``bad``, which raises Refused unless it sets them aside. Also raises Refused if
    the disk has no room for what DuckDB spills.
    """
    import duckdb

    bad = BadRows() if bad is None else bad
    with tempfile.TemporaryDirectory(prefix="offerkit-batch-") as folder:
        connection = duckdb.connect(config=settings(folder))
        try:
            connection.execute("SET enable_progress_bar = false")
            count = fill(connection, source, key, types, bad, progress)
            count -= _once(connection, bad)
            bad.close()
            yield ContactTable(connection, count, types)
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise refuse(
                Code.NO_ROOM,
                f"there is no room left for the contacts: {str(error).splitlines()[0][:200]}",
                detail=f"What does not fit into {MEMORY} of memory is written to {tempfile.gettempdir()}.",
                hint="Make room there, or name another folder in TMPDIR. Nothing was changed.",
            ) from error
        finally:
            connection.close()


def settings(folder: str) -> dict[str, str | bool | int | float | list[str]]:
    """DuckDB's settings: it works in memory and spills to ``folder``, which is twice as fast as a database file."""
    return {"autoinstall_known_extensions": "false", "temp_directory": folder, "memory_limit": MEMORY}


def _once(connection: Connection, bad: BadRows) -> int:
    """Keep only the first contact with each key; returns how many others there were."""
    if connection.execute("SELECT count(*) = count(DISTINCT k) FROM contact").fetchone() == (True,):
        return 0
    others = connection.execute(
        "SELECT k FROM (SELECT n, k, min(n) OVER (PARTITION BY k) AS first FROM contact) WHERE n > first ORDER BY n"
    )
    removed = 0
    while part := others.fetchmany(BATCH):
        for (key,) in part:
            bad.add(
                [
                    Diagnostic(
                        Code.CONTACT_TWICE,
                        f"several contacts have the key “{key[:80]}”",
                        detail="Keys must be unique, because the history of propositions refers to them.",
                        hint="Keep one of them in the source, or set the others aside: --set-aside FILE.csv",
                    )
                ]
            )
        removed += len(part)
    connection.execute(
        "CREATE OR REPLACE TABLE contact AS SELECT row_number() OVER (ORDER BY n) - 1 AS n, * EXCLUDE (n) FROM contact"
        " WHERE n IN (SELECT min(n) FROM contact GROUP BY k) ORDER BY n"
    )
    return removed
