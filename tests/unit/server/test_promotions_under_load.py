"""Calls while revisions are promoted: each answer is that of one revision, the one that it names."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.metrics import Metrics
from offerkit.server.thread_worker import now
from offerkit.usecases.requests import ProposeRequest

pytestmark = pytest.mark.embedded
AGES = {"ann@example.com": 41, "bob@example.com": 17, "cyd@example.com": 30}
PROMOTIONS = 4
OFTEN = {"max": 100_000, "counted": {"of": "offer"}, "period": {"before": "7d"}}


def revision(number: int) -> dict[str, Any]:
    """Two titles that change together, and who is shown one of them; ages turn with the number."""
    twins = {
        name: {
            "category": "travel",
            "content": {"title": f"number {number}"},
            "weights": [{"weight": 1_000 + number}],
            "eligible": {"when": f"person.age {sign} {16 + 12 * (number % 3)}"},
        }
        for name, sign in (("young", "<="), ("old", ">"))
    }
    return {"specs/shop/twins.yaml": {"version": 1, "offers": twins}}


def test_no_answer_mixes_revisions(shop: Workspace) -> None:
    with_people(shop).change(revision(0))
    shop.change({"specs/shop/catalog.yaml": {"rules": {"weekly": OFTEN}}})
    shop.go_live()
    names: dict[int, int] = {}
    found: list[tuple[int, int, str, list[tuple[str, str, int]]]] = []

    def promoted(number: int) -> None:
        shop.change(revision(number))
        shop.apply("ada")
        shop.approve_all()
        shop.promote("ada")

    async def work(service: DecisionService) -> None:
        async def ask(contact: str) -> None:
            while not done.is_set():
                asked = ProposeRequest(spaces=("shop/web",), at=now(), contact=contact, n=100)
                answer, serial = await service.propose(asked)
                (space,) = answer.spaces
                twins = [
                    (each.offer, each.fields["title"], int(each.weight))
                    for each in space.proposed
                    if each.offer in ("young", "old")
                ]
                found.append((serial, space.revision, contact, twins))
                await asyncio.sleep(0)

        done = asyncio.Event()
        names[service.served.catalogs["shop"].revision] = 0
        asking = [asyncio.create_task(ask(contact)) for contact in (*AGES, *AGES)]
        for number in range(1, PROMOTIONS + 1):
            before = service.served
            await asyncio.to_thread(promoted, number)
            while service.served is before:
                await asyncio.sleep(0.005)
            names[service.served.catalogs["shop"].revision] = number
        done.set()
        await asyncio.gather(*asking)

    async def all_of_it() -> None:
        config = ServerConfig(str(shop.root), poll=0.01)
        service = DecisionService(shop.session(environ={}), config, Metrics(shared=False))
        await service.open()
        try:
            await work(service)
        finally:
            await service.close()

    asyncio.run(asyncio.wait_for(all_of_it(), 60))
    assert len(names) == PROMOTIONS + 1
    assert len({named for _, named, _, _ in found}) > 1
    for serial, named, contact, twins in found:
        number = names[named]
        shown = "young" if AGES[contact] <= 16 + 12 * (number % 3) else "old"
        assert twins == [(shown, f"number {number}", 1_000 + number)], (serial, named, contact)
