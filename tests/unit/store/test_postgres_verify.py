"""Whatever another hand does to the rows of a store in PostgreSQL, verify() notices."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from helpers.postgres import new_schema
from store_samples import sample, schedule, withdraw

from offerkit.store import Store, parse_location
from offerkit.store.copying import HISTORY, TABLES

CHAINED = list(HISTORY)


@pytest.fixture(scope="module")
def pristine() -> Iterator[Store]:
    with sample(parse_location(new_schema())) as store:
        schedule(store, 20)
        withdraw(store, schedule(store, 21))
        assert store.verify() == []
        store._db.run("SET session_replication_role = replica")  # foreign keys would refuse half of it
        yield store


def finds(store: Store, statement: str, args: tuple[str | int, ...] = ()) -> bool | None:
    """Whether verify() finds what ``statement`` does, which is then undone; None when the database refuses it."""
    db = store._db
    connection = db._connection  # type: ignore[attr-defined]
    connection.execute("BEGIN")
    db._open = "recording"  # type: ignore[attr-defined]
    try:
        count = connection.execute(statement.encode(), args).rowcount
        assert count == 1
        return store.verify() != []
    except psycopg.IntegrityError:
        return None
    finally:
        db._roll_back()  # type: ignore[attr-defined]


def columns_of(table: str) -> list[str]:
    return [name.strip() for name in TABLES[table].split(",")]


def edits(value: str | int) -> list[str | int]:
    if isinstance(value, int):
        return [1000, -1]
    return [value + "x", value + " ", "", value.swapcase() if value.swapcase() != value else value[::-1] + "0"]


@pytest.mark.parametrize("most", [1, pytest.param(1_000, marks=pytest.mark.slow)], ids=["one row", "all rows"])
@pytest.mark.parametrize("table", CHAINED)
def test_every_edit_and_removal_is_found(pristine: Store, table: str, most: int) -> None:
    columns = columns_of(table)
    rows: list[tuple[str | int, ...]] = pristine._db.rows(f"SELECT {', '.join(columns)} FROM {table}")[:most]
    assert 0 < len(rows) < 1_000
    where = " AND ".join(f"{name} = %s" for name in columns)
    tried = 0
    for row in rows:
        assert finds(pristine, f"DELETE FROM {table} WHERE {where}", row) is not False, row
        for place, column in enumerate(columns):
            for edit in edits(row[place]):
                if edit == row[place]:
                    continue
                found = finds(pristine, f"UPDATE {table} SET {column} = %s WHERE {where}", (edit, *row))
                assert found is not False, (table, column, edit, row)
                tried += found is True
    assert tried >= len(rows) * len(columns)
    assert pristine.verify() == []


@pytest.mark.parametrize(
    "table", [pytest.param(table, marks=[pytest.mark.slow] * (table == "change")) for table in CHAINED]
)
def test_every_added_row_is_found(pristine: Store, table: str) -> None:
    columns = columns_of(table)
    rows: list[tuple[str | int, ...]] = pristine._db.rows(f"SELECT {', '.join(columns)} FROM {table}")
    marks = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    found = []
    for row in rows:
        for place in range(len(columns)):
            other: str | int = 77 if isinstance(row[place], int) else "other"
            found.append(finds(pristine, statement, (*row[:place], other, *row[place + 1 :])))
    assert False not in found
    assert True in found
