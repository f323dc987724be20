"""An emitted query gives what the batch gives: run in DuckDB for many catalogs, in PostgreSQL for some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
import sqlglot
from helpers import random_catalog
from helpers.former_names import renamed
from helpers.postgres import postgres_server
from helpers.repeats import often
from helpers.spark import spark_session, view

from offerkit.batch import batch_program, batch_request, decide_all, open_contact_table
from offerkit.batch.emit import DIALECTS, InputTables, emit
from offerkit.batch.program import BatchProgram
from offerkit.diagnostics import Code, Refused
from offerkit.engine.catalog import Catalog
from offerkit.engine.history import PastProposition
from offerkit.engine.hooks import NO_HOOKS
from offerkit.models.status import status_number
from offerkit.store import Store

Answer = list[tuple[str, int, str]]
TYPES = {"id": "BIGINT", "age": "BIGINT", "tier": "VARCHAR", "score": "DECIMAL(18,6)"}


class Case:
    """A catalog, people with a history, and a call for all of them."""

    def __init__(self, seed: int) -> None:
        rng = Random(seed)
        made = replace(random_catalog.catalog(rng, stored=seed % 4 == 0), hooks=NO_HOOKS)
        spaces = {name: replace(space, post_processing="") for name, space in made.spaces.items()}
        self.catalog: Catalog = replace(made, spaces=spaces)
        if seed % 3 == 1:
            self.catalog = renamed(Random(seed), self.catalog)
        self.people: list[dict[str, Any]] = [
            {
                "id": place, "age": rng.choice((None, 20, 33, 40, 70)),
                "tier": rng.choice((None, "", "gold", "silver", "é'\"")),
                "score": rng.choice((None, Decimal(0), Decimal("0.7"), Decimal("-1.000001"), Decimal(1))),
            }
            for place in range(20)
        ]  # fmt: skip
        self.past: Mapping[str, Sequence[PastProposition]] = {
            str(row["id"]): random_catalog.history(rng, made) for row in self.people if rng.random() < 0.6
        }
        call = random_catalog.call(rng, self.catalog)._replace(exclude=frozenset())
        self.program: BatchProgram = batch_program(self.catalog, call)

    def by_batch(self) -> Answer:
        found = []
        with TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db", create=True) as store:
            random_catalog.fill(store, self.catalog, self.past)
            with open_contact_table(self.people, ("id",), self.catalog.dimension.fields) as people:
                for chunk in decide_all(people, batch_request(people, self.program, store)):
                    for rank, picks in enumerate(chunk.picks.tolist(), 1):
                        for column, item in enumerate(picks):
                            if item >= 0:
                                name = self.catalog.offers[self.program.items[item].position].name
                                found.append((str(self.people[column]["id"]), rank, name))
        return sorted(found)

    def tables(self) -> Iterator[tuple[str, str, list[tuple[object, ...]]]]:
        """Name, columns and rows of the tables that a query reads."""
        people = [tuple(row[name] for name in TYPES) for row in self.people]
        yield "person", ", ".join(f'"{name}" {type_}' for name, type_ in TYPES.items()), people
        past = [
            (row.contact, row.environment, row.interaction, row.space, row.channel, row.offer, row.category, row.rank, str(row.weight),
             status_number(row.status), row.time, row.revision)
            for row in random_catalog.rows_of(self.catalog, self.past)
        ]  # fmt: skip
        texts = "contact VARCHAR, environment VARCHAR, interaction VARCHAR, space VARCHAR, channel VARCHAR, offer VARCHAR, category VARCHAR"
        yield (
            "proposition",
            f'{texts}, "rank" BIGINT, weight VARCHAR, status BIGINT, "time" VARCHAR, revision BIGINT',
            past,
        )
        runs: list[tuple[object, ...]] = [
            (self.catalog.environment, "spring", name, f"run-{name}") for name in random_catalog.DELIVERIES
        ]
        yield "delivery_run", "environment VARCHAR, campaign VARCHAR, delivery VARCHAR, id VARCHAR", runs

    def query(self, dialect: str) -> str | None:
        """None: it has something that is not emitted, which is refused by name."""
        try:
            return emit(self.program, dialect, InputTables("person"))
        except Refused as refused:
            assert {found.code for found in refused.diagnostics} == {Code.NOT_EMITTED}
            return None


@contextmanager
def _duckdb(case: Case) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as db:
        for name, columns, rows in case.tables():
            db.execute(f"CREATE TABLE {name} ({columns})")
            if rows:
                db.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        yield db


@pytest.mark.parametrize(
    ("seeds", "enough"), [(range(40), (5, 50)), pytest.param(range(often(180, 300)), often((24, 246), (41, 410)), marks=pytest.mark.slow)],
    ids=["some", "many"],
)  # fmt: skip
def test_in_duckdb(seeds: range, enough: tuple[int, int]) -> None:
    asked = compared = 0
    for seed in seeds:
        case = Case(seed)
        query = case.query("duckdb")
        if query is None:
            continue
        asked += 1
        with _duckdb(case) as db:
            rows = db.execute(query).fetchall()
        expected = case.by_batch()
        assert sorted((contact, rank, offer) for _, contact, rank, offer, _ in rows) == expected, seed
        compared += len(expected)
    assert asked > enough[0] and compared > enough[1], (asked, compared)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_dialect_reads_it(dialect: str) -> None:
    """Parsed as the engine would; names are quoted, and no test of truth is left that an engine would turn round."""
    queries = [query for seed in range(30) if (query := Case(seed).query(dialect)) is not None]
    assert queries
    for query in queries:
        (made,) = sqlglot.parse(query, dialect=dialect)
        assert made is not None
        assert "IS TRUE" not in query and "IS NOT FALSE" not in query and "NOT NOT" not in query


@pytest.mark.slow
def test_in_postgres() -> None:
    """The queries for PostgreSQL, run by a real server."""
    import psycopg

    compared = 0
    with postgres_server("SELECT 1") as url, psycopg.connect(url) as connection:
        for seed in range(210):
            case = Case(seed)
            query = case.query("postgres")
            if query is None:
                continue
            for name, columns, rows in case.tables():
                connection.execute(f"DROP TABLE IF EXISTS {name}")
                connection.execute(f"CREATE TABLE {name} ({columns})")
                for row in rows:
                    connection.execute(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(row))})", row)
            rows = connection.execute(query).fetchall()
            expected = case.by_batch()
            assert sorted((contact, rank, offer) for _, contact, rank, offer, _ in rows) == expected, seed
            compared += len(expected)
    assert compared > 250


def _telling(dialect: str, count: int) -> Iterator[tuple[Case, str]]:
    """The first cases in which somebody gets something: a query in Spark takes seconds."""
    cases = ((case, query) for seed in range(500) if (query := (case := Case(seed)).query(dialect)) is not None)
    yield from islice((each for each in cases if each[0].by_batch()), count)


@pytest.mark.slow
def test_in_spark() -> None:
    """The queries for Spark, run by Spark in local mode."""
    compared = 0
    with spark_session() as session:
        for case, query in _telling("spark", often(6, 14)):
            for name, columns, rows in case.tables():
                parts = [column.strip().replace('"', "").split(" ", 1) for column in columns.split(", ")]
                view(session, name, dict(parts), rows)
            found = [tuple(row) for row in session.sql(query).collect()]
            expected = case.by_batch()
            assert sorted((contact, rank, offer) for _, contact, rank, offer, _ in found) == expected, query
            compared += len(expected)
    assert compared > 80
