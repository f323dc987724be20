"""Statements run on a store's database behind its back, as another hand would."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg

from offerkit.store import Location
from offerkit.store.location import PostgresAddress


def execute(location: Location, *statements: str) -> None:
    """Run ``statements``, each kept at once; foreign keys hinder as little as in SQLite."""
    if isinstance(location, PostgresAddress):
        with psycopg.connect(location.conninfo, autocommit=True) as server:
            server.execute(f"SET search_path = {location.schema}; SET session_replication_role = replica".encode())
            for statement in statements:
                server.execute(statement.encode())
        return
    with closing(sqlite3.connect(location, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
