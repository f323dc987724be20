"""The contacts of a batch as a table of DuckDB, which spills to disk: never all of them in Python."""

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
"""What DuckDB may hold in memory before it spills."""


class ContactTable:
    """The table ``contact``: ``n`` from 0 in the source's order, ``k`` the key as text, ``f_…`` the fields."""

    def __init__(self, connection: Connection, count: int, types: Mapping[str, FieldType]) -> None:
        self.connection = connection
        self.count = count
        self.types = types
        self._numbers = count_from(1)

    def fresh(self, name: str) -> str:
        """A name for a table that no other batch over the same people uses."""
        return f"{name}_{next(self._numbers)}"


@contextmanager
def open_contact_table(
    source: Iterable[Row] | Contacts,
    key: Sequence[str],
    types: Mapping[str, FieldType],
    progress: Progress | None = None,
    bad: BadRows | None = None,
) -> Iterator[ContactTable]:
    """Contacts with the fields of ``types``, in a database of their own that is deleted afterwards.

    A source that DuckDB can read is not read in Python (offerkit.contacts.bulk). Contacts that cannot be read, and
    those whose key was there before, go to ``bad``; where that sets none aside, Refused is raised with them. Refused
    as well when the disk has no room for what is spilled.
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
    """How DuckDB runs: in memory, and beyond its limit in ``folder``: twice as fast as a database file."""
    return {"autoinstall_known_extensions": "false", "temp_directory": folder, "memory_limit": MEMORY}


def _once(connection: Connection, bad: BadRows) -> int:
    """Leave the first contact of each key; how many others there were."""
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
                        f"the key “{key[:80]}” was there before: two contacts have it",
                        detail="Each contact has a key of its own: the history of propositions goes by it.",
                        hint="Leave one of them in the source, or set the others aside: --set-aside FILE.csv",
                    )
                ]
            )
        removed += len(part)
    connection.execute(
        "CREATE OR REPLACE TABLE contact AS SELECT row_number() OVER (ORDER BY n) - 1 AS n, * EXCLUDE (n) FROM contact"
        " WHERE n IN (SELECT min(n) FROM contact GROUP BY k) ORDER BY n"
    )
    return removed
