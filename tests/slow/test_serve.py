"""A real server under load: promotions meanwhile, workers that die, the end. Nothing that was answered is lost."""

from __future__ import annotations

import os
import signal
import time

import pytest
from helpers.server_process import Callers, Server, serving
from helpers.serving import with_people
from helpers.workspace import Workspace

pytestmark = pytest.mark.slow
BODY = {"spaces": ["shop/web"], "contact": "ann@example.com", "n": 3}


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    """Everything live; Ann may be shown as much as one likes."""
    with_people(shop)
    shop.change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"max": 1000000}}}})
    return shop.go_live()


def kept(shop: Workspace) -> set[str]:
    with shop.store() as store:
        return {row.id for row in store.propositions(limit=0)}


def titled(shop: Workspace, title: str) -> None:
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": title}}}}})
    shop.apply("ada")
    shop.approve_all()
    shop.promote("ada")


def promote_under_load(shop: Workspace, server: Server, times: int) -> Callers:
    with Callers(server, BODY) as callers:
        for number in range(times):
            titled(shop, f"Lions {number}")
            begin = time.monotonic()
            while f"Lions {number}" not in (
                said := server.call("/api/v1/propose", {**BODY, "store": False})[2].decode()
            ):
                health = server.call("/health/ready")[2]
                assert time.monotonic() - begin < 60, f"a promotion was never picked up: {said} {health!r}"
                time.sleep(0.02)
    return callers


def test_ten_promotions_under_load(live: Workspace) -> None:
    with serving(live.root, store=live.named()) as server:
        callers = promote_under_load(live, server, 10)
        assert server.stop() == 0
    assert not callers.wrong
    assert callers.broken == 0
    assert len(callers.answers) > 100
    assert callers.ids() <= kept(live)
    title_of = {
        (space["revision"], p["fields"]["title"])
        for answer in callers.answers
        for space in answer["spaces"]
        for p in space["propositions"]
        if p["offer"] == "safari"
    }
    assert len({revision for revision, _ in title_of}) == len(title_of), "an answer mixed two revisions"


def test_the_end_under_load_loses_nothing(live: Workspace) -> None:
    with serving(live.root, store=live.named()) as server, Callers(server, BODY) as callers:
        end = time.monotonic() + 60
        while len(callers.answers) < 100:
            assert time.monotonic() < end, callers.wrong[-1:]
            time.sleep(0.05)
        assert server.stop() == 0
    assert not [wrong for wrong in callers.wrong if not wrong.startswith("503")]
    assert len(callers.ids()) > 50
    assert callers.ids() <= kept(live)


def test_one_of_two_workers_is_killed_under_load(live: Workspace) -> None:
    with serving(live.root, "--workers", "2", store=live.named()) as server:
        with Callers(server, BODY) as callers:
            end = time.monotonic() + 60
            while len(first := server.workers()) < 2 or len(callers.answers) < 50:
                assert time.monotonic() < end, f"{first}, {len(callers.answers)} answers"
                time.sleep(0.05)
            assert len(first) == 2
            os.kill(first[0], signal.SIGKILL)
            before = len(callers.answers)
            end = time.monotonic() + 120
            while not (len(server.workers()) == 2 and server.workers() != first and len(callers.answers) > before + 50):
                assert time.monotonic() < end, (
                    f"{first} → {server.workers()}, {len(callers.answers) - before} answers since"
                )
                time.sleep(0.1)
        assert server.stop() == 0
    assert not callers.wrong
    assert callers.broken < 20, "only calls on the worker that died break off"
    assert callers.ids() <= kept(live)


def test_a_wrong_store_is_told_before_anything_listens(live: Workspace) -> None:
    with pytest.raises(AssertionError, match="OFR606"), serving(live.root, store=str(live.root / "nothing.db")):
        pass
