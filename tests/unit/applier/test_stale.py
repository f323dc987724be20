"""A saved plan is refused exactly when something it touches or relies on changed meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.files import base
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.governance.approvals import Decision
from offerkit.plans.plan import Plan

OFFERS, CATALOG, SPACES = "specs/shop/offers.yaml", "specs/shop/catalog.yaml", "specs/shop/spaces.yaml"
FUND = {OFFERS: {"offers": {"fund": {"category": "bank", "content": {"title": "Fund"}}}}}


def refusal(workspace: Workspace, plan: Plan, who: str = "ada") -> list[Diagnostic]:
    """Why the plan is not applied; nothing is changed by the attempt."""
    with workspace.store() as store:
        before = (store.last_serial(), store.heads())
    with pytest.raises(Refused) as caught:
        workspace.execute(who, plan)
    with workspace.store() as store:
        assert (store.last_serial(), store.heads()) == before
    return list(caught.value.diagnostics)


def conflicts(workspace: Workspace, plan: Plan) -> list[tuple[str, str]]:
    """The addresses in conflict with what is said of each."""
    found = refusal(workspace, plan)
    assert {d.code for d in found} == {Code.PLAN_STALE}
    return [(d.address, d.summary + " " + d.detail) for d in found]


def meanwhile(workspace: Workspace, patch: dict[str, Any], who: str = "omar") -> None:
    """Apply a change, and put the files back as they were."""
    files = workspace.files
    workspace.change(patch)
    assert workspace.apply(who).steps
    workspace.files = files
    workspace.change({})


def planned(workspace: Workspace, patch: dict[str, Any], *targets: str) -> Plan:
    """The plan of a change; the files are put back."""
    files = workspace.files
    workspace.change(patch)
    plan = workspace.plan(*targets)
    assert plan.steps
    workspace.files = files
    workspace.change({})
    return plan


def test_changed_meanwhile(live_shop: Workspace) -> None:
    plan = planned(live_shop, {OFFERS: {"offers": {"safari": {"label": "A"}}}})
    meanwhile(live_shop, {OFFERS: {"offers": {"safari": {"label": "B"}}}})
    [(address, told)] = conflicts(live_shop, plan)
    assert address == "shop/offer.safari"
    assert "shop/offer.safari in shop@design has changed since the plan was made" in told
    assert "in revision 6 by omar, 2026-01-01T" in told


def test_every_conflict_is_told(live_shop: Workspace) -> None:
    change = {OFFERS: {"offers": {"safari": {"label": "A"}, "saver": {"label": "A"}, "gold-card": {"label": "A"}}}}
    plan = planned(live_shop, change)
    meanwhile(live_shop, {OFFERS: {"offers": {"safari": {"label": "B"}, "saver": {"label": "B"}}}})
    assert [address for address, _ in conflicts(live_shop, plan)] == ["shop/offer.safari", "shop/offer.saver"]


def test_created_meanwhile(live_shop: Workspace) -> None:
    plan = planned(live_shop, FUND)
    meanwhile(live_shop, {OFFERS: {"offers": {"fund": {"category": "travel", "content": {"title": "Other"}}}}})
    [(address, told)] = conflicts(live_shop, plan)
    assert address == "shop/offer.fund"
    assert "(create) in revision 6 by omar" in told


def test_done_already(live_shop: Workspace) -> None:
    plan = planned(live_shop, FUND)
    live_shop.execute("ada", plan)
    assert [address for address, _ in conflicts(live_shop, plan)] == ["shop/offer.fund"]


def test_removed_meanwhile(live_shop: Workspace) -> None:
    plan = planned(live_shop, {OFFERS: {"offers": {"safari": {"label": "A"}}}})
    meanwhile(live_shop, {OFFERS: {"offers": {"safari": None}}})
    [(address, told)] = conflicts(live_shop, plan)
    assert address == "shop/offer.safari"
    assert "(delete) in revision 6" in told


def test_renamed_meanwhile(live_shop: Workspace) -> None:
    plan = planned(live_shop, {OFFERS: {"offers": {"safari": {"label": "A"}}}})
    moved = {
        "moved": {"offer.safari": "offer.lions"},
        "offers": {"safari": None, "lions": base()[OFFERS]["offers"]["safari"]},
    }
    meanwhile(live_shop, {OFFERS: moved})
    [(address, told)] = conflicts(live_shop, plan)
    assert address == "shop/offer.safari"
    assert "(move) in revision 6" in told


def test_what_it_relies_on_changed_or_went(live_shop: Workspace) -> None:
    plan = planned(live_shop, {OFFERS: {"offers": {"fund": {"category": "travel", "content": {"title": "x"}}}}})
    meanwhile(live_shop, {CATALOG: {"categories": {"travel": {"label": "Other"}}}})
    assert [address for address, _ in conflicts(live_shop, plan)] == ["shop/category.travel"]
    again = planned(
        live_shop,
        {
            OFFERS: {"offers": {"fund": {"category": "travel", "content": {"title": "x"}}}},
            CATALOG: {"categories": {"travel": {"label": "Other"}}},
        },
    )
    meanwhile(live_shop, {OFFERS: {"offers": {"safari": None}}, CATALOG: {"categories": {"travel": None}}})
    assert "shop/category.travel" in [address for address, _ in conflicts(live_shop, again)]


def test_what_would_go_was_named_since(live_shop: Workspace) -> None:
    live_shop.change({CATALOG: {"filters": {"unused": {"when": "person.age > 1"}}}})
    live_shop.apply("ada")
    plan = planned(live_shop, {CATALOG: {"filters": {"unused": None}}})
    assert [step.action for step in plan.steps] == ["delete"]
    meanwhile(live_shop, {OFFERS: {"offers": {"safari": {"eligible": {"filters": ["unused"]}}}}})
    [(address, told)] = conflicts(live_shop, plan)
    assert address == "shop/offer.safari"
    assert "shop/offer.safari names shop/filter.unused, which the plan removes" in told
    assert "by omar" in told


def test_named_since_and_no_more_is_no_conflict(live_shop: Workspace) -> None:
    live_shop.change({CATALOG: {"filters": {"unused": {"when": "person.age > 1"}}}})
    live_shop.apply("ada")
    plan = planned(live_shop, {CATALOG: {"filters": {"unused": None}}})
    meanwhile(live_shop, {OFFERS: {"offers": {"safari": {"eligible": {"filters": ["unused"]}}}}})
    live_shop.apply("omar")
    assert live_shop.execute("ada", plan).base_moved


def test_a_base_that_moved_without_mattering(live_shop: Workspace) -> None:
    plan = planned(live_shop, FUND)
    meanwhile(live_shop, {OFFERS: {"offers": {"safari": {"label": "B"}}}})
    assert live_shop.execute("ada", plan).base_moved
    again = planned(live_shop, {OFFERS: {"offers": {"saver": {"label": "B"}}}}, "shop/offer.saver")
    assert not live_shop.execute("ada", again).base_moved


def test_an_approval_withdrawn_meanwhile(shop: Workspace) -> None:
    shop.apply("ada")
    shop.approve_all()
    plan = shop.promotion("ada")
    shop.reject("brand", "shop/offer.gold-card", spaces=("web",))
    [(address, told)] = conflicts(shop, plan)
    assert address == "shop/offer.gold-card"
    assert "the content on web of shop/offer.gold-card is no longer approved brand rejected it in revision 5" in told
    shop.approve("brand", "shop/offer.gold-card")
    shop.execute("ada", plan)
    assert shop.active()["shop/offer.gold-card"] == ("mail", "web")


def test_an_approval_of_an_offer_that_a_rider_changes_withdrawn_meanwhile(live_shop: Workspace) -> None:
    live_shop.change({CATALOG: {"categories": {"travel": {"themes": ["sun"]}}}})
    live_shop.apply("ada")
    live_shop.approve("omar", "shop/offer.safari")
    plan = live_shop.promotion("ada")
    live_shop.reject("omar", "shop/offer.safari", eligibility=True)
    assert [address for address, _ in conflicts(live_shop, plan)] == ["shop/offer.safari"]


def test_design_changed_since_the_promotion_was_planned(shop: Workspace) -> None:
    shop.apply("ada")
    shop.approve_all()
    plan = shop.promotion("ada")
    meanwhile(shop, {OFFERS: {"offers": {"safari": {"content": {"title": "Tigers"}}}}})
    assert [address for address, _ in conflicts(shop, plan)] == ["shop/offer.safari"]


def test_live_changed_since_the_promotion_was_planned(shop: Workspace) -> None:
    shop.apply("ada")
    shop.approve_all()
    plan = shop.promotion("ada")
    shop.promote("ada", "shop/offer.safari")
    assert "shop/offer.safari" in [address for address, _ in conflicts(shop, plan)]


def test_a_parent_category_changed_in_live_meanwhile(live_shop: Workspace) -> None:
    """What an offer inherits from afar is relied on as well: it was approved with that."""
    live_shop.change({OFFERS: {"offers": {"debit": {"category": "bank/cards", "content": {"title": "Debit"}}}}})
    live_shop.apply("ada")
    live_shop.approve("omar", "shop/offer.debit")
    plan = live_shop.promotion("ada")
    assert [step.address for step in plan.steps] == ["shop/offer.debit"]
    live_shop.change({CATALOG: {"categories": {"bank": {"multiplier": {"factor": 9}}}}})
    live_shop.apply("ada")
    for who, offer in (("risk", "gold-card"), ("omar", "saver")):
        live_shop.approve(who, f"shop/offer.{offer}")
    live_shop.promote("ada", "shop/category.bank", "shop/offer.gold-card", "shop/offer.saver")
    assert not live_shop.promotion("ada", "shop/category.bank").steps
    found = refusal(live_shop, plan)
    assert {d.code for d in found} <= {Code.PLAN_STALE, Code.NOT_APPROVED}


def test_an_offer_went_live_meanwhile_that_a_rider_would_change(live_shop: Workspace) -> None:
    live_shop.change({OFFERS: {"offers": {"debit": {"category": "travel", "content": {"title": "Debit"}}}}})
    live_shop.apply("ada")
    live_shop.approve("omar", "shop/offer.debit")
    live_shop.change({CATALOG: {"categories": {"travel": {"multiplier": {"factor": 9}}}}})
    live_shop.apply("ada")
    live_shop.approve("omar", "shop/offer.safari")
    plan = live_shop.promotion("ada")
    assert [step.address for step in plan.steps] == ["shop/category.travel"]
    live_shop.change({CATALOG: {"categories": {"travel": {"multiplier": None}}}})
    live_shop.apply("ada")
    live_shop.promote("ada")
    assert live_shop.active()["shop/offer.debit"] == ("web",)
    live_shop.change({CATALOG: {"categories": {"travel": {"multiplier": {"factor": 9}}}}})
    live_shop.apply("ada")
    found = refusal(live_shop, plan)
    assert {d.code for d in found} <= {Code.PLAN_STALE, Code.NOT_APPROVED}


CAMPAIGN = {
    "specs/shop/campaigns.yaml": {
        "version": 1,
        "campaigns": {
            "spring": {"deliveries": {"letter": {"space": "mail", "offers": ["saver"]}}},
        },
    }
}


def test_what_a_campaign_names_is_no_longer_live(live_shop: Workspace) -> None:
    plan = planned(live_shop, CAMPAIGN)
    assert [step.address for step in plan.steps] == ["shop/campaign.spring"]
    live_shop.reject("omar", "shop/offer.saver", eligibility=True)
    live_shop.promote("ada")
    assert live_shop.active()["shop/offer.saver"] == ()
    assert {d.code for d in refusal(live_shop, plan, "dora")} == {Code.PLAN_STALE}


def test_what_a_campaign_names_left_its_space(live_shop: Workspace) -> None:
    plan = planned(live_shop, CAMPAIGN)
    live_shop.reject("omar", "shop/offer.saver", spaces=("mail",))
    live_shop.promote("ada")
    assert live_shop.active()["shop/offer.saver"] == ("web",)
    assert {d.code for d in refusal(live_shop, plan, "dora")} == {Code.PLAN_STALE}


def test_of_another_project(live_shop: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other").go_live(anew=True)
    plan = planned(other, FUND)
    [found] = refusal(live_shop, plan)
    assert found.code == Code.PLAN_PROJECT


def test_made_before_there_was_a_store(shop: Workspace) -> None:
    plan = shop.plan()
    assert plan.project == ""
    shop.execute("ada", plan)
    found = conflicts(shop, plan)
    assert len(found) == len(plan.steps)


def test_a_rollback_is_judged_alike(live_shop: Workspace) -> None:
    plan = live_shop.rollback_plan("shop@live", 0)
    live_shop.reject("omar", "shop/offer.safari", eligibility=True)
    live_shop.promote("ada")
    assert "shop/offer.safari" in [d.address for d in refusal(live_shop, plan)]


def test_rights_are_asked_when_it_is_applied(live_shop: Workspace) -> None:
    plan = planned(live_shop, FUND)
    live_shop.change({"specs/shared.yaml": {"operators": {"omar": {"enabled": False}}}})
    live_shop.apply("ada")
    found = refusal(live_shop, plan, "omar")
    assert [d.code for d in found] == [Code.NOT_ALLOWED]
    assert "omar is disabled" in found[0].summary


def test_only_approvals_and_design_gate_a_promotion_not_who_planned_it(shop: Workspace) -> None:
    shop.apply("ada")
    shop.decide("omar", Decision.APPROVED)
    plan = shop.promotion("dora")
    shop.execute("omar", plan)
    assert shop.active() == {"shop/offer.safari": ("web",), "shop/offer.saver": ("mail", "web")}


@pytest.mark.parametrize("field", ["approvals", "depends", "base"])
def test_a_promotion_that_hides_what_it_relies_on_is_still_gated(shop: Workspace, field: str) -> None:
    shop.apply("ada")
    shop.approve_all()
    plan = replace(shop.promotion("ada"), **{field: ()})
    shop.reject("brand", "shop/offer.gold-card")
    found = refusal(shop, plan)
    assert {d.code for d in found} <= {Code.NOT_APPROVED, Code.PLAN_STALE, Code.PLAN_EDITED}
