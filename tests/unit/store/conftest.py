"""A fresh store, and one with a history, in each database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from helpers.postgres import new_schema
from store_samples import sample

from offerkit.store import Location, Store, parse_location
from offerkit.store.location import PostgresAddress


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """Where a store may be made."""
    return tmp_path / ".offerkit" / "store.db" if request.param == "sqlite" else parse_location(new_schema())


@pytest.fixture
def store(location: Location) -> Iterator[Store]:
    with Store.open(location, create=True) as opened:
        yield opened


@pytest.fixture
def history(location: Location) -> Iterator[Store]:
    with sample(location) as opened:
        yield opened


@pytest.fixture
def execute(location: Location) -> Callable[..., None]:
    """Statements run on the database behind the store's back."""

    def run(*statements: str) -> None:
        if isinstance(location, PostgresAddress):
            with psycopg.connect(location.conninfo, autocommit=True) as server:
                server.execute(f"SET search_path = {location.schema}")
                server.execute("SET session_replication_role = replica")  # no foreign keys, as in SQLite
                for statement in statements:
                    server.execute(statement.encode())
            return
        connection = sqlite3.connect(location, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    return run
