"""The one writer of many calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.server.store_writer import StoreWriter
from offerkit.store import Store
from offerkit.usecases.propose import PendingWrite

TIME = "2026-01-01T00:00:00.000000Z"


def remember(cookie: str) -> Any:
    return lambda store: store.remember("shop", cookie, "1", TIME)


def fails(store: Store) -> None:
    store.remember("shop", "half", "1", TIME)
    raise refuse(Code.UNKNOWN_PROPOSITION, "no")


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    return with_people(shop).go_live()


def known(shop: Workspace, cookie: str) -> str:
    with shop.store() as store:
        return store.contact_of("shop", cookie)


def run(live: Workspace, work: Callable[[StoreWriter], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        writer = StoreWriter(live.session())
        await work(writer)
        await asyncio.to_thread(writer.stop)

    asyncio.run(asyncio.wait_for(all_of_it(), 30))


def test_what_waits_is_kept_together_and_a_refused_job_hinders_no_other(live: Workspace) -> None:
    async def work(writer: StoreWriter) -> None:
        jobs = [
            writer.submit(remember("a")),
            writer.submit(fails),
            writer.keep(PendingWrite((), (("shop", "1"),), "b", TIME)),
            writer.submit(remember("c")),
        ]
        writer.start()  # all wait already: one transaction is tried for them
        assert await jobs[0] is None
        with pytest.raises(Refused):
            await jobs[1]
        assert await jobs[2] is None
        assert await jobs[3] is None

    run(live, work)
    assert [known(live, cookie) for cookie in ("a", "b", "c", "half")] == ["1", "1", "1", ""]


def test_what_waits_shares_one_transaction(live: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    original = Store.recording
    monkeypatch.setattr(Store, "recording", lambda store: (begun.append(1), original(store))[1])

    async def work(writer: StoreWriter) -> None:
        jobs = [writer.keep(PendingWrite((), (("shop", "1"),), f"t{number}", TIME)) for number in range(50)]
        jobs.append(writer.submit(lambda store: store.contact_of("shop", "t49")))
        writer.start()
        assert (await asyncio.gather(*jobs))[-1] == "1"

    run(live, work)
    assert len(begun) == 1


def test_a_mistake_of_ours_reaches_its_caller_alone(live: Workspace) -> None:
    def broken(store: Store) -> None:
        raise ZeroDivisionError

    async def work(writer: StoreWriter) -> None:
        wrong, right = writer.submit(broken), writer.submit(remember("c"))
        writer.start()
        with pytest.raises(ZeroDivisionError):
            await wrong
        await right

    run(live, work)
    assert known(live, "c") == "1"


def test_stopping_keeps_what_waits(live: Workspace) -> None:
    async def work(writer: StoreWriter) -> None:
        jobs = [writer.submit(remember(f"w{number}")) for number in range(450)]
        writer.start()
        await asyncio.to_thread(writer.stop)
        assert await asyncio.gather(*jobs) == [None] * 450

    run(live, work)
    assert known(live, "w449") == "1"


def test_a_job_whose_caller_has_gone_is_left_out(live: Workspace) -> None:
    async def work(writer: StoreWriter) -> None:
        gone, stays = writer.submit(remember("gone")), writer.submit(remember("stays"))
        assert gone.cancel()
        writer.start()
        await stays

    run(live, work)
    assert (known(live, "gone"), known(live, "stays")) == ("", "1")


def test_too_many_are_told_to_come_back(live: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offerkit.server.store_writer.WAITING", 2)

    async def work(writer: StoreWriter) -> None:
        waiting = [writer.submit(remember("x")), writer.submit(remember("y"))]
        with pytest.raises(Refused) as refused:
            writer.submit(remember("z"))
        assert [found.code for found in refused.value.diagnostics] == [Code.BUSY]
        writer.start()
        await asyncio.gather(*waiting)

    run(live, work)


def test_it_tidies_between_transactions(live: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if that fails, since calls need only their own commits; and a log of which nothing is left begins anew."""
    lengths: list[int] = []
    original = Store.checkpoint

    def checkpoint(store: Store) -> int:
        lengths.append(original(store))
        if len(lengths) == 2:
            raise refuse(Code.STORE_LOCKED, "no")
        return lengths[-1]

    monkeypatch.setattr(Store, "checkpoint", checkpoint)

    async def work(writer: StoreWriter) -> None:
        writer.start()
        for number in range(4):
            for more in range(3):
                await writer.submit(remember(f"{number}-{more}"))
            writer.tidy()
        assert await writer.submit(lambda store: store.contact_of("shop", "3-2")) == "1"

    run(live, work)
    assert len(lengths) == 4
    assert max(lengths[1:]) <= lengths[0], "each begins with what was written since"
