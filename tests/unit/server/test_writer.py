"""The one writer of many calls."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.server.writer import Writer
from offerkit.store import Store

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


def test_what_waits_is_kept_together_and_a_refused_job_hinders_no_other(live: Workspace) -> None:
    writer = Writer(live.session())
    jobs: list[Future[Any]] = [writer.submit(job) for job in (remember("a"), fails, remember("b"))]
    writer.start()  # all three wait already: one transaction is tried for them
    assert jobs[0].result(10) is None
    with pytest.raises(Refused):
        jobs[1].result(10)
    assert jobs[2].result(10) is None
    writer.stop()
    assert [known(live, cookie) for cookie in ("a", "b", "half")] == ["1", "1", ""]


def test_a_mistake_of_ours_reaches_its_caller_alone(live: Workspace) -> None:
    def broken(store: Store) -> None:
        raise ZeroDivisionError

    writer = Writer(live.session())
    wrong, right = writer.submit(broken), writer.submit(remember("c"))
    writer.start()
    with pytest.raises(ZeroDivisionError):
        wrong.result(10)
    right.result(10)
    writer.stop()
    assert known(live, "c") == "1"


def test_stopping_keeps_what_waits(live: Workspace) -> None:
    writer = Writer(live.session())
    jobs = [writer.submit(remember(f"w{number}")) for number in range(450)]
    writer.start()
    writer.stop()
    assert all(job.done() and job.exception() is None for job in jobs)
    assert known(live, "w449") == "1"


def test_a_job_whose_caller_has_gone_is_left_out(live: Workspace) -> None:
    writer = Writer(live.session())
    gone, stays = writer.submit(remember("gone")), writer.submit(remember("stays"))
    assert gone.cancel()
    writer.start()
    stays.result(10)
    writer.stop()
    assert (known(live, "gone"), known(live, "stays")) == ("", "1")


def test_too_many_are_told_to_come_back(live: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offerkit.server.writer.WAITING", 2)
    writer = Writer(live.session())
    writer.submit(remember("x"))
    writer.submit(remember("y"))
    with pytest.raises(Refused) as refused:
        writer.submit(remember("z"))
    assert [found.code for found in refused.value.diagnostics] == [Code.BUSY]
    writer.start()
    writer.stop()
