"""Stops while others promote, approve, apply, roll back and stop: each is done whole, or told that it is not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Refused
from offerkit.store import Store
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import resume, stop

pytestmark = pytest.mark.slow
SAFARI, SAVER = "shop/offer.safari", "shop/offer.saver"
OFFERS = "specs/shop/offers.yaml"
AT_ONCE, ROUNDS = 6, 4


def test_stop_while_all_others_work(live_shop: Workspace) -> None:
    """Whoever comes first: nothing that is stopped is in live when all are done, and the history is whole."""

    def stopping(*what: str) -> None:
        stop(live_shop.session("omar", lock_timeout=60), StopRequest(what, "wrong"))

    def stopped_again() -> None:
        stopping(SAFARI)

    def others() -> None:
        stopping("shop/category.bank", SAFARI)

    def promoting() -> None:
        live_shop.promote("ada")

    def back() -> None:
        resume(live_shop.session("ada", lock_timeout=60), StopRequest((SAFARI,)))
        live_shop.promote("ada")

    work: list[Callable[[], None]] = [stopped_again, others, promoting, live_shop.approve_all, back, stopped_again]
    told: list[Refused] = []

    def one(job: Callable[[], None]) -> None:
        try:
            job()
        except Refused as refused:
            told.append(refused)

    for round_ in range(ROUNDS):
        live_shop.change(
            {OFFERS: {"offers": {"safari": {"label": f"Round {round_}"}, "saver": {"label": str(round_)}}}}
        )
        live_shop.apply("ada")
        live_shop.approve_all()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, work))  # what is no refusal is raised here
        with Store.open(live_shop.location) as store, store.reading():
            assert store.verify() == []
        active = live_shop.active()
        stopping(SAFARI)  # it may have been resumed last
        assert not live_shop.active()[SAFARI]
        assert not active[SAVER], "the category stays stopped in every round"
