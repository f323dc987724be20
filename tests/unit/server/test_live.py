"""What is served follows what is live."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.engine import space_program
from offerkit.engine.call import CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide
from offerkit.engine.slice import Slice, SliceSource
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.steps import SteppedParts, StepReader
from offerkit.server import live
from offerkit.server.config import ServerConfig
from offerkit.server.live import RevisionWatcher, ServedCatalogs, served_catalogs, stopped_since
from offerkit.store import StageHead, Store
from offerkit.times import wall_clock
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


def test_after_a_stop_no_condition_is_read_again(live_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs are made anew, since an offer is gone from them, of the conditions that were read before."""
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"eligible": {"when": "person.age >= 18"}}}}})
    live_shop.go_live(anew=True)
    read, original = list[str](), StepReader.read

    def counted(self: StepReader, checked: CheckedExpression, *args: Any) -> SteppedParts:
        read.append(checked.text)
        return original(self, checked, *args)

    monkeypatch.setattr(StepReader, "read", counted)
    with live_shop.session().writing() as store:
        served = served_catalogs(store)
        assert read
        read.clear()
        stop(live_shop.session("omar"), StopRequest(("shop/category.bank",), "wrong"))
        stopped = stopped_since(store, served)
    assert stopped is not None
    live.prepare(stopped.catalogs["shop"], datetime.now(UTC))
    assert stopped.catalogs["shop"].cache.space_programs.known()
    assert read == []


def _said(served: ServedCatalogs) -> object:
    """What a state answers by, with what is compiled of it."""
    made: Catalog = served.catalogs["shop"]
    offers = [(offer.name, offer.position, offer.spaces, dict(offer.stopped), offer.tie) for offer in made.offers]
    state = (served.serial, served.heads, served.head, served.stops, served.stopped)
    return state, offers, made.position_of, made.by_category, made.revision, served.catalogs.snapshot.entries


LAST_MINUTES = datetime(2026, 6, 1, 23, 55, tzinfo=UTC)


def test_what_the_next_day_needs_is_made_before_midnight(live_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """For every space, and the slices that are asked today, but not for any number of them."""
    with live_shop.session().writing() as store:
        served = served_catalogs(store)
    made = served.catalogs["shop"]
    today, tomorrow = (wall_clock(LAST_MINUTES + timedelta(hours=h), made.zone).date() for h in (0, 1))
    assert today < tomorrow
    spaces = [name for name, space in made.spaces.items() if space.unitary]
    slices = [Slice(SliceSource.CALL, (f"c{number}",), ()) for number in range(50)]
    for wanted in slices:
        made.space_program(spaces[0], today, wanted)
    live.prepare_ahead(served.catalogs, LAST_MINUTES - timedelta(hours=1))
    assert not made.known_slices(tomorrow), "it is not yet time"
    live.prepare_ahead(served.catalogs, LAST_MINUTES)
    known = made.known_slices(tomorrow)
    assert {space for space, wanted in known if not wanted.categories} == set(spaces)
    assert [wanted for _, wanted in known if wanted.categories] == slices[: live._MOST]
    with monkeypatch.context() as patched:
        patched.setattr(space_program, "PredicateIndex", lambda *_: pytest.fail("a call would wait"))
        live.prepare_ahead(served.catalogs, LAST_MINUTES)
        call = make_call(made, spaces[0], who=CallContext(None, "", LAST_MINUTES + timedelta(minutes=5), many=True))
        decide(made, call, ())


def test_nobody_waits_where_the_environment_asks_for_somebody(live_shop: Workspace) -> None:
    """What is ready does not depend on what the environment requires of contacts."""
    live_shop.change({"environments/shop.yaml": {"environment": {"when": "current_date < date '2000-01-01'"}}})
    live_shop.apply("ada")
    live_shop.approve_all()
    live_shop.promote("ada")
    with live_shop.session().writing() as store:
        made = served_catalogs(store).catalogs["shop"]
    assert made.requirements
    assert made.cache.space_programs.known()
