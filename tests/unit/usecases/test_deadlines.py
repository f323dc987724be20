"""Deadlines of approvals: counted from when exactly this was first wanted, whatever else changes meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from helpers.ui import browser
from helpers.workspace import Workspace

from offerkit.governance.approval_items import ApprovalItem
from offerkit.reports.approvals import Approvals
from offerkit.reports.render import render
from offerkit.store.stage_snapshots import Stages
from offerkit.times import utc
from offerkit.usecases import deadlines
from offerkit.usecases.awaited_approvals import approvals_needed, list_approvals
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import stop

SAFARI = "shop/offer.safari"
OFFERS = "specs/shop/offers.yaml"


@pytest.fixture
def shop_with_deadline(live_shop: Workspace) -> Workspace:
    live_shop.change({"environments/shop.yaml": {"environment": {"promotion": {"approval_deadline": "2d"}}}})
    live_shop.apply("ada")
    return live_shop


def weigh(shop: Workspace, weight: int) -> str:
    """Apply another weight; the time of the revision."""
    shop.change({OFFERS: {"offers": {"safari": {"weights": [{"weight": weight}]}}}})
    shop.apply("ada")
    return revision_time(shop)


def revision_time(shop: Workspace) -> str:
    with shop.store() as store:
        row = store.revision(store.last_serial())
        assert row is not None
        return row.time


def waiting(shop: Workspace, after: timedelta = timedelta()) -> list[ApprovalItem]:
    with shop.store() as store:
        now = utc(datetime.fromisoformat(shop.session().now) + after)
        return [row for row in list_approvals(store, (), now) if row.state == "waiting"]


def test_without_a_deadline_nothing_is_due(live_shop: Workspace) -> None:
    weigh(live_shop, 77)
    (row,) = waiting(live_shop, timedelta(days=999))
    assert (row.since, row.due, row.overdue) == ("", "", False)
    assert "due" not in render(Approvals([row]), "json")


def test_from_the_revision_that_applied_it(shop_with_deadline: Workspace) -> None:
    time = weigh(shop_with_deadline, 77)
    shop_with_deadline.later(hours=5)
    (row,) = waiting(shop_with_deadline)
    assert row.since == time
    assert row.due == utc(datetime.fromisoformat(time) + timedelta(days=2))
    assert not row.overdue
    (row,) = waiting(shop_with_deadline, timedelta(days=2))
    assert row.overdue


def test_other_changes_do_not_begin_it_again(shop_with_deadline: Workspace) -> None:
    """Its label, another offer, and a rename: the same is wanted as before."""
    time = weigh(shop_with_deadline, 77)
    shop_with_deadline.later(hours=5)
    shop_with_deadline.change({OFFERS: {"offers": {"safari": {"label": "Another"}, "saver": {"label": "x"}}}})
    shop_with_deadline.apply("ada")
    assert {row.since for row in waiting(shop_with_deadline)} == {time}
    body = shop_with_deadline.files[OFFERS]["offers"]["safari"]
    shop_with_deadline.change(
        {OFFERS: {"offers": {"safari": None, "lions": body}, "moved": {SAFARI: "shop/offer.lions"}}}
    )
    shop_with_deadline.apply("ada")
    rows = [row for row in waiting(shop_with_deadline) if row.aspect == "eligibility"]
    assert {(row.address, row.since) for row in rows} == {("shop/offer.lions", time)}


def test_another_change_of_it_does(shop_with_deadline: Workspace) -> None:
    weigh(shop_with_deadline, 77)
    shop_with_deadline.later(hours=5)
    time = weigh(shop_with_deadline, 78)
    assert {row.since for row in waiting(shop_with_deadline)} == {time}


def test_a_deadline_is_kept_in_a_busy_project(shop_with_deadline: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others change meanwhile puts nothing off, however much it is."""
    monkeypatch.setattr(deadlines, "MOST", 3)
    time = weigh(shop_with_deadline, 77)
    for number in range(5):
        shop_with_deadline.change({OFFERS: {"offers": {"saver": {"label": f"Another {number}"}}}})
        shop_with_deadline.apply("ada")
    assert {row.since for row in waiting(shop_with_deadline)} == {time}


def test_a_stop_begins_it(shop_with_deadline: Workspace) -> None:
    """What was approved before a stop is wanted again from the stop on."""
    shop_with_deadline.later(days=30)
    made = stop(shop_with_deadline.session("omar"), StopRequest((SAFARI,), "Wrong")).revision
    assert made is not None
    rows = waiting(shop_with_deadline)
    assert {row.address for row in rows} == {SAFARI}
    assert {row.since for row in rows} == {made.time}


def test_a_pull_request_tells_how_long_reviewers_have(shop_with_deadline: Workspace) -> None:
    shop_with_deadline.change({OFFERS: {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    plan = shop_with_deadline.plan()
    with shop_with_deadline.store() as store:
        rows = approvals_needed(Stages(store), plan)
    assert {(row.address, row.within) for row in rows} == {(SAFARI, "2d")}
    assert "within" not in render(Approvals(rows), "json"), "what waits already has a time by which it is due"


def test_the_first_page_tells_what_is_overdue(shop_with_deadline: Workspace) -> None:
    weigh(shop_with_deadline, 77)
    with browser(shop_with_deadline) as asking:  # the server's clock is this machine's
        assert "1 is overdue." in asking.get("/ui").text
        shop_with_deadline.change(
            {"environments/shop.yaml": {"environment": {"promotion": {"approval_deadline": "9000d"}}}}
        )
        shop_with_deadline.apply("ada")
        assert "overdue" not in asking.get("/ui").text


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_every_format_says_what_is_overdue(shop_with_deadline: Workspace, form: str) -> None:
    weigh(shop_with_deadline, 77)
    rows = waiting(shop_with_deadline, timedelta(days=3))
    told = render(Approvals(rows), form)
    assert "overdue" in told
    assert (rows[0].due[:16] in told) is True
    fine = render(Approvals(waiting(shop_with_deadline)), form)
    assert rows[0].due[:16] in fine
    assert "overdue since" not in fine
