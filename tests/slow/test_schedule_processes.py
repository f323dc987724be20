"""Schedulers that are killed, and several at once: a promotion is carried out once, or still waits; and a server's own."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from helpers.repeats import kills, often
from helpers.server_process import serving
from helpers.serving import with_people
from helpers.workspace import Workspace
from running import begin

from offerkit.store import RevisionRow, Store
from offerkit.times import utc
from offerkit.usecases.list_scheduled import list_scheduled
from offerkit.usecases.requests import ScheduleRequest
from offerkit.usecases.run_due import run_due
from offerkit.usecases.schedule import schedule

pytestmark = pytest.mark.slow
KILLS = often(10, 60)
SAFARI = "shop/offer.safari"

RUNNING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from offerkit.specs import Project
from offerkit.store import parse_location
from offerkit.times import utc
from offerkit.usecases import apply, plan_explanation, promotion_gates, promotion_times
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.run_due import run_due
from offerkit.usecases.session import Session
session = Session(
    Project(Path(sys.argv[1])), utc(datetime.now(UTC)), backend=LOCAL, lock_timeout=30, store_path=parse_location(sys.argv[2])
)
print("ready", flush=True)
for outcome in run_due(session, lambda: datetime.now(UTC)):
    print("refused" if outcome.findings else "promoted", flush=True)
"""


def promised(shop: Workspace, weight: int, due: datetime) -> RevisionRow:
    """Another weight of an offer, approved, and scheduled."""
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": weight}]}}}})
    shop.apply("ada")
    shop.approve("omar", SAFARI)
    return schedule(shop.session("omar"), shop.promotion("omar"), ScheduleRequest(utc(due)))


def endings(shop: Workspace, serial: int) -> list[str]:
    """The actions of the revisions that ended what ``serial`` scheduled, of a sound store."""
    with Store.open(shop.location) as store, store.reading():
        assert store.verify() == []
        return [row.action for row in store.revisions() if row.details.get("scheduled") == serial]


def test_schedulers_that_are_killed(live_shop: Workspace) -> None:
    """Several at once, each killed at any moment; afterwards one that is not killed does what is left."""
    shop, chance = live_shop, random.Random(20261207)
    found = {"waiting": 0, "promoted": 0}
    for number, longer in enumerate(kills(KILLS, lambda: min(found.values()) > KILLS // 6)):
        row = promised(shop, 100 + number, shop.now + timedelta(hours=1))
        processes = [begin(RUNNING, str(shop.root), shop.named()) for _ in range(3)]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.15) * longer)
        for process in chance.sample(processes, 3):
            process.kill()
            time.sleep(chance.uniform(0, 0.01))
        for process in processes:
            process.communicate()
        actions = endings(shop, row.serial)
        assert actions in ([], ["promote"])
        found["promoted" if actions else "waiting"] += 1
        left = list(run_due(shop.session(), lambda: datetime.now(UTC)))
        assert [outcome.findings for outcome in left] == ([] if actions else [()])
        assert endings(shop, row.serial) == ["promote"]
    assert min(found.values()) > 0, "kills fell before and after the commit"


def test_several_at_once_without_kills(live_shop: Workspace) -> None:
    row = promised(live_shop, 77, live_shop.now + timedelta(hours=1))
    processes = [begin(RUNNING, str(live_shop.root), live_shop.named()) for _ in range(5)]
    said = [process.communicate(timeout=120) for process in processes]
    assert "".join(out for out, _ in said).count("promoted") == 1
    assert [error for _, error in said if error] == []
    assert endings(live_shop, row.serial) == ["promote"]


def test_a_server_carries_it_out(live_shop: Workspace) -> None:
    """Two workers, which both look; what is live is served afterwards."""
    shop = with_people(live_shop)
    shop.apply("ada")
    shop.promote("ada")
    with serving(shop.root, "--workers", "2", store=shop.named()):
        shop.now = datetime.now(UTC) - timedelta(hours=1)  # every session is a minute later
        later = promised(shop, 77, datetime.now(UTC) + timedelta(days=1))
        soon = promised(shop, 78, datetime.now(UTC) + timedelta(seconds=2))
        end = time.monotonic() + 180
        while not endings(shop, soon.serial):
            assert time.monotonic() < end
            time.sleep(0.5)
    assert endings(shop, soon.serial) == ["promote"]
    assert endings(shop, later.serial) == []
    with shop.store() as store:
        assert [item.state for item in list_scheduled(store, everything=True)] == ["waiting", "promoted"]
