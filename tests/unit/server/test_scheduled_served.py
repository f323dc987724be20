"""Scheduling over the network and on the pages, and the server's scheduler with a clock that is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.ui import FORM, browser, hidden, log_in
from helpers.workspace import Workspace

from offerkit.plans.plan import envelope
from offerkit.server.background import LEAP, Scheduler
from offerkit.store import Store
from offerkit.times import utc
from offerkit.usecases.list_scheduled import list_scheduled
from offerkit.usecases.requests import ScheduleRequest
from offerkit.usecases.schedule import schedule

SAFARI = "shop/offer.safari"


@pytest.fixture
def waiting(shop: Workspace) -> Workspace:
    """A change of an offer that is approved."""
    with_people(shop).go_live()
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    shop.apply("ada")
    shop.approve("omar", SAFARI)
    return shop


def states(shop: Workspace) -> list[str]:
    with shop.store() as store:
        return [item.state for item in list_scheduled(store, everything=True)]


def bearer(shop: Workspace, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(shop, 'omar', *scopes)}"}


def test_over_the_network(waiting: Workspace) -> None:
    plan = envelope(waiting.promotion("omar")).decode()
    body = {"plan": plan, "due": utc(datetime.now(UTC) + timedelta(days=1)), "message": "Monday"}
    path = "/api/v1/store/schedule"
    with client(waiting) as asking:
        promoting, reading = bearer(waiting, "promote"), bearer(waiting, "read")
        assert asking.post(path, json=body).status_code in (401, 403)
        assert asking.post(path, json=body, headers=reading).status_code == 403
        for wrong in ({**body, "due": "tomorrow"}, {**body, "plan": "{}"}, {**body, "due": utc(datetime.now(UTC))}):
            assert 400 <= asking.post(path, json=wrong, headers=promoting).status_code < 500
        assert states(waiting) == []
        answer = asking.post(path, json=body, headers=promoting)
        assert answer.status_code == 200, answer.text
        revision = answer.json()["revision"]
        assert (revision["action"], revision["actor"], revision["message"]) == ("schedule", "omar", "Monday")
        taking_back = {"scheduled": revision["serial"], "reason": "No"}
        withdrawing = f"{path}/withdraw"
        assert asking.post(withdrawing, json=taking_back, headers=reading).status_code == 403
        assert asking.post(withdrawing, json={**taking_back, "reason": ""}, headers=promoting).status_code == 422
        assert asking.post(withdrawing, json=taking_back, headers=promoting).status_code == 200
        assert asking.post(withdrawing, json=taking_back, headers=promoting).status_code == 409
    assert states(waiting) == ["withdrawn"]


def test_on_the_pages(waiting: Workspace) -> None:
    freeze = {"from": "2020-01-01", "until": "8000-01-01", "reason": "<b>Black Friday</b>"}
    with browser(waiting) as asking:
        log_in(asking, token(waiting, "omar", "promote"))
        page = asking.get("/ui/promote").text
        assert "Scheduled promotions" not in page
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT06:00")
        form = {"seal": hidden(page, "seal"), "plan": hidden(page, "plan"), "message": "<i>Monday</i>"}
        assert asking.post("/ui/promote", data={**form, "at": "noon"}, headers=FORM).status_code == 422
        done = asking.post("/ui/promote", data={**form, "at": tomorrow}, headers=FORM)
        assert done.status_code == 303 and states(waiting) == ["waiting"]
        waiting.change({"environments/shop.yaml": {"environment": {"promotion": {"freezes": [freeze]}}}})
        waiting.apply("ada")
        page = asking.get("/ui/promote").text
        assert "&lt;i&gt;Monday&lt;/i&gt;" in page and "<i>Monday" not in page
        assert "would be refused then" in page and "Nothing can be promoted here now" in page
        assert "<b>Black" not in page
        serial = hidden(page, "scheduled")
        taking_back = {"seal": hidden(page, "seal"), "scheduled": serial, "reason": "No"}
        assert (
            asking.post("/ui/scheduled/withdraw", data={**taking_back, "reason": " "}, headers=FORM).status_code >= 400
        )
        assert (
            asking.post("/ui/scheduled/withdraw", data={**taking_back, "scheduled": "x"}, headers=FORM).status_code
            >= 400
        )
        assert asking.post("/ui/scheduled/withdraw", data=taking_back, headers=FORM).status_code == 303
    assert states(waiting) == ["withdrawn"]


class Clock:
    """A clock that is set, and a steady one beside it."""

    def __init__(self, now: datetime) -> None:
        self.now, self.seconds = now, 0.0

    def goes(self, seconds: float, *, leaps: float = 0) -> None:
        self.now += timedelta(seconds=seconds + leaps)
        self.seconds += seconds


def test_a_clock_that_leaps_is_asked_twice(waiting: Workspace) -> None:
    """A wrong time that lasts for one look carries nothing out; the time once it goes on does, once."""
    plan, clock = waiting.promotion("omar"), Clock(waiting.now)
    schedule(waiting.session("omar"), plan, ScheduleRequest(utc(waiting.now + timedelta(days=1))))
    scheduler = Scheduler(waiting.session(), lambda: clock.now, lambda: clock.seconds)
    with Store.open(waiting.location, write=True) as store:
        scheduler.look(store)
        clock.goes(5, leaps=90_000)
        scheduler.look(store)
        clock.goes(5, leaps=-90_000)  # it was wrong, and is set right
        scheduler.look(store)
        assert states(waiting) == ["waiting"]
        clock.goes(5, leaps=90_000)
        scheduler.look(store)
        assert states(waiting) == ["waiting"]
        clock.goes(5)
        scheduler.look(store)
        assert states(waiting) == ["promoted"]
        clock.goes(5, leaps=-200_000)
        scheduler.look(store)
        clock.goes(LEAP, leaps=LEAP - 1)
        scheduler.look(store)
    assert states(waiting) == ["promoted"]
    assert waiting.verified() == []


def test_why_it_was_not_carried_out_is_recorded_and_logged(
    waiting: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    plan, clock = waiting.promotion("omar"), Clock(waiting.now)
    schedule(waiting.session("omar"), plan, ScheduleRequest(utc(waiting.now + timedelta(hours=1))))
    waiting.reject("omar", SAFARI, comment="No")
    clock.goes(7200)
    with Store.open(waiting.location, write=True) as store:
        Scheduler(waiting.session(), lambda: clock.now, lambda: clock.seconds).look(store)
    assert states(waiting) == ["refused"]
    assert "a scheduled promotion was not carried out" in caplog.text
