"""Sending what waits: in rounds, with growing waits, and never in the way of what caused it."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from helpers.receiver import answers, receiving, says_nothing
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.governance.notices import Notice, OutboxState
from offerkit.receivers.post import PostResult
from offerkit.store import Store, outbox
from offerkit.times import utc
from offerkit.usecases import restore, store_maintenance
from offerkit.usecases.awaited_approvals import list_approvals
from offerkit.usecases.promote import tell_blocked
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import stop
from offerkit.usecases.webhooks import ATTEMPTS, HOLD_OFF, LEASE, LONGEST_WAIT, Sender, retry, wait_after

SECRET = {f"OFFERKIT_WEBHOOK_SECRET_{name}": "whsec_" + b64encode(bytes(32)).decode() for name in ("HUB", "OTHER")}
SAFARI = "shop/offer.safari"


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = datetime(2027, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def later(self, span: timedelta) -> None:
        self.now += span


def declared(shop: Workspace, **webhooks: dict[str, Any]) -> Workspace:
    shop.change({"specs/shared.yaml": {"webhooks": webhooks}})
    shop.apply("ada")
    return shop


def writing(shop: Workspace) -> Store:
    return Store.open(shop.location, write=True)


def stopped(shop: Workspace, who: str = "omar") -> None:
    stop(shop.session(who), StopRequest((SAFARI,), "A secret reason"))


def events(shop: Workspace, *states: OutboxState) -> list[dict[str, Any]]:
    with shop.store() as store:
        return [json.loads(row.body) for row in outbox.rows(store.database, states or OutboxState)]


def test_what_is_told(live_shop: Workspace) -> None:
    """Wanted, decided, promoted, stopped; without anybody's words."""
    declared(live_shop, hub={"url": "http://127.0.0.1:9/"})
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    live_shop.apply("ada")
    live_shop.approve("omar", SAFARI, comment="Fine by me")
    live_shop.promote("ada")
    stopped(live_shop)
    told = {event["type"]: event["data"] for event in events(live_shop)}
    assert set(told) >= {
        "offerkit.approval.wanted", "offerkit.approval.decided", "offerkit.promotion.promoted", "offerkit.offers.stopped",
    }  # fmt: skip
    wanted = told["offerkit.approval.wanted"]["approvals"]
    assert {(row["address"], row["aspect"]) for row in wanted} == {(SAFARI, "eligibility")}
    decided = told["offerkit.approval.decided"]
    assert (decided["decision"], decided["by"]) == ("approved", "omar")
    assert told["offerkit.offers.stopped"]["addresses"] == [SAFARI]
    text = json.dumps(events(live_shop))
    assert "Fine by me" not in text and "secret reason" not in text and "@example" not in text


def test_blocked_is_told_with_the_promotion(live_shop: Workspace) -> None:
    declared(live_shop, hub={"url": "http://127.0.0.1:9/", "events": ["promotion.blocked"]})
    live_shop.change(
        {
            "specs/shop/offers.yaml": {
                "offers": {"safari": {"weights": [{"weight": 77}]}, "saver": {"weights": [{"weight": 78}]}}
            }
        }
    )
    live_shop.apply("ada")
    live_shop.approve("omar", "shop/offer.saver")
    live_shop.promote("ada")
    (event,) = events(live_shop)
    assert [row["address"] for row in event["data"]["blocked"]] == [SAFARI]
    assert event["data"]["blocked"][0]["code"] == Code.NOT_APPROVED


def test_each_receiver_gets_each_event(live_shop: Workspace) -> None:
    with receiving() as one, receiving(answers("500 No")) as other:
        declared(live_shop, hub={"url": one.url}, other={"url": other.url})
        stopped(live_shop)
        clock = Clock()
        with writing(live_shop) as store:
            result = Sender(SECRET, clock).send_due(store)
        assert (result.sent, result.failed) == (1, 1)
        assert [finding.code for finding in result.findings] == [Code.WEBHOOK_NOT_SENT]
        clock.later(timedelta(minutes=1))
        with writing(live_shop) as store:
            assert Sender(SECRET, clock).send_due(store).failed == 1
    assert len(one.requests) == 1
    assert len(other.requests) == 2
    first, second = (headers["webhook-id"] for headers, _ in other.requests)
    assert first == second == json.loads(one.requests[0][1])["id"]


