"""Propositions of an offer, a space or a status: among the newest, else in one pass over the table."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from proposition_samples import at, made

from offerkit.models.status import Status
from offerkit.store import PropositionQuery, PropositionRow, Store, propositions

STATUSES = (Status.PRESENTED, Status.ACCEPTED)


def some(chance: random.Random, count: int) -> list[PropositionRow]:
    """Propositions of two environments; several have the same time."""
    return [
        made(
            1,
            id=f"p-{number:03}",
            environment=chance.choice(["recipients", "recipients", "guests"]),
            contact=f"c-{chance.randrange(5)}",
            offer=chance.choice(["often", "often", "often", "seldom"]),
            space=chance.choice(["web", "email"]),
            status=chance.choice(STATUSES),
            time=at(chance.randrange(20)),
        )
        for number in range(count)
    ]


def selected(rows: list[PropositionRow], query: PropositionQuery) -> list[PropositionRow]:
    """What ``query`` selects of ``rows``, newest first."""
    found = [
        row
        for row in rows
        if query.environment in ("", row.environment)
        and query.contact in ("", row.contact)
        and query.offer in ("", row.offer)
        and query.space in ("", row.space)
        and query.status in (None, row.status)
        and query.since <= row.time
        and (not query.until or row.time < query.until)
        and (query.before is None or (row.time, row.id) < query.before)
    ]
    return sorted(found, key=lambda row: (row.time, row.id), reverse=True)


@pytest.mark.parametrize("newest", [0, 1, 7, 30, 1_000])
def test_what_is_found(store: Store, newest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(propositions, "NEWEST", newest)
    chance = random.Random(newest)
    rows = some(chance, 80)
    store.add_propositions(rows)
    for _ in range(60):
        query = PropositionQuery(
            environment=chance.choice(["", "recipients"]),
            contact=chance.choice(["", "", "c-1"]),
            offer=chance.choice(["", "often", "seldom", "never"]),
            space=chance.choice(["", "web"]),
            status=chance.choice([None, *STATUSES]),
            since=chance.choice(["", at(5)]),
            until=chance.choice(["", at(12)]),
            before=chance.choice([None, (at(10), "p-040")]),
        )
        expected = selected(rows, query)
        for limit in (0, 1, 5, 200):
            assert store.propositions(query, limit=limit) == expected[: limit or None], (query, limit)


@pytest.mark.parametrize(("offer", "plans"), [("often", 2), ("seldom", 3)])
def test_how_it_is_found(tmp_path: Path, offer: str, plans: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rare one is found in a pass over the table: a look-up for each proposition takes many times longer."""
    monkeypatch.setattr(propositions, "NEWEST", 20)
    location = tmp_path / "store.db"
    asked: list[tuple[str, list[str | int]]] = []
    with Store.open(location, create=True) as store:
        store.add_propositions([made(n, id=f"p-{n}", offer="often" if n > 1 else "seldom") for n in range(1, 60)])
        plain = store.database.rows
        monkeypatch.setattr(store.database, "rows", lambda sql, args=(): asked.append((sql, args)) or plain(sql, args))
        assert len(store.propositions(PropositionQuery("recipients", offer=offer), limit=3)) == (3 if plans == 2 else 1)
    with sqlite3.connect(location) as connection:
        found = [connection.execute(f"EXPLAIN QUERY PLAN {sql}", args).fetchall()[0][3] for sql, args in asked]
    connection.close()
    assert (
        found
        == [
            "SEARCH proposition USING COVERING INDEX proposition_time (environment=?)",
            "SEARCH proposition USING INDEX proposition_time (environment=? AND (time,id)>(?,?))",
            "SEARCH proposition USING PRIMARY KEY (environment=?)",
        ][:plans]
    )


@pytest.mark.parametrize("text", ["7\udcff", "7\x008"])
def test_texts_that_no_database_can_store_select_nothing(store: Store, text: str) -> None:
    store.add_propositions([made(1, id="p-1")])
    assert store.proposition(text) is None and store.token(text) is None
    for query in (PropositionQuery(contact=text), PropositionQuery(text), PropositionQuery(offer=text, space=text)):
        assert store.propositions(query) == []
