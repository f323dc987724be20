"""Scheduled promotions: stored for a time, judged again then, carried out once, or refused with reasons that are kept."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers.scheduling import HOUR, SAFARI, changed, codes, due, in_paris, last, promised, refused
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.governance.notices import OutboxState
from offerkit.plans.plan import decode, envelope
from offerkit.plans.sentences import is_note
from offerkit.store import Store, outbox
from offerkit.times import utc
from offerkit.usecases import restore, store_maintenance
from offerkit.usecases import schedule as scheduling
from offerkit.usecases.apply import apply
from offerkit.usecases.list_scheduled import list_scheduled, scheduled_plan
from offerkit.usecases.requests import ScheduleRequest, StopRequest
from offerkit.usecases.run_due import DueOutcome, run_due
from offerkit.usecases.stop import stop


def test_it_goes_live_at_its_time_exactly_as_it_was_scheduled(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    plan = shop.promotion("omar")
    row = scheduling.schedule(shop.session("omar"), plan, ScheduleRequest(utc(shop.now + 24 * HOUR)))
    assert (row.action, row.actor) == ("schedule", "omar")
    with shop.store() as store:
        assert envelope(scheduled_plan(store, row.serial)) == envelope(plan)
        (item,) = list_scheduled(store)
    assert (item.state, item.steps, list(item.environments)) == ("waiting", len(plan.steps), ["shop"])
    assert due(shop, hours=23) == []
    (outcome,) = due(shop, hours=1)
    assert (outcome.findings, outcome.revision.action, outcome.revision.actor) == ((), "promote", "omar")
    assert outcome.revision.plan_digest == row.plan_digest
    assert outcome.revision.details["scheduled"] == row.serial
    assert due(shop) == [], "once"
    assert shop.promotion("omar").empty
    assert shop.verified() == []


def test_changes_of_other_things_meanwhile_do_not_matter(live_shop: Workspace) -> None:
    """As with a saved plan: the base may move if nothing that the plan touches or relies on has changed."""
    shop = changed(live_shop)
    promised(shop, "omar", SAFARI)
    shop.change({"specs/shared.yaml": {"operators": {"nina": {"profile": "offer-manager"}}}})
    shop.apply("ada")
    (outcome,) = due(shop)
    assert outcome.findings == ()


@pytest.mark.parametrize("who", ["administrator or delivery-manager", "administrator, delivery-manager or mailers"])
def test_a_plan_that_tells_who_may_apply_its_campaigns_can_be_read(who: str) -> None:
    assert is_note(f"shop/campaign.spring can go live after this: {who} may apply it.")


def test_a_promotion_at_noon_makes_it_stale(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    row = promised(shop)
    changed(shop, 78)
    shop.promote("omar")
    (outcome,) = due(shop)
    assert set(codes(outcome)) == {Code.PLAN_STALE}
    assert (outcome.revision.action, outcome.revision.details["scheduled"]) == ("schedule-refused", row.serial)
    (reason, *_) = outcome.revision.details["refused"]  # type: ignore[misc, union-attr]
    assert reason["code"] == Code.PLAN_STALE and SAFARI in reason["summary"]  # type: ignore[index, call-overload]
    with shop.store() as store:
        (item,) = list_scheduled(store, everything=True)
        assert list_scheduled(store) == []
    assert item.state == "refused" and item.reasons[0][0] == Code.PLAN_STALE
    assert due(shop) == []
    assert shop.verified() == []


def test_an_approval_that_is_taken_back(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    promised(shop)
    shop.reject("omar", SAFARI, comment="No")
    (outcome,) = due(shop)
    assert codes(outcome)


def test_what_is_stopped_stays_out(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    promised(shop)
    stop(shop.session("omar"), StopRequest((SAFARI,), "Wrong"))
    (outcome,) = due(shop)
    assert codes(outcome)
    assert shop.active()[SAFARI] == ()


@pytest.mark.parametrize("patch", [{"enabled": False}, {"profile": "delivery-manager"}])
def test_whose_author_lost_the_right_is_not_run(live_shop: Workspace, patch: dict[str, Any]) -> None:
    shop = changed(live_shop)
    promised(shop, "omar", SAFARI)
    shop.change({"specs/shared.yaml": {"operators": {"omar": patch}}})
    shop.apply("ada")
    (outcome,) = due(shop)
    assert codes(outcome)[0] == Code.NOT_ALLOWED
    assert not shop.promotion("ada").empty


def test_a_later_operator_of_the_same_name_is_another_person(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    shop.change({"specs/shared.yaml": {"operators": {"nina": {"profile": "offer-manager"}}}})
    shop.apply("ada")
    promised(shop, "nina", SAFARI)
    for there in (None, {"profile": "offer-manager"}):
        shop.change({"specs/shared.yaml": {"operators": {"nina": there}}})
        shop.apply("ada")
    (outcome,) = due(shop)
    assert codes(outcome) == [Code.NOT_ALLOWED]


def test_a_renamed_operator_is_the_same_person(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    shop.change({"specs/shared.yaml": {"operators": {"nina": {"profile": "offer-manager"}}}})
    shop.apply("ada")
    promised(shop, "nina", SAFARI)
    shop.change(
        {
            "specs/shared.yaml": {
                "operators": {"nina": None, "nora": {"profile": "offer-manager"}},
                "moved": {"operator.nina": "operator.nora"},
            },
        }
    )
    shop.apply("ada")
    (outcome,) = due(shop)
    assert (outcome.findings, outcome.revision.actor) == ((), "nora")


def test_several_are_carried_out_in_the_order_of_their_times(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    late = promised(shop, "omar", SAFARI, hours=3)
    soon = promised(changed(shop, 78), "omar", SAFARI, hours=2)
    first, second = due(shop)
    assert (first.promotion.serial, first.findings) == (soon.serial, ())
    assert second.promotion.serial == late.serial and codes(second), "live has changed: it is stale"


def test_a_late_run(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    promised(shop, not_after=26)
    assert [codes(outcome) for outcome in due(shop, hours=48)] == [[Code.SCHEDULE_LAPSED]]
    promised(shop)
    assert [outcome.findings for outcome in due(shop, hours=24 * 60)] == [()], "without a limit, when it is found"


@pytest.mark.parametrize(("who", "allowed"), [("omar", True), ("ada", True), ("olga", True), ("dora", False)])
def test_who_may_withdraw(live_shop: Workspace, who: str, allowed: bool) -> None:
    shop = changed(live_shop)
    row = promised(shop, "omar", SAFARI)
    if not allowed:
        assert refused(lambda: scheduling.withdraw(shop.session(who), row.serial, "No")) == [Code.NOT_ALLOWED]
        return
    taken = scheduling.withdraw(shop.session(who), row.serial, "Prices are wrong")
    assert (taken.action, taken.actor, taken.message) == ("unschedule", who, "Prices are wrong")
    assert due(shop) == []
    assert refused(lambda: scheduling.withdraw(shop.session(who), row.serial, "No")) == [Code.NOT_SCHEDULED]
    with shop.store() as store:
        (item,) = list_scheduled(store, everything=True)
    assert (item.state, item.ended_by) == ("withdrawn", who)
    assert shop.verified() == []


def test_what_cannot_be_scheduled(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    plan, now = shop.promotion("omar"), shop.now

    def asked(request: ScheduleRequest, who: str = "omar") -> list[Code]:
        return refused(lambda: scheduling.schedule(shop.session(who), plan, request))

    assert asked(ScheduleRequest(utc(now - HOUR))) == [Code.SCHEDULE_TIME]
    assert asked(ScheduleRequest(utc(now + 800 * 24 * HOUR))) == [Code.SCHEDULE_TIME]
    assert asked(ScheduleRequest(utc(now + 3 * HOUR), utc(now + 2 * HOUR))) == [Code.SCHEDULE_TIME]
    assert asked(ScheduleRequest(utc(now + HOUR)), "brand") == [Code.NOT_ALLOWED]
    shop.promote("omar")
    assert Code.PLAN_STALE in asked(ScheduleRequest(utc(shop.now + 24 * HOUR)))
    empty = shop.promotion("omar")
    assert refused(lambda: scheduling.schedule(shop.session("omar"), empty, ScheduleRequest(utc(shop.now + HOUR)))) == [
        Code.SCHEDULE_FULL
    ]


def test_times_are_only_written_out_for_a_refusal(live_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """To write them, the environments of all that is promoted are looked for."""
    shop = changed(live_shop)
    plan = shop.promotion("omar")
    with monkeypatch.context() as patch:
        patch.setattr(scheduling, "shown_time", lambda *_: pytest.fail("no refusal has a time in it"))
        scheduling.check_request(shop.session("omar"), plan, ScheduleRequest(utc(shop.now + 24 * HOUR)))
    with pytest.raises(Refused) as caught:
        scheduling.check_request(
            shop.session("omar"), plan, ScheduleRequest(utc(shop.now - HOUR), utc(shop.now - 2 * HOUR))
        )
    past, order = sorted(finding.summary for finding in caught.value.diagnostics)
    assert "is already past" in past and order.startswith("the latest time, ")


def test_nothing_is_scheduled_without_a_signature_where_promotions_must_be_signed(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    plan = shop.promotion("omar", SAFARI)
    row = promised(shop, "omar", SAFARI)
    shop.change({"environments/shop.yaml": {"environment": {"promotion": {"signatures": ["promotions"]}}}})
    shop.apply("ada")
    wish = ScheduleRequest(utc(shop.now + 24 * HOUR))
    assert refused(lambda: scheduling.schedule(shop.session("omar"), plan, wish)) == [Code.SIGNATURE_DEMANDED]
    (outcome,) = due(shop)
    assert (outcome.promotion.serial, codes(outcome)) == (row.serial, [Code.SIGNATURE_DEMANDED])


def test_only_so_many_wait(live_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "MOST_WAITING", 1)
    shop = changed(live_shop)
    promised(shop)
    changed(shop, 78)
    assert refused(lambda: promised(shop)) == [Code.SCHEDULE_FULL]


def test_the_same_promotion_is_scheduled_once(live_shop: Workspace) -> None:
    """Also for another time, or planned again after changes elsewhere; after withdrawing, it can be scheduled again."""
    shop = changed(live_shop)
    row = promised(shop)
    with pytest.raises(Refused) as caught:
        promised(shop, "olga", hours=48)
    (finding,) = caught.value.diagnostics
    assert finding.code is Code.ALREADY_SCHEDULED
    assert f"revision {row.serial} has scheduled" in finding.summary and "by omar" in finding.summary
    assert f"scheduled withdraw {row.serial}" in finding.hint
    shop.change({"specs/shared.yaml": {"operators": {"nina": {"profile": "offer-manager"}}}})
    shop.apply("ada")
    assert refused(lambda: promised(shop, "omar", SAFARI)) == [Code.ALREADY_SCHEDULED]
    scheduling.withdraw(shop.session("omar"), row.serial, "Later")
    again = promised(shop, "omar", SAFARI, hours=48)
    assert [outcome.findings for outcome in due(shop, 49)] == [()]
    assert last(shop).details["scheduled"] == again.serial


def test_two_who_schedule_the_same_at_once(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    plan, request = shop.promotion("omar"), ScheduleRequest(utc(shop.now + HOUR))
    sessions, begin, found = (
        [shop.session("omar", lock_timeout=30.0) for _ in range(4)],
        threading.Barrier(4),
        list[Code](),
    )

    def work(number: int) -> None:
        begin.wait()
        try:
            scheduling.schedule(sessions[number], plan, request)
        except Refused as refusal:
            found.extend(finding.code for finding in refusal.diagnostics)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Code.ALREADY_SCHEDULED] * 3
    with shop.store() as store:
        assert len(list_scheduled(store)) == 1


def test_an_edited_plan_is_not_scheduled(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    read = decode(envelope(shop.promotion("omar")), "p.json")
    row = scheduling.schedule(shop.session("omar"), read, ScheduleRequest(utc(shop.now + HOUR)))
    assert [outcome.findings for outcome in due(shop)] == [()]
    assert row.plan_digest == last(shop).plan_digest


@pytest.mark.parametrize(
    ("at", "code", "hint"),
    [
        ("2026-03-29T02:30", Code.SCHEDULE_TIME, "before or after"),
        ("2026-10-25T02:30", Code.SCHEDULE_TIME, "2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00"),
        ("2026-10-25", Code.SCHEDULE_TIME, "Write a day and a time"),
        ("noon", Code.SCHEDULE_TIME, "Write a day and a time"),
        ("0001-01-01T00:00+14:00", Code.SCHEDULE_TIME, ""),
    ],
)
def test_times_that_are_none(live_shop: Workspace, at: str, code: Code, hint: str) -> None:
    shop = in_paris(live_shop)
    plan = changed(shop).promotion("omar", SAFARI)
    with pytest.raises(Refused) as caught:
        scheduling.due_time(shop.session(), plan, at)
    (finding,) = caught.value.diagnostics
    assert finding.code is code and hint in finding.hint


@pytest.mark.parametrize(
    ("at", "meant"),
    [
        ("2026-03-29T01:59", "2026-03-29T00:59"),
        ("2026-03-29T03:00", "2026-03-29T01:00"),
        ("2026-10-25T02:30+02:00", "2026-10-25T00:30"),
        ("2026-10-25T02:30+01:00", "2026-10-25T01:30"),
        ("2026-07-06T06:00", "2026-07-06T04:00"),
        ("2026-12-07 06:00", "2026-12-07T05:00"),
    ],
)
def test_times_on_the_clocks_of_the_environment(live_shop: Workspace, at: str, meant: str) -> None:
    shop = in_paris(live_shop)
    plan = changed(shop).promotion("omar", SAFARI)
    assert utc(scheduling.due_time(shop.session(), plan, at))[:16] == meant


def test_a_clock_that_is_set_back_and_forth(live_shop: Workspace) -> None:
    """It is carried out once, however often the clock passes its time."""
    shop = changed(live_shop)
    promised(shop)
    noon = shop.now
    assert len(due(shop)) == 1
    serial = last(shop).serial
    for moment in (noon, noon + 24 * HOUR, noon - 300 * HOUR, noon + 900 * HOUR):
        shop.now = moment
        assert list(run_due(shop.session(), lambda: shop.now)) == []
    assert last(shop).serial == serial


def test_two_schedulers_carry_it_out_once(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    promised(shop)
    shop.later(hours=25)
    sessions, begin, found = [shop.session() for _ in range(4)], threading.Barrier(4), list[DueOutcome]()

    def work(number: int) -> None:
        begin.wait()
        found.extend(run_due(sessions[number], lambda: shop.now))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.findings for outcome in found] == [()]
    with shop.store() as store:
        assert len(store.revisions(action="promote", limit=0)) == 2
        assert store.revisions(action="schedule-refused") == []


def test_what_receivers_hear(live_shop: Workspace) -> None:
    live_shop.change({"specs/shared.yaml": {"webhooks": {"hub": {"url": "http://127.0.0.1:9/"}}}})
    live_shop.apply("ada")
    shop = changed(live_shop)
    row = promised(shop, "omar", SAFARI)
    changed(shop, 78)
    due(shop)
    with shop.store() as store:
        events = [json.loads(event.body) for event in outbox.rows(store.database, OutboxState)]
    (blocked,) = [event for event in events if event["type"] == "offerkit.promotion.blocked"]
    assert (blocked["data"]["scheduled"], blocked["subject"]) == (row.serial, "shop")
    assert {each["code"] for each in blocked["data"]["blocked"]} == {Code.PLAN_STALE}


def forged(shop: Workspace, sql: str, *args: Any) -> None:
    with Store.open(shop.location, write=True) as store, store.transaction():
        store.database.run(sql, args)


def test_rows_that_somebody_forged(live_shop: Workspace) -> None:
    """Only the history counts: a row cannot bring a time forward, another plan, or a second run."""
    shop = changed(live_shop)
    row = promised(shop)
    forged(shop, "UPDATE scheduled SET due = ?", utc(shop.now - HOUR))
    assert list(run_due(shop.session(), lambda: shop.now)) == []
    assert [finding.code for finding in shop.verified()] == [Code.HISTORY_BROKEN]
    forged(shop, "UPDATE scheduled SET due = ?, plan = ?", utc(shop.now), "{}")
    assert [finding.code for finding in shop.verified()] == [Code.HISTORY_BROKEN] * 1
    (outcome,) = due(shop)
    assert codes(outcome) == [Code.SCHEDULE_LAPSED]
    forged(shop, "UPDATE scheduled SET ended = 0")
    assert due(shop) == [], "the history says that it has ended"
    assert len(shop.verified()) == 1
    forged(shop, "DELETE FROM scheduled")
    assert "is missing" in shop.verified()[0].summary
    forged(shop, "INSERT INTO scheduled (serial, due, ended, plan) VALUES (1, ?, 0, '{}')", utc(shop.now))
    assert due(shop) == []
    assert row.serial > 1


@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_restored_store_runs_nothing_of_before(
    live_shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: bool
) -> None:
    """Also if the restore holds the store just when it is due."""
    shop = changed(live_shop)
    promised(shop)
    backup = tmp_path / "backup.db"
    store_maintenance.copy(shop.location, backup)

    def restored(*then: Any) -> Any:
        with restore.prepare_restore(shop.session("ada"), backup) as prepared:
            restore.restore(prepared)
        assert shop.verified() == []
        return apply(*then) if then else None

    if meanwhile:
        monkeypatch.setattr("offerkit.usecases.run_due.apply", restored)
    else:
        restored()
    (outcome,) = due(shop)
    assert codes(outcome) == [Code.SCHEDULE_LAPSED]
