"""Erasing contacts beside real servers, and erasures that are killed at any moment."""

from __future__ import annotations

import random
import shutil
import time
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from helpers.postgres import new_schema
from helpers.repeats import kills, often
from helpers.server_process import Callers, serving
from helpers.serving import with_people
from helpers.workspace import Workspace
from running import begin

from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store, contact_data, parse_location
from offerkit.usecases import store_maintenance
from offerkit.usecases.contact_erasure import clear_erased, erase_contact
from offerkit.usecases.requests import ContactRequest

pytestmark = pytest.mark.slow
ROUNDS = often(9, 60)
KEY = "770031"
CALL = {"spaces": ["shop/web"], "contact": "pia@example.com", "n": 3}
OTHER = {**CALL, "contact": "ann@example.com"}

ERASING = """
import sys
from pathlib import Path
from offerkit.specs import Project
from offerkit.store import parse_location
from offerkit.usecases.contact_erasure import clear_erased, erase_contact
from offerkit.usecases.contact_places import find_contact
from offerkit.usecases.requests import ContactRequest
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.session import Session
session = Session(
    Project(Path(sys.argv[1])), "2026-06-01T00:00:00.000000Z", operator="ada", backend=LOCAL, lock_timeout=30,
    store_path=parse_location(sys.argv[2]),
)
request = ContactRequest(sys.argv[3])
with session.existing() as store:
    find_contact(session.project.root, store, request)  # all that has to be imported is
print("ready", flush=True)
erase_contact(session, request)
print("erased", flush=True)
clear_erased(session, request)
print("cleared", flush=True)
"""

