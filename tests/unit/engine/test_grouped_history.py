"""A history is walked through once, however many periods are counted in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from offerkit.engine.history import GroupedHistory, PastProposition

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Walked(list[PastProposition]):
    """Propositions that say how often somebody walked through them."""

    walks = 0

    def __iter__(self) -> Iterator[PastProposition]:
        self.walks += 1
        return super().__iter__()


def _past(offer: str, category: str, ago: timedelta) -> PastProposition:
    return PastProposition(offer, category, "web", "inbound-web", "presented", NOW - ago, Decimal(1), 1)


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
