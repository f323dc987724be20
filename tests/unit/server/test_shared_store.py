"""Servers that share a store: what one of them answered, and whatever anybody set, counts in the next call of any."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from helpers.postgres import new_schema
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.engine.answer import Answer
from offerkit.models.status import Status
from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.metrics import Metrics
from offerkit.server.store_reader import StoreReader
from offerkit.server.thread_worker import now
from offerkit.store import Store, parse_location
from offerkit.store.location import PostgresAddress
from offerkit.times import utc
from offerkit.usecases import propose
from offerkit.usecases.contact_erasure import erase_contact
from offerkit.usecases.history_cache import FRESH_SECONDS
from offerkit.usecases.requests import ContactRequest, ProposeRequest
from offerkit.usecases.update_status import StatusUpdate

Services = tuple[DecisionService, DecisionService]
ONCE = {"max": 1, "counted": {"of": "offer"}, "period": {"before": "7d"}}


ELSEWHERE = pytest.mark.parametrize("shared", ["postgresql"], indirect=True)
"""For what is only so of a store that is asked over a connection."""


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """A live project whose only presentation rule lets nobody see an offer twice."""
    location = tmp_path / ".offerkit/store.db" if request.param == "sqlite" else parse_location(new_schema())
    made = with_people(Workspace(tmp_path, location=location))
    made.change({"specs/shop/catalog.yaml": {"rules": {"weekly": ONCE}}})
    made.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"identification": {"implicit": True}}}}})
    return made.go_live()


def served(shop: Workspace, work: Callable[[Services], Awaitable[None]]) -> None:
    """Run ``work`` at two services, as two workers have them."""

    async def all_of_it() -> None:
        config = ServerConfig(str(shop.root), workers=2, poll=0.02)
        one, other = (DecisionService(shop.session(environ={}), config, Metrics(shared=False)) for _ in range(2))
        await one.open()
        await other.open()
        try:
            await work((one, other))
        finally:
            await one.close()
            await other.close()

    asyncio.run(asyncio.wait_for(all_of_it(), 60))


def ask(n: int = 1, **more: Any) -> ProposeRequest:
    return ProposeRequest(**{"spaces": ("shop/web",), "at": now(), "contact": "ann@example.com", "n": n, **more})


def offers(answer: Answer) -> list[str]:
    return [proposed.offer for space in answer.spaces for proposed in space.proposed]


async def given(service: DecisionService, **more: Any) -> list[str]:
    return offers((await service.propose(ask(**more)))[0])


def end_connections(shop: Workspace) -> None:
    """As a server does that fails over to another."""
    assert isinstance(shop.location, PostgresAddress)
    with psycopg.connect(shop.location.conninfo, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_what_one_answered_counts_in_the_next_call_of_the_other(shared: Workspace) -> None:
    async def work(services: Services) -> None:
        seen: list[str] = []
        for number in range(100):
            more = await given(services[number % 2])
            if not more:
                break
            seen += more
        assert sorted(seen) == ["gold-card", "safari", "saver"]

    served(shared, work)


def test_an_erased_contact_has_no_history_any_more(shared: Workspace) -> None:
    async def work(services: Services) -> None:
        for service in services:
            while await given(service):
                pass
        erase_contact(shared.session("ada"), ContactRequest("1"))
        await asyncio.sleep(2 * FRESH_SECONDS)
        for service in services:
            assert len(await given(service, n=9, store=False)) == 3

    served(shared, work)


def test_a_status_counts_in_the_next_call_of_each(shared: Workspace) -> None:
    shared.change(
        {"specs/shop/catalog.yaml": {"rules": {"weekly": {"counted": {"of": "offer", "status": "rejected"}}}}}
    )
    shared.go_live()

    async def work(services: Services) -> None:
        answer, _ = await services[0].propose(ask())
        (first,) = answer.spaces[0].proposed
        for service in services:
            assert await given(service) == [first.offer]
        with Store.open(shared.location, write=True) as store:  # as the command line does
            store.set_status(first.id, Status.REJECTED, utc(now()))
        for service in services:
            assert first.offer not in await given(service, store=False)
        answer, _ = await services[1].propose(ask())
        (second,) = answer.spaces[0].proposed
        await services[1].update(StatusUpdate(second.id, Status.REJECTED, {}, now()))
        for service in services:
            assert second.offer not in await given(service, store=False)

    served(shared, work)


@pytest.mark.slow
def test_rules_that_begin_to_read_what_was_stored(shared: Workspace) -> None:
    """What is remembered of a contact's history lacks it, while the history is still the same."""
    stored = {"storage": {"proposed_data": {"page": "'start'"}}}
    shared.change({"specs/shop/spaces.yaml": {"spaces": {"web": stored}}})
    shared.go_live()

    async def work(services: Services) -> None:
        (first,) = await given(services[0])
        for service in services:
            assert first not in await given(service, store=False, n=9)
        for page, counts in (("start", True), ("end", False), ("start", True)):
            before = [service.served for service in services]
            when = {"counted": {"of": "offer", "when": f"stored.page = '{page}'"}}
            shared.change({"specs/shop/catalog.yaml": {"rules": {"weekly": when}}})
            shared.apply("ada")
            shared.promote("ada")
            while any(service.served is old for service, old in zip(services, before, strict=True)):
                await asyncio.sleep(0.01)
            for service in services:
                assert (first not in await given(service, store=False, n=9)) is counts

    served(shared, work)