def test_given_up_and_tried_again(live_shop: Workspace) -> None:
    declared(live_shop, hub={"url": "http://127.0.0.1:9/"})
    stopped(live_shop)
    clock = Clock()
    sender = Sender(SECRET, clock, posting=lambda *_, **__: PostResult("it answered with status 500"))
    with writing(live_shop) as store:
        for attempt in range(1, ATTEMPTS + 1):
            result = sender.send_due(store)
            assert (result.failed, result.dead) == ((1, 0) if attempt < ATTEMPTS else (0, 1))
            assert sender.send_due(store).findings == [], "not before its time"
            clock.later(timedelta(hours=8))
        assert [finding.code for finding in result.findings] == [Code.WEBHOOK_DEAD]
        (row,) = outbox.rows(store.database, (OutboxState.DEAD,))
    with pytest.raises(Refused) as refused:
        retry(live_shop.session("ada"), ("0" * 32,))
    assert refused.value.diagnostics[0].code is Code.NO_MATCH
    assert [one.id for one in retry(live_shop.session("ada"), ())] == [row.id]
    with writing(live_shop) as store:
        assert Sender(SECRET, clock, posting=lambda *_, **__: PostResult()).send_due(store).sent == 1


def test_a_receiver_that_gives_no_answer_does_not_hold_up_others(live_shop: Workspace) -> None:
    with receiving(says_nothing) as slow, receiving() as fine:
        declared(live_shop, hub={"url": slow.url}, other={"url": fine.url})
        for name in ("safari", "saver"):
            stop(live_shop.session("omar"), StopRequest((f"shop/offer.{name}",), "Wrong"))
        clock = Clock()
        sender = Sender(SECRET, clock, seconds=0.3)
        with writing(live_shop) as store:
            result = sender.send_due(store)
            assert (result.sent, result.failed) == (len(fine.requests), 1), "one try is enough to see that it is down"
            clock.later(timedelta(seconds=20))
            assert sender.send_due(store).failed == 0, "it is held off"
            clock.later(HOLD_OFF)
            assert sender.send_due(store).failed == 1


def many(shop: Workspace, count: int) -> None:
    """So many events wait for each of two receivers."""
    declared(shop, hub={"url": "http://127.0.0.1:9/"}, other={"url": "http://127.0.0.1:10/"})
    with writing(shop) as store, store.transaction():
        for number in range(count):
            notice = Notice("approval.overdue", "shop", {"number": number})
            outbox.add_once(store.database, str(number), utc(Clock().now), notice)


def test_a_slow_receiver_does_not_slow_down_others(live_shop: Workspace) -> None:
    """It answers, so it is not held off; each answer takes 9 seconds."""
    many(live_shop, 30)
    clock, order = Clock(), list[str]()

    def slow(url: str, *_: object, **__: object) -> PostResult:
        order.append(url)
        if ":9/" in url:
            clock.later(timedelta(seconds=9))
            return PostResult("it answered with status 500")
        return PostResult()

    with writing(live_shop) as store:
        result = Sender(SECRET, clock, posting=slow).send_due(store)
    assert result.sent == 30 and result.failed >= 30
    assert sum(":9/" in url for url in order[:31]) == 1, "one try shows that it is slow"


def test_many_events_for_a_receiver_that_is_down(live_shop: Workspace) -> None:
    many(live_shop, 400)
    with writing(live_shop) as store:
        store.database.run("DELETE FROM outbox WHERE receiver = 'other' AND id > '2'")
        order = list[str]()

        def down(url: str, *_: object, **__: object) -> PostResult:
            order.append(url)
            return PostResult("no answer", unreachable=True) if ":9/" in url else PostResult()

        result = Sender(SECRET, Clock(), posting=down).send_due(store)
        assert result.failed == 1
        assert result.sent == len(order) - 1 > 0
        assert {row.receiver for row in outbox.rows(store.database, (OutboxState.WAITING,))} == {"hub"}


