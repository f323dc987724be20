"""Ties: fair, steady within a day, different between contacts and days, untouched by offers that are not there."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from offerkit.engine.inline_catalog import inline_catalog
from offerkit.engine.ranking import RankedOffer, ranked, tie_break

DAY = date(2026, 6, 1)
SECTIONS: dict[str, Any] = {
    "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}}}},
    "environment": {"dimension": "person"},
    "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
    "categories": {"all": {}},
    "offers": {f"offer-{letter}": {"category": "all"} for letter in "abcde"},
}
CATALOG = inline_catalog(SECTIONS)
ENTRIES = [RankedOffer(Decimal(1), place) for place in range(5)]


def _order(seed: str, key: str, day: date, n: int | None = None) -> list[int]:
    return [entry.position for entry in ranked(ENTRIES, partial(tie_break, CATALOG.offers, seed, key, day), n)]


def test_fixed_by_seed_contact_and_day() -> None:
    assert _order("s", "c-1", DAY) == _order("s", "c-1", DAY) == [4, 3, 0, 2, 1]
    assert len({tuple(_order("s", f"c-{i}", DAY)) for i in range(200)}) > 40
    assert len({tuple(_order("s", "c-1", DAY + timedelta(days=i))) for i in range(200)}) > 40
    assert len({tuple(_order(f"{i}", "c-1", DAY)) for i in range(200)}) > 40
    assert _order("ab", "c", DAY) != _order("a", "bc", DAY) or _order("ab", "d", DAY) != _order("a", "bd", DAY)


def test_everyone_wins_equally_often() -> None:
    first = Counter(_order("s", f"c-{i}", DAY, 1)[0] for i in range(20_000))
    pairs = Counter(_order("s", f"c-{i}", DAY).index(0) < _order("s", f"c-{i}", DAY).index(1) for i in range(5_000))
    assert all(3_500 < count < 4_500 for count in first.values()), first
    assert 2_300 < pairs[True] < 2_700


def test_an_offer_that_goes_leaves_the_order_of_the_others() -> None:
    tie = partial(tie_break, CATALOG.offers, "s", "c-1", DAY)
    whole = _order("s", "c-1", DAY)
    for gone in range(5):
        rest = [entry for entry in ENTRIES if entry.position != gone]
        assert [entry.position for entry in ranked(rest, tie, None)] == [place for place in whole if place != gone]


def test_reads_no_more_than_needed() -> None:
    entries = iter(
        [
            RankedOffer(Decimal(3), 0),
            RankedOffer(Decimal(3), 1),
            RankedOffer(Decimal(2), 2),
            RankedOffer(Decimal(1), 3),
            RankedOffer(Decimal(0), 4),
        ]
    )
    assert {entry.position for entry in ranked(entries, partial(tie_break, CATALOG.offers, "", "", DAY), 1)} <= {0, 1}
    assert [entry.position for entry in entries] == [3, 4]
