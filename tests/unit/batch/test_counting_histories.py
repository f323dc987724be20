"""Many counts of contacts' own histories at once: a batch and a query give what calls give, and read everything once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from helpers import random_catalog

from offerkit.batch import batch_program, batch_request, contact_histories, decide_all, open_contact_table
from offerkit.batch.contact_table import ContactTable
from offerkit.batch.emit import InputTables, emit
from offerkit.engine.call import CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide
from offerkit.engine.history import PastProposition
from offerkit.engine.inline_catalog import inline_catalog
from offerkit.models.status import Status, status_number
from offerkit.store import Store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHAT = [{"offer": "o000"}, {"offer": "o007"}, {"category": "a"}, {"category": "a/b"}, {"theme": "t"}, {"theme": "late"}]
STATUSES = ["any", "accepted-or-rejected", *(status.value for status in Status)]
LIMITS = [{"at_least": 1}, {"at_most": 0}, {"at_least": 1, "at_most": 2}, {"at_most": 3}]


def _catalog(entries: Sequence[Sequence[dict[str, Any]]]) -> Catalog:
    offers: dict[str, Any] = {
        f"o{place:03}": {
            "category": ("a", "a/b", "ab")[place % 3],
            "themes": ["t"] if place % 2 else [],
            "eligible": {"history": list(history)},
        }
        for place, history in enumerate(entries)
    }
    offers["o007"]["themes"] = ["late", "t"]
    return inline_catalog(
        {
            "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}}}},
            "environment": {"dimension": "person"},
            "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
            "categories": {"a": {}, "a/b": {}, "ab": {}},
            "offers": offers,
        }
    )


def _past(people: Sequence[dict[str, Any]], rng: Random) -> dict[str, list[PastProposition]]:
    """Histories with offers that are gone, and propositions exactly at the ends of periods."""
    return {
        str(row["id"]): [
            PastProposition(
                rng.choice(("o000", "o001", "o007", "o008", "gone")),
                rng.choice(("a", "a/b", "a/b/gone", "ab")),
                "web",
                "inbound-web",
                rng.choice(list(Status)).value,
                NOW - rng.choice((-1, 0, 1, 23, 24, 24.01, 48, 49)) * HOUR,
                Decimal(1),
                1,
            )
            for _ in range(rng.choice((1, 3, 6)))
        ]
        for row in people[1:]
    }


@contextmanager
def _batch(catalog: Catalog, past: dict[str, list[PastProposition]], path: Path, people: Any) -> Iterator[Any]:
    program = batch_program(
        catalog, make_call(catalog, "web", who=CallContext(None, "", NOW, many=True))._replace(n=500)
    )
    with Store.open(path, create=True) as store:
        random_catalog.fill(store, catalog, past)
        with open_contact_table(people, ("id",), catalog.dimension.fields) as table:
            yield store, table, program


def _rows(catalog: Catalog, past: dict[str, list[PastProposition]]) -> list[dict[str, Any]]:
    """The table of propositions as an engine would have it."""
    rows = random_catalog.rows_of(catalog, past)
    names = ("contact", "environment", "space", "channel", "offer", "category", "rank", "time")
    return [
        {**{name: getattr(row, name) for name in names}, "weight": str(row.weight), "status": status_number(row.status)}
        for row in rows
    ]


@pytest.mark.parametrize("periods", [50, 3], ids=["tested by the store", "compared in DuckDB"])
def test_every_combination_counts_as_in_a_call(periods: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What × status × period, each with a limit, alone and some together."""
    monkeypatch.setattr(contact_histories, "AT_ONCE", periods)
    rng = Random(1)
    single = [
        [{**what, "status": status, "period": period, **rng.choice(LIMITS)}]
        for what, status, period in product(WHAT, STATUSES, ("1d", "1d 24h"))
    ]
    entries = [*single, *(rng.choice(single) + rng.choice(single) for _ in range(40))]
    catalog, people = _catalog(entries), [{"id": place} for place in range(15)]
    past = _past(people, rng)
    expected = {}
    for row in people:
        call = make_call(catalog, "web", who=CallContext(row, str(row["id"]), NOW))._replace(n=500)
        expected[row["id"]] = [chosen.offer for chosen in decide(catalog, call, past.get(str(row["id"]), [])).chosen]
    with _batch(catalog, past, tmp_path / "store.db", people) as (store, table, program):
        (chunk,) = decide_all(table, batch_request(table, program, store))
        found = {
            place: [catalog.offers[program.items[item].position].name for item in column if item >= 0]
            for place, column in enumerate(chunk.picks.T.tolist())
        }
        (alone,) = decide_all(table, batch_request(table, program, None))
    assert found == expected
    assert len({tuple(offers) for offers in expected.values()}) > 10, "histories differ, and so do their offers"
    assert {tuple(sorted(picks)) for picks in alone.picks.T.tolist()} == {tuple(sorted(chunk.picks.T.tolist()[0]))}, (
        "without a store nobody has a history, like the first one"
    )
    rows = _rows(catalog, past)
    with duckdb.connect() as db:
        db.execute("CREATE TABLE person AS SELECT * FROM range(15) AS people(id)")
        kinds = [f'"{name}" {"BIGINT" if isinstance(cell, int) else "VARCHAR"}' for name, cell in rows[0].items()]
        db.execute(f"CREATE TABLE proposition ({', '.join(kinds)})")
        db.executemany(
            f"INSERT INTO proposition VALUES ({', '.join('?' * len(kinds))})", [[*row.values()] for row in rows]
        )
        emitted: dict[int, list[str]] = {place: [] for place in range(15)}
        answer = db.execute(emit(program, "duckdb", InputTables("person"))).fetchall()
        for _, contact, _, offer, _ in sorted(answer, key=lambda row: row[2]):
            emitted[int(contact)].append(offer)
    assert emitted == expected


class _Watched:
    """A connection that adds up the statements that it is given."""

    def __init__(self, connection: Any) -> None:
        self._connection, self.texts = connection, list[str]()

    def execute(self, sql: str, *args: Any) -> Any:
        self.texts.append(sql)
        return self._connection.execute(sql, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("kind", ["offer", "category"])
def test_its_work_does_not_grow_with_counts_times_propositions(kind: str, tmp_path: Path) -> None:
    """With ten times the counts the store is read once, as before, and each proposition still is what it counts for."""
    work = []
    people = [{"id": place} for place in range(40)]
    for size in (60, 600):
        entries: list[list[dict[str, Any]]] = [
            [{kind: f"o{place:03}" if kind == "offer" else ("a", "a/b", "ab")[place % 3], "at_most": 1}]
            if kind == "offer" or place < 3 else [{"offer": f"o{place:03}", "period": f"{place}h", "at_most": 2}]
            for place in range(size)
        ]  # fmt: skip
        catalog = _catalog(entries)
        with _batch(catalog, _past(people, Random(2)), tmp_path / f"{size}.db", people) as (store, table, program):
            watched = _Watched(table.connection)
            request = batch_request(ContactTable(watched, table.count, table.types), program, store)  # type: ignore[arg-type]
            (kept,) = table.connection.execute(f"SELECT count(*) FROM {request.histories.table}").fetchone()
        query = emit(program, "postgres", InputTables("person"))
        work.append((len(watched.texts), len("".join(watched.texts)), kept, query.count("SUM("), query.count('"past"')))
    assert work[0] == work[1]
