"""Values of Python as columns of DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from offerkit.rules.duckdb_literals import TYPES
from offerkit.rules.types import BaseType, FieldType, Value
from offerkit.rules.values import show

if TYPE_CHECKING:
    import duckdb

    Connection = duckdb.DuckDBPyConnection


def insert(
    connection: Connection, table: str, given: Mapping[str, object], columns: Iterable[tuple[FieldType, list[Value]]]
) -> None:
    """Add rows to ``table``: the arrays ``given`` as they are, then typed values column by column."""
    import numpy

    chunk: dict[str, object] = dict(given)
    parts = list(given)
    for place, (type_, values) in enumerate(columns):
        chunk[f"c{place}"] = numpy.array([_text(value) for value in values], dtype=object)
        parts.append(_typed(f"c{place}", type_))
    connection.register("chunk", chunk)
    connection.execute(f"INSERT INTO {table} SELECT {', '.join(parts)} FROM chunk")  # noqa: S608 - our own names
    connection.unregister("chunk")


def _text(value: Value) -> str | None:
    if isinstance(value, tuple):  # NUL is in no value, so it may part them; the first sign is for the empty list
        return "+" + "\0".join(value) if value else "-"
    return None if value is None else show(value)


def _typed(name: str, type_: FieldType) -> str:
    match type_.base:
        case BaseType.STRING | BaseType.ENUMERATION:
            return f"CAST({name} AS VARCHAR)"
        case BaseType.LIST:
            return (
                f"CASE WHEN {name} = '-' THEN CAST([] AS VARCHAR[])"
                f" ELSE string_split(substring(CAST({name} AS VARCHAR), 2), chr(0)) END"
            )
        case base:
            return f"CAST({name} AS {TYPES[base]})"
