"""Decisions of operators who left: those who were entitled when they decided stay counted, unless lists name others.

Approvals and overrides follow the same rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.governance.overrides import OverrideKind
from offerkit.usecases.override import override
from offerkit.usecases.requests import OverrideRequest

SAFARI = "shop/offer.safari"
SHARED, OFFERS, ENVIRONMENT = "specs/shared.yaml", "specs/shop/offers.yaml", "environments/shop.yaml"
POLICIES = "specs/shop/policies.yaml"
FREEZE = {"from": "2026-01-20", "until": "2026-02-02", "reason": "Black Friday"}


def weighted(shop: Workspace) -> None:
    shop.change({OFFERS: {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    shop.apply("ada")


def gone(shop: Workspace, name: str) -> None:
    shop.change({SHARED: {"operators": {name: None}}})
    shop.apply("ada")


def disabled(shop: Workspace, name: str) -> None:
    shop.change({SHARED: {"operators": {name: {"enabled": False}}}})
    shop.apply("ada")


def refused(work: Callable[[], Any]) -> list[Code]:
    with pytest.raises(Refused) as caught:
        work()
    return [finding.code for finding in caught.value.diagnostics]


@pytest.mark.parametrize("leave", [gone, disabled])
def test_an_approval_where_nobody_is_named(live_shop: Workspace, leave: Callable[[Workspace, str], None]) -> None:
    weighted(live_shop)
    live_shop.approve("omar", SAFARI)
    leave(live_shop, "omar")
    assert [step.address for step in live_shop.promote("ada").steps] == [SAFARI]


@pytest.mark.parametrize("leave", [gone, disabled])
def test_an_override_where_nobody_is_named(live_shop: Workspace, leave: Callable[[Workspace, str], None]) -> None:
    live_shop.change({SHARED: {"operators": {"alan": {"profile": "administrator"}}}})
    live_shop.change({ENVIRONMENT: {"environment": {"promotion": {"freezes": [FREEZE]}}}})
    live_shop.apply("ada")
    live_shop.approve_all()
    live_shop.promote("ada")
    weighted(live_shop)
    live_shop.approve("omar", SAFARI)
    live_shop.now = datetime(2026, 1, 21, 12, tzinfo=UTC)
    override(live_shop.session("alan"), OverrideRequest(("environment.shop",), "A typo", (OverrideKind.CALENDAR,)))
    leave(live_shop, "alan")
    assert [step.address for step in live_shop.promote("omar").steps] == [SAFARI]


def test_an_approval_by_a_reviewer_who_is_no_longer_named(live_shop: Workspace) -> None:
    live_shop.change({OFFERS: {"offers": {"safari": {"reviewers": {"eligibility": ["brand", "risk"]}}}}})
    live_shop.apply("ada")
    weighted(live_shop)
    live_shop.approve("brand", SAFARI, eligibility=True)
    live_shop.change({OFFERS: {"offers": {"safari": {"reviewers": {"eligibility": ["risk"]}}}}})
    live_shop.apply("ada")
    (finding,) = live_shop.promotion("ada").blocked
    assert finding.address == SAFARI


def test_an_override_by_somebody_whom_the_policy_no_longer_names(live_shop: Workspace) -> None:
    rule = {"require": "offer.weight <= 9", "message": "Too heavy."}
    live_shop.change({POLICIES: {"version": 1, "policies": {"light": {**rule, "override": ["brand", "risk"]}}}})
    live_shop.apply("ada")
    live_shop.change({OFFERS: {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    override(live_shop.session("risk"), OverrideRequest((SAFARI,), "It is fine", (OverrideKind.POLICIES,)))
    assert live_shop.plan().steps
    live_shop.change({POLICIES: {"version": 1, "policies": {"light": {**rule, "override": ["brand"]}}}})
    live_shop.apply("ada", "shop/policy.light")
    assert refused(lambda: live_shop.apply("ada")) == [Code.POLICY_DENIED]
