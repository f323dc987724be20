"""Stopping under load, and stops and resumptions that are killed: what is stopped is out, or was not stopped yet."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from helpers.repeats import kills, often
from helpers.server_process import Callers, Server, serving
from helpers.serving import with_people
from helpers.workspace import Workspace
from running import begin

from offerkit.address import Stage, StageRef, parse_address
from offerkit.governance.stops import Stops
from offerkit.store import Store
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import resume, stop

pytestmark = pytest.mark.slow
SAFARI = parse_address("shop/offer.safari")
LIVE = StageRef("shop", Stage.LIVE)
BODY = {"spaces": ["shop/web"], "contact": "ann@example.com", "n": 3}
ASKED = StopRequest((SAFARI,), "The price is wrong")
KILLS = often(18, 60)

STOPPING = """
import sys
from pathlib import Path
from offerkit.diagnostics import Refused
from offerkit.governance.approvals import Decision
from offerkit.specs import Project
from offerkit.plans.make import AddressPatterns
from offerkit.store import parse_location
from offerkit.usecases.apply import apply
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.promote import promote
from offerkit.usecases.requests import ApprovalRequest, StopRequest
from offerkit.usecases.session import Session
from offerkit.usecases.stop import resume, stop
SAFARI = "shop/offer.safari"
session = Session(
    Project(Path(sys.argv[1])), "2026-06-01T00:00:00.000000Z", operator="omar", backend=LOCAL, lock_timeout=30,
    store_path=parse_location(sys.argv[2]),
)
def say(revision):
    print(revision.serial if revision is not None else "", flush=True)
promote(session, (), AddressPatterns.of(()))  # all that has to be imported is
print("ready", flush=True)
while True:
    try:
        say(resume(session, StopRequest((SAFARI,), "")).revision)
        plan = promote(session, (), AddressPatterns.of(()))
        say(apply(session, plan).revision if plan.steps else None)
    except Refused:  # it was not stopped, or not approved since, when the run before was killed
        pass
    say(stop(session, StopRequest((SAFARI,), "again")).revision)
    say(approve_or_reject(session, ApprovalRequest((SAFARI,)), Decision.APPROVED).revision)
"""


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    """Everything live; Ann may be shown as much as one likes."""
    with_people(shop)
    shop.change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"max": 1000000}}}})
    return shop.go_live()


def shown(server: Server) -> bool:
    return "safari" in server.call("/api/v1/propose", {**BODY, "store": False})[2].decode()


def until(server: Server, there: bool) -> None:
    """Wait until both workers have picked it up: whichever answers."""
    end = time.monotonic() + 60
    same = 0
    while same < 20:
        same = same + 1 if shown(server) is there else 0
        assert time.monotonic() < end, server.call("/health/ready")[2]


def test_stopped_again_and_again_under_load(live: Workspace) -> None:
    """No answer from the revision of a stop on has what is stopped, until a later promotion brings it back."""
    stops: list[tuple[int, int]] = []
    with serving(live.root, "--workers", "2", store=live.named()) as server:
        with Callers(server, BODY) as callers:
            for _ in range(often(4, 10)):
                until(server, there=True)
                made = stop(live.session("omar"), ASKED).revision
                assert made is not None
                until(server, there=False)
                live.approve("omar", SAFARI)
                resume(live.session("olga"), ASKED)
                live.promote("ada")
                with live.store() as store:
                    stops.append((made.serial, store.last_serial()))
            until(server, there=True)
        assert server.stop() == 0
    assert not callers.wrong
    assert callers.broken == 0
    with_it = {
        space["revision"]
        for answer in callers.answers
        for space in answer["spaces"]
        if any(made["offer"] == "safari" for made in space["propositions"])
    }
    seen = {space["revision"] for answer in callers.answers for space in answer["spaces"]}
    for stopped, back in stops:
        assert not {revision for revision in with_it if stopped <= revision < back}
        assert any(stopped <= revision < back for revision in seen), "nobody asked while it was stopped"
    assert len(callers.answers) > often(40, 100)


def test_killed_while_stopping_and_resuming(live: Workspace) -> None:
    """The store is as before or as after, and what was said to be done is done."""
    chance = random.Random(20261129)
    with live.store() as store:
        acknowledged = store.last_serial()
    told = 0
    turns = kills(KILLS, lambda: told > KILLS / 10)
    for longer in turns:
        process = begin(STOPPING, str(live.root), live.named())
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.3 if isinstance(live.location, Path) else 1.2) * longer)
        process.kill()
        words = process.communicate()[0].split()
        serials = [int(word) for word in words]
        told += len(serials)
        acknowledged = max([acknowledged, *serials])
        with Store.open(live.location) as store, store.reading():
            assert store.verify() == []
            assert acknowledged <= store.last_serial() <= acknowledged + 1, "what was said to be done is done"
            acknowledged = store.last_serial()
            active = store.entries(LIVE)[SAFARI].activation
            assert not (active and Stops(store.stops()).named(SAFARI)), "it is stopped, and in live"
    assert told > KILLS / 10, "the rounds were long enough to do something"