@pytest.mark.parametrize(("back", "at_once"), [(timedelta(minutes=30), 2), (timedelta(days=400), 4)], ids=str)
def test_a_clock_that_is_set_back(live_shop: Workspace, back: timedelta, at_once: int) -> None:
    """What was written, leased or failed in that future is sent; neither a look nor a hold-off lasts until then."""
    many(live_shop, 2)
    clock = Clock()
    clock.later(timedelta(hours=1))
    sender = Sender(SECRET, clock, posting=lambda *_, **__: PostResult("down", unreachable=True))
    with writing(live_shop) as store:
        assert outbox.lease(store.database, "hub", utc(clock.now), utc(clock.now + LEASE), "killed") is not None
        assert sender.send_due(store).failed == 2
        clock.later(-back)
        sender.posting = lambda *_, **__: PostResult()
        assert sender.send_due(store).sent == at_once, "all but usual waits after a failure"
        clock.later(timedelta(hours=1))
        sender.send_due(store)
        assert outbox.rows(store.database, (OutboxState.WAITING,)) == []


def test_what_was_given_up_is_forgotten_in_time(live_shop: Workspace) -> None:
    """A receiver that never comes back does not make the outbox grow for ever."""
    declared(live_shop, hub={"url": "http://127.0.0.1:9/"})
    stopped(live_shop)
    clock = Clock()
    sender = Sender(SECRET, clock, posting=lambda *_, **__: PostResult("no", gone=True))
    with writing(live_shop) as store:
        assert sender.send_due(store).dead == 1
        for days, left in ((89, 1), (2, 0)):
            clock.later(timedelta(days=days))
            sender.send_due(store)
            assert len(outbox.rows(store.database, OutboxState)) == left


def test_reviewers_are_told_how_long_they_have(live_shop: Workspace) -> None:
    declared(live_shop, hub={"url": "http://127.0.0.1:9/", "events": ["approval.wanted"]})
    for weight, deadline in ((77, None), (78, "2d 6h")):
        live_shop.change(
            {
                "environments/shop.yaml": {"environment": {"promotion": {"approval_deadline": deadline}}},
                "specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": weight}]}}},
            }
        )
        live_shop.apply("ada")
    second, first = (event["data"]["approvals"] for event in events(live_shop))
    assert [row.get("within") for row in first] == [None]
    assert [row.get("within") for row in second] == ["2d 6h"]


def test_a_receiver_that_is_gone_or_not_declared_any_more(live_shop: Workspace) -> None:
    declared(live_shop, hub={"url": "http://127.0.0.1:9/"})
    stopped(live_shop)
    live_shop.change({"specs/shared.yaml": {"webhooks": None}})
    live_shop.apply("ada")
    with writing(live_shop) as store:
        result = Sender({}, Clock()).send_due(store)
        assert result.dead == 1
        (row,) = outbox.rows(store.database, (OutboxState.DEAD,))
        assert "not declared any more" in row.failure


def test_nothing_is_sent_unsigned(live_shop: Workspace) -> None:
    """Without its secret, a webhook waits; others get theirs, and it costs no attempt."""
    with receiving() as receiver:
        declared(live_shop, hub={"url": receiver.url}, other={"url": receiver.url})
        stopped(live_shop)
        with writing(live_shop) as store:
            result = Sender(
                {"OFFERKIT_WEBHOOK_SECRET_OTHER": SECRET["OFFERKIT_WEBHOOK_SECRET_OTHER"]}, Clock()
            ).send_due(store)
            assert [finding.code for finding in result.findings] == [Code.WEBHOOK_SECRET]
            assert result.sent == 1
            (row,) = outbox.rows(store.database, (OutboxState.WAITING,))
            assert (row.receiver, row.attempts) == ("hub", 0)
            assert Sender(SECRET, Clock()).send_due(store).sent == 1


