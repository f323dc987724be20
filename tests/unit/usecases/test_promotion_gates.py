"""A promotion is held to more than approvals: live rules stay readable, and cases pass where that is asked."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.engine.catalog import Catalog
from offerkit.engine.compile import compile_catalog
from offerkit.plans.make import AddressPatterns
from offerkit.state.snapshot import Snapshot
from offerkit.usecases.apply import apply
from offerkit.usecases.promote import promote

SHARED, CATALOG, OFFERS, ENVIRONMENT = (
    "specs/shared.yaml", "specs/shop/catalog.yaml", "specs/shop/offers.yaml", "environments/shop.yaml",
)  # fmt: skip
CASES = """version: 1
cases:
  the safari comes first:
    {space: shop/web, contact: {id: 1}, now: "2026-02-01T10:00", n: 1, expect: {offers: [%s]}}
"""


def asking(shop: Workspace, expected: str) -> None:
    shop.change({ENVIRONMENT: {"environment": {"promotion": {"tests": True}}}, "cases/shop.yaml": CASES % expected})


def test_a_failing_case_stops_a_promotion(shop: Workspace) -> None:
    asking(shop, "nobody")
    shop.apply("ada")
    shop.approve_all()
    with pytest.raises(Refused) as refused:
        shop.promotion("ada")
    (found,) = refused.value.diagnostics
    assert found.code is Code.CASE_FAILED
    assert "the safari comes first" in found.summary
    assert found.address == "shop/cases.shop"
    assert shop.active() == {}


def test_a_saved_promotion_is_asked_again_when_applied(shop: Workspace) -> None:
    asking(shop, "safari")
    shop.apply("ada")
    shop.approve_all()
    plan = shop.promotion("ada")
    asking(shop, "nobody")
    shop.apply("ada", "shop/cases.shop")
    with pytest.raises(Refused) as refused:
        shop.execute("ada", plan)
    assert refused.value.diagnostics
    assert shop.active() == {}
    asking(shop, "safari")
    shop.apply("ada", "shop/cases.shop")
    shop.execute("ada", plan)
    assert "shop/offer.safari" in shop.active()


@pytest.mark.parametrize(
    "case",
    [
        "5",
        "{}",
        '{space: web, contact: {id: 1}, now: "2026-02-01T10:00", expect: {offers: [safari]}}',
        '{spaces: shop/web, contact: {id: 1}, now: "2026-02-01T10:00", expect: {offers: [safari]}}',
        '{spaces: 5, contact: {id: 1}, now: "2026-02-01T10:00", expect: {offers: [safari]}}',
        '{spaces: {shop/web: 1}, contact: {id: 1}, now: "2026-02-01T10:00", expect: {offers: [safari]}}',
        '{space: [shop/web], contact: {id: 1}, now: "2026-02-01T10:00", expect: {offers: [safari]}}',
        '{spaces: [shop/web, other/web], contact: {id: 1}, now: "2026-02-01T10:00", expect: {offers: [safari]}}',
        "{space: shop/web, contact: {id: 1}, expect: {offers: [safari]}}",
    ],
)
def test_a_case_that_cannot_run_is_not_applied(shop: Workspace, case: str) -> None:
    asking(shop, "safari")
    shop.change({"cases/slip.yaml": f"version: 1\ncases:\n  a slip: {case}\n"})
    with pytest.raises(Refused) as refused:
        shop.apply("ada")
    (found,) = refused.value.diagnostics
    assert found.code is Code.BAD_CASE
    assert "a slip" in found.summary
    assert found.position is not None
    assert found.position.file == "cases/slip.yaml"


def test_cases_are_not_asked_where_the_environment_does_not_say_so(shop: Workspace) -> None:
    shop.change({"cases/shop.yaml": CASES % "nobody"})
    shop.go_live()
    assert "shop/offer.safari" in shop.active()


def stopped(shop: Workspace, *targets: str) -> None:
    """The promotion of what was just changed does not pass the cases."""
    shop.change({"cases/shop.yaml": CASES % "nobody"})
    shop.apply("ada")
    with pytest.raises(Refused) as refused:
        shop.promotion("ada", *targets)
    assert [found.code for found in refused.value.diagnostics] == [Code.CASE_FAILED]


def test_a_promotion_cannot_switch_off_the_gate_that_it_has_to_pass(shop: Workspace) -> None:
    asking(shop, "safari")
    shop.go_live()
    shop.change({ENVIRONMENT: {"environment": {"promotion": None}}})
    stopped(shop)


def test_a_gate_that_only_design_has_counts_although_it_stays_behind(shop: Workspace) -> None:
    shop.go_live()
    asking(shop, "nobody")
    shop.change({CATALOG: {"categories": {"travel": {"label": "Away"}}}})
    stopped(shop, "shop/category.travel")


def test_a_change_of_nothing_but_shared_things_has_to_pass_the_cases(shop: Workspace) -> None:
    asking(shop, "safari")
    shop.go_live()
    shop.change({SHARED: {"dimensions": {"person": {"label": "People"}}}})
    stopped(shop)


def test_a_rule_that_live_could_not_read_stops_a_promotion(live_shop: Workspace) -> None:
    live_shop.change({
        SHARED: {"dimensions": {"person": {"fields": {"height": {"type": "integer"}}}}},
        OFFERS: {"offers": {"safari": {"eligible": {"when": "person.height > 100"}}}},
    })  # fmt: skip
    live_shop.apply("ada")
    live_shop.approve_all()
    assert {step.address for step in live_shop.promotion("ada").steps} >= {"dimension.person", "shop/offer.safari"}
    with pytest.raises(Refused) as refused:
        live_shop.promotion("ada", "shop/offer.safari", exclude=("dimension.person",))
    (found,) = refused.value.diagnostics
    assert found.code is Code.BROKEN_RULE
    assert found.address == "shop/offer.safari"
    assert "height" in found.summary


def test_a_field_that_live_rules_use_cannot_be_taken_from_live(live_shop: Workspace) -> None:
    live_shop.change({
        SHARED: {"dimensions": {"person": {"fields": {"height": {"type": "integer"}}}}},
        OFFERS: {"offers": {"safari": {"eligible": {"when": "person.height > 100"}}}},
    })  # fmt: skip
    live_shop.go_live()
    live_shop.change({
        SHARED: {"dimensions": {"person": {"fields": {"height": None}}}},
        OFFERS: {"offers": {"safari": {"eligible": {"when": "person.age > 3"}}}},
    })  # fmt: skip
    live_shop.apply("ada")  # safari is not approved again: it would stay as it is, without its field
    with pytest.raises(Refused) as refused:
        live_shop.promotion("ada")
    assert {(found.code, found.address) for found in refused.value.diagnostics} == {
        (Code.BROKEN_RULE, "shop/offer.safari")
    }
    live_shop.approve_all()
    live_shop.promote("ada")
    assert live_shop.verified() == []


@pytest.mark.parametrize("where", ["eligible", "weight"])
def test_an_offer_leaves_live_together_with_its_filter(live_shop: Workspace, where: str) -> None:
    """What only a deactivated offer names can go: it is kept for the history."""
    uses = {"eligible": {"eligible": {"filters": ["few"]}}, "weight": {"weights": [{"weight": 3, "filters": ["few"]}]}}
    live_shop.change({
        CATALOG: {"filters": {"few": {"when": "person.age >= 80"}}},
        OFFERS: {"offers": {"rare": {"category": "travel", "content": {"title": "Rare"}, "spaces": ["web"], **uses[where]}}},
    })  # fmt: skip
    live_shop.go_live()
    assert live_shop.active()["shop/offer.rare"] == ("web",)
    live_shop.change({CATALOG: {"filters": {"few": None}}, OFFERS: {"offers": {"rare": None}}})
    live_shop.apply("ada")
    live_shop.promote("ada")
    assert live_shop.active()["shop/offer.rare"] == ()
    live_shop.change({OFFERS: {"offers": {"safari": {"label": "Lions and more"}}}})
    live_shop.go_live()  # what is left of it stands in nobody's way later, either
    assert live_shop.verified() == []


def test_a_field_that_live_texts_name_cannot_be_taken_from_live(live_shop: Workspace) -> None:
    safari = {"content": {"title": "Lions, {{ person.first_name }}"}}
    live_shop.change({OFFERS: {"offers": {"safari": safari}}})
    live_shop.go_live()
    live_shop.change({
        SHARED: {"dimensions": {"person": {"fields": {"first_name": None}}}},
        OFFERS: {"offers": {"safari": {"content": {"title": "All the lions"}}}},
    })  # fmt: skip
    live_shop.apply("ada")  # safari is not approved again: it would stay as it is, without its field
    before = live_shop.active()
    with pytest.raises(Refused) as refused:
        live_shop.promotion("ada")
    (found,) = refused.value.diagnostics
    assert (found.code, found.address) == (Code.UNKNOWN_VARIABLE, "shop/offer.safari")
    assert "title on web names “person.first_name”" in found.summary
    assert live_shop.active() == before
    live_shop.approve_all()
    live_shop.promote("ada")
    assert live_shop.verified() == []


def test_call_data_that_live_texts_name_cannot_be_taken_from_live(shop: Workspace) -> None:
    shop.change({
        ENVIRONMENT: {"environment": {"call_data": {"page": {"sample": "/home"}}}},
        OFFERS: {"offers": {"saver": {"content": {"html": "<p>{{ interaction.page }}</p>"}}}},
    })  # fmt: skip
    shop.go_live()
    shop.change({
        ENVIRONMENT: {"environment": {"call_data": None}},
        OFFERS: {"offers": {"saver": {"content": {"html": "<p>Save now</p>"}}}},
    })  # fmt: skip
    shop.apply("ada")
    with pytest.raises(Refused) as refused:
        shop.promotion("ada")
    assert [(found.code, found.address) for found in refused.value.diagnostics] == [
        (Code.UNKNOWN_VARIABLE, "shop/offer.saver")
    ]


def test_a_field_that_a_live_space_or_campaign_needs_cannot_be_taken_from_live(live_shop: Workspace) -> None:
    spaces, campaigns = "specs/shop/spaces.yaml", "specs/shop/campaigns.yaml"
    delivery = {"space": "mail", "offers": ["saver"], "target": "person.country = 'FR'"}
    live_shop.change({
        campaigns: {"version": 1, "campaigns": {"winter": {"deliveries": {"letter": delivery}}}},
        spaces: {"spaces": {"web": {"storage": {"proposed_data": {"from": "person.country"}}}}},
    })  # fmt: skip
    live_shop.apply("ada")
    live_shop.go_live()
    live_shop.change({
        SHARED: {"dimensions": {"person": {"fields": {"country": None, "email": None}}}},
        campaigns: {"campaigns": {"winter": {"deliveries": {"letter": {"target": None}}}}},
        spaces: {"spaces": {"web": {"identification": {"keys": ["id"]}, "storage": None}}},
    })  # fmt: skip
    live_shop.apply("ada", exclude=("shop/campaign.winter",))
    with pytest.raises(Refused) as refused:
        live_shop.promotion("ada", exclude=("shop/space.web",))
    assert {(found.code, found.address) for found in refused.value.diagnostics} == {
        (Code.UNKNOWN_FIELD, "shop/space.web"),
        (Code.BROKEN_RULE, "shop/space.web"),
        (Code.BROKEN_RULE, "shop/campaign.winter"),
    }


def test_what_environments_share_is_asked_of_those_too_that_are_not_promoted(shop: Workspace) -> None:
    contacts = "id,email,first_name,age,country\n1,a@example.org,Ana,{},FR\n"
    source = {"format": "csv", "path": "data/people.csv"}
    shop.change({
        "data/people.csv": contacts.format(30),
        "data/younger.csv": contacts.format(10),
        SHARED: {"dimensions": {"person": {"source": source}}},
        "environments/other.yaml": {
            "version": 1,
            "environment": {"label": "Other", "dimension": "person", "promotion": {"tests": True}},
        },
        "specs/other/all.yaml": {
            "version": 1,
            "categories": {"all": {}},
            "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}],
                               "identification": {"keys": ["email"]}}},
            "offers": {"wine": {"category": "all", "weights": [{"weight": 1}], "content": {"title": "Wine"},
                                "eligible": {"when": "person.age >= 18"}}},
        },
        "cases/other.yaml": (
            "version: 1\ncases:\n  Ana is offered wine:\n"
            '    {space: other/web, contact: 1, now: "2026-02-01T10:00", expect: {offers: [wine]}}\n'
        ),
    })  # fmt: skip
    shop.apply("ada")
    shop.approve_all()
    shop.promote("ada")
    shop.change({SHARED: {"dimensions": {"person": {"source": {"path": "data/younger.csv"}}}}})
    shop.apply("ada")
    with pytest.raises(Refused) as refused:
        shop.promotion("ada", environments=("shop",))
    assert [found.code for found in refused.value.diagnostics] == [Code.CONTACTS_OTHER]
    shop.change({"environments/other.yaml": {"environment": {"promotion": None}}})
    shop.apply("ada")
    with pytest.raises(Refused) as refused:  # live still asks
        shop.promotion("ada")
    assert [found.code for found in refused.value.diagnostics] == [Code.CONTACTS_OTHER]


@pytest.mark.parametrize(
    "applies_to", [{"offers": ["safari"]}, {"when": "offer.code <> 'x'"}], ids=["name", "condition"]
)
def test_a_promotion_that_is_planned_and_applied_compiles_its_catalogs_once(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch, applies_to: dict[str, Any]
) -> None:
    shop.change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"applies_to": applies_to}}}})
    compiled: list[str] = []

    def counted(environment: str, *given: Any, **named: Any) -> Catalog:
        compiled.append(environment)
        return compile_catalog(environment, *given, **named)

    monkeypatch.setattr("offerkit.usecases.catalogs.compile_catalog", counted)
    shop.apply("ada")
    shop.approve_all()
    session = shop.session("ada", known=Snapshot())
    plan = promote(session, (), AddressPatterns.of(()))
    assert compiled == ["shop"]
    apply(session, plan)
    assert compiled == ["shop"]
    assert "shop/offer.safari" in shop.active()


def test_what_planning_derived_does_not_hide_what_has_changed_since(shop: Workspace) -> None:
    asking(shop, "safari")
    shop.apply("ada")
    shop.approve_all()
    session = shop.session("ada", known=Snapshot())
    plan = promote(session, (), AddressPatterns.of(()))
    assert plan == shop.promotion("ada")
    shop.reject("omar", "shop/offer.safari")
    with pytest.raises(Refused) as refused:
        apply(session, plan)
    assert refused.value.diagnostics[0].code is Code.PLAN_STALE
    assert shop.active() == {}
