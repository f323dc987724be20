"""Declared fields of offers: what a change of a value, a reader or a declaration does to approvals, promotions and policies."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.governance.aspects import approval_keys, content_fingerprint, eligibility_fingerprint
from offerkit.plans.plan import Plan
from offerkit.reports.fields import field_views
from offerkit.reports.style import CONCISE
from offerkit.server.ui.offers import condition_rows
from offerkit.usecases.policy_checks import check_declared

CATALOG, OFFERS, SPACES = (f"specs/shop/{name}.yaml" for name in ("catalog", "offers", "spaces"))
DECLARED = {"margin": {"type": "decimal"}, "city": {}, "supplier": {}, "day": {"type": "timestamp"}}


def with_fields(shop: Workspace, declared: dict[str, Any] | None = None, **given: Any) -> Workspace:
    """Fields are declared; the category of gold-card gives one value, the template one, the offer ``given``."""
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"offer_fields": declared or DECLARED}},
            CATALOG: {
                "categories": {"bank": {"fields": {"margin": 0.1, "supplier": "x"}}},
                "templates": {"plain": {"fields": {"city": "Oslo"}}},
            },
            OFFERS: {"offers": {"gold-card": {"template": "plain", **({"fields": given} if given else {})}}},
        }
    )
    return shop


def lost(plan: Plan) -> set[tuple[str, str, str]]:
    """The approvals that a plan says it resets: offer, aspect, space."""
    return {(key.address.name, str(key.aspect), key.space) for step in plan.steps for key in step.approvals_reset}


def reviewed(shop: Workspace) -> dict[tuple[str, str, str], list[str]]:
    """Approve gold-card; what those who did were shown, by aspect."""
    shown: dict[tuple[str, str, str], list[str]] = {}
    for who in ("brand", "risk"):
        with suppress(Refused):  # nothing waits for this one
            for aspect in shop.approve(who, "shop/offer.gold-card").shown:
                key = aspect.key
                shown[key.address.name, str(key.aspect), key.space] = [
                    f"{view.mark} {view.path}: {' → '.join(filter(None, (view.before, view.after)))}"
                    for view in field_views(aspect.changes, CONCISE)
                ]
    return shown


ELIGIBILITY = ("gold-card", "eligibility", "")
MAIL, WEB = ("gold-card", "content", "mail"), ("gold-card", "content", "web")
READERS: list[tuple[str, dict[str, Any], set[tuple[str, str, str]]]] = [
    ("nothing", {}, set()),
    ("a text on all spaces", {OFFERS: {"offers": {"gold-card": {"content": {"title": "{{ offer.margin }}"}}}}}, {MAIL, WEB}),
    (
        "a representation",
        {OFFERS: {"offers": {"gold-card": {"representations": {"web": {"title": "{{ offer.margin }}"}}}}}},
        {WEB},
    ),
    (
        "a rendering function",
        {SPACES: {"spaces": {"mail": {"render": {"html": "{{ title }} {{ html }} {{ offer.margin }}"}}}}},
        {MAIL},
    ),
    ("a condition", {OFFERS: {"offers": {"gold-card": {"eligible": {"when": "offer.margin > 0"}}}}}, {ELIGIBILITY}),
    ("a weight", {OFFERS: {"offers": {"gold-card": {"weights": [{"formula": "100 * offer.margin"}]}}}}, {ELIGIBILITY}),
    ("a filter", {CATALOG: {"filters": {"adults": {"when": "offer.margin > 0 or person.age > 18"}}}}, {ELIGIBILITY}),
    ("a category", {CATALOG: {"categories": {"bank": {"eligible": {"when": "offer.margin >= 0"}}}}}, {ELIGIBILITY}),
    ("a rule", {CATALOG: {"rules": {"weekly": {"applies_to": {"when": "offer.margin > 0.5"}, "max": 3}}}}, {ELIGIBILITY}),
    (
        "stored data",
        {SPACES: {"spaces": {"web": {"storage": {"proposed_data": {"margin": "offer.margin"}}}}}},
        {ELIGIBILITY},
    ),
    ("another field", {OFFERS: {"offers": {"gold-card": {"eligible": {"when": "offer.city = 'Oslo'"}}}}}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("patch", "resets"), [reader[1:] for reader in READERS], ids=[reader[0] for reader in READERS])
@pytest.mark.parametrize("where", ["offer", "template", "category"])
def test_a_value_resets_what_reads_it(
    shop: Workspace, patch: dict[str, Any], resets: set[tuple[str, str, str]], where: str
) -> None:
    with_fields(shop)
    shop.change(patch)
    shop.go_live()
    place = {
        "offer": {OFFERS: {"offers": {"gold-card": {"fields": {"margin": 0.9}}}}},
        "template": {CATALOG: {"templates": {"plain": {"fields": {"margin": 0.9}}}}},
        "category": {CATALOG: {"categories": {"bank": {"fields": {"margin": 0.9}}}}},
    }[where]
    shop.change(place)
    own = {each for each in lost(shop.apply("ada")) if each[0] == "gold-card"}
    assert own == resets
    shown = reviewed(shop)
    assert shown == {each: ["~ offer.margin: 0.1 → 0.9"] for each in resets}


def test_reviewers_see_all_that_an_aspect_reads(shop: Workspace) -> None:
    texts = {"title": "{{ offer.margin }} {{ offer.label }} {{ product.price }}"}
    with_fields(shop)
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"product_fields": {"price": {"type": "integer"}}}},
            OFFERS: {"offers": {"gold-card": {"content": texts, "eligible": {"when": "offer.supplier = 'x'"}}}},
        }
    )
    shop.apply("ada")
    new = reviewed(shop)
    assert "+ offer.margin: 0.1" in new[WEB]
    assert '+ offer.supplier: "x"' in new[ELIGIBILITY]
    shop.approve_all()
    shop.promote("ada")
    declared = {"offer_fields": {"margin": {"type": "string"}}, "product_fields": {"price": {"type": "decimal"}}}
    shop.change(
        {
            "environments/shop.yaml": {"environment": declared},
            OFFERS: {"offers": {"gold-card": {"label": "Gold, now"}}},
        }
    )
    shop.apply("ada")
    assert reviewed(shop)[WEB] == [
        '~ environment.offer_fields.margin.type: "decimal" → "string"',
        '~ environment.product_fields.price.type: "integer" → "decimal"',
        '~ offer.label: "Gold card" → "Gold, now"',
    ]


def test_the_same_value_from_elsewhere_or_written_otherwise_resets_nothing(shop: Workspace) -> None:
    with_fields(shop)
    shop.change({OFFERS: {"offers": {"gold-card": {"weights": [{"formula": "offer.margin"}]}}}})
    shop.go_live()
    shop.change({OFFERS: {"offers": {"gold-card": {"fields": {"margin": "0.100"}}}}})
    assert lost(shop.apply("ada")) == set()


def test_fingerprints_are_as_before_where_nothing_is_read(shop: Workspace) -> None:
    before = shop.session().load().snapshot
    with_fields(shop, margin=0.5)
    shop.change(
        {OFFERS: {"offers": {"gold-card": {"template": shop.files[OFFERS]["offers"]["gold-card"]["template"]}}}}
    )
    after = shop.session().load().snapshot
    for address in after.of_kind(next(a.kind for a in after.entries if "/offer." in a)):
        old, new = (
            {(k.aspect, k.space): k.fingerprint for k in approval_keys(view, address)} for view in (before, after)
        )
        assert old == new or address.name == "gold-card"
        assert eligibility_fingerprint(before, address) == eligibility_fingerprint(after, address)


def test_a_type_and_a_zone_are_bound_with_the_value(shop: Workspace) -> None:
    with_fields(
        shop, {"margin": {}, "city": {}, "supplier": {}, "day": {"type": "timestamp"}}, day="2026-01-01T00:00:00Z"
    )
    shop.change({OFFERS: {"offers": {"gold-card": {"content": {"title": "{{ offer.margin }} {{ offer.day }}"}}}}})

    def fingerprint() -> str:
        view = shop.session().load().snapshot
        (address,) = [each for each in view.entries if each == "shop/offer.gold-card"]
        return content_fingerprint(view, address, "web")

    texts = [fingerprint()]
    shop.change({"environments/shop.yaml": {"environment": {"offer_fields": {"margin": {"type": "decimal"}}}}})
    texts.append(fingerprint())
    shop.change({"environments/shop.yaml": {"environment": {"time_zone": "Asia/Tokyo"}}})
    texts.append(fingerprint())
    shop.change(
        {
            "environments/shop.yaml": {
                "environment": {"offer_fields": {"margin": {"description": "x", "range": {"max": 1}}}}
            }
        }
    )
    texts.append(fingerprint())
    assert len(set(texts)) == 3 and texts[2] == texts[3]


def test_what_is_live_keeps_a_declaration_that_it_reads(shop: Workspace) -> None:
    """Design may drop the field and its reader; a promotion of the environment alone would break the offer in live."""
    with_fields(shop)
    shop.change({OFFERS: {"offers": {"gold-card": {"weights": [{"formula": "100 * offer.margin"}]}}}})
    shop.go_live()
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"offer_fields": {"margin": None}}},
            CATALOG: {"categories": {"bank": {"fields": {"margin": None}}}},
            OFFERS: {"offers": {"gold-card": {"weights": None}}},
        }
    )
    shop.apply("ada")
    plan = shop.promotion("ada")
    assert not any(step.address.kind == "environment" for step in plan.steps), "it waits for the offer"
    blocked = {str(each.address): each.why for each in plan.blocked}
    assert "would change shop/offer.gold-card, which is live" in blocked["environment.shop"]
    shop.approve_all()
    assert any(step.address.kind == "environment" for step in shop.promote("ada").steps)


def test_policies_read_fields(shop: Workspace) -> None:
    with_fields(shop)
    policies = {
        "gain": {"require": "offer.margin >= 0.2", "message": "Too little."},
        "kept": {"require": "offer.supplier = 'x' and before.supplier = offer.supplier", "message": "It stays."},
    }
    shop.change({"specs/shop/policies.yaml": {"version": 1, "policies": policies}})
    session = shop.session()
    found = check_declared(session, session.load())
    assert found and all(each.code is Code.POLICY_DENIED and "gain" in each.summary for each in found)
    assert any("offer.margin is unknown" in each.detail for each in found)  # of the offers outside of bank
    shop.change({"specs/shop/policies.yaml": {"policies": {"gain": {"require": "offer.margn >= 0.2"}}}})
    with pytest.raises(Refused) as refused:
        shop.plan()
    (one,) = refused.value.diagnostics
    assert one.code is Code.EXPRESSION and "Did you mean offer.margin?" in one.hint


def test_a_policy_of_live_reads_values_by_its_own_types(shop: Workspace) -> None:
    with_fields(shop, margin=0.5)
    gain = {"require": "offer.name <> 'gold-card' or offer.margin >= 0.2", "message": "Too little."}
    shop.change({"specs/shop/policies.yaml": {"version": 1, "policies": {"gain": gain}}})
    shop.go_live()
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"offer_fields": {"margin": {"type": "string"}}}},
            "specs/shop/policies.yaml": {
                "policies": {"gain": {"require": "offer.name <> 'gold-card' or offer.margin <> ''"}}
            },
            OFFERS: {"offers": {"gold-card": {"fields": {"margin": "much"}}}},
        }
    )
    with pytest.raises(Refused) as refused:
        shop.apply("ada")
    assert any("shop/policy.gain" in one.summary for one in refused.value.diagnostics)


def test_the_page_of_an_offer_shows_values_and_what_gives_them(shop: Workspace) -> None:
    with_fields(shop, margin=0.9)
    view = shop.session().load().snapshot
    (address,) = [each for each in view.entries if each == "shop/offer.gold-card"]
    rows = [(row.origin, row.design) for row in condition_rows(address, view, view) if row.what == "Field"]
    assert sorted(rows) == [
        ("shop/category.bank", "supplier: x"),
        ("shop/offer.gold-card", "margin: 0.9"),
        ("shop/template.plain", "city: Oslo"),
    ]
