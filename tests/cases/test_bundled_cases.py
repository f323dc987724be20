"""The bundled decision cases meet every unitary space, every rule of the typologies and every offer that can be met."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.files import load_yaml

ROOT = Path(__file__).resolve().parents[2]
BATCH_ONLY = {"branch-evening-first-home"}
"""Published on spaces that only deliveries fill."""


def _sections(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for environment in ("recipients", "visitors"):
        for path in sorted((ROOT / "specs" / environment).rglob("*.yaml")):
            for key, body in (load_yaml(path).get(name) or {}).items():
                found[f"{environment}/{key}"] = body
    return found


def _cases() -> list[dict[str, Any]]:
    return [case for path in sorted((ROOT / "cases").glob("*.yaml")) for case in load_yaml(path)["cases"].values()]


def test_every_unitary_space_is_asked() -> None:
    unitary = {name for name, body in _sections("spaces").items() if body.get("unitary")}
    assert unitary == {case["space"] for case in _cases()} & unitary


def test_every_offer_is_expected_somewhere() -> None:
    met: set[str] = set()
    for case in _cases():
        expect = case["expect"]
        met.update(expect.get("offers", ()), expect.get("any_order", ()), expect.get("out", ()))
    offers = {name.partition("/")[2] for name in _sections("offers")}
    assert offers - met == BATCH_ONLY


def test_every_rule_of_the_inbound_spaces_takes_something_out() -> None:
    outs = [reason for case in _cases() for reason in case["expect"].get("out", {}).values()]
    by = {reason["by"].removeprefix("rule.") for reason in outs if isinstance(reason, dict)}
    spaces = {body["channel"] for body in _sections("spaces").values() if body.get("unitary")}
    rules = {
        name.partition("/")[2]
        for name, body in _sections("rules").items()
        if name.startswith("recipients/") and body.get("channel", next(iter(spaces))) in spaces
    }
    assert rules == by & rules
