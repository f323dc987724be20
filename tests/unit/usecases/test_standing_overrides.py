"""“show” says whether an override still lifts something, of every kind, and says nothing where that cannot be known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.governance.overrides import OverrideKind
from offerkit.reports.render import render
from offerkit.usecases.override import override
from offerkit.usecases.requests import OverrideRequest
from offerkit.usecases.show import whole_resource

SAFARI, CARD, SHOP = "shop/offer.safari", "shop/offer.gold-card", "environment.shop"
SHARED, OFFERS, ENVIRONMENT = "specs/shared.yaml", "specs/shop/offers.yaml", "environments/shop.yaml"
POLICIES = "specs/shop/policies.yaml"
NOTHING, NOT_APPLIED = "(lifts nothing any more)", "(lifts nothing of what is applied)"


def lifting(shop: Workspace, address: str, at: str = "") -> list[bool | None]:
    """What is said of each override of a resource; the text says the same as the JSON."""
    whole = whole_resource(shop.session(), address, at)
    standing = whole.standing.overrides
    said = [each["lifting"] for each in json.loads(render(whole, "json"))["overrides"]]
    assert said == [each.lifting for each in standing]
    for form in ("text", "markdown", "html"):
        lost = " ".join(render(whole, form).split()).count("(lifts nothing")
        assert lost == said.count(False), form
    return said


def lift(shop: Workspace, who: str, pattern: str, kind: OverrideKind) -> None:
    override(shop.session(who), OverrideRequest((pattern,), "It is meant so", (kind,)))


def settings(shop: Workspace, **environment: Any) -> None:
    shop.change({ENVIRONMENT: {"environment": environment}})
    shop.apply("ada")


def weighted(shop: Workspace, weight: int, who: str = "ada") -> None:
    shop.change({OFFERS: {"offers": {"safari": {"weights": [{"weight": weight}]}}}})
    shop.apply(who)


def test_of_settings_with_a_single_author(live_shop: Workspace) -> None:
    settings(live_shop, promotion={"separation_of_duties": True})
    live_shop.promote("omar")
    settings(live_shop, time_zone="Europe/Paris")
    lift(live_shop, "omar", "environment.shop", OverrideKind.SETTINGS)
    assert lifting(live_shop, SHOP) == [True]
    with live_shop.store() as store:
        given = store.last_serial()
    settings(live_shop, time_zone="Europe/Oslo")
    assert lifting(live_shop, SHOP) == [False]
    assert lifting(live_shop, SHOP, f"shop@design:{given}") == [None], "of the past, nobody is told"
    lift(live_shop, "omar", "environment.shop", OverrideKind.SETTINGS)
    assert lifting(live_shop, SHOP) == [False, True]
    live_shop.promote("ada")
    assert lifting(live_shop, SHOP) == [False, False], "it is live"


def test_of_an_environment_that_nobody_may_promote(live_shop: Workspace) -> None:
    """Live and design have no promoter in common."""
    settings(live_shop, promotion={"promoters": ["omar"]})
    live_shop.promote("omar")
    settings(live_shop, promotion={"promoters": ["ada"]})
    lift(live_shop, "omar", "environment.shop", OverrideKind.SETTINGS)
    assert lifting(live_shop, SHOP) == [True]
    live_shop.promote("ada")
    assert lifting(live_shop, SHOP) == [False]


def test_of_a_freeze(live_shop: Workspace) -> None:
    live_shop.change({SHARED: {"operators": {"alan": {"profile": "administrator"}}}})
    freeze = {"from": "2026-01-20", "until": "2026-02-02", "reason": "Black Friday"}
    settings(live_shop, promotion={"freezes": [freeze]})
    live_shop.approve_all()
    live_shop.promote("ada")
    weighted(live_shop, 77)
    live_shop.now = datetime(2026, 1, 21, 12, tzinfo=UTC)
    lift(live_shop, "alan", "environment.shop", OverrideKind.CALENDAR)
    assert lifting(live_shop, SHOP) == [True]
    live_shop.now = datetime(2026, 2, 21, 12, tzinfo=UTC)
    assert lifting(live_shop, SHOP) == [False], "the freeze is over"


def test_of_a_policy(live_shop: Workspace) -> None:
    rule = {"require": "offer.weight <= 9", "message": "Too heavy.", "override": ["risk"]}
    live_shop.change({POLICIES: {"version": 1, "policies": {"light": rule}}})
    live_shop.apply("ada")
    live_shop.change({OFFERS: {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    lift(live_shop, "risk", SAFARI, OverrideKind.POLICIES)
    (standing,) = whole_resource(live_shop.session(), SAFARI).standing.overrides
    assert NOT_APPLIED in standing.words, "the specs that it is for are not applied yet"
    live_shop.apply("ada")
    assert lifting(live_shop, SAFARI) == [True]
    live_shop.approve_all()
    live_shop.promote("ada")
    assert lifting(live_shop, SAFARI) == [False]


def test_of_a_reviewer_who_is_gone(live_shop: Workspace) -> None:
    others = {"weights": [{"weight": 77}], "reviewers": {"eligibility": ["omar"]}}
    live_shop.change({OFFERS: {"offers": {"gold-card": others}}})
    live_shop.apply("ada")
    live_shop.approve("omar", CARD, eligibility=True)
    live_shop.change({SHARED: {"operators": {"alan": {"profile": "administrator"}, "risk": {"enabled": False}}}})
    live_shop.apply("ada")
    lift(live_shop, "alan", CARD, OverrideKind.REVIEWERS)
    assert lifting(live_shop, CARD) == [True]
    live_shop.change({SHARED: {"operators": {"risk": {"enabled": True}}}})
    live_shop.apply("ada")
    assert lifting(live_shop, CARD) == [False], "who is asked for is there again"


def cases(*offers: str) -> dict[str, Any]:
    asked = {"space": "shop/web", "now": "2026-11-24T10:00", "contact": {"age": 40}, "n": len(offers)}
    return {"version": 1, "cases": {"Comes first": {**asked, "expect": {"offers": list(offers)}}}}


def test_of_cases_that_are_protected(live_shop: Workspace) -> None:
    live_shop.change({"cases/first.yaml": cases("gold-card")})
    settings(live_shop, promotion={"tests": True, "separation_of_duties": True})
    live_shop.promote("omar")
    live_shop.change({"cases/first.yaml": cases("safari")})
    live_shop.apply("omar")
    lift(live_shop, "ada", "shop/cases.*", OverrideKind.CASES)
    address = "shop/cases.first"
    assert lifting(live_shop, address) == [True]
    live_shop.change({"cases/first.yaml": cases("saver")})
    live_shop.apply("omar")
    assert lifting(live_shop, address) == [False]


@pytest.mark.embedded
def test_nothing_is_asked_where_nothing_was_overridden(live_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offerkit.usecases.override.obstacles", lambda *_: pytest.fail("it takes time"))
    assert lifting(live_shop, SAFARI) == []
