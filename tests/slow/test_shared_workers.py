"""Workers that share a store keep to rules together, whoever of them dies; and outlive their database's crash."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.postgres import Server
from helpers.server_process import Callers, serving
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.store import parse_location

pytestmark = pytest.mark.slow
PEOPLE = ("ann@example.com", "bob@example.com", "cyd@example.com")
MOST = 30


def live(shop: Workspace, most: int) -> Workspace:
    """Everything live; nobody may be shown an offer more than ``most`` times."""
    with_people(shop)
    shop.change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"max": most, "counted": {"of": "offer"}}}}})
    return shop.go_live()


def body(contact: str) -> dict[str, object]:
    return {"spaces": ["shop/web"], "contact": contact, "n": 1}


def test_workers_keep_to_a_rule_together(shop: Workspace) -> None:
    """One call of a contact at a time, to whichever worker takes it; a call that broke off may have been stored."""
    live(shop, MOST)
    with serving(shop.root, "--workers", "2", store=shop.named()) as server, ExitStack() as stack:
        callers = [stack.enter_context(Callers(server, body(contact), threads=1)) for contact in PEOPLE]
        end = time.monotonic() + 120
        killed = False
        while not all(each.answers and not each.answers[-1]["spaces"][0]["propositions"] for each in callers):
            assert time.monotonic() < end, [each.wrong[-1:] for each in callers]
            if not killed and all(len(each.answers) > 10 for each in callers) and len(server.workers()) == 2:
                os.kill(server.workers()[0], signal.SIGKILL)
                killed = True
            time.sleep(0.02)
    assert killed and not [each.wrong for each in callers if each.wrong]
    with shop.store() as store:
        rows = store.propositions(limit=0)
    shown = Counter((row.contact, row.offer) for row in rows)
    assert set(shown.values()) == {MOST}
    answered = set().union(*(each.ids() for each in callers))
    assert answered <= {row.id for row in rows}
    assert len(answered) >= len(rows) - sum(each.broken for each in callers)


def test_a_server_outlives_the_crash_of_its_database(tmp_path: Path, database: Server) -> None:
    shop = live(Workspace(tmp_path, location=parse_location(database.url())), 1_000_000)
    with serving(shop.root, store=shop.named()) as server, Callers(server, body(PEOPLE[0])) as callers:
        for _ in range(2):
            _until_more(callers)
            database.stop(signal.SIGQUIT)
            time.sleep(0.3)
            database.start()
            _until_more(callers)
        assert server.stop() == 0
    assert {wrong[:3] for wrong in callers.wrong} <= {"503"}
    with shop.store() as store:
        assert callers.ids() <= {row.id for row in store.propositions(limit=0)}
    assert shop.verified() == []


def _until_more(callers: Callers) -> None:
    before, end = len(callers.answers), time.monotonic() + 60
    while len(callers.answers) < before + 30:
        assert time.monotonic() < end, callers.wrong[-1:]
        time.sleep(0.02)
