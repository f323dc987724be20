"""A server that is asked to end answers what it took, and keeps every proposition that it gave away."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from helpers.serving import with_people
from helpers.workspace import Workspace

pytestmark = pytest.mark.slow
MANY = 20_000
"""Each call is for somebody else: rules would soon leave nothing to propose to one contact."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ask_until_it_ends(base: str, numbers: Iterator[int], answered: list[str], wrong: list[int]) -> None:
    with httpx.Client(base_url=base, timeout=10) as calling:
        try:
            for number in numbers:
                body = {"spaces": ["shop/web"], "contact": f"p{number}@example.com", "n": 2}
                answer = calling.post("/api/v1/propose", json=body)
                if answer.status_code != 200:
                    wrong.append(answer.status_code)
                    return
                answered += [p["id"] for p in answer.json()["spaces"][0]["propositions"]]
        except httpx.TransportError:
            return  # it has ended


@pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
def test_sigterm_loses_no_proposition(shop: Workspace) -> None:
    shop = with_people(shop).go_live()
    rows = "".join(f"{n},p{n}@example.com,Ann,41,FR\n" for n in range(MANY))
    (shop.root / "people.csv").write_text("id,email,first_name,age,country\n" + rows, encoding="utf-8")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "offerkit.cli.main", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=shop.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                if httpx.get(base + "/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        answered: list[str] = []
        wrong: list[int] = []
        callers = [
            threading.Thread(target=ask_until_it_ends, args=(base, iter(range(n, MANY, 8)), answered, wrong))
            for n in range(8)
        ]
        for caller in callers:
            caller.start()
        time.sleep(1)
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        for caller in callers:
            caller.join(20)
    finally:
        server.kill()
        server.wait()
    with shop.store() as store:
        kept = {row.id for row in store.propositions(limit=0)}
    assert len(answered) > 100
    assert set(answered) <= kept
    assert set(wrong) <= {503}
