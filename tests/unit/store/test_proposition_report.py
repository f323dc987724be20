"""Counts of propositions by groups, as both databases make them, against counting them one by one."""

from __future__ import annotations

import random
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from proposition_samples import at, made

from offerkit.address import Kind
from offerkit.diagnostics import Code, Refused
from offerkit.models.status import Status, status_number
from offerkit.state.former_names import FormerName
from offerkit.store import DeliveryRun, PropositionRow, Store, proposition_report
from offerkit.store.proposition_report import ReportQuery, offsets
from offerkit.times import instant, utc

RUN = DeliveryRun("recipients", "june", "letter", "call-0", "email", 4, at(9), at(9), "ada", 1, 1)


def rows(count: int) -> list[PropositionRow]:
    """Propositions of two years, many of them within hours of a change of clocks."""
    chance, begin = random.Random(7), datetime(2025, 1, 1, tzinfo=UTC)
    changes = [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2025, 10, 26, 1, tzinfo=UTC),
        datetime(2026, 10, 4, tzinfo=UTC),
    ]
    found = []
    for number in range(count):
        near = chance.choice(changes) + timedelta(minutes=chance.randrange(-1_500, 1_500))
        moment = near if number % 2 else begin + timedelta(minutes=chance.randrange(2 * 365 * 1_440))
        texts = {"space": chance.choice(("web", "mail")), "offer": chance.choice(("gold", "saver", "safari"))}
        status = chance.choice(tuple(Status))
        found.append(made(number, time=utc(moment), status=status, interaction=f"call-{number % 5}", **texts))
    return found


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kathmandu", "America/New_York"])
def test_days_are_those_of_the_zone(store: Store, name: str) -> None:
    zone, found = ZoneInfo(name), rows(400)
    store.add_propositions(found)
    expected = Counter(
        (instant(row.time).astimezone(zone).date().isoformat(), row.space, status_number(row.status)) for row in found
    )
    query = ReportQuery("recipients", ("date", "space"), zone)
    counted = Counter({(*values, status): count for part in store.report(query) for values, status, count in part})
    assert counted == expected


def test_former_names_are_those_of_now(store: Store) -> None:
    store.add_propositions([made(number, revision=number) for number in range(1, 10)])
    (was,) = {row.offer for row in store.propositions()}
    former = (FormerName(Kind.OFFER, was, 0, 3, "first"), FormerName(Kind.OFFER, was, 3, 7, "it's"))
    query = ReportQuery("recipients", ("offer",), UTC, former=former)
    expected = {("first", 2), ("it's", 4), (was, 3)}
    assert {(*values, count) for part in store.report(query) for values, _, count in part} == expected
    narrowed = replace(query, offers=("it's", "other"))
    assert {(*values, count) for part in store.report(narrowed) for values, _, count in part} == {("it's", 4)}


@pytest.mark.parametrize("edited", ["garbage", "2026-06zz", "2026-06-44T00:00:00.000000Z", ""])
def test_times_that_were_edited(store: Store, execute: Callable[..., None], edited: str) -> None:
    store.add_propositions(rows(20))
    execute(f"UPDATE proposition SET time = '{edited}' WHERE id = 'p-7'")
    with pytest.raises(Refused) as told:
        list(store.report(ReportQuery("recipients", ("date",), ZoneInfo("Europe/Paris"))))
    assert [one.code for one in told.value.diagnostics] == [Code.STORE_DAMAGED]


@pytest.mark.parametrize("few", [0, 1_000])
def test_what_narrows_a_report(store: Store, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same counts by one pass over the table (few: 0) and through an index."""
    monkeypatch.setattr(proposition_report, "FEW", few)
    found = rows(200)
    store.add_propositions(found)
    store.add_propositions([made(900, environment="guests")])
    query = ReportQuery("recipients", ("offer",), UTC, at(0)[:4] + "-01-01", "2026-07-01", ["web"], ["gold", "saver"])
    expected = Counter(
        (row.offer, status_number(row.status))
        for row in found
        if query.since <= row.time < query.until and row.space == "web" and row.offer != "safari"
    )
    counted = Counter({(*values, status): count for part in store.report(query) for values, status, count in part})
    assert counted == expected and expected
    for nothing in (ReportQuery("recipients", (), UTC, spaces=[]), ReportQuery("nowhere", ("date",), UTC)):
        assert [row for part in store.report(nothing) for row in part] == []


@pytest.mark.parametrize(
    ("query", "few", "walked"),
    [
        (ReportQuery("recipients", ("offer", "space"), UTC), 1_000, "PRIMARY KEY"),
        (ReportQuery("recipients", ("offer",), UTC, "2026-01-01"), 1_000, "INDEX proposition_time"),
        (ReportQuery("recipients", ("offer",), UTC, "2026-01-01"), 0, "PRIMARY KEY"),
        (ReportQuery("recipients", ("date",), UTC, offers=["gold"], spaces=["web"]), 0, "PRIMARY KEY"),
    ],
)
def test_only_few_propositions_are_looked_up(
    tmp_path: Path, query: ReportQuery, few: int, walked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many are counted in one pass over the table: a look-up for each, by an index, takes many times longer."""
    monkeypatch.setattr(proposition_report, "FEW", few)
    location = tmp_path / "store.db"
    with Store.open(location, create=True) as store:
        store.add_propositions(rows(50))
        asked: list[tuple[str, list[object]]] = []
        monkeypatch.setattr(type(store.database), "stream", lambda _, sql, args, part: asked.append((sql, args)) or [])
        list(store.report(query))
    ((sql, args),) = asked
    with sqlite3.connect(location) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", args)]
    connection.close()
    assert re.search(walked, plan[0]), plan


def test_deliveries_have_their_name(store: Store) -> None:
    store.add_delivery(RUN, [made(number, interaction="call-0", time=at(9), space="email") for number in range(3)])
    store.add_propositions([made(10), made(11)])
    query = ReportQuery("recipients", ("campaign", "delivery"), UTC)
    assert sorted((list(values), count) for part in store.report(query) for values, _, count in part) == [
        (["", ""], 2),
        (["june", "june/letter"], 3),
    ]


def test_offsets_change_where_clocks_do() -> None:
    paris, first, last = ZoneInfo("Europe/Paris"), instant("2026-01-01T00:00:00Z"), instant("2026-12-31T00:00:00Z")
    assert offsets(paris, first, last) == [
        ("", 3_600),
        ("2026-03-29T01:00:00.000000Z", 7_200),
        ("2026-10-25T01:00:00.000000Z", 3_600),
    ]
    assert offsets(paris, last, first) == [("", 3_600)]
    assert offsets(paris, None, None) == [("", 0)]
