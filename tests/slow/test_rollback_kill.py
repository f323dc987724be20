"""Rollbacks of a part that are killed: what has to go back together did, or did not."""

from __future__ import annotations

import random
import time

import pytest
from helpers.repeats import kills, often
from helpers.workspace import Workspace
from running import begin

from offerkit.address import Stage, StageRef, parse_address
from offerkit.store import Store

pytestmark = pytest.mark.slow
SAFARI, TRAVEL = parse_address("shop/offer.safari"), parse_address("shop/category.travel")
LIVE = StageRef("shop", Stage.LIVE)
KILLS = often(14, 50)

GOING_BACK = """
import sys
from pathlib import Path
from offerkit.specs import Project
from offerkit.plans.make import AddressPatterns
from offerkit.store import parse_location
from offerkit.usecases.apply import apply
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.promote import promote
from offerkit.usecases.rollback import plan_rollback, plan_undo
from offerkit.usecases.session import Session
session = Session(
    Project(Path(sys.argv[1])), "2026-06-01T00:00:00.000000Z", operator="omar", backend=LOCAL, lock_timeout=30,
    store_path=parse_location(sys.argv[2]),
)
def done(plan):
    serial = apply(session, plan).revision.serial if plan.steps else ""
    print(serial, flush=True)
    return serial
def forward():
    return done(promote(session, (), AddressPatterns.of(()), include_rolled_back=True))
made = forward()
print("ready", flush=True)
while True:
    with session.existing() as store:
        plan = plan_rollback(session, store, "shop@live", sys.argv[3], ("category.travel",))
    done(plan)
    made = forward()
    with session.existing() as store:
        plan = plan_undo(store, made)
    done(plan)
    forward()
"""


def test_killed_while_a_part_goes_back(shop: Workspace) -> None:
    """The category and the offer below it, which was approved with it, are never as they were at different times."""
    shop.go_live()
    with shop.store() as store:
        before = store.last_serial()
        was = store.entries(LIVE)
    shop.change(
        {
            "specs/shop/catalog.yaml": {"categories": {"travel": {"multiplier": {"factor": 3}}}},
            "specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"label": "base", "weight": 9}]}}},
        }
    )
    shop.apply("ada")
    shop.approve_all()
    shop.promote("ada")
    with shop.store() as store:
        acknowledged, will = store.last_serial(), store.entries(LIVE)
    pairs = [(entries[SAFARI], entries[TRAVEL]) for entries in (was, will)]
    rest = {address: entry for address, entry in will.items() if address not in (SAFARI, TRAVEL)}
    chance = random.Random(20261129)
    seen = [0, 0]
    for longer in kills(KILLS, lambda: all(seen)):
        process = begin(GOING_BACK, str(shop.root), shop.named(), str(before))
        words = []
        while (word := process.stdout.readline().strip()) != "ready":
            words.append(word)
            assert process.poll() is None, process.communicate()[1]
        words += [process.stdout.readline() for _ in range(chance.randrange(4))]  # so far into a round
        time.sleep(chance.uniform(0, 0.3) * longer)
        process.kill()
        words += process.communicate()[0].split()
        acknowledged = max([acknowledged, *(int(word) for word in words if word.strip())])
        with Store.open(shop.location) as store, store.reading():
            assert store.verify() == []
            assert acknowledged <= store.last_serial() <= acknowledged + 1, "what was said to be done is done"
            acknowledged = store.last_serial()
            entries = store.entries(LIVE)
            seen[pairs.index((entries.pop(SAFARI), entries.pop(TRAVEL)))] += 1
            assert entries == rest
    assert all(seen), "killed before and after"
