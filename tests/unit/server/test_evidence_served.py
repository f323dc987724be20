"""Behind a server, calls keep their evidence with their propositions, whatever it remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.hook_packages import install
from helpers.serving import client, with_people
from helpers.workspace import Workspace

from offerkit.usecases.explain import explain_stored

HOOKS = """
    def rooms(offer, contact, data, call):
        return [({"hotel": "Alba"}, offer.weight), ({"hotel": call.key}, offer.weight * 2)]


    def reversed_order(candidates, call):
        return [(candidate, 3) for candidate in reversed(candidates)]
"""


def test_what_a_server_decided_is_repeated(shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hooks and from remembered histories, before and after a stop, in either database."""
    points = {"rooms": "rooms", "reversed": "reversed_order"}
    install(monkeypatch, tmp_path / "site", "rooms_explained", HOOKS, points)
    with_people(shop)
    storage = {"storage": {"evidence": True}, "hooks": {"post_processing": "reversed"}}
    shop.change(
        {
            "specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 500, "dynamic": "rooms"}]}}},
            "specs/shop/spaces.yaml": {"spaces": {"web": storage}},
        }
    )
    shop.go_live()
    ids: list[str] = []
    with client(shop) as asking:

        def ask(**more: Any) -> None:
            body = {"spaces": ["shop/web"], "contact": "ann@example.com", "n": 2, **more}
            answer = asking.post("/api/v1/propose", json=body)
            assert answer.status_code == 200, answer.text
            ids.extend(one["id"] for one in answer.json()["spaces"][0]["propositions"])

        for _ in range(3):
            ask()
        ask(contact="bob@example.com")
        ask(store=False)
    assert any(ids)
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 1}]}}}})
    shop.apply("ada")
    for id_ in filter(None, ids):
        explained = explain_stored(shop.session(), id_)
        assert explained.repeated is not None and explained.repeated.differences == (), explained.repeated
    with shop.store() as store:
        calls = {(row.interaction, row.space) for row in store.propositions(limit=0)}
        assert store.status().rows["evidence"] == len(calls), "one for each call that was stored"
