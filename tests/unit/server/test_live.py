"""What is served follows what is live."""

from __future__ import annotations

import threading
import time

import pytest
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.engine.catalog import Catalog
from offerkit.server.config import ServerConfig
from offerkit.server.live import RevisionWatcher, ServedCatalogs, served_catalogs, stopped_since
from offerkit.store import StageHead, Store
from offerkit.usecases import catalogs
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import resume, stop


def test_a_promotion_right_after_another_revision_is_not_missed(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_people(shop).go_live()
    original, seen = Store.heads, threading.Event()
    handed: list[ServedCatalogs] = []

    def heads(store: Store) -> dict[str, StageHead]:
        found = original(store)
        if threading.current_thread().name == "offerkit-watch" and not seen.is_set():
            seen.set()  # the heads are read: now it is promoted, before anything else is asked
            shop.approve_all()
            shop.promote("ada")
        return found

    with shop.session().writing() as store:
        first = served_catalogs(store)
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Tigers"}}}}})
    shop.apply("ada")
    monkeypatch.setattr(Store, "heads", heads)
    watch = RevisionWatcher(shop.session(), 0.01, handed.append)
    watch.start(first)
    end = time.monotonic() + 60
    while not handed and time.monotonic() < end:
        time.sleep(0.01)
    watch.stop()
    assert seen.is_set()
    assert len(handed) == 1
    assert handed[0].heads != first.heads


def test_the_store_is_asked_often_enough_for_a_stop_to_be_gone_within_a_second() -> None:
    """By the poll's setting, with three quarters of the second left for the rest: one look is enough, see below."""
    assert ServerConfig(project="").poll <= 0.25


@pytest.mark.parametrize("what", ["offer.safari", "category.bank", "space.web"])
def test_one_look_picks_a_stop_up_and_compiles_nothing(
    live_shop: Workspace, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """However large the project: what was served is used again, and is what a whole compilation would make."""
    handed: list[ServedCatalogs] = []
    with live_shop.session().writing() as store:
        watch = RevisionWatcher(live_shop.session(), 60, handed.append)
        watch._served = served_catalogs(store)
        made = stop(live_shop.session("omar"), StopRequest((f"shop/{what}",), "wrong")).revision
        assert made is not None
        with monkeypatch.context() as patched:
            patched.setattr(catalogs, "compile_catalog", lambda *_, **__: pytest.fail("all is compiled anew"))
            watch._look(store)
        (served,) = handed
        assert (served.serial, served.catalogs["shop"].revision) == (made.serial, made.serial)
        assert served.stopped > 0
        assert _said(served) == _said(served_catalogs(store))
        live_shop.approve_all()
        resume(live_shop.session("olga"), StopRequest((f"shop/{what}",)))
        resumed = stopped_since(store, served)
        assert resumed is not None
        assert _said(resumed) == _said(served_catalogs(store))
        live_shop.promote("ada")
        assert stopped_since(store, resumed) is None, "more than stops changed live"


def _said(served: ServedCatalogs) -> object:
    """What a state answers by, with what is compiled of it."""
    made: Catalog = served.catalogs["shop"]
    offers = [(offer.name, offer.position, offer.spaces, dict(offer.stopped), offer.tie) for offer in made.offers]
    state = (served.serial, served.heads, served.head, served.stops, served.stopped)
    return state, offers, made.position_of, made.by_category, made.revision, served.catalogs.snapshot.entries
