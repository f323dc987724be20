"""Calls of one contact see what the others of them were given, however close they come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.engine.answer import Answer
from offerkit.models.status import Status
from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.metrics import Metrics
from offerkit.server.thread_worker import now
from offerkit.store import Store
from offerkit.usecases.requests import ProposeRequest
from offerkit.usecases.update_status import StatusUpdate

pytestmark = pytest.mark.embedded
ONCE = {"max": 1, "counted": {"of": "offer"}, "period": {"before": "7d"}}


def at(shop: Workspace, work: Callable[[DecisionService], Awaitable[None]], **rule: Any) -> None:
    """Run ``work`` at a service where the only presentation rule is ``rule``."""
    with_people(shop).change({"specs/shop/catalog.yaml": {"rules": {"weekly": {**ONCE, **rule}}}})
    shop.go_live()

    async def all_of_it() -> None:
        service = DecisionService(shop.session(environ={}), ServerConfig(str(shop.root)), Metrics(shared=False))
        await service.open()
        try:
            await work(service)
        finally:
            await service.close()

    asyncio.run(asyncio.wait_for(all_of_it(), 30))


def ask(n: int = 1) -> ProposeRequest:
    return ProposeRequest(spaces=("shop/web",), at=now(), contact="ann@example.com", n=n)


def offers(answer: Answer) -> list[str]:
    return [proposed.offer for space in answer.spaces for proposed in space.proposed]


def test_two_calls_at_once_keep_to_a_rule(shop: Workspace) -> None:
    async def work(service: DecisionService) -> None:
        every = offers((await service.propose(ask(100)))[0])
        assert len(every) > 1
        assert offers((await service.propose(ask(100)))[0]) == []

    at(shop, work)

    async def together(service: DecisionService) -> None:
        answers = await asyncio.gather(*(service.propose(ask()) for _ in range(20)))
        given = [offer for answer, _ in answers for offer in offers(answer)]
        assert given == [], "all were given a moment ago"

    at(shop, together)


def test_calls_at_the_same_time_give_each_offer_once(shop: Workspace) -> None:
    given: list[str] = []

    async def work(service: DecisionService) -> None:
        answers = await asyncio.gather(*(service.propose(ask()) for _ in range(20)))
        given.extend(offer for answer, _ in answers for offer in offers(answer))

    at(shop, work)
    assert len(given) > 1 and len(set(given)) == len(given)
    with shop.store() as store:
        assert sorted(row.offer for row in store.propositions(limit=0)) == sorted(given)


def test_a_status_counts_in_the_next_call(shop: Workspace) -> None:
    async def work(service: DecisionService) -> None:
        answer, _ = await service.propose(ask())
        ((first,),) = (space.proposed for space in answer.spaces)
        again = ask()
        assert offers((await service.propose(again))[0]) == [first.offer]
        await service.update(StatusUpdate(first.id, Status.REJECTED, {}, now()))
        assert first.offer not in offers((await service.propose(ask()))[0])

    at(shop, work, counted={"of": "offer", "status": "rejected"})


def test_what_cannot_be_stored_does_not_count_for_long(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(service: DecisionService) -> None:
        def full(*_: object) -> None:
            raise RuntimeError("no room")

        with monkeypatch.context() as patch, pytest.raises(RuntimeError):
            patch.setattr(Store, "add_propositions", full)
            await service.propose(ask(100))
        await asyncio.sleep(0.05)
        assert offers((await service.propose(ask(100)))[0])

    at(shop, work)
