"""Histories as conditions count them: by offer, category and period, each read once in a decision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from offerkit.engine.call import CallContext
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide
from offerkit.engine.history import GroupedHistory, PastProposition
from offerkit.engine.inline_catalog import inline_catalog

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # half an hour after Paris has set its clocks
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def _past(offer: str, category: str = "a", ago: timedelta = timedelta()) -> PastProposition:
    return PastProposition(offer, category, "web", "inbound-web", "presented", NOW - ago, Decimal(1), 1)


def test_both_ends_of_the_period_count_and_nothing_beyond() -> None:
    pasts = [_past(name, ago=ago) for name, ago in (("o", DAY), ("o", DAY + INSTANT), ("o", -INSTANT), ("p", DAY))]
    history = GroupedHistory(pasts, NOW)
    assert list(history.of_offers({"o"}, DAY)) == [pasts[0]]
    assert list(history.of_offers({"o", "p", "q"}, DAY)) in ([pasts[0], pasts[3]], [pasts[3], pasts[0]])
    assert list(history.of_offers({"o"}, DAY + INSTANT)) == pasts[:2]
    assert list(history.of_offers(frozenset(), DAY)) == []


def test_a_category_means_those_below_and_not_those_that_begin_like_it() -> None:
    pasts = [_past("o", category) for category in ("a", "a/b", "a/b/c", "a/bb", "ab")]
    history = GroupedHistory(pasts, NOW)
    assert list(history.of_category("a", DAY)) == pasts[:4]
    assert list(history.of_category("a/b", DAY)) == pasts[1:3]
    assert list(history.of_category("b", DAY)) == []


def test_many_offers_that_each_ask_for_themselves_read_a_long_history_once() -> None:
    """A thousand conditions over a thousand propositions are not a million looks."""
    number, looks = 300, 0

    class Counting(PastProposition):
        @property
        def time(self) -> datetime:  # type: ignore[override]
            nonlocal looks
            looks += 1
            return self[5]

    names = [f"o{place}" for place in range(number)]
    entry = {"at_most": 1, "period": "30d"}
    sections = {
        "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}}}},
        "environment": {"dimension": "person"},
        "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
        "categories": {"a": {}},
        "offers": {name: {"category": "a", "eligible": {"history": [{"offer": name, **entry}]}} for name in names},
    }
    catalog = inline_catalog(sections)
    pasts = [Counting(*_past(name, ago=place * DAY / 24)) for place, name in enumerate(names[1:] * 2)]
    call = make_call(catalog, "web", who=CallContext({"id": 1}, "1", NOW), n=5)
    assert [chosen.offer for chosen in decide(catalog, call, pasts).chosen] == ["o0"]
    assert 0 < looks <= 2 * len(pasts)


class Walked(list[PastProposition]):
    """Propositions that say how often somebody walked through them."""

    walks = 0

    def __iter__(self) -> Iterator[PastProposition]:
        self.walks += 1
        return super().__iter__()


def test_many_periods_walk_once_by_offer_and_once_by_category() -> None:
    pasts = Walked(
        [*(_past("a", "x/y", hours * HOUR) for hours in range(-3, 50)), *(_past("b", "xy", HOUR) for _ in range(9))]
    )
    history = GroupedHistory(pasts, NOW)
    for hours in range(40):
        assert len(list(history.of_offers(frozenset({"a"}), hours * HOUR))) == hours + 1
        assert len(list(history.of_offers(frozenset({"a", "b", "none"}), hours * HOUR))) == hours + (10 if hours else 1)
        assert len(list(history.of_category("x", hours * HOUR))) == hours + 1
        assert len(list(history.of_category("xy", hours * HOUR))) == (9 if hours else 0)
    assert pasts.walks == 2


def test_a_period_goes_no_further_than_the_calendar() -> None:
    history = GroupedHistory([_past("a", "x", HOUR)], NOW)
    assert len(list(history.of_offers(frozenset({"a"}), timedelta(days=999_999)))) == 1
