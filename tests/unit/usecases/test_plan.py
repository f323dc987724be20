"""What the plan of an apply says beyond fields: where offers would be shown, and what looks like a rename."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Refused
from offerkit.plans.plan import Plan, decode, envelope
from offerkit.reports.renames import likely_renames

OFFERS, SPACES = "specs/shop/offers.yaml", "specs/shop/spaces.yaml"


def notes(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {step.address: step.notes for step in plan.steps if step.notes}


def offers(**more: object) -> dict[str, object]:
    return {OFFERS: {"offers": {name: {"category": "bank", **(body or {})} for name, body in more.items()}}}  # type: ignore[dict-item]


def test_a_new_offer_that_names_no_spaces_says_where_it_would_be_shown(shop: Workspace) -> None:
    """In the first plan as well as later; a text meant for e-mail would be on the web, too."""
    assert notes(shop.plan()) == {
        "shop/offer.gold-card": ("names no spaces; to be shown on mail, web",),
        "shop/offer.safari": ("names no spaces; to be shown on web",),
        "shop/offer.saver": ("names no spaces; to be shown on mail, web",),
    }
    shop.apply("ada")
    content = {"title": "x", "html": "y"}
    shop.change({"specs/shop/catalog.yaml": {"templates": {"letter": {"spaces": ["mail"], "content": content}}}})
    shop.change(offers(
        letter={"content": content}, named={"content": content, "spaces": ["mail"]}, inherited={"template": "letter"},
        told={"template": "plain", "content": {"title": "x"}, "representations": {"mail": {"html": "z"}}},
    ))  # fmt: skip
    assert notes(shop.plan()) == {
        "shop/offer.letter": ("names no spaces; to be shown on mail, web",),
        "shop/offer.told": ("names no spaces; to be shown on mail, web",),
    }


def test_a_new_space_says_which_offers_would_be_shown_on_it(shop: Workspace) -> None:
    shop.apply("ada")
    sms = {"channel": "sms", "fields": [{"name": "text", "required": True}], "render": {"text": "{{ text }}"}}
    shop.change({SPACES: {"spaces": {"sms": sms}}})
    shop.change(offers(other={"content": {"title": "t", "text": "u"}}))
    assert notes(shop.plan()) == {
        "shop/offer.other": ("names no spaces; to be shown on sms, web",),
        "shop/space.sms": ("offers that name no spaces, newly to be shown here: gold-card",),
    }
    shop.change({OFFERS: {"offers": {"gold-card": {"spaces": ["mail", "web"]}}}})
    assert "shop/space.sms" not in notes(shop.plan())


def test_a_space_that_requires_less_says_so_too(shop: Workspace) -> None:
    shop.apply("ada")
    fields = [{"name": "title", "required": True}, {"name": "html"}]
    shop.change({SPACES: {"spaces": {"mail": {"fields": fields}}}})
    assert notes(shop.plan()) == {
        "shop/space.mail": ("offers that name no spaces, newly to be shown here: safari",),
    }


def test_what_goes_and_comes_with_the_same_fields_looks_like_a_rename(shop: Workspace) -> None:
    shop.apply("ada")
    safari = shop.files[OFFERS]["offers"]["safari"]  # type: ignore[index, call-overload]
    shop.change({OFFERS: {"offers": {"safari": None, "lions": safari}}})
    assert likely_renames(shop.plan()) == {"shop": [("offer.safari", "offer.lions")]}
    shop.change({OFFERS: {"offers": {"cats": safari}}})  # which of the two it became is not to be told
    assert likely_renames(shop.plan()) == {}
    shop.change({OFFERS: {"offers": {"cats": None}}, "specs/shared.yaml": {"operators": {
        "olga": None, "olivia": {"profile": "offer-manager", "label": None}, "dora": None,
        "doris": {"profile": "delivery-manager", "label": "Doris"},
    }}})  # fmt: skip
    assert likely_renames(shop.plan()) == {
        "shared": [("operator.olga", "operator.olivia")], "shop": [("offer.safari", "offer.lions")],
    }  # fmt: skip
    shop.change({OFFERS: {"moved": {"offer.safari": "offer.lions"}}})
    assert "shop" not in likely_renames(shop.plan())


def test_a_part_of_a_plan_never_splits_names_that_are_passed_on(shop: Workspace) -> None:
    """Whatever is targeted or excluded, no name is given up without its taker, and what stays is in no step."""
    offers = {name: {"category": path, "content": {"title": name}} for name, path in zip("xyz", "pqp", strict=True)}
    shop.change(
        {"specs/shop/more.yaml": {"version": 1, "categories": {"p": {"label": "P"}, "q": {}}, "offers": offers}}
    )
    shop.apply("ada")
    ring = {"offer.x": "offer.y", "offer.y": "offer.z", "offer.z": "offer.x"}
    moved = {"category.p": "category.q", "category.q": "category.p", **ring}
    turned = {"y": {"category": "q", "content": {"title": "x"}}, "z": {"category": "p", "content": {"title": "y"}}}
    turned["x"] = {"category": "q", "content": {"title": "z"}}
    more = {"version": 1, "moved": moved, "categories": {"p": {"label": None}, "q": {"label": "P"}}, "offers": turned}
    shop.change({"specs/shop/more.yaml": more})
    whole = shop.plan()
    assert {step.moved_from.partition("/")[2]: step.address.partition("/")[2] for step in whole.steps} == moved
    with shop.store() as store:
        was = store.entries("shop@design").keys()
    for name in moved:
        for plan in (shop.plan(name), shop.plan(exclude=(name,)), shop.plan("*.x", exclude=(name,))):
            gone, come = {step.moved_from for step in plan.steps}, {step.address for step in plan.steps}
            assert gone == come, (name, gone, come)
            assert come.isdisjoint(found.address for found in plan.blocked)
            assert {d for d in come if "offer" in d} in (set(), {"shop/offer.x", "shop/offer.y", "shop/offer.z"})
    shop.apply("ada", "category.p")
    with shop.store() as store:
        assert store.entries("shop@design").keys() == was
    assert shop.plan().empty


@pytest.mark.parametrize("who", ["ada", "dora"])
def test_a_plan_that_was_read_and_does_nothing_is_not_recorded(live_shop: Workspace, who: str) -> None:
    """Whoever sends it: else the history would tell of a rollback that never was, by somebody who may make none."""
    with live_shop.store() as store:
        before = store.last_serial()
    live_shop.change(offers(saver={"label": "Saver plus"}))
    live_shop.apply("ada")
    made = live_shop.rollback_plan("shop@design", before)
    with pytest.raises(Refused, match="no steps"):
        live_shop.execute(who, decode(envelope(replace(made, steps=(), bodies={})), "plan.json"))
    with live_shop.store() as store:
        assert store.last_serial() == before + 1
