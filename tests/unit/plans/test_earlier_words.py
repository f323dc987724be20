"""A plan that an earlier version saved still applies, though this one words its reasons differently."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Refused
from offerkit.plans.plan import Plan, decode, envelope
from offerkit.plans.sentences import in_current_words

OFFERS = "specs/shop/offers.yaml"
LIFTED_BEFORE = "offerkit override shop/offer.gold-card --policies --reason TEXT"
EARLIER = {
    LIFTED_BEFORE: "offerkit override shop/offer.gold-card --policies --message TEXT",
    "Somebody other than its author may lift that: offerkit override shop/cases.ana --reason TEXT": (
        "Somebody other than its author may lift that: offerkit override shop/cases.ana --message TEXT"
    ),
    "offerkit override shop/offer.safari --reviewers --reason TEXT, by somebody who did not change it": (
        "offerkit override shop/offer.safari --reviewers --message TEXT, by somebody who did not change it"
    ),
    "it was rolled back in revision 9 by olga.n@x.example, and design is still as it was": (
        "it was rolled back in revision 9 by olga.n@x.example, and design is unchanged since"
    ),
    "shop/policy.ends denies it: Offers end (whether that is so is unknown)": (
        "shop/policy.ends denies it: Offers end (the result of the condition is unknown)"
    ),
    "it would change shop/offer.a: it was rolled back in revision 1 by omar, and design is still as it was": (
        "it would change shop/offer.a: it was rolled back in revision 1 by omar, and design is unchanged since"
    ),
}


@pytest.mark.parametrize(("earlier", "now"), EARLIER.items())
def test_what_earlier_versions_wrote_is_the_same_sentence(earlier: str, now: str) -> None:
    assert in_current_words(earlier) == now
    assert in_current_words(now) == now


@pytest.mark.parametrize("text", ["offerkit stop shop/offer.a --reason TEXT", "and design is still as it was"])
def test_nothing_else_is_taken_for_it(text: str) -> None:
    assert in_current_words(text) == text


@pytest.fixture
def promotion(live_shop: Workspace) -> Plan:
    """saver goes live; gold-card is denied by a policy, and safari held back after a rollback."""
    rule = {"require": "offer.weight <= 50 or step.stage = 'design'", "message": "No heavy offers live."}
    live_shop.change({"specs/shop/policies.yaml": {"version": 1, "policies": {"light": rule}}})
    live_shop.go_live()
    live_shop.change({OFFERS: {"offers": {"safari": {"content": {"title": "Tigers"}}}}})
    live_shop.go_live()
    with live_shop.store() as store:
        before = store.last_serial() - 1
    live_shop.rollback("omar", "shop@live", before)
    heavy = {"weights": [{"weight": 99}]}
    live_shop.change({OFFERS: {"offers": {"gold-card": heavy, "saver": {"content": {"title": "Save more"}}}}})
    live_shop.apply("omar")
    live_shop.approve_all()
    return live_shop.promotion("omar")


def worded_before(plan: Plan) -> Plan:
    """The plan as the version before wrote it."""
    blocked = tuple(
        replace(
            b,
            why=b.why.replace("is unchanged since", "is still as it was"),
            how=b.how.replace("--message TEXT", "--reason TEXT"),
        )
        for b in plan.blocked
    )
    return replace(plan, blocked=blocked)


def test_a_promotion_that_an_earlier_version_saved_applies(live_shop: Workspace, promotion: Plan) -> None:
    earlier = worded_before(promotion)
    assert {b.address for b in promotion.blocked} == {"shop/offer.gold-card", "shop/offer.safari"}
    assert set(earlier.blocked).isdisjoint(promotion.blocked)
    live_shop.execute("omar", decode(envelope(earlier), "plan.json"))
    with live_shop.store() as store:
        revision = store.revision(store.last_serial())
    assert revision is not None
    assert (revision.action, revision.actor) == ("promote", "omar")


def test_and_may_still_say_nothing_else(live_shop: Workspace, promotion: Plan) -> None:
    first, *others = worded_before(promotion).blocked
    forged = replace(promotion, blocked=(replace(first, how=f"{first.how} It is fine."), *others))
    with pytest.raises(Refused, match="what stays behind"):
        live_shop.execute("omar", decode(envelope(forged), "plan.json"))
