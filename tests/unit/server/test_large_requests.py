"""Large requests of operators: read and worked on by a process of their own, with the answers of small ones."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.plans.plan import envelope
from offerkit.server import json_bodies, large_requests
from offerkit.server.request_limits import LARGE, SMALL

IMPACT, APPLY, DECIDE = "/api/v1/store/impact", "/api/v1/store/apply", "/api/v1/store/decide"


@pytest.fixture
def served(shop: Workspace) -> Workspace:
    return with_people(shop).go_live()


@pytest.fixture
def asking(served: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A server whose own process reads nothing that is large."""
    own, pid = json_bodies.parse_body, os.getpid()

    def parsed(content: bytes, *given: Any) -> Any:
        assert len(content) <= SMALL and os.getpid() == pid
        return own(content, *given)

    monkeypatch.setattr(json_bodies, "parse_body", parsed)
    with client(served) as found:
        found.headers["authorization"] = f"Bearer {token(served, 'ada')}"
        yield found


def test_a_large_plan_is_applied_by_another_process(asking: TestClient, served: Workspace) -> None:
    served.change({"specs/shop/offers.yaml": {"offers": {"gold-card": {"content": {"title": "Golden"}}}}})
    text = envelope(served.plan()).decode()
    body = json.dumps({"plan": text, "message": "large"}) + " " * SMALL
    answer = asking.post(APPLY, content=body, headers={"content-type": "application/json", "x-request-id": "large-1"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"] == "large-1" and answer.headers["cache-control"] == "no-store"
    with served.store() as store:
        last = store.revision(store.last_serial())
        assert last is not None and (last.message, last.actor) == ("large", "ada")
    again = asking.post(APPLY, content=body, headers={"content-type": "application/json"})
    assert (again.status_code, again.json()["errors"][0]["code"]) == (409, "OFR505"), again.text


def unknown(count: int) -> str:
    return ",".join(f'"{number:030}":0' for number in range(count))


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ('{"plan":"",' + unknown(9_000) + "}", 422, "and 8,995 more"),
        ('{"plan":"",' + unknown(60_000) + "}", 400, "more than 50,000 values"),
        pytest.param('{"plan":"' + "[" * 100_000 + '"}', 422, "", marks=pytest.mark.slow),
        pytest.param('{"plan":[' + "[]," * 50_000 + "0]}", 400, "values", marks=pytest.mark.slow),
        pytest.param("[" * 70_000, 400, "nested objects and lists", marks=pytest.mark.slow),
    ],
)
def test_large_junk_is_refused_in_a_sentence(asking: TestClient, body: str, status: int, said: str) -> None:
    answer = asking.post(IMPACT, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert said in answer.text and len(answer.content) < 2_000


def test_what_is_too_large_even_for_a_plan_is_not_read(asking: TestClient) -> None:
    pieces = (b" " * 1_000_000 for _ in range(LARGE // 1_000_000 + 2))
    answer = asking.post(IMPACT, content=pieces, headers={"content-type": "application/json"})
    assert answer.status_code == 413, answer.text


def test_an_operator_has_a_few_large_requests_under_way(asking: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_requests, "EACH", 0)
    answer = asking.post(DECIDE, content=b" " * (SMALL + 1), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        503,
        "ada already has 0 large requests in progress",
    )


@pytest.mark.parametrize(
    ("ends", "said"),
    [("kill -9 $$", "was killed"), pytest.param("exec sleep 60", "took longer than", marks=pytest.mark.slow)],
)
def test_a_process_that_does_not_come_back_is_given_up(
    asking: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ends: str, said: str
) -> None:
    """Killed, as when memory runs out, or stuck: the others wait for it."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{ends}\n")
    program.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(program))
        patched.setattr(large_requests, "LONGEST", 1.0)
        answer = asking.post(IMPACT, content=b" " * (SMALL + 1), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
    assert said in answer.json()["errors"][0]["message"]
    again = asking.post(IMPACT, content=b" " * (SMALL + 1), headers={"content-type": "application/json"})
    assert again.status_code == 422, again.text


def test_nobody_from_outside_starts_a_process(asking: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", None)
    del asking.headers["authorization"]
    answer = asking.post(IMPACT, content=b" " * (SMALL + 1), headers={"content-type": "application/json"})
    assert answer.status_code == 401
