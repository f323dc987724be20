"""The data and products that were stored with propositions, as columns of the table that rules count in.

Python reads each distinct JSON text once, as a single decision does (offerkit.engine.extra_data): so a value that is
not of the declared type is unknown in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import orjson

from offerkit.batch.contact_table import ContactTable
from offerkit.contacts.bulk import column
from offerkit.engine.catalog import Catalog
from offerkit.engine.extra_data import stored_product_row, stored_row
from offerkit.engine.resources import PresentationRule
from offerkit.fingerprint import Json
from offerkit.rules.duckdb_literals import TYPES
from offerkit.rules.types import BaseType, FieldType, Row, Value
from offerkit.rules.values import show
from offerkit.store.proposition_rows import data_of, latest_data

COLUMN_OF = {"stored": "data", "product": "product"}
"""By namespace, the column of the store that has its values."""
_PART = 20_000
"""Distinct texts that are read at a time."""
_Reader: TypeAlias = Callable[[str], Row]


def add_stored_values(people: ContactTable, catalog: Catalog, rules: Sequence[PresentationRule]) -> None:
    """Add a column of its type to the table ``past`` for each stored value that ``rules`` read."""
    stored = {name: type_ for rule in rules for name, type_ in rule.stored.items()}
    products = {name: catalog.product_fields[name] for rule in rules for name in rule.counts_by("product")}

    def stored_values(text: str) -> Row:
        return stored_row(stored, latest_data(*data_of(text)), catalog.zone)

    def product_values(text: str) -> Row:
        product: Mapping[str, Json] | None = orjson.loads(text) if text else None
        return stored_product_row(catalog, product)

    if stored:
        _add(people, "stored", stored, stored_values)
    if products:
        _add(people, "product", products, product_values)


def _add(people: ContactTable, namespace: str, types: Mapping[str, FieldType], read: _Reader) -> None:
    raw = column(COLUMN_OF[namespace])
    names = {name: column(f"{namespace}.{name}") for name in types}
    db = people.connection
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE raw AS SELECT row_number() OVER () - 1 AS place, {raw} AS text"  # noqa: S608
        f" FROM (SELECT DISTINCT {raw} FROM past)"
    )
    columns = ", ".join(f"{name} {TYPES[types[field].base]}" for field, name in names.items())
    db.execute(f"CREATE OR REPLACE TEMP TABLE typed (text VARCHAR, {columns})")
    found = db.execute("SELECT count(*) FROM raw").fetchone()
    for first in range(0, found[0] if found is not None else 0, _PART):
        _read_part(people, types, read, first)
    added = ", ".join(f"typed.{name}" for name in names.values())
    db.execute(f"CREATE OR REPLACE TEMP TABLE past AS SELECT past.*, {added} FROM past JOIN typed ON {raw} = text")  # noqa: S608
    db.execute("DROP TABLE raw")
    db.execute("DROP TABLE typed")


def _read_part(people: ContactTable, types: Mapping[str, FieldType], read: _Reader, first: int) -> None:
    import numpy

    db = people.connection
    texts = [
        text
        for (text,) in db.execute(
            "SELECT text FROM raw WHERE place >= ? AND place < ? ORDER BY place", [first, first + _PART]
        ).fetchall()
    ]
    rows = [read(text) for text in texts]
    values = {f"v{number}": [_written(row.get(name)) for row in rows] for number, name in enumerate(types)}
    arrays = {name: numpy.array(cells, dtype=object) for name, cells in {"text": texts, **values}.items()}
    selected = ", ".join(_cast(f"v{number}", type_.base) for number, type_ in enumerate(types.values()))
    db.register("part", arrays)
    db.execute(f"INSERT INTO typed SELECT CAST(text AS VARCHAR), {selected} FROM part")  # noqa: S608 - our own names
    db.unregister("part")


def _written(value: Value) -> str:
    """A value as text, with a sign before it; empty if it is unknown."""
    return "" if value is None else f"={show(value)}"


def _cast(name: str, base: BaseType) -> str:
    text = f"substr(CAST({name} AS VARCHAR), 2)"
    value = f"from_json({text}, '[\"VARCHAR\"]')" if base is BaseType.LIST else f"CAST({text} AS {TYPES[base]})"
    return f"CASE WHEN CAST({name} AS VARCHAR) <> '' THEN {value} END"
