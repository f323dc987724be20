"""Freezes and windows: when nothing goes live, who lifts that, and what is possible all the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from helpers.scheduling import SAFARI, changed, codes, due, in_paris, last, promised, refused
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.governance.overrides import OverrideKind
from offerkit.times import instant
from offerkit.usecases.history import history
from offerkit.usecases.list_scheduled import list_scheduled, scheduled_plan
from offerkit.usecases.override import override
from offerkit.usecases.promotion_times import foreseen
from offerkit.usecases.requests import OverrideRequest, StopRequest
from offerkit.usecases.stop import stop

FREEZE = {"from": "2026-01-20", "until": "2026-02-02", "reason": "Black <Friday>"}
MONDAYS = {"days": ["mon"], "from": "06:00", "until": "18:00"}


def test_nothing_goes_live_in_a_freeze(live_shop: Workspace) -> None:
    shop = changed(in_paris(live_shop, freezes=[FREEZE]))
    shop.now = datetime(2026, 1, 20, 12, tzinfo=UTC)
    with pytest.raises(Refused) as caught:
        shop.promote("omar")
    (finding,) = caught.value.diagnostics
    assert finding.code is Code.FROZEN and "Black <Friday>" in finding.summary
    assert "2026-02-03 00:00 CET" in finding.detail
    shop.now = datetime(2026, 2, 2, 22, 30, tzinfo=UTC)
    assert refused(lambda: shop.promote("omar"))
    shop.now = datetime(2026, 2, 2, 23, tzinfo=UTC)
    shop.promote("omar")


def test_stops_and_rollbacks_are_possible_in_a_freeze(live_shop: Workspace) -> None:
    shop = changed(in_paris(live_shop, freezes=[FREEZE]))
    before = last(shop).serial
    shop.promote("omar")
    shop.now = datetime(2026, 1, 21, 12, tzinfo=UTC)
    assert not shop.rollback("omar", "shop@live", before).empty
    stop(shop.session("omar"), StopRequest((SAFARI,), "Wrong"))
    assert shop.active()[SAFARI] == ()


def test_only_in_windows(live_shop: Workspace) -> None:
    shop = changed(in_paris_on_monday(live_shop))
    shop.now = datetime(2026, 2, 3, 12, tzinfo=UTC)  # a Tuesday
    with pytest.raises(Refused) as caught:
        shop.promote("omar")
    (finding,) = caught.value.diagnostics
    assert finding.code is Code.OUTSIDE_WINDOWS and "2026-02-09 06:00 CET" in finding.detail
    shop.now = datetime(2026, 2, 9, 5, tzinfo=UTC)
    shop.promote("omar")


def in_paris_on_monday(shop: Workspace) -> Workspace:
    shop.now = datetime(2026, 1, 5, 8, tzinfo=UTC)
    return in_paris(shop, windows=[MONDAYS])


def test_an_author_cannot_lift_it_with_the_same_promotion(live_shop: Workspace) -> None:
    """Live's and design's calendars both count: neither removing a freeze nor adding one opens a way around."""
    shop = changed(in_paris(live_shop, freezes=[FREEZE]))
    shop.now = datetime(2026, 1, 21, 12, tzinfo=UTC)
    shop.change({"environments/shop.yaml": {"environment": {"promotion": {"freezes": None}}}})
    shop.apply("ada")
    assert refused(lambda: shop.promote("ada")) == [Code.FROZEN]
    shop.now = datetime(2026, 3, 21, 12, tzinfo=UTC)
    shop.promote("ada")
    shop.change(
        {"environments/shop.yaml": {"environment": {"promotion": {"freezes": [{**FREEZE, "until": "2026-04-02"}]}}}}
    )
    shop.apply("ada")
    assert refused(lambda: shop.promote("ada")) == [Code.FROZEN], "design's counts, too"


def test_an_override_is_a_second_persons_and_for_what_waits_now(live_shop: Workspace) -> None:
    live_shop.change({"specs/shared.yaml": {"operators": {"alan": {"profile": "administrator"}}}})
    shop = changed(in_paris(live_shop, freezes=[FREEZE]))
    shop.now = datetime(2026, 1, 21, 12, tzinfo=UTC)
    wish = OverrideRequest(("environment.shop",), "The price is a typo", (OverrideKind.CALENDAR,))
    assert refused(lambda: override(shop.session("ada"), wish)) == [Code.NOT_ALLOWED], "she wrote the change"
    outcome = override(shop.session("alan"), wish)
    assert "frozen" in outcome.says[0]
    assert refused(lambda: shop.promote("alan")) == [Code.FROZEN], "who promotes is not the second person"
    changed(shop, 79)
    assert refused(lambda: shop.promote("omar")) == [Code.FROZEN], "design has changed since"
    override(shop.session("alan"), wish)
    shop.promote("omar")
    assert "alan" in str(last(shop).details["lifted"])
    with shop.store() as store:
        (line,) = history(store, "", "", 1)
    assert "was overridden by alan" in line.override
    changed(shop, 80)
    assert refused(lambda: shop.promote("omar")) == [Code.FROZEN]


def test_a_scheduled_one_that_falls_into_a_freeze(live_shop: Workspace) -> None:
    """Told when it is scheduled and listed, and judged then; an override can be given before."""
    live_shop.change({"specs/shared.yaml": {"operators": {"alan": {"profile": "administrator"}}}})
    shop = changed(in_paris(live_shop, freezes=[FREEZE]))
    promised(shop, hours=24 * 22)
    with shop.store() as store:
        (item,) = list_scheduled(store)
    assert "Black <Friday>" in item.closed[0]
    (outcome,) = due(shop, hours=24 * 22 + 1)
    assert codes(outcome) == [Code.FROZEN]
    shop.now = datetime(2026, 1, 10, tzinfo=UTC)
    promised(shop, hours=24 * 15)
    override(shop.session("alan"), OverrideRequest(("environment.shop",), "Agreed", (OverrideKind.CALENDAR,)))
    with shop.store() as store:
        (item,) = list_scheduled(store)
        plan, then = scheduled_plan(store, item.serial), instant(item.due)
        warned = {who: [one.code for one in foreseen(store, plan, then, who)] for who in ("omar", "alan")}
    assert item.closed == [] and warned == {"omar": [], "alan": [Code.FROZEN]}
    assert [each.findings for each in due(shop, hours=24 * 16)] == [()]
