"""What is served follows what is live."""

from __future__ import annotations

import threading
import time

import pytest
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.server.live import Served, Watch, compiled
from offerkit.store import StageHead, Store


def test_a_promotion_right_after_another_revision_is_not_missed(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_people(shop).go_live()
    original, seen = Store.heads, threading.Event()
    handed: list[Served] = []

    def heads(store: Store) -> dict[str, StageHead]:
        found = original(store)
        if threading.current_thread().name == "offerkit-watch" and not seen.is_set():
            seen.set()  # the heads are read: now it is promoted, before anything else is asked
            shop.approve_all()
            shop.promote("ada")
        return found

    with shop.session().writing() as store:
        first = compiled(store)
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Tigers"}}}}})
    shop.apply("ada")
    monkeypatch.setattr(Store, "heads", heads)
    watch = Watch(shop.session(), 0.01, handed.append)
    watch.start(first)
    end = time.monotonic() + 20
    while not handed and time.monotonic() < end:
        time.sleep(0.01)
    watch.stop()
    assert seen.is_set()
    assert len(handed) == 1
    assert handed[0].heads != first.heads
