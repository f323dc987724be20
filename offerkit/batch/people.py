"""The contacts of a batch as a table of DuckDB, which spills to disk: never all of them in Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count as count_from
from itertools import islice
from typing import TYPE_CHECKING

from offerkit.batch.columns import insert
from offerkit.batch.gates import column
from offerkit.batch.loading import load
from offerkit.contacts.keys import key_text
from offerkit.contacts.source import Contacts
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


class People:
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
def open_people(
    source: Iterable[Row] | Contacts, key: Sequence[str], types: Mapping[str, FieldType],
    progress: Progress | None = None,
) -> Iterator[People]:  # fmt: skip
    """Contacts with the fields of ``types``, in a database of their own that is deleted afterwards.

    A source that DuckDB can read is not read in Python (offerkit.batch.loading).
    """
    import duckdb
    import numpy

    with tempfile.TemporaryDirectory(prefix="offerkit-batch-") as folder:
        # In memory, and beyond its limit in the folder: twice as fast as a database file.
        connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "temp_directory": folder})
        try:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(f"SET memory_limit = '{MEMORY}'")
            connection.execute("SET preserve_insertion_order = true")
            if isinstance(source, Contacts) and (loaded := load(connection, source, types)) is not None:
                if progress is not None:
                    progress(loaded)
                yield People(connection, loaded, types)
                return
            columns = ", ".join(f"{column(name)} {TYPES[type_.base]}" for name, type_ in types.items())
            connection.execute(f"CREATE TABLE contact (n BIGINT, k VARCHAR{', ' + columns if columns else ''})")
            count = 0
            stream = iter(source.rows() if isinstance(source, Contacts) else source)
            while part := list(islice(stream, _ROWS)):
                given = {
                    "n": numpy.arange(count, count + len(part)),
                    "k": numpy.array([key_text(row[name] for name in key) for row in part], dtype=object),
                }
                insert(
                    connection,
                    "contact",
                    given,
                    ((type_, [row[name] for row in part]) for name, type_ in types.items()),
                )
                count += len(part)
                if progress is not None:
                    progress(len(part))
            yield People(connection, count, types)
        finally:
            connection.close()
