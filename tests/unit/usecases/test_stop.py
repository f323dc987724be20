"""Stops: who may, what is meant by a pattern, what a stop takes back, and what it does not wait for."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.workspace import Workspace

from offerkit.cli.restoring import unreadable
from offerkit.diagnostics import Code, Refused
from offerkit.governance.rights import TokenScope
from offerkit.store import copying
from offerkit.usecases.plan_effect import plan_effect
from offerkit.usecases.requests import StopOutcome, StopRequest
from offerkit.usecases.restore import prepare_restore, restore
from offerkit.usecases.stop import list_stops, resume, stop

SAFARI, SAVER = "shop/offer.safari", "shop/offer.saver"


def stopping(shop: Workspace, *patterns: str, who: str = "omar", reason: str = "Wrong", **more: object) -> StopOutcome:
    return stop(shop.session(who, **more), StopRequest(patterns, reason))


def code(refused: pytest.ExceptionInfo[Refused]) -> Code:
    return refused.value.diagnostics[0].code


def test_it_does_not_wait_for_another_run(live_shop: Workspace) -> None:
    with (
        live_shop.session().writing() as store,
        store.lock(who="another", timeout=0),
    ):
        made = stopping(live_shop, SAFARI)
    assert made.revision is not None
    assert live_shop.active()[SAFARI] == ()  # type: ignore[index]
    assert live_shop.verified() == []


def test_of_a_whole_environment(live_shop: Workspace) -> None:
    stopping(live_shop, "shop")
    assert set(live_shop.active().values()) == {()}


def test_stopped_again(live_shop: Workspace) -> None:
    stopping(live_shop, SAFARI)
    assert stopping(live_shop, SAFARI, who="ada").revision is None
    assert stopping(live_shop, SAFARI, SAVER, who="ada").out == (SAVER,)
    with live_shop.store() as store:
        assert [(one.address, one.by) for one in list_stops(store)] == [(SAFARI, "omar"), (SAVER, "ada")]


def test_one_stopped_by_itself_stays_when_its_category_is_resumed(live_shop: Workspace) -> None:
    stopping(live_shop, SAVER)
    stopping(live_shop, "shop/category.bank")
    live_shop.approve_all()
    with pytest.raises(Refused) as refused:
        resume(live_shop.session("omar"), StopRequest(("shop/offer.gold-card",)))
    assert code(refused) is Code.STOPPED
    resume(live_shop.session("omar"), StopRequest(("shop/category.bank",)))
    live_shop.promote("ada")
    active = live_shop.active()
    assert active["shop/offer.gold-card"] and active[SAVER] == ()  # type: ignore[index]
    with live_shop.store() as store:
        assert [one.address for one in list_stops(store)] == [SAVER]


def test_approvals_from_before_do_not_count(live_shop: Workspace) -> None:
    stopping(live_shop, SAFARI)
    with pytest.raises(Refused) as refused:
        resume(live_shop.session("ada"), StopRequest((SAFARI,)))
    assert code(refused) is Code.NOT_APPROVED_SINCE
    assert live_shop.promotion("ada").blocked[0].code == Code.STOPPED
    live_shop.approve("omar", SAFARI)
    resume(live_shop.session("ada"), StopRequest((SAFARI,)))
    live_shop.promote("ada")
    assert live_shop.active()[SAFARI] == ("web",)  # type: ignore[index]


def test_a_space_takes_only_what_is_shown_there(live_shop: Workspace) -> None:
    made = stopping(live_shop, "shop/space.web")
    assert set(made.out) == {SAFARI, SAVER, "shop/offer.gold-card"}
    assert live_shop.active()[SAVER] == ("mail",)  # type: ignore[index]


@pytest.mark.parametrize(("who", "may"), [("ada", True), ("omar", True), ("dora", False), ("risk", False)])
def test_who_may(live_shop: Workspace, who: str, may: bool) -> None:
    if may:
        stopping(live_shop, SAFARI, who=who)
        return
    with pytest.raises(Refused) as refused:
        stopping(live_shop, SAFARI, who=who)
    assert code(refused) is Code.NOT_ALLOWED


@pytest.mark.parametrize(
    ("patterns", "reason", "expected"),
    [
        (("shop/offer.safary",), "Wrong", Code.NO_MATCH),
        (("shop/filter.adults",), "Wrong", Code.NO_MATCH),
        ((), "Wrong", Code.NO_MATCH),
        ((SAFARI,), " ", Code.BAD_VALUE),
        ((SAFARI,), "x" * 2_001, Code.BAD_VALUE),
        ((SAFARI,), "a\0b", Code.BAD_VALUE),
    ],
)
def test_what_cannot_be_stopped(live_shop: Workspace, patterns: tuple[str, ...], reason: str, expected: Code) -> None:
    with pytest.raises(Refused) as refused:
        stopping(live_shop, *patterns, reason=reason)
    assert code(refused) is expected
    assert live_shop.active()[SAFARI] == ("web",)  # type: ignore[index]


@pytest.mark.embedded
def test_a_token_needs_the_scope(live_shop: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        stopping(live_shop, SAFARI, scopes=frozenset({TokenScope.PROMOTE, TokenScope.APPLY}))
    assert code(refused) is Code.TOKEN_SCOPE
    stopping(live_shop, SAFARI, scopes=frozenset({TokenScope.STOP}))
    with pytest.raises(Refused) as refused:
        resume(live_shop.session("omar", scopes=frozenset({TokenScope.STOP})), StopRequest((SAFARI,)))
    assert code(refused) is Code.TOKEN_SCOPE


def test_a_restored_store_keeps_it_stopped(live_shop: Workspace, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    copying.copy(live_shop.location, backup, lambda _: lambda _: None)
    stopping(live_shop, "shop/category.bank")
    for _ in range(2):  # also what an earlier restore has carried over
        with prepare_restore(live_shop.session("ada"), backup) as found:
            assert found.loss is not None
            assert [row.key.address for row in found.loss.stops] == ["shop/category.bank"]
            restore(found)
        active = live_shop.active()
        assert (active[SAVER], active["shop/offer.gold-card"], active[SAFARI]) == ((), (), ("web",))
        assert live_shop.verified() == []
        assert {b.code for b in live_shop.promotion("ada").blocked} == {Code.STOPPED}
    with live_shop.store() as store:
        assert [(one.address, one.by, one.reason) for one in list_stops(store)] == [
            ("shop/category.bank", "omar", "Wrong")
        ]
        assert store.revisions(limit=1)[0].details["stops"]


@pytest.mark.embedded
def test_what_cannot_be_read_is_said_loudly(live_shop: Workspace, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    copying.copy(live_shop.location, backup, lambda _: lambda _: None)
    stopping(live_shop, SAFARI)
    assert isinstance(live_shop.location, Path)
    live_shop.location.unlink()
    with prepare_restore(live_shop.session("ada"), backup) as found:
        assert "WHAT WAS STOPPED SINCE MAY BE LIVE AGAIN" in (unreadable(found).detail or "")


def test_its_time_and_revision_stay_when_it_is_renamed(live_shop: Workspace) -> None:
    made = stopping(live_shop, SAFARI).revision
    assert made is not None
    offers = live_shop.files["specs/shop/offers.yaml"]["offers"]
    live_shop.change({"specs/shop/offers.yaml": {
        "offers": {"safari": None, "tour": offers["safari"]}, "moved": {SAFARI: "shop/offer.tour"},
    }})  # fmt: skip
    live_shop.apply("ada")
    with live_shop.store() as store:
        found = {one.address: (one.since, one.revision, one.by) for one in list_stops(store)}
    assert found["shop/offer.tour"] == (made.time, made.serial, "omar")
    assert f"in revision {made.serial}:" in (live_shop.promotion("ada").blocked[0].why or "")


def test_the_impact_of_a_promotion_says_that_it_is_stopped(live_shop: Workspace) -> None:
    """Of an offer that is in live nowhere, before and after; also under the name that it has after the plan."""
    stopping(live_shop, SAFARI)
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Saves"}}}})
    live_shop.apply("ada")
    with live_shop.store() as store:
        effect = plan_effect(live_shop.promotion("ada"), store)
    for catalogs in (effect.catalogs_before, effect.catalogs_after):
        catalog = catalogs["shop"]
        assert "stopped by omar" in catalog.offers[catalog.position_of["safari"]].stopped["web"]
        assert not catalog.offers[catalog.position_of["saver"]].stopped


def test_what_design_does_not_have_is_to_be_declared_before_it_is_resumed(live_shop: Workspace) -> None:
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": None}}})
    live_shop.apply("ada")
    assert stopping(live_shop, SAFARI).out == (SAFARI,)
    with pytest.raises(Refused) as refused:
        resume(live_shop.session("ada"), StopRequest((SAFARI,)))
    assert code(refused) is Code.NOT_APPROVED_SINCE
    assert "Declare and apply it" in refused.value.diagnostics[0].hint


def test_a_restored_store_stops_it_by_the_name_that_it_had_then(live_shop: Workspace, tmp_path: Path) -> None:
    """Its former name is another's now: that is not stopped here, and what the backup calls so is."""
    backup = tmp_path / "backup.db"
    copying.copy(live_shop.location, backup, lambda _: lambda _: None)
    offers = live_shop.files["specs/shop/offers.yaml"]["offers"]
    safari, saver = offers["safari"], offers["saver"]
    live_shop.change({"specs/shop/offers.yaml": {
        "offers": {"safari": None, "tour": safari}, "moved": {SAFARI: "shop/offer.tour"},
    }})  # fmt: skip
    live_shop.apply("ada")
    live_shop.approve_all()
    live_shop.promote("ada")
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": saver}, "moved": {SAFARI: None}}})
    live_shop.apply("ada")
    stopping(live_shop, "shop/offer.tour")
    with live_shop.store() as store:
        assert [one.address for one in list_stops(store)] == ["shop/offer.tour"]
    with prepare_restore(live_shop.session("ada"), backup) as found:
        restore(found)
    assert live_shop.active()[SAFARI] == ()  # type: ignore[index]
    assert live_shop.active()[SAVER]  # type: ignore[index]
    assert live_shop.verified() == []
    live_shop.approve("omar", SAFARI)
    resume(live_shop.session("ada"), StopRequest((SAFARI,)))
    live_shop.promote("ada")
    assert live_shop.active()[SAFARI] == ("web",)  # type: ignore[index]
