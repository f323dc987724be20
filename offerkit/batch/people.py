"""The contacts of a batch as a table of DuckDB, which spills to disk: never all of them in Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from offerkit.batch.gates import column
from offerkit.contacts.keys import key_text
from offerkit.rules.duckdb_literals import TYPES
from offerkit.rules.types import Base, FieldType, Row, Value
from offerkit.rules.values import show

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


@contextmanager
def open_people(
    rows: Iterable[Row], key: Sequence[str], types: Mapping[str, FieldType], progress: Progress | None = None
) -> Iterator[People]:
    """Contacts with the fields of ``types``, in a database of their own that is deleted afterwards."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="offerkit-batch-") as folder:
        connection = duckdb.connect(f"{folder}/contacts.duckdb", config={"autoinstall_known_extensions": "false"})
        try:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(f"SET memory_limit = '{MEMORY}'")
            columns = ", ".join(f"{column(name)} {TYPES[type_.base]}" for name, type_ in types.items())
            connection.execute(f"CREATE TABLE contact (n BIGINT, k VARCHAR{', ' + columns if columns else ''})")
            count = 0
            stream = iter(rows)
            while part := list(islice(stream, _ROWS)):
                _add(connection, part, count, key, types)
                count += len(part)
                if progress is not None:
                    progress(len(part))
            yield People(connection, count, types)
        finally:
            connection.close()


def _add(
    connection: Connection, part: Sequence[Row], first: int, key: Sequence[str], types: Mapping[str, FieldType]
) -> None:
    import numpy

    chunk: dict[str, object] = {
        "n": numpy.arange(first, first + len(part)),
        "k": numpy.array([key_text(row[name] for name in key) for row in part], dtype=object),
    }
    parts = ["n", "k"]
    for place, (name, type_) in enumerate(types.items()):
        chunk[f"c{place}"] = numpy.array([_text(row[name]) for row in part], dtype=object)
        parts.append(_typed(f"c{place}", type_))
    connection.register("chunk", chunk)
    connection.execute(f"INSERT INTO contact SELECT {', '.join(parts)} FROM chunk")  # noqa: S608 - our own names
    connection.unregister("chunk")


def _text(value: Value) -> str | None:
    if isinstance(value, tuple):  # NUL is in no value, so it may part them; the first sign is for the empty list
        return "+" + "\0".join(value) if value else "-"
    return None if value is None else show(value)


def _typed(name: str, type_: FieldType) -> str:
    match type_.base:
        case Base.STRING | Base.ENUMERATION:
            return f"CAST({name} AS VARCHAR)"
        case Base.LIST:
            return (
                f"CASE WHEN {name} = '-' THEN CAST([] AS VARCHAR[])"
                f" ELSE string_split(substring(CAST({name} AS VARCHAR), 2), chr(0)) END"
            )
        case base:
            return f"CAST({name} AS {TYPES[base]})"
