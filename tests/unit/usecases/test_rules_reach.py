"""Which live offers a change of a presentation rule reaches: by what it applies to, and only while it is enabled."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.workspace import Workspace

RULES, ENVIRONMENT, OFFERS = "specs/shop/rules.yaml", "environments/shop.yaml", "specs/shop/offers.yaml"


def reached(shop: Workspace, rule: dict[str, Any]) -> list[str]:
    """The names of the offers that a change of the rule to ``rule`` reaches."""
    shop.change({RULES: {"rules": {"r": rule}}})
    shop.apply("ada")
    (step,) = [step for step in shop.promotion("ada").steps if step.address == "shop/rule.r"]
    return [address.name for address in step.dependents]


@pytest.fixture
def ruled(shop: Workspace) -> Workspace:
    """A live shop whose typology has a rule that is switched off; the safari has a theme."""
    shop.change({
        RULES: {"version": 1, "rules": {"r": {"enabled": False, "max": 9}}, "typologies": {"ruled": {"rules": ["r"]}}},
        ENVIRONMENT: {"environment": {"typology": "ruled"}},
        OFFERS: {"offers": {"safari": {"themes": ["wild"]}}},
    })  # fmt: skip
    return shop.go_live()


@pytest.mark.parametrize(
    ("applies_to", "every"),
    [({}, True), ({"themes": ["wild"]}, False), ({"when": "contains(offer.themes, 'wild')"}, False),
     ({"when": "offer.weight > 1000"}, True)],
)  # fmt: skip
def test_switching_a_rule_on_reaches_what_it_applies_to(ruled: Workspace, applies_to: Any, every: bool) -> None:
    found = reached(ruled, {"enabled": True, "applies_to": applies_to})
    live = sorted(address.rpartition("offer.")[2] for address in ruled.active())
    assert found == (live if every else ["safari"])
    assert len(live) > 1


def test_a_change_of_a_rule_that_stays_off_reaches_nothing(ruled: Workspace) -> None:
    assert reached(ruled, {"max": 1}) == []


@pytest.fixture
def outlined(shop: Workspace) -> Workspace:
    """A live shop whose typology only an outline names, with the saver and not the others."""
    shop.change({
        RULES: {"version": 1, "rules": {"r": {"max": 9}, "q": {"max": 8}}, "typologies": {"ruled": {"rules": ["r"]}}},
    })  # fmt: skip
    shop.go_live()
    deliveries = {"letter": {"space": "mail", "outline": "few", "count": 1}}
    outlines = {"few": {"offers": ["saver"], "typology": "ruled"}}
    shop.change({
        "specs/shop/campaigns.yaml": {"version": 1, "campaigns": {"c": {"outlines": outlines, "deliveries": deliveries}}},
    })  # fmt: skip
    shop.go_live()
    return shop


def test_a_rule_that_only_an_outline_uses_reaches_its_offers(outlined: Workspace) -> None:
    assert len(outlined.active()) > 1
    assert reached(outlined, {"max": 1}) == ["saver"]


def test_a_rule_that_comes_into_an_outlines_typology_reaches_its_offers(outlined: Workspace) -> None:
    outlined.change({RULES: {"typologies": {"ruled": {"rules": ["r", "q"]}}}})
    outlined.apply("ada")
    (step,) = [step for step in outlined.promotion("ada").steps if step.address == "shop/typology.ruled"]
    assert [address.name for address in step.dependents] == ["saver"]
