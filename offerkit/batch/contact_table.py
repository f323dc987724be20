"""The contacts of a batch as a table of DuckDB, which spills to disk: never all of them in Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count as count_from
from itertools import islice
from typing import TYPE_CHECKING

from offerkit.batch.bulk_load import load
from offerkit.batch.columns import insert
from offerkit.batch.condition_sql import column
from offerkit.contacts.bad_rows import BadRows
from offerkit.contacts.keys import key_text
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, refuse
from offerkit.rules.duckdb_literals import TYPES
from offerkit.rules.types import FieldType, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    Connection = duckdb.DuckDBPyConnection

_ROWS = 20_000
"""Contacts that are handed over at a time."""
MEMORY = "512MB"
"""What DuckDB may hold in memory before it spills."""
Progress = Callable[[int], None]
"""Told how many more contacts were read."""


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

    A source that DuckDB can read is not read in Python (offerkit.batch.bulk_load). Contacts that cannot be read, and
    those whose key was there before, go to ``bad``; where that sets none aside, Refused is raised with them. Refused
    as well when the disk has no room for what is spilled.
    """
    import duckdb

    bad = BadRows() if bad is None else bad
    with tempfile.TemporaryDirectory(prefix="offerkit-batch-") as folder:
        connection = duckdb.connect(config=settings(folder))
        try:
            connection.execute("SET enable_progress_bar = false")
            count = load(connection, source, types) if isinstance(source, Contacts) else None
            if count is None:
                rows = source.rows(bad=bad) if isinstance(source, Contacts) else source
                count = _insert(connection, rows, key, types, progress)
            elif progress is not None:
                progress(count)
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


def _insert(
    connection: Connection,
    rows: Iterable[Row],
    key: Sequence[str],
    types: Mapping[str, FieldType],
    progress: Progress | None,
) -> int:
    """Row by row; how many there are."""
    import numpy

    columns = "".join(f", {column(name)} {TYPES[type_.base]}" for name, type_ in types.items())
    connection.execute(f"CREATE TABLE contact (n BIGINT, k VARCHAR{columns})")
    count = 0
    stream = iter(rows)
    while part := list(islice(stream, _ROWS)):
        given = {
            "n": numpy.arange(count, count + len(part)),
            "k": numpy.array([key_text(row[name] for name in key) for row in part], dtype=object),
        }
        insert(connection, "contact", given, ((type_, [row[name] for row in part]) for name, type_ in types.items()))
        count += len(part)
        if progress is not None:
            progress(len(part))
    return count


def _once(connection: Connection, bad: BadRows) -> int:
    """Leave the first contact of each key; how many others there were."""
    if connection.execute("SELECT count(*) = count(DISTINCT k) FROM contact").fetchone() == (True,):
        return 0
    others = connection.execute(
        "SELECT k FROM (SELECT n, k, min(n) OVER (PARTITION BY k) AS first FROM contact) WHERE n > first ORDER BY n"
    )
    removed = 0
    while part := others.fetchmany(_ROWS):
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