def test_waits_grow_and_end() -> None:
    waits = [wait_after(number, "x") for number in range(1, 40)]
    assert timedelta(seconds=10) <= waits[0] <= timedelta(seconds=13)
    assert all(later >= before * 1.2 for before, later in pairwise(waits[:10]))
    assert max(waits) <= LONGEST_WAIT * 1.25
    assert len({wait_after(3, str(number)) for number in range(50)}) > 40, "senders do not all come at once"


def test_overdue_is_told_once(live_shop: Workspace) -> None:
    with receiving() as receiver:
        declared(live_shop, hub={"url": receiver.url, "events": ["approval.overdue"]})
        live_shop.change(
            {
                "environments/shop.yaml": {"environment": {"promotion": {"approval_deadline": "2d"}}},
                "specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 77}]}}},
            }
        )
        live_shop.apply("ada")
        clock = Clock()
        clock.now = datetime.fromisoformat(live_shop.session().now) + timedelta(days=1)
        sender = Sender(SECRET, clock)
        with writing(live_shop) as store:
            assert sender.send_due(store).sent == 0
            clock.later(timedelta(days=1, minutes=1))
            assert sender.send_due(store).sent == 1
            for days in (1, 8, 100):
                clock.later(timedelta(days=days))
                assert sender.send_due(store).sent == 0
                assert Sender(SECRET, clock).send_due(store).sent == 0, "another process"
            (item,) = [row for row in list_approvals(store, (), clock.now.isoformat()) if row.state == "waiting"]
    (event,) = (json.loads(body) for _, body in receiver.requests)
    assert event["type"] == "offerkit.approval.overdue"
    assert event["data"]["address"] == SAFARI
    assert event["data"]["due"] == item.due


def test_what_is_approved_in_part_is_not_told_again(live_shop: Workspace) -> None:
    with receiving() as receiver:
        declared(live_shop, hub={"url": receiver.url, "events": ["approval.overdue"]})
        live_shop.change(
            {
                "environments/shop.yaml": {"environment": {"promotion": {"approval_deadline": "2d"}}},
                "specs/shop/offers.yaml": {"offers": {"saver": {"content": {"title": "Save more"}}}},
            }
        )
        live_shop.apply("ada")
        clock = Clock()
        clock.now = datetime.fromisoformat(live_shop.session().now) + timedelta(days=3)
        sender = Sender(SECRET, clock)
        with writing(live_shop) as store:
            assert sender.send_due(store).sent == 1
        live_shop.approve("omar", "shop/offer.saver", spaces=("mail",))
        clock.later(timedelta(days=1))
        with writing(live_shop) as store:
            assert sender.send_due(store).sent == 0
    (event,) = (json.loads(body) for _, body in receiver.requests)
    assert event["data"]["spaces"] == ["mail", "web"]


def test_a_promotion_that_takes_nothing_live_is_told_once(live_shop: Workspace) -> None:
    """No revision records it; another attempt tells it again only after something has changed."""
    declared(live_shop, hub={"url": "http://127.0.0.1:9/", "events": ["promotion.blocked"]})
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    live_shop.apply("ada")
    blocked = live_shop.promotion("ada")
    assert not blocked.steps and blocked.blocked
    for _ in range(3):
        tell_blocked(live_shop.session("ada"), blocked)
    (event,) = events(live_shop)
    assert [row["address"] for row in event["data"]["blocked"]] == [SAFARI]
    stopped(live_shop)
    tell_blocked(live_shop.session("ada"), blocked)
    assert len(events(live_shop)) == 2


def test_a_restore_keeps_what_waits(live_shop: Workspace, tmp_path: Path) -> None:
    """What happened is still told, although the history goes back before it."""
    declared(live_shop, hub={"url": "http://127.0.0.1:9/"})
    backup = tmp_path / "backup.db"
    store_maintenance.copy(live_shop.location, backup)
    stopped(live_shop)
    before = events(live_shop, OutboxState.WAITING)
    with restore.prepare_restore(live_shop.session("ada"), backup) as found:
        restore.restore(found)
    assert before
    assert events(live_shop, OutboxState.WAITING) == before