RESTORING = """
import sys
from pathlib import Path
from offerkit.specs import Project
from offerkit.store import parse_location
from offerkit.usecases import restore
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.session import Session
session = Session(
    Project(Path(sys.argv[1])), "2026-07-01T00:00:00.000000Z", operator="ada", backend=LOCAL, lock_timeout=30,
    store_path=parse_location(sys.argv[2]),
)
with restore.prepare_restore(session, Path(sys.argv[3])) as restoration:
    print("ready", flush=True)
    restore.restore(restoration)
print("restored", flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """Everything live, with one more contact; all may be shown as much as one likes."""
    location = parse_location(new_schema()) if request.param == "postgresql" else tmp_path / ".offerkit/store.db"
    shop = with_people(Workspace(tmp_path, location=location))
    people = shop.root / "people.csv"
    people.write_text(people.read_text() + f"{KEY},pia@example.com,Pia,33,FR\n")
    shop.change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"max": 1000000}}}})
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"storage": {"proposed_data": {"who": "person.id"}}}}}})
    return shop.go_live()


def traces(shop: Workspace) -> list[str]:
    """The tables and files that have the key."""
    with shop.store() as store:
        tables = [t for t in contact_data.PERSONAL if KEY in str(store.database.rows(f"SELECT * FROM {t}"))]
    files = [path for path in (shop.root / ".offerkit").rglob("*") if path.is_file()]
    return [*tables, *(str(path) for path in files if KEY.encode() in path.read_bytes())]


def without_source(shop: Workspace) -> None:
    people = shop.root / "people.csv"
    people.write_text("".join(line for line in people.read_text().splitlines(True) if not line.startswith(KEY)))


def test_a_server_continues_and_nothing_of_the_contact_is_left(live: Workspace) -> None:
    """While others call all the time: the store is written again below the servers, and they lose nothing."""
    with serving(live.root, "--workers", "2", store=live.named()) as server:
        for _ in range(20):
            assert server.call("/api/v1/propose", CALL)[0] == 200
        without_source(live)
        with Callers(server, OTHER) as callers:
            time.sleep(1)
            while server.call("/api/v1/propose", {**CALL, "store": False})[2].count(KEY.encode()):
                time.sleep(0.1)
            session = live.session("ada", lock_timeout=30)
            done = erase_contact(session, ContactRequest(KEY))
            assert clear_erased(session, ContactRequest(KEY)) == []
            time.sleep(1)
        assert done.erasure.rows and not callers.wrong and callers.broken == 0
        assert server.call("/health/ready")[0] == 200
        with live.store() as store:
            stored = {row.id for row in store.propositions(limit=0)}
            assert store.verify() == []
        told = {
            made["id"] for answer in callers.answers for space in answer["spaces"] for made in space["propositions"]
        }
        assert told <= stored, "what callers were told is stored"
        assert traces(live) == []
        assert server.stop() == 0


def test_killed_at_any_moment_it_is_not_done_or_finished_by_the_next(live: Workspace) -> None:
    chance = random.Random(20261130)
    without_source(live)
    cut = {"before": 0, "after": 0}
    for longer in kills(ROUNDS, lambda: min(cut.values()) > 0):
        with Store.open(live.location, write=True) as store:
            store.add_propositions([row(number) for number in range(60)])
            before = len(store.propositions(limit=0))
        process = begin(ERASING, str(live.root), live.named(), KEY)
        assert process.stdout.readline() == "ready\n", process.communicate()
        time.sleep(chance.uniform(0, 0.15) * longer)
        process.kill()
        said = process.communicate(timeout=60)[0].split()
        cut["after" if "erased" in said else "before"] += "cleared" not in said
        with live.store() as store:
            assert store.verify() == []
            of_contact = contact_data.count(store.database, "shop", [KEY]).total
            assert of_contact in (0, 60), "all in one transaction"
            assert len(store.propositions(limit=0)) == before
            assert not (said and of_contact), "what was said to be erased is erased"
        session = live.session("ada", lock_timeout=30)
        erase_contact(session, ContactRequest(KEY))
        assert clear_erased(session, ContactRequest(KEY)) == []
        assert traces(live) == []
    assert min(cut.values()) > 0, "kills fell before and after the commit"


def test_killed_while_restored_over_a_store_that_still_has_the_contact(tmp_path: Path) -> None:
    """The backup knows of the erasure, the store does not: it has all of the contact, or nothing."""
    shop = with_people(Workspace(tmp_path)).go_live()
    assert isinstance(shop.location, Path)
    with Store.open(shop.location, write=True) as store:
        store.add_propositions([row(number) for number in range(60)])
    older, newer = tmp_path / "older.db", tmp_path / "newer.db"
    store_maintenance.copy(shop.location, older)
    erase_contact(shop.session("ada"), ContactRequest(KEY))
    store_maintenance.copy(shop.location, newer)
    chance = random.Random(20261130)
    cut = {"before": 0, "after": 0}
    for longer in kills(often(6, 40), lambda: min(cut.values()) > 0):
        for path in shop.location.parent.glob("store.db*"):
            path.unlink()
        shutil.copy(older, shop.location)
        process = begin(RESTORING, str(shop.root), str(shop.location), str(newer))
        assert process.stdout.readline() == "ready\n", process.communicate()
        time.sleep(chance.uniform(0, 0.1) * longer)
        process.kill()
        said = process.communicate(timeout=60)[0].split()
        with Store.open(shop.location) as store:
            assert store.verify() == []
            last = store.revision(store.last_serial())
            assert last is not None
            restored = last.action == "restore"
            assert contact_data.count(store.database, "shop", [KEY]).total == (0 if restored else 60)
            assert restored or not said
        cut["after" if restored else "before"] += 1
    assert min(cut.values()) > 0, "kills fell before and after the commit"


def row(number: int) -> PropositionRow:
    """A proposition of the contact; each has an id of its own."""
    time_ = f"2026-05-01T12:00:{number:02}.000000Z"
    data = {"who": int(KEY), "text": f"{KEY} " * 200}
    return PropositionRow(
        uuid4().hex, "shop", KEY, "web", "inbound-web", "safari", "travel", uuid4().hex, 1, Decimal(1),
        Status.PRESENTED, time_, time_, 1, data,
    )  # fmt: skip
