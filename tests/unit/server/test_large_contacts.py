"""While the index of a large file of contacts is made, calls that do not need it are answered."""

from __future__ import annotations

import asyncio
from threading import Event
from time import sleep
from typing import Any

import pytest
from helpers.serving import PEOPLE, with_people
from helpers.workspace import Workspace

from offerkit.contacts import key_index
from offerkit.contacts.files import TICK
from offerkit.contacts.key_index import IndexingError, KeyIndex
from offerkit.diagnostics import Code, Refused
from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.live import served_catalogs
from offerkit.server.metrics import Metrics
from offerkit.server.thread_worker import ThreadWorker, now
from offerkit.usecases.requests import ProposeRequest

pytestmark = pytest.mark.embedded


def test_calls_are_answered_meanwhile(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with_people(shop).go_live()
    more = "".join(f"{number},{number}@example.com,Dan,41,FR\n" for number in range(10, 2_000))
    (shop.root / "people.csv").write_text(PEOPLE + more, encoding="utf-8")
    go, add, parts = Event(), KeyIndex.add, list[int]()

    def waits(*args: Any) -> None:
        parts.append(1)
        assert go.wait(30)
        add(*args)

    monkeypatch.setattr(KeyIndex, "add", waits)
    monkeypatch.setattr(key_index, "LARGE", 10_000)

    def ask(contact: str) -> ProposeRequest:
        return ProposeRequest(spaces=("shop/web",), at=now(), contact=contact)

    async def all_of_it() -> None:
        service = DecisionService(shop.session(environ={}), ServerConfig(str(shop.root)), Metrics(shared=False))
        await service.open()
        try:
            known = [asyncio.create_task(service.propose(ask("bob@example.com"))) for _ in range(10)]
            unknown = asyncio.create_task(service.propose(ask("nobody@example.com")))
            given_up = asyncio.create_task(service.propose(ask("ann@example.com")))
            for _ in range(20):  # without a contact
                assert (await service.propose(ask("")))[0].spaces
            given_up.cancel()
            assert not any(call.done() for call in (*known, unknown))
            go.set()
            for answer, _ in await asyncio.gather(*known):
                assert answer.spaces
            await asyncio.wait([unknown])
            wrong = unknown.exception()
            if wrong is not None:
                assert isinstance(wrong, Refused) and wrong.diagnostics[0].code is Code.NO_CONTACT
        finally:
            await service.close()

    asyncio.run(asyncio.wait_for(all_of_it(), 60))
    assert len(parts) > 1


def test_an_index_is_begun_with_the_server_and_not_by_its_first_calls(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is done, the server is not ready and says why; calls that come all the same are answered then."""
    with_people(shop).go_live()
    more = "".join(f"{number},{number}@example.com,Dan,41,FR\n" for number in range(10, 2_000))
    (shop.root / "people.csv").write_text(PEOPLE + more, encoding="utf-8")
    sleep(2 * TICK)  # of a file that changed just now nothing can be said
    go, add, made = Event(), KeyIndex.add, list[KeyIndex]()

    def waits(index: KeyIndex, *args: Any) -> None:
        assert go.wait(30)
        made.append(index)
        add(index, *args)

    monkeypatch.setattr(KeyIndex, "add", waits)
    monkeypatch.setattr(key_index, "LARGE", 10_000)

    async def all_of_it() -> None:
        service = DecisionService(shop.session(environ={}), ServerConfig(str(shop.root)), Metrics(shared=False))
        await service.open()
        try:
            assert service.trouble() == service.preparing == "the contacts are being indexed"
            go.set()
            while service.preparing:
                await asyncio.sleep(0.01)
            assert service.trouble() == ""
            parts = len(made)
            assert parts and len({*map(id, made)}) == 1
            ask = ProposeRequest(spaces=("shop/web",), at=now(), contact="bob@example.com")
            assert (await service.propose(ask))[0].spaces
            assert len(made) == parts, "the call found its contact by what was made before"
        finally:
            await service.close()

    asyncio.run(asyncio.wait_for(all_of_it(), 60))


def test_promotions_that_declare_contacts_otherwise_while_an_index_is_made(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is told to ask again, and is answered by what is live then."""
    with_people(shop).go_live()
    more = "".join(f"{number},{number}@example.com,Dan,41,FR\n" for number in range(10, 2_000))
    for name in ("people", "others"):
        text = PEOPLE.replace("example.com", f"{name}.com") + more
        (shop.root / f"{name}.csv").write_text(text, encoding="utf-8")
    sleep(0.05)
    monkeypatch.setattr(key_index, "LARGE", 10_000)
    monkeypatch.setattr(key_index, "_PART", 16)  # it takes long
    worker = ThreadWorker(shop.session(), in_loop=True)
    changes = {
        "source": {"source": {"path": "others.csv"}},
        "type": {"fields": {"age": {"type": "decimal"}}},
        "key": {"key": ["email"]},
    }
    try:
        for change in changes.values():
            with pytest.raises(IndexingError) as told:
                worker.people(served_catalogs(worker.store)).by_key("shop", "1")
            shop.change({"specs/shared.yaml": {"dimensions": {"person": change}}})
            shop.apply("ada")
            shop.approve_all()
            shop.promote("ada")
            people = worker.people(served_catalogs(worker.store))
            assert told.value.made.result(10) is None
            monkeypatch.setattr(key_index, "_PART", 4096)
            row = None
            while row is None:
                try:
                    row = people.by_key("shop", "ann@others.com" if "key" in change else "1")
                except IndexingError as again:
                    again.made.result(10)
            assert row["email"] == "ann@others.com"
            assert repr(row["age"]) == ("41" if "source" in change else "Decimal('41.000000')")
            monkeypatch.setattr(key_index, "_PART", 16)
            worker.close()
            worker = ThreadWorker(shop.session(), in_loop=True)
    finally:
        worker.close()
