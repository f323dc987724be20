"""Hooks that take long hold up nobody but the calls that run them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from helpers.hook_packages import install
from helpers.serving import client, with_people
from helpers.workspace import Workspace

from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.metrics import Metrics
from offerkit.server.thread_worker import now
from offerkit.usecases.requests import ProposeRequest

pytestmark = pytest.mark.embedded

HOOKS = """
    import threading

    CALLED, GO_ON = threading.Semaphore(0), threading.Event()


    def slow(candidates):
        CALLED.release()
        assert GO_ON.wait(60)
        return list(candidates)
"""
FREE = {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}], "identification": {"keys": ["email"]}}


@pytest.fixture
def hooked(shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Everything live; the hook of the space web waits until it is told to go on, the space free has none."""
    install(monkeypatch, tmp_path / "site", "slow_hooks", HOOKS, {"slow": "slow"})
    with_people(shop)
    rows = "".join(f"{number},p{number}@example.com,P,{20 + number},FR\n" for number in range(20))
    (shop.root / "people.csv").write_text(f"id,email,first_name,age,country\n{rows}", encoding="utf-8")
    hooks = {"hooks": {"post_processing": "slow"}}
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"web": hooks, "free": FREE}}})
    yield shop.go_live()
    slow().GO_ON.set()


def slow() -> Any:
    """The module of the hook that the server has loaded."""
    return sys.modules["slow_hooks"]


def test_a_hook_that_hangs_holds_up_only_calls_of_its_space(hooked: Workspace) -> None:
    threads = ServerConfig("").threads
    with client(hooked) as asking, ThreadPoolExecutor(threads + 1) as callers:

        def ask(space: str, contact: str) -> int:
            body = {"spaces": [space], "contact": contact, "store": False}
            return int(asking.post("/api/v1/propose", json=body).status_code)

        waiting = [callers.submit(ask, "shop/web", f"p{number}@example.com") for number in range(threads + 1)]
        for _ in range(threads):
            assert slow().CALLED.acquire(timeout=60)
        assert asking.get("/health/ready").status_code == 200
        assert ask("shop/free", "p0@example.com") == 200
        assert not any(call.done() for call in waiting)
        slow().GO_ON.set()
        assert {call.result() for call in waiting} == {200}


def test_calls_of_a_contact_see_what_others_with_hooks_were_given(hooked: Workspace) -> None:
    rule = {"max": 1, "counted": {"of": "offer"}, "period": {"before": "7d"}}
    hooked.change({"specs/shop/catalog.yaml": {"rules": {"weekly": rule}}})
    hooked.go_live()

    async def together() -> list[str]:
        service = DecisionService(hooked.session(environ={}), ServerConfig(str(hooked.root)), Metrics(shared=False))
        await service.open()
        slow().GO_ON.set()
        try:
            asked = ProposeRequest(spaces=("shop/web",), at=now(), contact="p0@example.com")
            answers = await asyncio.gather(*(service.propose(asked) for _ in range(20)))
        finally:
            await service.close()
        return [proposed.offer for answer, _ in answers for space in answer.spaces for proposed in space.proposed]

    given = asyncio.run(asyncio.wait_for(together(), 60))
    assert len(given) > 1 and len(set(given)) == len(given)


def test_a_server_that_was_told_to_stop_ends_while_a_hook_hangs() -> None:
    """uvicorn has ended in time, and raises the signal again; the thread of the hook is left."""
    program = "; ".join([
        "import sys, threading",
        "from offerkit.cli.main import cli, run",
        "threading.Thread(target=threading.Event().wait).start()",
        "cli.main = lambda **_: sys.exit(0)",
        "run()",
    ])  # fmt: skip
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
