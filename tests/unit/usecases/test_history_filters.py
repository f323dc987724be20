"""A history of what somebody did, of an offer under all its names, and of a time."""

from __future__ import annotations

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.reports.history import HistoryLine
from offerkit.usecases.history import history
from offerkit.usecases.history_filters import HistoryFilter
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import stop

OFFERS = "specs/shop/offers.yaml"


def listed(shop: Workspace, *, limit: int = 0, patch: bool = False, **asked: object) -> list[HistoryLine]:
    with shop.store() as store:
        return history(store, "", "", limit, HistoryFilter(**asked), now="", patch=patch)  # type: ignore[arg-type]


def serials(shop: Workspace, **asked: object) -> list[int]:
    return [line.serial for line in listed(shop, **asked)]


def renamed(shop: Workspace, old: str, new: str) -> None:
    body = shop.files[OFFERS]["offers"][old]
    shop.change({OFFERS: {"offers": {old: None, new: body}, "moved": {f"offer.{old}": f"offer.{new}"}}})


def last(shop: Workspace) -> int:
    with shop.store() as store:
        return store.last_serial()


def test_an_offer_is_followed_through_renames(live_shop: Workspace) -> None:
    """Also in live, where it is renamed later than in design; another offer that takes the old name is not it."""
    before = serials(live_shop, offers=("shop/offer.safari",))
    assert before and set(before) < set(serials(live_shop))
    renamed(live_shop, "safari", "tigers")
    live_shop.apply("ada")
    design = last(live_shop)
    stop(live_shop.session("omar"), StopRequest(("shop/offer.tigers",), "wrong"))
    stopped = last(live_shop)
    assert serials(live_shop, offers=("offer.tigers",)) == [stopped, design, *before]
    live_shop.change({OFFERS: {"moved": None, "offers": {"safari": {"category": "bank", "content": {"title": "New"}}}}})
    live_shop.apply("ada")
    again = last(live_shop)
    assert again not in serials(live_shop, offers=("offer.tigers",))
    # What was stopped is stopped under both names, so the new one is, too.
    assert serials(live_shop, offers=("shop/offer.safari",)) == [again, stopped]


def test_what_is_gone_is_named_by_its_address(live_shop: Workspace) -> None:
    before = serials(live_shop, offers=("offer.safari",))
    live_shop.change({OFFERS: {"offers": {"safari": None}}})
    live_shop.apply("ada")
    live_shop.promote("ada")
    found = serials(live_shop, offers=("shop/offer.safari",))
    assert found[-len(before) :] == before and len(found) > len(before)


def test_by_is_who_made_wrote_or_approved(live_shop: Workspace) -> None:
    with live_shop.store() as store:
        rows = store.revisions()
        approved = {row.revision: row.operator for row in store.approvals()}
    for name in {row.actor for row in rows} | set(approved.values()):
        expected = [row.serial for row in rows if name in (row.actor, approved.get(row.serial))]
        assert serials(live_shop, by=name) == expected
    assert serials(live_shop, by="ada", offers=("offer.safari",)) != []


def test_an_operator_who_was_renamed(live_shop: Workspace) -> None:
    before = serials(live_shop, by="omar")
    shared = "specs/shared.yaml"
    body = live_shop.files[shared]["operators"]["omar"]
    live_shop.change(
        {shared: {"operators": {"omar": None, "omara": body}, "moved": {"operator.omar": "operator.omara"}}}
    )
    live_shop.apply("ada")
    assert before and serials(live_shop, by="omara") == before == serials(live_shop, by="omar")


def test_a_time_and_a_number(live_shop: Workspace) -> None:
    with live_shop.store() as store:
        times = {row.serial: row.time for row in store.revisions()}
    middle = sorted(times)[len(times) // 2]
    assert serials(live_shop, since=times[middle]) == sorted((n for n in times if n >= middle), reverse=True)
    assert serials(live_shop, until=times[middle]) == sorted((n for n in times if n < middle), reverse=True)
    assert serials(live_shop, since="2000-01-01", until="2000-01-02") == []
    assert [line.serial for line in listed(live_shop, since="2000-01-01", limit=2)] == sorted(times, reverse=True)[:2]


def test_a_patch_has_the_changes_of_each(live_shop: Workspace) -> None:
    live_shop.change({OFFERS: {"offers": {"safari": {"label": "Tigers"}}}})
    live_shop.apply("ada")
    first, *others = listed(live_shop, patch=True)
    assert first.patch is not None
    assert [(step.address, [change.path for change in step.changes]) for step in first.patch.steps] == [
        ("shop/offer.safari", ["label"])
    ]
    assert all(line.patch is not None for line in others)
    assert all(line.patch is None for line in listed(live_shop))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"since": "2026-03-02", "until": "2026-03-01"}, Code.LISTING_OPTIONS),
        ({"since": "2026-03-02", "until": "2026-03-02"}, Code.LISTING_OPTIONS),
        ({"by": "nobody"}, Code.NO_MATCH),
        ({"offers": ("offer.none",)}, Code.PLAN_EMPTY_TARGET),
        ({"offers": ("shop/offer.none",)}, Code.PLAN_EMPTY_TARGET),
        ({"since": "soon"}, Code.BAD_POINT),
        ({"until": "2026-13-01"}, Code.BAD_POINT),
    ],
)
def test_what_selects_nothing_by_mistake(live_shop: Workspace, asked: dict[str, object], code: Code) -> None:
    with pytest.raises(Refused) as caught:
        listed(live_shop, **asked)
    assert [found.code for found in caught.value.diagnostics] == [code]


def test_decisions_are_named(live_shop: Workspace) -> None:
    summaries = [line.summary for line in listed(live_shop) if line.action == "approve"]
    assert summaries and all(" of " in text and text.startswith("approved ") for text in summaries)
    assert all(len(line.summary) < 400 for line in listed(live_shop))
