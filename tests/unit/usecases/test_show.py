"""A resource whole: how it stands now, in the past and elsewhere, and who may know it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.files import base
from helpers.workspace import Workspace

from offerkit.address import Stage
from offerkit.diagnostics import Code, Refused
from offerkit.reports.render import render
from offerkit.reports.whole_resource import WholeResource
from offerkit.server.ui.offers import condition_rows
from offerkit.usecases.history import history
from offerkit.usecases.list_scheduled import list_scheduled
from offerkit.usecases.plan_files import save_plan
from offerkit.usecases.requests import ScheduleRequest
from offerkit.usecases.schedule import schedule
from offerkit.usecases.show import whole_resource

OFFERS = "specs/shop/offers.yaml"
GOLD = "shop/offer.gold-card"


def shown(shop: Workspace, text: str, at: str = "", who: str = "") -> WholeResource:
    return whole_resource(shop.session(who), text, at)


def decisions(whole: WholeResource) -> dict[tuple[str, str], tuple[str, bool, str]]:
    return {(each.stage.value, each.what): (each.decision, each.counts, each.by) for each in whole.standing.decided}


@pytest.fixture
def edited(live_shop: Workspace) -> Workspace:
    """Live, then the title of one offer changed in design."""
    live_shop.change({OFFERS: {"offers": {"gold-card": {"content": {"title": "Another"}}}}})
    live_shop.apply("ada")
    return live_shop


def test_what_design_changed_waits_and_live_keeps_its_decisions(edited: Workspace) -> None:
    whole = shown(edited, GOLD)
    assert whole.state == "design"
    found = decisions(whole)
    live = {what: decided for (stage, what), decided in found.items() if stage == "live"}
    assert live
    assert all(decided[:2] == ("approved", True) for decided in live.values())
    (waits,) = whole.standing.waiting
    assert waits.item.aspect == "content"
    assert [change.path for change in waits.changes] == ["title"]
    assert [change.path for change in whole.standing.differs] == ["content.title"]
    undecided = {what for (stage, what), decided in found.items() if stage == "design" and not decided[0]}
    assert undecided == {f"content on {space}" for space in waits.item.spaces}


def test_a_filter_of_a_weight_limits_the_weight_only(shop: Workspace) -> None:
    weights = [{"weight": 10, "filters": ["old"], "when": "person.age < 90"}, {"weight": 1}]
    shop.change(
        {
            "specs/shop/catalog.yaml": {"filters": {"old": {"when": "person.age > 60"}}},
            OFFERS: {"offers": {"gold-card": {"weights": weights}}},
        }
    )
    whole = shown(shop, GOLD, "specs")
    (part,) = [part for part in whole.parts if part.origin == "shop/filter.old"]
    assert (part.group, part.name, part.value) == ("Weight", "when", "person.age > 60")
    view = shop.session().load().snapshot
    rows = {(row.what, row.design) for row in condition_rows(whole.address, view, view)}
    assert {
        ("Filter of a weight", "person.age > 60"),
        ("Weight", "10, where filter old and person.age < 90"),
    } <= rows


def test_nothing_is_live_that_is_never_promoted(live_shop: Workspace) -> None:
    assert dict(shown(live_shop, "operator.ada").summary)["live"].startswith("never promoted")
    assert "never" not in dict(shown(live_shop, "environment.shop").summary)["live"]


def test_the_past_is_as_it_was(edited: Workspace) -> None:
    with edited.store() as store:
        last = store.last_serial()
        promoted = max(row.serial for row in store.revisions(action="promote"))
    then = shown(edited, GOLD, f"design:{promoted - 1}")
    assert then.standing.live is None, "it was not live yet"
    assert then.standing.waiting == ()
    now = shown(edited, GOLD, f"design:{last}")
    assert now.standing.live is not None
    assert now.standing.live.spaces[0][1].serial == promoted
    first = shown(edited, GOLD, "design:1")
    assert {decided[0] for decided in decisions(first).values()} == {""}, "nobody had decided yet"
    with pytest.raises(Refused) as refused:
        shown(edited, GOLD, f"live:{promoted - 1}")
    assert refused.value.diagnostics[0].code == Code.NO_MATCH


def test_an_approval_before_a_stop_no_longer_counts(live_shop: Workspace) -> None:
    from offerkit.usecases.requests import StopRequest
    from offerkit.usecases.stop import stop

    stop(live_shop.session("ada"), StopRequest((GOLD,), "Wrong"))
    whole = shown(live_shop, GOLD)
    (found,) = whole.standing.stops
    assert (found.address, found.reason) == (GOLD, "Wrong")
    assert whole.standing.live is not None
    assert whole.standing.live.deactivated == found.revision
    assert {decided[:2] for (stage, _), decided in decisions(whole).items() if stage == "design"} == {
        ("approved", False)
    }
    assert lacks(whole) == {"it was stopped after the approval"}
    assert shown(live_shop, GOLD, f"live:{found.revision.serial - 1}").standing.stops == ()


def lacks(whole: WholeResource) -> set[str]:
    """Why approvals of what design has do not count."""
    return {each.lack for each in whole.standing.decided if each.stage is Stage.DESIGN and not each.counts}


def test_an_approval_that_is_not_signed_where_it_must_be(live_shop: Workspace) -> None:
    live_shop.change({"environments/shop.yaml": {"environment": {"promotion": {"signatures": ["approvals"]}}}})
    live_shop.apply("ada")
    whole = shown(live_shop, GOLD)
    assert lacks(whole) == {"it lacks a signature that counts"}
    assert "(does not count now: it lacks a signature that counts)" in " ".join(render(whole, "text").split())


def test_an_approval_by_somebody_who_is_not_a_reviewer_any_more(live_shop: Workspace) -> None:
    """And one by a new reviewer, with whom the one that live names must agree."""
    reviewers = {"content": ["risk"], "eligibility": ["risk"]}
    live_shop.change({OFFERS: {"offers": {"gold-card": {"reviewers": reviewers}}}})
    live_shop.apply("ada")
    assert "brand is not one of the reviewers" in lacks(shown(live_shop, GOLD))
    live_shop.approve("risk", GOLD)
    assert "brand must agree, too: live names them" in lacks(shown(live_shop, GOLD))


def test_an_approval_before_it_was_taken_out_of_live(live_shop: Workspace) -> None:
    live_shop.change({OFFERS: {"offers": {"safari": {"enabled": False}}}})
    live_shop.apply("ada")
    live_shop.promote("ada")
    with live_shop.store() as store:
        gone = store.last_serial()
    live_shop.change({OFFERS: {"offers": {"safari": {"enabled": True}}}})
    live_shop.apply("ada")
    assert lacks(shown(live_shop, "shop/offer.safari")) == {
        f"it was taken out of live in revision {gone}, after the approval"
    }


def test_a_renamed_offer_keeps_its_history(edited: Workspace) -> None:
    declared: Any = base("shop")[OFFERS]
    body = {
        **declared["offers"]["gold-card"],
        "content": {**declared["offers"]["gold-card"]["content"], "title": "Another"},
    }
    edited.change(
        {OFFERS: {"moved": {"offer.gold-card": "offer.golden"}, "offers": {"gold-card": None, "golden": body}}}
    )
    edited.apply("ada")
    whole = shown(edited, "shop/offer.golden")
    assert whole.standing.live is not None
    assert whole.standing.live.address == GOLD
    found = decisions(whole)
    assert found["design", "eligibility"][:2] == ("approved", True)
    assert found["live", "eligibility"][:2] == ("approved", True)
    live = shown(edited, GOLD, "live")
    assert decisions(live)["live", "eligibility"][:2] == ("approved", True)
    with edited.store() as store:
        before = store.last_serial() - 1
    assert decisions(shown(edited, GOLD, f"design:{before}"))["design", "eligibility"][:2] == ("approved", True)
    assert "as shop/offer.gold-card" in render(whole, "text")


def test_specs_and_plans_are_asked_for_decisions_on_the_same(edited: Workspace) -> None:
    edited.change({OFFERS: {"offers": {"gold-card": {"content": {"title": "A third"}}}}})
    found = decisions(shown(edited, GOLD, "specs"))
    assert found["design", "eligibility"][:2] == ("approved", True), "eligibility is as it was approved"
    assert {decided[0] for (_, what), decided in found.items() if what.startswith("content")} == {""}


def test_positions_are_of_the_same_bodies_only(edited: Workspace) -> None:
    own = [part for part in shown(edited, GOLD).parts if part.source == "own"]
    assert own
    for part in own:
        assert part.position is not None
        line = (edited.root / part.position.file).read_text().split("\n")[part.position.line - 1]
        assert part.name.rpartition(".")[2] in line
    edited.change({OFFERS: {"offers": {"gold-card": {"content": {"title": "A third"}}}}})
    assert all(part.position is None for part in shown(edited, GOLD).parts if part.source == "own")
    (edited.root / OFFERS).write_text("nonsense: [")
    assert all(part.position is None for part in shown(edited, GOLD).parts), "mistakes in specs stop nobody"


def test_without_a_store_the_specs_are_shown(tmp_path: Path) -> None:
    shop = Workspace(tmp_path / "shop", base("shop"))
    whole = shown(shop, GOLD)
    assert whole.state == "specs"
    assert whole.standing.decided == ()
    assert all(part.position is not None for part in whole.parts)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("shop/offer.gold-cart", Code.NO_MATCH, "Did you mean shop/offer.gold-card"),
        ("shop/ofer.gold-card", Code.BAD_ADDRESS, "Did you mean offer"),
        ("shop", Code.BAD_ADDRESS, "Did you mean environment.shop?"),
        ("nothing", Code.BAD_ADDRESS, "Kinds: "),
        ("gold-card", Code.BAD_ADDRESS, "Did you mean shop/offer.gold-card?"),
        ("offer.gold-card", Code.BAD_ADDRESS, "Did you mean shop/offer.gold-card?"),
        ("x" * 5_000, Code.BAD_ADDRESS, ""),
        ("shop/offer." + "x" * 64, Code.NO_MATCH, ""),
    ],
)
def test_what_is_not_there(live_shop: Workspace, text: str, code: Code, said: str) -> None:
    with pytest.raises(Refused) as refused:
        shown(live_shop, text)
    (found,) = refused.value.diagnostics
    assert found.code == code
    assert said in found.hint
    assert len(found.summary) < 400


def test_contacts_in_cases_are_not_shown(live_shop: Workspace) -> None:
    live_shop.change(
        {
            "cases/one.yaml": {
                "version": 1,
                "cases": {
                    "hers": {
                        "space": "shop/web",
                        "contact": "secret-key",
                        "now": "2026-06-01T10:00",
                        "expect": {"offers": ["gold-card"]},
                    }
                },
            }
        }
    )
    live_shop.apply("ada")
    for at in ("", "specs"):
        assert "secret-key" not in render(shown(live_shop, "shop/cases.one", at), "json")
    assert all(part.position is not None for part in shown(live_shop, "shop/cases.one", "specs").parts)
    ways = {(each.address, each.path) for each in shown(live_shop, GOLD).referring}
    assert ("shop/cases.one", "cases.hers") in ways


def test_what_is_gone_is_found_in_the_past(live_shop: Workspace) -> None:
    live_shop.change({OFFERS: {"offers": {"gold-card": None}}})
    live_shop.apply("ada")
    whole = shown(live_shop, GOLD)
    assert whole.state == "live", "design no longer has it"
    with live_shop.store() as store:
        last = store.last_serial()
    with pytest.raises(Refused) as refused:
        shown(live_shop, GOLD, "specs")
    assert "It is in live" in refused.value.diagnostics[0].hint
    live_shop.change({"specs/shop/catalog.yaml": {"filters": {"brief": {"when": "person.age > 1"}}}})
    live_shop.apply("ada")
    live_shop.change({"specs/shop/catalog.yaml": {"filters": {"brief": None}}})
    live_shop.apply("ada")
    with pytest.raises(Refused) as refused:
        shown(live_shop, "shop/filter.brief")
    hint = refused.value.diagnostics[0].hint
    assert hint == f"Revision {last + 2} removed it. To show it as it was before: --at design:{last + 1}"
    assert shown(live_shop, "shop/filter.brief", f"design:{last + 1}").parts


def test_a_promotion_that_waits_for_its_time_is_named(edited: Workspace) -> None:
    edited.approve_all()
    due = f"{int(edited.session().now[:4]) + 1}-01-01T06:00:00.000000Z"
    revision = schedule(edited.session("ada"), edited.promotion("ada"), ScheduleRequest(due))
    (waits,) = shown(edited, GOLD).standing.scheduled
    assert (waits.due, waits.revision.serial) == (due, revision.serial)
    with edited.store() as store:
        (listed,) = list_scheduled(store)
        (line,) = history(store, "", "", 1)
    assert listed.due_shown in line.summary and listed.due_shown == waits.due_shown
    assert f"for {waits.due_shown}" in render(shown(edited, GOLD), "text")
    assert shown(edited, "shop/offer.safari").standing.scheduled == ()


def test_json_says_all_there_is(edited: Workspace) -> None:
    said = json.loads(render(shown(edited, GOLD), "json"))
    assert {"address", "kind", "parts", "live", "decisions", "waiting", "differences", "references"} <= said.keys()
    assert said["live"]["spaces"]
    assert {part["source"] for part in said["parts"]} >= {"own"}


def test_one_environment_alone_is_the_same(edited: Workspace) -> None:
    alone, whole = shown(edited, GOLD, "shop@design"), shown(edited, GOLD)
    assert alone.standing == whole.standing
    assert alone.parts == whole.parts
    assert shown(edited, "operator.ada", "shop@design:2").standing.changed is not None


def test_what_a_promotion_would_make_live(edited: Workspace) -> None:
    edited.approve_all()
    plan = edited.root / "monday.json"
    save_plan(edited.promotion("ada"), plan)
    whole = shown(edited, GOLD, str(plan))
    assert [change.path for change in whole.standing.differs] == ["content.title"]
    assert {decided[:2] for decided in decisions(whole).values()} == {("approved", True)}
    assert whole.standing.waiting == ()


def test_a_change_of_a_category_is_one_of_the_eligibility(live_shop: Workspace) -> None:
    before = decisions(shown(live_shop, GOLD))
    assert {stage for stage, _ in before} == {"design"}, "live is the same, and shown once"
    live_shop.change({"specs/shop/catalog.yaml": {"categories": {"bank": {"multiplier": {"factor": 3}}}}})
    live_shop.apply("ada")
    whole = shown(live_shop, GOLD)
    found = decisions(whole)
    assert found["design", "eligibility"] == ("", False, "")
    assert found["live", "eligibility"][:2] == ("approved", True)
    assert whole.standing.differs == (), "its own body is the same"
    (waits,) = whole.standing.waiting
    assert [change.path for change in waits.changes] == ["category bank.multiplier"]
