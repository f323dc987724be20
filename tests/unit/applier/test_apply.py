"""One plan, one transaction, one revision, signed; decisions follow what is renamed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.files import base
from helpers.workspace import Workspace

from offerkit.address import Stage, parse_address
from offerkit.diagnostics import Refused
from offerkit.governance.approvals import Decision
from offerkit.governance.aspects import approval_keys
from offerkit.plans.fields import field_changes_by_place
from offerkit.plans.plan import decode, envelope, plan_digest
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.apply import apply

OFFERS = "specs/shop/offers.yaml"
SAFARI = base()[OFFERS]["offers"]["safari"]


def rename(old: str, new: str, body: dict[str, Any]) -> dict[str, Any]:
    return {OFFERS: {"moved": {f"offer.{old}": f"offer.{new}"}, "offers": {old: None, new: body}}}


def decisions(workspace: Workspace, offer: str) -> list[tuple[str, str, str, str]]:
    address = parse_address(f"shop/offer.{offer}")
    with workspace.store() as store:
        stages = Stages(store)
        decided = stages.decisions([address])
        made = [decided.on(key) for key in approval_keys(stages.side(Stage.DESIGN), address)]
    return sorted((a.key.aspect, a.key.space, a.decision, a.operator) for a in made if a is not None)


def test_several_environments_are_one_revision(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, base("duo"))
    plan = workspace.apply("ada")
    assert {step.stage for step in plan.steps} == {"shared@design", "shop@design", "guests@design"}
    workspace.approve("omar")
    workspace.promote("omar")
    with workspace.store() as store:
        rows = store.revisions()
        assert [(r.serial, r.action, r.actor) for r in rows] == [
            (3, "promote", "omar"),
            (2, "approve", "omar"),
            (1, "apply", "ada"),
        ]
        assert {c.stage for c in store.changes(3)} == {"shared@live", "shop@live", "guests@live"}
        assert {stage: head.revision for stage, head in store.heads().items()} == {
            "shared@design": 1,
            "shop@design": 1,
            "guests@design": 1,
            "shared@live": 3,
            "shop@live": 3,
            "guests@live": 3,
        }
        assert rows[2].plan_digest == plan_digest(plan)


def test_the_first_apply_is_signed_by_whoever_makes_it(shop: Workspace) -> None:
    shop.execute("ada", shop.plan())
    with shop.store() as store:
        assert store.revisions()[0].actor == "ada"


def test_the_steps_are_the_changes(live_shop: Workspace) -> None:
    live_shop.change({OFFERS: {"offers": {"safari": {"label": "x"}, "saver": None}}})
    plan = live_shop.apply("ada")
    with live_shop.store() as store:
        kept = [(c.address, c.action, c.before, c.after, c.reason) for c in store.changes(store.last_serial())]
    assert kept == sorted((s.address, s.action, s.before, s.after, s.reason) for s in plan.steps)


def test_decisions_follow_a_rename(live_shop: Workspace) -> None:
    live_shop.reject("omar", "shop/offer.safari", spaces=("web",))
    live_shop.change(rename("safari", "lions", SAFARI))
    live_shop.apply("ada")
    assert decisions(live_shop, "lions") == [
        ("content", "web", "rejected", "omar"),
        ("eligibility", "", "approved", "omar"),
    ]
    with live_shop.store() as store:
        assert store.approvals(["shop/offer.lions"]) == []  # decisions are asked for by all names, never copied


def test_only_the_decisions_on_what_it_is_now_follow(live_shop: Workspace) -> None:
    for title in ("Tigers", "Elephants"):
        live_shop.change({OFFERS: {"offers": {"safari": {"content": {"title": title}}}}})
        live_shop.apply("ada")
        live_shop.approve("omar", "shop/offer.safari")
    live_shop.change(rename("safari", "lions", live_shop.files[OFFERS]["offers"]["safari"]))
    live_shop.apply("ada")
    assert decisions(live_shop, "lions") == [
        ("content", "web", "approved", "omar"),
        ("eligibility", "", "approved", "omar"),
    ]
    assert [s.action for s in live_shop.promotion("ada").steps] == ["move"]


def test_a_rename_in_live_carries_nothing(live_shop: Workspace) -> None:
    live_shop.change(rename("safari", "lions", SAFARI))
    live_shop.apply("ada")
    before = decisions(live_shop, "lions")
    live_shop.promote("ada")
    assert decisions(live_shop, "lions") == before


def test_two_renamed_at_once_with_names_taken_over(live_shop: Workspace) -> None:
    offers = base()[OFFERS]["offers"]
    live_shop.change(
        {
            OFFERS: {
                "moved": {"offer.safari": "offer.one", "offer.saver": "offer.two"},
                "offers": {"safari": None, "saver": None, "one": offers["safari"], "two": offers["saver"]},
            }
        }
    )
    assert [s.moved_from for s in live_shop.apply("ada").steps] == ["shop/offer.safari", "shop/offer.saver"]
    live_shop.promote("ada")
    assert live_shop.active() == {
        "shop/offer.gold-card": ("mail", "web"),
        "shop/offer.one": ("web",),
        "shop/offer.two": ("mail", "web"),
    }


def test_a_refused_plan_changes_nothing(live_shop: Workspace) -> None:
    live_shop.change({OFFERS: {"offers": {"safari": {"label": "x"}}}})
    plan = live_shop.plan()
    live_shop.execute("ada", plan)
    with live_shop.store() as store:
        before = list(store.recorded())
    with pytest.raises(Refused):
        live_shop.execute("ada", plan)
    with live_shop.store() as store:
        assert list(store.recorded()) == before
    assert live_shop.verified() == []


def test_a_message_is_kept(live_shop: Workspace) -> None:
    live_shop.change({OFFERS: {"offers": {"safari": {"label": "x"}}}})
    plan = live_shop.plan()
    apply(replace(live_shop.session("ada"), message="why “not”"), plan)
    with live_shop.store() as store:
        assert store.revisions()[0].message == "why “not”"


def test_decisions_are_kept_with_their_comment(shop: Workspace) -> None:
    shop.apply("ada")
    shop.decide("brand", Decision.REJECTED, "shop/offer.gold-card", comment="too shiny")
    with shop.store() as store:
        assert {(a.decision, a.comment, a.operator) for a in store.approvals()} == {
            (Decision.REJECTED, "too shiny", "brand")
        }


def test_a_plan_that_tells_changes_of_items_by_their_place_is_applied(shop: Workspace) -> None:
    """Plans of earlier versions do; what is done is the same."""
    weights = [{"weight": 1}, {"weight": 2, "from": "2026-01-01"}, {"weight": 3, "until": "2026-12-31"}]
    offers = "specs/shop/offers.yaml"
    shop.change({offers: {"offers": {"saver": {"weights": weights}}}})
    shop.apply("ada")
    shop.change({offers: {"offers": {"saver": {"weights": weights[1:]}}}})
    plan = shop.plan()
    (step,) = plan.steps
    assert [(change.op, change.path) for change in step.changes] == [("remove", "weights[1]")]
    with shop.store() as store:
        assert step.before is not None and step.after is not None
        before = orjson.loads(store.bodies({step.before.fingerprint})[step.before.fingerprint].text)
    after = orjson.loads(plan.bodies[step.after.fingerprint].text)
    earlier = field_changes_by_place(before, after)
    assert len(earlier) > 3
    for changes in (earlier[1:], earlier[:-1], ()):
        with pytest.raises(Refused):
            shop.execute("ada", replace(plan, steps=(replace(step, changes=changes),)))
    shop.execute("ada", decode(envelope(replace(plan, steps=(replace(step, changes=earlier),))), "earlier"))
    assert shop.plan().empty
