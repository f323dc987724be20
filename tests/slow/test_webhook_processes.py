"""Writers and senders of events that are killed: none is lost, each arrives at least once, under one id."""

from __future__ import annotations

import json
import random
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from helpers.receiver import Receiver, receiving, says_nothing
from helpers.repeats import kills, often
from helpers.server_process import serving
from helpers.serving import with_people
from helpers.workspace import Workspace
from running import begin

from offerkit.fingerprint import canonical, digest
from offerkit.governance.notices import OutboxState
from offerkit.store import Store, outbox
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import stop

pytestmark = pytest.mark.slow
KILLS = often(14, 60)
SECRET = "whsec_" + b64encode(bytes(32)).decode()
SAFARI = "shop/offer.safari"
SECONDS_OF_A_LEASE = 1.5

WRITING = """
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
promote(session, (), AddressPatterns.of(()))
print("ready", flush=True)
while True:
    for act in (
        lambda: stop(session, StopRequest((SAFARI,), "again")),
        lambda: approve_or_reject(session, ApprovalRequest((SAFARI,)), Decision.APPROVED),
        lambda: resume(session, StopRequest((SAFARI,), "")),
        lambda: apply(session, promote(session, (), AddressPatterns.of(()))),
    ):
        try:
            act()
            print("done", flush=True)
        except Refused:  # the run before was killed in between
            pass
"""

SENDING = """
import os, sys, time
from datetime import UTC, datetime, timedelta
from offerkit.store import Store, parse_location
from offerkit.usecases import webhooks
webhooks.LEASE = timedelta(seconds=float(sys.argv[3]))
webhooks.FIRST_WAIT = timedelta(seconds=0.05)
webhooks.HOLD_OFF = timedelta(seconds=0.05)
sender = webhooks.Sender({"OFFERKIT_WEBHOOK_SECRET_HUB": sys.argv[2]}, lambda: datetime.now(UTC), seconds=float(sys.argv[4]))
with Store.open(parse_location(sys.argv[1]), write=True, busy_timeout=30) as store:
    print("ready", flush=True)
    while True:
        print(sender.send_due(store).sent, flush=True)
        time.sleep(0.02)
"""


@pytest.fixture
def live(live_shop: Workspace) -> Workspace:
    """Everything live."""
    return live_shop


@pytest.fixture
def hub() -> Iterator[Receiver]:
    """A receiver that fails every fifth time, and sees whether two senders send one event at once."""
    count = 0
    lock = threading.Lock()

    def sometimes(client: object) -> None:
        nonlocal count
        with lock:
            count += 1
            turn = count
        time.sleep(0.005)
        status = b"500 No" if turn % 5 == 0 else b"204 Fine"
        with suppress(OSError):
            client.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]

    with receiving(sometimes) as receiver:
        yield receiver


def declared(live: Workspace, url: str) -> int:
    """The webhook is applied; the revision that did it."""
    live.change({"specs/shared.yaml": {"webhooks": {"hub": {"url": url}}}})
    live.apply("ada")
    with live.store() as store:
        return store.last_serial()


def expected(store: Store, since: int) -> set[str]:
    """The ids of the events of every revision: each of these actions tells one thing, a promotion maybe more."""
    ids = set()
    for row in store.revisions():
        if row.serial > since:
            ids.add(digest(b"offerkit event 1", canonical([row.digest, 0]))[:32])
    return ids


def test_writers_and_senders_that_are_killed(live: Workspace, hub: Receiver) -> None:
    since = declared(live, hub.url)
    chance = random.Random(20261130)
    turns = kills(KILLS, lambda: len(hub.requests) > KILLS)
    for longer in turns:
        writer = begin(WRITING, str(live.root), live.named())
        senders = [begin(SENDING, live.named(), SECRET, str(SECONDS_OF_A_LEASE), "0.7") for _ in range(2)]
        for process in (writer, *senders):
            assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.05, 0.6) * longer)
        for process in chance.sample([writer, *senders], 3):
            process.kill()
            time.sleep(chance.uniform(0, 0.02))
        for process in (writer, *senders):
            process.communicate()
        with Store.open(live.location) as store, store.reading():
            assert store.verify() == []
            known = {row.id for row in outbox.rows(store.database, OutboxState)}
            assert expected(store, since) <= known, "a revision without its event"
            serials = {json.loads(row.body)["data"]["revision"] for row in outbox.rows(store.database, OutboxState)}
            assert max(serials) <= store.last_serial(), "an event without its revision"
    last = begin(SENDING, live.named(), SECRET, str(SECONDS_OF_A_LEASE), "0.7")
    end = time.monotonic() + 120
    while True:
        with Store.open(live.location) as store:
            left = outbox.rows(store.database, (OutboxState.WAITING,))
        if not left:
            break
        assert time.monotonic() < end, left[:3]
        time.sleep(0.2)
    last.kill()
    last.communicate()
    with Store.open(live.location) as store:
        rows = outbox.rows(store.database, (OutboxState.SENT,))
    bodies: dict[str, set[bytes]] = {}
    for headers, body in hub.requests:
        bodies.setdefault(headers["webhook-id"], set()).add(body)
    assert bodies.keys() == {row.id for row in rows}, "each arrived, and nothing that did not happen"
    assert all(found == {row.body.encode()} for row in rows if (found := bodies[row.id])), "always the same event"
    times = Counter(headers["webhook-id"] for headers, _ in hub.requests)
    assert sum(times.values()) < 3 * len(times), "repetitions are the exception"


def test_two_senders_never_send_one_event_at_once(live: Workspace) -> None:
    """Without kills and failures, each event is sent exactly once, whoever sends it."""
    with receiving() as receiver:
        declared(live, receiver.url)
        writer = begin(WRITING, str(live.root), live.named())
        assert writer.stdout.readline() == "ready\n"
        senders = [begin(SENDING, live.named(), SECRET, "60", "30") for _ in range(3)]
        time.sleep(often(3, 10))
        writer.kill()
        writer.communicate()
        end = time.monotonic() + 60
        while True:
            with Store.open(live.location) as store:
                if not outbox.rows(store.database, (OutboxState.WAITING,)):
                    break
            assert time.monotonic() < end
            time.sleep(0.1)
        for sender in senders:
            sender.kill()
            sender.communicate()
    times = Counter(headers["webhook-id"] for headers, _ in receiver.requests)
    assert len(times) > 3
    assert set(times.values()) == {1}


def test_a_server_sends_what_others_cause(live: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stop is made by another process; calls go on, and the server ends in time although a receiver never answers."""
    with_people(live)
    monkeypatch.setenv("OFFERKIT_WEBHOOK_SECRET_HUB", SECRET)
    monkeypatch.setenv("OFFERKIT_WEBHOOK_SECRET_SLOW", SECRET)
    with receiving() as hub, receiving(says_nothing) as slow:
        live.change({"specs/shared.yaml": {"webhooks": {"hub": {"url": hub.url}, "slow": {"url": slow.url}}}})
        live.apply("ada")
        with serving(live.root, "--workers", "2", store=live.named()) as server:
            stop(live.session("omar"), StopRequest((SAFARI,), "Wrong"))
            end = time.monotonic() + 60
            while not (hub.requests and slow.requests):
                assert time.monotonic() < end, server.log.read_text()
                assert server.call("/health/ready")[0] == 200
                time.sleep(0.1)
            begun = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - begun < 40
    ((headers, body),) = hub.requests
    assert json.loads(body)["type"] == "offerkit.offers.stopped"
    assert headers["webhook-signature"].startswith("v1,")
