"""Reports after renames: what was proposed under a former name counts for who had it then."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.address import Stage, StageRef
from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store
from offerkit.usecases.requests import StatusReportRequest
from offerkit.usecases.status_report import status_report

OFFERS, SPACES = "specs/shop/offers.yaml", "specs/shop/spaces.yaml"
TIME = "2026-11-01T12:00:00.000000Z"


def propose(shop: Workspace, space: str, **counts: int) -> None:
    """So many propositions of each offer, as a call makes them now."""
    with Store.open(shop.location, write=True) as store:
        revision = store.heads()[StageRef("shop", Stage.LIVE)].revision
        for offer, count in counts.items():
            row = PropositionRow(
                "", "shop", "1", space, "inbound-web", offer, "all", "call", 1, Decimal(1), Status.PRESENTED, TIME, TIME,
                revision,
            )  # fmt: skip
            names = [f"{revision}-{offer}-{number}" for number in range(count)]
            store.add_propositions([row._replace(id=name, interaction=name) for name in names])


def counted(shop: Workspace, *by: str, **more: Any) -> dict[tuple[str, ...], int]:
    found = status_report(shop.session(), StatusReportRequest(by, **more))
    assert sum(row.counts.proposed for row in found.rows) == found.total.proposed or not by
    assert found.gone == []
    return {tuple(row.values): row.counts.proposed for row in found.rows} or {(): found.total.proposed}


@pytest.fixture
def renamed(live_shop: Workspace) -> Workspace:
    """safari and saver take each other's name, then saver becomes lions, and web becomes site."""
    propose(live_shop, "web", safari=1, saver=10)
    was = {name: live_shop.files[OFFERS]["offers"][name] for name in ("safari", "saver")}
    moved = {"offer.safari": "offer.saver", "offer.saver": "offer.safari"}
    live_shop.change({OFFERS: {"offers": dict.fromkeys(was)}})
    live_shop.change({OFFERS: {"moved": moved, "offers": {"safari": was["saver"], "saver": was["safari"]}}})
    live_shop.apply("ada")
    assert not live_shop.promote("ada").blocked
    propose(live_shop, "web", saver=100, safari=1_000)
    space = live_shop.files[SPACES]["spaces"]["web"]
    live_shop.change({OFFERS: {"moved": None, "offers": {"saver": None, "lions": was["safari"]}}})
    live_shop.change({OFFERS: {"moved": {"offer.saver": "offer.lions"}}})
    live_shop.change({SPACES: {"moved": {"space.web": "space.site"}, "spaces": {"web": None, "site": space}}})
    live_shop.apply("ada")
    assert not live_shop.promote("ada").blocked
    propose(live_shop, "site", lions=3, safari=4)
    return live_shop


def test_a_name_is_that_of_who_had_it_then(renamed: Workspace) -> None:
    assert counted(renamed, "offer") == {("lions",): 104, ("safari",): 1014}
    assert counted(renamed, "space") == {("site",): 1118}
    assert counted(renamed, "offer,space") == {("lions", "site"): 104, ("safari", "site"): 1014}
    assert counted(renamed, "category") == {("travel",): 104, ("bank",): 1014}
    assert counted(renamed) == {(): 1118}


def test_what_narrows_it_follows_too(renamed: Workspace) -> None:
    assert counted(renamed, offers=("lions",)) == {(): 104}
    assert counted(renamed, offers=("safari",)) == {(): 1014}
    assert counted(renamed, offers=("saver",)) == {(): 104}, "who had the name last"
    assert counted(renamed, "offer", spaces=("site",)) == {("lions",): 104, ("safari",): 1014}
    assert counted(renamed, categories=("travel",)) == {(): 104}
