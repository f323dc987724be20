"""Hostile bodies of the JSON calls: each refused, nothing stored, no mistake of ours."""

from __future__ import annotations

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace

pytestmark = pytest.mark.embedded

BODIES: dict[str, str | bytes] = {
    "deep arrays": "[" * 30_000 + "]" * 30_000,
    "deep call data": '{"spaces":["shop/web"],"data":{"a":' + "[" * 20_000 + "]" * 20_000 + "}}",
    "NaN": '{"spaces":["shop/web"],"n":NaN}',
    "Infinity in call data": '{"spaces":["shop/web"],"data":{"page":Infinity}}',
    "huge number": '{"spaces":["shop/web"],"n":' + "9" * 5_000 + "}",
    "bad UTF-8": b'{"spaces":["shop/web\xff"]}',
    "lone surrogate": '{"spaces":["shop/\\ud800"]}',
    "surrogate in the contact": '{"spaces":["shop/web"],"contact":"\\ud800"}',
    "not an object": '"x"',
    "cut": '{"spaces":["shop/web"]',
    "path trick": '{"spaces":["../shop/web"]}',
    "NUL": '{"spaces":["shop\\u0000/web"]}',
}


def test_hostile_bodies_are_refused_and_nothing_is_stored(shop: Workspace) -> None:
    shop = with_people(shop).go_live()
    with client(shop) as asking:
        for name, body in BODIES.items():
            answer = asking.post("/api/v1/propose", content=body, headers={"content-type": "application/json"})
            assert 400 <= answer.status_code < 500, (name, answer.status_code, answer.text)
            assert answer.headers["content-type"] == "application/problem+json", name
            assert "Traceback" not in answer.text, name
    with shop.store() as store:
        assert list(store.propositions()) == []