def test_a_cookie_that_one_gave_is_known_to_the_other(shared: Workspace) -> None:
    async def work(services: Services) -> None:
        answer, _ = await services[0].propose(ask(cookie="c" * 32))
        cookie = answer.cookie
        assert cookie and answer.spaces[0].contact
        for service in services:
            again, _ = await service.propose(ask(contact="", cookie=cookie))
            assert again.spaces[0].contact == answer.spaces[0].contact
        assert (await services[1].propose(ask(cookie=cookie)))[0].cookie == "", "it is theirs already"

    served(shared, work)


@ELSEWHERE
def test_a_promotion_while_a_call_reads(shared: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is of the new revision as a whole: nothing of the old one was decided."""
    read = StoreReader.answers

    async def work(services: Services) -> None:
        service, before = services[0], services[0].served

        async def slowly(reader: StoreReader, questions: Any) -> Any:
            found = await read(reader, questions)
            if service.served is before:
                shared.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Leopards"}}}}})
                shared.apply("ada")
                shared.approve_all()
                shared.promote("ada")
                while service.served is before:
                    await asyncio.sleep(0.01)
            return found

        monkeypatch.setattr(StoreReader, "answers", slowly)
        answer, serial = await service.propose(ask(100))
        titles = [proposed.fields.get("title") for proposed in answer.spaces[0].proposed]
        assert serial == service.served.serial > before.serial
        assert answer.spaces[0].revision == serial and "Leopards" in titles

    served(shared, work)


@ELSEWHERE
def test_lost_connections_cost_no_answer(shared: Workspace) -> None:
    async def work(services: Services) -> None:
        service = services[0]
        answer, _ = await service.propose(ask())
        (first,) = answer.spaces[0].proposed
        for _ in range(3):
            await service.may_read("ada", ["shop"])
            service._readers.clear()
            end_connections(shared)
            assert first.offer not in await given(service, store=False)
        for _ in range(20):  # only whoever writes is told
            try:
                await service.update(StatusUpdate(first.id, Status.ACCEPTED, {}, now()))
                break
            except Refused as refused:
                assert refused.diagnostics[0].code is Code.STORE_CONNECTION
        else:
            raise AssertionError("a thread never opens the store again")
        assert await given(service)

    served(shared, work)


@ELSEWHERE
@pytest.mark.slow
def test_no_call_gets_the_answer_of_another(shared: Workspace) -> None:
    """Whoever leaves while their question is under way, and however often connections end."""
    people = [f"p{number}@example.com" for number in range(40)]
    lines = [f"{number},{person},P,41,FR" for number, person in enumerate(people)]
    (shared.root / "people.csv").write_text("\n".join(["id,email,first_name,age,country", *lines]), encoding="utf-8")
    rng = Random(5)

    async def work(services: Services) -> None:
        left: dict[str, list[str]] = {}
        for person in people:
            seen = await given(services[0], contact=person, n=rng.randint(1, 3))
            left[person] = sorted({"gold-card", "safari", "saver"} - set(seen))
        for step in range(60):
            asked = rng.choices(people, k=60)
            calls = [
                asyncio.create_task(given(rng.choice(services), contact=person, n=3, store=False)) for person in asked
            ]
            if step % 10 == 5:
                await asyncio.to_thread(end_connections, shared)
            await asyncio.sleep(rng.random() * 0.01)
            for call in calls:
                if rng.random() < 0.3:
                    call.cancel()
            for person, told in zip(asked, await asyncio.gather(*calls, return_exceptions=True), strict=True):
                if isinstance(told, list):
                    assert sorted(told) == left[person]
                else:
                    assert isinstance(told, asyncio.CancelledError | Refused)
        assert sorted(await given(services[1], contact=people[0], n=3, store=False)) == left[people[0]]

    served(shared, work)


def test_calls_are_decided_without_threads(shared: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(services: Services) -> None:
        for service in services:
            monkeypatch.setattr(service, "_in_thread", None)
            await asyncio.gather(*(given(service, contact=who) for who in ("ann@example.com", "bob@example.com")))

    served(shared, work)


def test_a_history_is_read_before_anything_is_decided(shared: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call whose contact is only found by its cookie is begun anew, and decided once."""
    decided: list[str] = []
    decide = propose.decide
    monkeypatch.setattr(propose, "decide", lambda *args, **more: (decided.append(""), decide(*args, **more))[1])

    async def work(services: Services) -> None:
        answer, _ = await services[0].propose(ask(cookie="c" * 32))
        before = len(decided)
        await services[1].propose(ask(contact="", cookie=answer.cookie))
        assert len(decided) == before + 1

    served(shared, work)
