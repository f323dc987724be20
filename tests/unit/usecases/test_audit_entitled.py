"""Audits judge again who stopped, resumed and overrode: a forged revision is found, an honest one is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.judged import findings, forge, verified
from helpers.workspace import Workspace

from offerkit.address import environment_address, parse_address, parse_stage
from offerkit.diagnostics import Code
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval, Decision
from offerkit.governance.overrides import Obstacle, OverrideKind, override_details
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.store import ChangeRow
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases import settings_approval
from offerkit.usecases.override import override
from offerkit.usecases.requests import OverrideRequest, StopRequest
from offerkit.usecases.stop import resume, stop

SAFARI, SAVER, BANK = "shop/offer.safari", "shop/offer.saver", "shop/category.bank"


def decided(address: str, decision: Decision, operator: str, root: str = "", since: str = "") -> Approval:
    return Approval(ApprovalKey(parse_address(address), Aspect.STOP, root, since), decision, operator, "why")


def summaries(shop: Workspace) -> str:
    found = findings(shop)
    assert {one.code for one in found} == {Code.RECORD_UNCOVERED}
    return "\n".join(one.summary for one in found)


def test_honest_stops_and_resumptions(live_shop: Workspace) -> None:
    stop(live_shop.session("omar"), StopRequest((SAFARI, BANK), "wrong"))
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": None, "desert": {"moved_from": "safari"}}}})
    live_shop.approve_all()
    resume(live_shop.session("omar"), StopRequest((BANK,)))
    resume(live_shop.session("ada"), StopRequest((SAFARI,)))
    assert verified(live_shop).revisions


@pytest.mark.parametrize(
    ("actor", "row", "what"),
    [
        (
            "brand",
            decided(SAFARI, Decision.STOPPED, "brand"),
            "brand (delivery-manager) is not allowed to stop anything in shop",
        ),
        ("mallory", decided(SAFARI, Decision.STOPPED, "mallory"), "there was no operator mallory"),
        ("ada", decided(SAFARI, Decision.STOPPED, "omar"), "it has a decision of omar, who did not make it then"),
        (
            "ada",
            decided(SAFARI, Decision.STOPPED, "ada", since="1"),
            "it has a decision of ada, who did not make it then",
        ),
        ("ada", decided(SAFARI, Decision.RESUMED, "ada"), "a revision of that kind cannot decide on shop/offer.safari"),
    ],
)
def test_forged_stops_are_found(live_shop: Workspace, actor: str, row: Approval, what: str) -> None:
    forge(live_shop, "stop", actor=actor, approvals=(row,))
    assert what in summaries(live_shop)


@pytest.mark.parametrize(
    ("action", "actor", "row", "what"),
    [
        (
            "resume",
            "brand",
            decided(SAFARI, Decision.RESUMED, "brand"),
            "brand (delivery-manager) is not allowed to resume",
        ),
        ("resume", "ada", decided(SAFARI, Decision.RESUMED, "ada"), "nothing of it was approved since it was stopped"),
        ("resume", "ada", decided(SAVER, Decision.RESUMED, "ada"), "there was no stop of shop/offer.saver to resume"),
        ("resume", "ada", decided(SAFARI, Decision.STOPPED, "ada"), "cannot decide on shop/offer.safari"),
        ("apply", "ada", decided(SAFARI, Decision.RESUMED, "ada"), "cannot decide on shop/offer.safari"),
        ("restore", "ada", decided(SAFARI, Decision.RESUMED, "ada"), "cannot decide on shop/offer.safari"),
        ("approve", "ada", decided(SAFARI, Decision.RESUMED, "ada"), "cannot decide on shop/offer.safari"),
    ],
)
def test_forged_resumptions_are_found(live_shop: Workspace, action: str, actor: str, row: Approval, what: str) -> None:
    stop(live_shop.session("omar"), StopRequest((SAFARI,), "wrong"))
    forge(live_shop, action, actor=actor, approvals=(row,))
    assert what in summaries(live_shop)


def test_resuming_alone_what_one_wrote_is_found(live_shop: Workspace) -> None:
    """Where duties are separated, its author approved it and resumes it."""
    live_shop.change({"environments/shop.yaml": {"environment": {"promotion": {"separation_of_duties": True}}}})
    live_shop.apply("ada")
    stop(live_shop.session("omar"), StopRequest((SAFARI,), "wrong"))
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "New title"}}}}})
    live_shop.apply("omar")
    live_shop.approve_all()
    forge(live_shop, "resume", actor="omar", approvals=(decided(SAFARI, Decision.RESUMED, "omar"),))
    assert "omar" in summaries(live_shop)


@pytest.mark.parametrize("action", ["stop", "resume", "restore"])
def test_what_nobody_stopped_is_not_taken_off(live_shop: Workspace, action: str) -> None:
    """A stop of one offer takes another one out of live, without a row that says so."""
    live, address = parse_stage("shop@live"), parse_address(SAVER)
    with live_shop.store() as store:
        entry = store.entry(live, address)
    assert entry is not None
    change = ChangeRow(0, live, address, "deactivate", entry, replace(entry, activation=()))
    forge(live_shop, action, change, actor="omar")
    assert "cannot change shop/offer.saver" in summaries(live_shop)


def overriding(shop: Workspace, actor: str, *obstacles: Obstacle) -> None:
    forge(shop, "override", actor=actor, message="it is fine", details=override_details(obstacles))


def apart(shop: Workspace) -> Obstacle:
    """The shop separates duties; ada alone changed its settings."""
    shop.change({"environments/shop.yaml": {"environment": {"promotion": {"separation_of_duties": True}}}})
    shop.apply("ada")
    shop.promote("omar")
    shop.change({"environments/shop.yaml": {"environment": {"time_zone": "Europe/Paris"}}})
    shop.apply("ada")
    with shop.store() as store:
        (obstacle, *_) = settings_approval.obstacles(Stages(store))
    return obstacle


def test_overrides_of_a_single_author(live_shop: Workspace) -> None:
    obstacle = apart(live_shop)
    overriding(live_shop, "ada", obstacle)
    assert "ada (administrator) is not allowed to override" in summaries(live_shop)


def test_an_honest_override_is_none(live_shop: Workspace) -> None:
    obstacle = apart(live_shop)
    override(live_shop.session("omar"), OverrideRequest((obstacle.address,), "seen", (OverrideKind.SETTINGS,)))
    assert verified(live_shop).revisions


def test_an_override_given_before_there_is_anything(live_shop: Workspace) -> None:
    """Somebody entitled wrote it in advance, for what they would write themselves later."""
    obstacle = apart(live_shop)
    overriding(live_shop, "omar", replace(obstacle, fingerprint="0" * 64))
    assert f"nothing kept {obstacle.address} back that it overrides" in summaries(live_shop)


@pytest.mark.parametrize("actor", ["brand", "mallory"])
@pytest.mark.parametrize("lifts", OverrideKind)
def test_overrides_by_somebody_else(live_shop: Workspace, actor: str, lifts: OverrideKind) -> None:
    address = environment_address("shop") if lifts is OverrideKind.CALENDAR else parse_address(SAFARI)
    overriding(live_shop, actor, Obstacle(lifts, address, "0" * 64, "that"))
    assert actor in summaries(live_shop)


@pytest.mark.parametrize(("actor", "found"), [("omar", "omar (offer-manager) was not allowed to accept"), ("ada", "")])
def test_lost_anchors_are_accepted_by_administrators(live_shop: Workspace, actor: str, found: str) -> None:
    lost: dict[str, Json] = {"lost": [{"revision": 9, "digest": "0" * 64, "places": ["git"]}]}
    forge(live_shop, "accept-lost", actor=actor, message="Monday", details=lost)
    if found:
        assert found in summaries(live_shop)
    else:
        (loss,) = verified(live_shop).accepted
        assert (loss.operator, loss.reason, [each.revision for each in loss.anchors]) == ("ada", "Monday", [9])
