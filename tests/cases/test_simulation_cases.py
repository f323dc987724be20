"""Every file of tests/cases/simulations says as data what simulations count; counting each contact's offers gives the same."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.data_cases import cases_of, enter_live, offerkit
from helpers.files import load_yaml

FILES = sorted((Path(__file__).parent / "simulations").glob("*.yaml"))
SIMULATE = ("simulate", "people", "--space", "home", "--at", "2026-06-01", "--format", "json")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Path]]:
    """For each file the project with all of it live."""
    before, projects = Path.cwd(), {}
    for file in FILES:
        written = load_yaml(file)
        patches = {
            "environments/people.yaml": {"environment": {"offer_fields": written["offer_fields"]}},
            "specs/people/offers.yaml": {"offers": written["offers"]},
        }
        root = projects[file] = tmp_path_factory.mktemp(file.stem) / "project"
        enter_live(root, patches, written["contacts"])
    os.chdir(before)
    yield projects


@pytest.mark.parametrize(("file", "case"), cases_of(FILES))
def test_what_is_counted(
    file: Path, case: Any, live: dict[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(live[file])
    out = tmp_path / "who.csv"
    (space,) = json.loads(offerkit(*SIMULATE, *case["ask"], "--out", str(out)))["spaces"]
    offers = {each["offer"]: [each["contacts"], *_ranks(each)] for each in space["offers"] if each["contacts"]}
    assert offers == _counted(out)
    assert offers == case.get("offers", offers)
    assert space["contacts"] == case.get("contacts", 6)
    axes = {
        title: {one["value"]: [one["contacts"], one["nothing"]] for one in values} for title, values in space["axes"]
    }
    assert axes == case.get("axes", {})
    groups = {
        title: {" · ".join(one["values"]): [one["contacts"], one["whole"], *_ranks(one)] for one in found}
        for title, found in space["groups"]
    }
    assert groups == case.get("groups", {})


def _ranks(counted: Any) -> list[Any]:
    return [counted["rank"]["min"], counted["rank"]["max"], round(counted["rank"]["mean"], 3)]


def _counted(out: Path) -> dict[str, list[Any]]:
    """The same by each contact's offers."""
    with out.open(newline="") as file:
        rows = [(row["offer"], int(row["rank"])) for row in csv.DictReader(file)]
    ranks: dict[str, list[int]] = {}
    for offer, rank in rows:
        ranks.setdefault(offer, []).append(rank)
    return {
        offer: [len(own), min(own), max(own), round(sum(own) / len(own), 3)] for offer, own in sorted(ranks.items())
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_two_runs_that_are_kept(file: Path, live: dict[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(live[file])
    case = load_yaml(file)["compared"]
    for name, ask in zip(("before", "after"), case["ask"], strict=True):
        made = offerkit(*SIMULATE, *ask, "--save", name)
        assert json.loads(offerkit("simulations", "show", name, "--format", "json")) == json.loads(made)
    found = json.loads(offerkit("simulations", "compare", "before", "after", "--format", "json"))
    (space,) = found["spaces"]
    assert found["differs"] == case["differs"]
    assert [space["served"]["before"], space["served"]["after"]] == case["served"]
    assert {one["name"]: [one["before"], one["after"]] for one in space["offers"]} == case["offers"]
