"""Overrides of freezes: whose they can be, and that each lifts one thing once; and freezes at the ends of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.governance.overrides import OverrideKind
from offerkit.usecases.override import override
from offerkit.usecases.requests import OverrideRequest
from offerkit.usecases.schedule import due_time

SAFARI = "shop/offer.safari"
FREEZE = {"from": "2026-01-20", "until": "2026-02-02", "reason": "Black Friday"}
WISH = OverrideRequest(("environment.shop",), "The price is a typo", (OverrideKind.CALENDAR,))


@pytest.fixture
def frozen(live_shop: Workspace) -> Workspace:
    """A shop in a freeze, with a change that waits, and with two administrators, ada and alan."""
    live_shop.change({"specs/shared.yaml": {"operators": {"alan": {"profile": "administrator"}}}})
    declared(live_shop, freezes=[FREEZE])
    live_shop.approve_all()
    live_shop.promote("ada")
    weighted(live_shop, 77)
    live_shop.now = datetime(2026, 1, 21, 12, tzinfo=UTC)
    return live_shop


def declared(shop: Workspace, zone: str = "Europe/Paris", **promotion: Any) -> None:
    shop.change({"environments/shop.yaml": {"environment": {"time_zone": zone, "promotion": promotion}}})
    shop.apply("ada")


def weighted(shop: Workspace, weight: int) -> None:
    """Another weight of an offer, applied and approved."""
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": weight}]}}}})
    shop.apply("ada")
    shop.approve("omar", SAFARI)


def refused(work: Any) -> list[Code]:
    with pytest.raises(Refused) as caught:
        work()
    return [finding.code for finding in caught.value.diagnostics]


def test_an_override_does_not_come_back_after_a_rollback(frozen: Workspace) -> None:
    """Live and design are again as they were when it was given; it was given once."""
    with frozen.store() as store:
        before = store.last_serial()
    override(frozen.session("alan"), WISH)
    frozen.promote("omar")
    frozen.rollback("omar", "shop@live", before)
    assert refused(lambda: frozen.promote("omar", include_rolled_back=True)) == [Code.FROZEN]


def test_an_override_does_not_come_back_with_the_same_design(frozen: Workspace) -> None:
    override(frozen.session("alan"), WISH)
    weighted(frozen, 79)
    weighted(frozen, 77)
    assert refused(lambda: frozen.promote("omar")) == [Code.FROZEN]


def test_who_changed_the_dimension_does_not_override(frozen: Workspace) -> None:
    """A changed dimension waits in the environments that use it, so whoever wrote it is no second person there."""
    frozen.change({"specs/shared.yaml": {"dimensions": {"person": {"label": "Another"}}}})
    frozen.apply("alan")
    assert refused(lambda: override(frozen.session("alan"), WISH)) == [Code.NOT_ALLOWED]


@pytest.mark.parametrize("zone", ["America/Santiago", "Etc/GMT+12", "Australia/Lord_Howe", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    ("begin", "end"),
    [("0002-01-01", "9999-12-31"), ("9999-12-31", "9999-12-31"), ("2026-01-21T00:00", "9999-12-31T23:59")],
)
def test_freezes_without_an_end(live_shop: Workspace, zone: str, begin: str, end: str) -> None:
    live_shop.now = datetime(2026, 1, 21, 12, tzinfo=UTC)
    weighted(live_shop, 77)
    declared(live_shop, zone, freezes=[{**FREEZE, "from": begin, "until": end}])
    live_shop.approve_all()
    if begin.startswith("9999"):
        live_shop.promote("ada")
        return
    with pytest.raises(Refused) as caught:
        live_shop.promote("ada")
    (finding,) = caught.value.diagnostics
    assert finding.code is Code.FROZEN and "without an end" in finding.summary
    assert "possible from" not in finding.detail


@pytest.mark.parametrize(
    "text",
    ["1" * 5000, "20261207T06", "2026-12-07\u202e06:00", "2026-W50-1T06:00", "2026-12-07T06:00:60", "2026-12-07T"],
)
def test_only_written_times_are_times(frozen: Workspace, text: str) -> None:
    plan = frozen.promotion("omar", SAFARI)
    assert refused(lambda: due_time(frozen.session(), plan, text)) == [Code.SCHEDULE_TIME]
