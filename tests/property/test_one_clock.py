"""Explaining, deciding, the batch and an emitted query mean the same day and hour, wherever the clocks are changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.batch import batch_program, batch_request, decide_all, open_contact_table
from offerkit.batch.emit import InputTables, emit
from offerkit.engine.call import Call, CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.condition import facts_at
from offerkit.engine.decide import decide
from offerkit.engine.history import PastProposition
from offerkit.engine.inline_catalog import inline_catalog
from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store
from offerkit.times import utc

ZONES = (
    "UTC", "Europe/Paris", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Apia", "Pacific/Kiritimati", "America/St_Johns",
)  # fmt: skip
WHENS = {
    "today": "current_date = date '{day}'",
    "yesterday": "current_date - interval '1 day' = date '{day}'",
    "morning": "extract(hour from now) < 12",
    "witching": "extract(hour from now) = 2",
    "half": "extract(minute from now) >= 30",
    "since-noon": "now >= timestamp '{day} 12:00:00'",
}
COUNTED = {
    "by-hour": "extract(hour from proposition.time) = 2",
    "by-day": "proposition.time >= timestamp '{day} 00:00:00'",
}


@cache
def catalog(zone: str, day: date) -> Catalog:
    """One offer for each way to depend on the clock: dates, conditions, weights, rules that count propositions."""
    offers: dict[str, Any] = {
        name: {"category": "all", "eligible": {"when": when.format(day=day)}} for name, when in WHENS.items()
    }
    offers |= {
        "dates": {"category": "all", "eligible": {"from": day.isoformat(), "until": day.isoformat()}},
        "weights": {"category": "all", "weights": [{"weight": "1"}, {"weight": "5", "from": day.isoformat(), "until": day.isoformat()}]},
        "formula": {"category": "all", "weights": [{"formula": "extract(hour from now) + 1"}]},
        "multiplied": {"category": "day"},
    }  # fmt: skip
    offers |= {name: {"category": "all"} for name in COUNTED}
    return inline_catalog({
        "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}}}},
        "environment": {"dimension": "person", "typology": "t", "time_zone": zone},
        "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
        "typologies": {"t": {"rules": list(COUNTED)}},
        "rules": {
            name: {
                "applies_to": {"offers": [name]}, "period": {"before": "10d"}, "max": 1,
                "counted": {"of": "all", "when": when.format(day=day)},
            }
            for name, when in COUNTED.items()
        },
        "categories": {
            "all": {},
            "day": {"multiplier": {"factor": "3", "from": day.isoformat(), "until": day.isoformat()}},
        },
        "offers": offers,
    })  # fmt: skip


def edges(zone: str) -> Iterator[datetime]:
    """The instants of 2026 at which the clocks of ``zone`` jump, and two midnights."""
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(365 * 24)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    jumps = [after for (_, after), (was, is_) in zip(pairwise(hours), pairwise(offsets), strict=True) if was != is_]
    midnights = [datetime(2026, 6, 15, tzinfo=ZoneInfo(zone)), datetime(2026, 6, 16, tzinfo=ZoneInfo(zone))]
    yield from (moment.astimezone(UTC) for moment in (*jumps, *midnights))


EDGES = [(zone, moment) for zone in ZONES for moment in edges(zone)]
AWAY = st.one_of(
    st.sampled_from([timedelta(microseconds=us) for us in (-1, 0, 1)]),
    st.timedeltas(timedelta(hours=-3), timedelta(hours=3)),
)


@pytest.mark.parametrize("examples", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_all_ways_to_decide_mean_the_same_clock(examples: int) -> None:
    paris, cairo = ("Europe/Paris", datetime(2026, 3, 29, 1, tzinfo=UTC)), datetime(2026, 4, 23, 22, tzinfo=UTC)
    _same(paris, timedelta(0), [])
    _same(("Europe/Paris", datetime(2026, 10, 25, 1, tzinfo=UTC)), timedelta(minutes=30), [timedelta(minutes=-30)])
    _same(("Africa/Cairo", cairo), timedelta(microseconds=-1), [timedelta(0)])
    settings(max_examples=examples)(given(st.sampled_from(EDGES), AWAY, st.lists(AWAY, max_size=3))(_same))()


def _same(edge: tuple[str, datetime], away: timedelta, back: list[timedelta]) -> None:
    zone, moment = edge
    now = moment + away
    made = catalog(zone, facts_at(moment, ZoneInfo(zone), {}, {}).today)
    past = [
        PastProposition(
            "by-day", "all", "web", "inbound-web", "presented", now - timedelta(hours=1) - abs(span), Decimal(1), 1
        )
        for span in back
    ]
    call = make_call(made, "web", who=CallContext({"id": 1}, "1", now), n=20)
    decided = decide(made, call, past)
    explained = decide(made, call, past, explain=True)
    assert explained.chosen == decided.chosen
    assert explained.trace is not None
    assert {verdict.offer for verdict in explained.trace.offers if verdict.out is None} == {
        chosen.offer for chosen in decided.chosen
    }
    offers = [chosen.offer for chosen in decided.chosen]
    assert by_batch(made, call, past) == offers
    without = replace(made, rules=())  # a query does not read the time of day of propositions
    assert by_query(without, call) == [chosen.offer for chosen in decide(without, call, []).chosen]
    assert offers_by_hand(made, zone, now, past) == set(offers)


def offers_by_hand(made: Catalog, zone: str, now: datetime, past: list[PastProposition]) -> set[str]:
    """What is offered, worked out from the offset of the zone alone."""
    local, times = on_the_wall(now, zone), [on_the_wall(one.time, zone) for one in past]
    day = made.offers[made.position_of["dates"]].days.first
    assert day is not None
    holds = {
        "today": local.date() == day,
        "yesterday": local.date() - timedelta(days=1) == day,
        "morning": local.hour < 12,
        "witching": local.hour == 2,
        "half": local.minute >= 30,
        "since-noon": local >= datetime(day.year, day.month, day.day, 12),
        "dates": local.date() == day,
        "weights": True,
        "formula": True,
        "multiplied": True,
        "by-hour": not any(time.hour == 2 for time in times),
        "by-day": not any(time.date() >= day for time in times),
    }
    return {name for name, held in holds.items() if held}


def on_the_wall(moment: datetime, zone: str) -> datetime:
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return (moment.astimezone(UTC) + offset).replace(tzinfo=None)


def rows(past: list[PastProposition]) -> list[PropositionRow]:
    return [
        PropositionRow(
            f"p-{place}", "shop", "1", one.space, one.channel, one.offer, one.category, "call", one.rank, one.weight,
            Status(one.status), utc(one.time), utc(one.time), 1,
        )
        for place, one in enumerate(past)
    ]  # fmt: skip


def by_batch(made: Catalog, call: Call, past: list[PastProposition]) -> list[str]:
    people = [{"id": 1}]
    planned = batch_program(made, call._replace(contact=made.nobody, key=""))
    with (
        TemporaryDirectory() as folder,
        Store.open(Path(folder) / "store.db", create=True) as kept,
        open_contact_table(people, ("id",), made.dimension.fields) as table,
    ):
        kept.add_propositions(rows(past))
        (chunk,) = decide_all(table, batch_request(table, planned, kept))
        items = [planned.items[item] for item in chunk.picks[:, 0].tolist() if item >= 0]
    return [made.offers[item.position].name for item in items]


def by_query(made: Catalog, call: Call) -> list[str]:
    planned = batch_program(made, call._replace(contact=made.nobody, key=""))
    with duckdb.connect() as db:
        db.execute("CREATE TABLE person AS SELECT CAST(1 AS BIGINT) AS id")
        found = db.execute(emit(planned, "duckdb", InputTables("person"))).fetchall()
    return [offer for _, _, rank, offer, _ in sorted(found, key=lambda row: row[2])]
