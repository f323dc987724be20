"""The table of weights: which offers, what changes each weight, what it is worth on a day."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.engine.weight_table import WeightTable
from offerkit.usecases.open_engine import open_stage
from offerkit.usecases.weights import weight_table

pytestmark = pytest.mark.embedded

WEIGHTS = [
    {"label": "base", "weight": 10},
    {"weight": 30, "from": "2026-02-01", "until": "2026-02-28", "spaces": ["web"]},
    {"formula": "person.age / 2", "when": "person.country = 'FR'"},
    {"weight": 0},
]


@pytest.fixture
def priced(shop: Workspace) -> Workspace:
    shop.change(
        {
            "specs/shop/catalog.yaml": {
                "categories": {
                    "bank": {"multiplier": {"factor": 1.5, "until": "2026-06-30"}},
                    "bank/cards": {"multiplier": {"factor": 2, "from": "2026-02-01"}},
                },
                "templates": {"plain": {"weights": WEIGHTS}},
            },
            "specs/shop/offers.yaml": {"offers": {"gold-card": {"weights": None}}},
        }
    )
    return shop


def table(shop: Workspace, *patterns: str, stage: str = "specs", at: str = "2026-01-15") -> WeightTable:
    session = shop.session()
    with open_stage(session, stage) as engine:
        return weight_table(engine.catalogs, patterns, at, session.now)


def rows(found: WeightTable) -> list[tuple[Any, ...]]:
    return [(row.offer.name, row.value, row.effective, row.why) for row in found.weights]


def test_each_weight_with_its_worth_on_the_day(priced: Workspace) -> None:
    assert rows(table(priced, "shop/offer.gold-card")) == [
        ("gold-card", "10", "15", ""),
        ("gold-card", "30", "", "its period begins 2026-02-01"),
        ("gold-card", "person.age / 2", "(person.age / 2) × 1.5", ""),
        ("gold-card", "0", "", "0 is never eligible"),
    ]
    later = table(priced, "shop/offer.gold-card", at="2026-02-15")
    assert [row.effective for row in later.weights][:2] == ["30", "90"]
    assert [row.why for row in table(priced, "shop/offer.gold-card", at="2026-07-01").weights][
        1
    ] == "its period ended 2026-02-28"


def test_a_formula_of_the_offers_own_fields_is_worth_a_number(priced: Workspace) -> None:
    priced.change(
        {
            "environments/shop.yaml": {"environment": {"offer_fields": {"margin": {"type": "decimal"}}}},
            "specs/shop/offers.yaml": {
                "offers": {
                    "gold-card": {
                        "fields": {"margin": 0.25},
                        "weights": [{"formula": "100 * offer.margin"}, {"formula": "offer.margin - 1"}],
                    }
                }
            },
        }
    )
    assert rows(table(priced, "shop/offer.gold-card")) == [
        ("gold-card", "100 * offer.margin", "37.5", ""),
        ("gold-card", "offer.margin - 1", "", "its formula is unknown, 0 or less"),
    ]


def test_where_a_weight_comes_from_and_what_changes_it(priced: Workspace) -> None:
    first, second, third, _ = table(priced, "shop/offer.gold-card").weights
    assert (first.name, first.origin, first.category) == ("base", "shop/template.plain", "bank/cards")
    assert (second.spaces, second.period) == (("web",), "from 2026-02-01 until 2026-02-28")
    assert third.condition == "person.country = 'FR'"
    assert first.factors == ("× 1.5 bank (until 2026-06-30)", "× 2 bank/cards (from 2026-02-01, not on this day)")


def test_a_category_is_all_offers_below_it(priced: Workspace) -> None:
    assert {row.offer.name for row in table(priced, "shop/category.bank").weights} == {"gold-card", "saver"}
    assert {row.offer.name for row in table(priced, "shop/category.bank/cards").weights} == {"gold-card"}
    assert {row.offer.name for row in table(priced).weights} == {"gold-card", "saver", "safari"}
    (saver,) = table(priced, "shop/offer.saver").weights
    assert (saver.value, saver.effective, saver.origin) == ("1", "1.5", "shop/offer.saver")


def test_what_is_not_in_force_says_why(priced: Workspace) -> None:
    priced.change({"specs/shop/offers.yaml": {"offers": {"safari": {"enabled": False}, "saver": {"spaces": ["mail"]}}}})
    priced.change({"specs/shop/offers.yaml": {"offers": {"saver": {"weights": [{"weight": 3, "spaces": ["web"]}]}}}})
    assert [row[2:] for row in rows(table(priced, "shop/offer.sa*"))] == [
        ("", "the offer is off"),
        ("", "the offer is on none of its spaces"),
    ]
    priced.change({"specs/shop/catalog.yaml": {"categories": {"bank": {"enabled": False}}}})
    assert {row.why for row in table(priced, "shop/category.bank").weights} == {"category bank is off"}


def test_live_may_differ(priced: Workspace) -> None:
    priced.go_live()
    priced.change({"specs/shop/offers.yaml": {"offers": {"saver": {"weights": [{"weight": 7}]}}}})
    priced.apply("ada")
    effective = [
        table(priced, "shop/offer.saver", stage=stage).weights[0].effective for stage in ("live", "design", "specs")
    ]
    assert effective == ["1.5", "10.5", "10.5"]


@pytest.mark.parametrize("pattern", ["shop/offer.none", "shop/space.web", "<b>", ""])
def test_a_pattern_that_matches_nothing_is_refused(priced: Workspace, pattern: str) -> None:
    with pytest.raises(Refused) as told:
        table(priced, pattern)
    assert told.value.diagnostics[0].code is Code.PLAN_EMPTY_TARGET
