"""Every file of tests/cases/engine holds decisions as data; together they say every sentence of domain.md §3."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.files import load_yaml

from offerkit.engine.cases import read_case, run_case
from offerkit.engine.hooks import Hooks
from offerkit.engine.inline_catalog import inline_catalog

FILES = sorted((Path(__file__).parent / "engine").glob("*.yaml"))


def _fail(*_: object) -> Any:
    raise RuntimeError("the service is down")


HOOKS = Hooks(
    target_loading={
        "airport": lambda contact, data: {"destination": "Oslo"},
        "failing": _fail,
        "undeclared": lambda contact, data: {"colour": "red"},
        "told": lambda contact, data, call: {
            "destination": "|".join((call.key, call.permanent, call.session, call.space, str(call.n)))
        },
    },
    dynamic_offer={
        "rates": lambda offer, contact, data: [
            ({"hotel": "A"}, 3),
            ({"hotel": "B"}, Decimal("7.5")),
            ({"hotel": "C"}, 0),
        ],
        "none-left": lambda offer, contact, data: [],
        "negative": lambda offer, contact, data: [({"hotel": "A"}, -1)],
        "failing": _fail,
        "by-margin": lambda offer, contact, data, call: [
            (
                {"about": f"{offer.code} {offer.category} {','.join(offer.themes)}", "price": Decimal("9.50")},
                offer.weight,
            ),
            ({"about": call.key, "price": 3}, offer.weight / 2),
        ],
        "dear": lambda offer, contact, data: [({"price": "dear"}, 50)],
        "endless": lambda offer, contact, data: [({"about": "x" * 70_000}, 50)],
    },
    post_processing={
        "reverse": lambda candidates: list(reversed(candidates)),
        "one-a-category": lambda candidates: list({c.category: c for c in reversed(candidates)}.values())[::-1],
        "drop-first": lambda candidates: candidates[1:],
        "failing": _fail,
        "foreign": lambda candidates: ["b", *candidates],
        "weigh-anew": lambda candidates, call: [
            (candidate, 100 if candidate.code == "TRIP" else 0 if "y" in candidate.themes else candidate.weight)
            for candidate in candidates
        ],
        "as-many": lambda candidates, call: candidates[::-1][: call.n],
        "of-the-call": lambda candidates, call: [
            candidate
            for candidate in candidates
            if candidate.label == call.data["destination"] and call.contact["age"] == 40
        ],
        "too-heavy": lambda candidates, call: [(candidate, 10**20) for candidate in candidates],
    },
)
"""The hooks that cases may name."""


def _cases() -> Iterator[Any]:
    for path in FILES:
        for name in load_yaml(path)["cases"]:
            yield pytest.param(path, name, id=f"{path.stem}: {name}")


@pytest.mark.parametrize(("path", "name"), list(_cases()))
def test_case(path: Path, name: str) -> None:
    content = load_yaml(path)
    case = read_case(name, content["cases"][name])
    activated = {**content.get("activated", {}), **case.raw.get("activated", {})}
    catalog = inline_catalog(content["catalog"], activated, hooks=HOOKS)
    assert list(catalog.problems) == []
    assert run_case(catalog, case).mismatches == ()


def test_files_are_what_they_should_be() -> None:
    assert len(FILES) >= 8
    for path in FILES:
        content = load_yaml(path)
        assert content["version"] == 1, path
        assert set(content) <= {"version", "catalog", "activated", "cases"}, path
