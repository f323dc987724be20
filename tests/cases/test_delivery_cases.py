"""Every file of tests/cases/deliveries says as data who gets which offers in a message; the preview says the same."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.data_cases import cases_of, enter_live, offerkit
from helpers.files import load_yaml

from offerkit.usecases import delivery_selection

FILES = sorted((Path(__file__).parent / "deliveries").glob("*.yaml"))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Path]]:
    """For each file the project with all of it live."""
    before, projects = Path.cwd(), {}
    for file in FILES:
        written = load_yaml(file)
        patches = {"specs/people/more.yaml": {"version": 1, **written["specs"]}}
        root = projects[file] = tmp_path_factory.mktemp(file.stem) / "project"
        enter_live(root, patches, written["contacts"])
        for call in written["proposed"]:
            offerkit("propose", *call.split())
    os.chdir(before)
    yield projects


@pytest.mark.parametrize("one_by_one", [False, True], ids=["batch", "one by one"])
@pytest.mark.parametrize(("file", "case"), cases_of(FILES))
def test_who_gets_what(
    file: Path, case: Any, one_by_one: bool, live: dict[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    shutil.copytree(live[file], root)
    monkeypatch.chdir(root)
    monkeypatch.setattr(delivery_selection, "uses_hooks", lambda program: one_by_one)
    campaign = {"outlines": case.get("outlines", {}), "deliveries": {"it": case["delivery"]}}
    (root / "specs/people/campaigns.yaml").write_text(json.dumps({"version": 1, "campaigns": {"june": campaign}}))
    offerkit("apply", "--yes")
    run = ["deliver", "june/it", "--at", "2026-06-01", "--dry-run", "--out", "made", "--format", "json"]
    if "data" in case:
        Path("data/run.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in case["data"]))
        run += ["--data-from", "data/run.jsonl"]
    told = json.loads(offerkit(*run))
    lines = [line for part in sorted(Path("made").glob("messages-*")) for line in part.read_text().splitlines()]
    messages = {int(message["contact"]): message for message in map(json.loads, lines)}
    offers = {contact: _offers(message, "slots" in case["delivery"]) for contact, message in messages.items()}
    if "expect" in case:  # not where chance decides, as whom a full cell takes
        assert offers == case["expect"]
    assert {contact: messages[contact]["text"] for contact in case.get("texts", {})} == case.get("texts", {})
    assert told.get("set_aside", {}) == case.get("set_aside", {})
    for name in ("missing", "cells"):
        if name in case:
            assert _told(told, name) == case[name]


def _told(told: Any, name: str) -> Any:
    """What the run says is missing; of each cell, how many came and were taken."""
    return [[cell["came"], cell["taken"]] for cell in told[name]] if name == "cells" else told[name]


def _offers(message: Any, slots: bool) -> Any:
    """The offers of a message in their order; with slots, by slot."""
    if not slots:
        return [each["offer"] for each in message["propositions"]]
    found: dict[str, list[str]] = {}
    for each in message["propositions"]:
        found.setdefault(each["slot"], []).append(each["offer"])
    return found


@pytest.mark.parametrize("contact", range(1, 6))
@pytest.mark.parametrize(
    "case", ["one space, one call", "what cannot be rendered is replaced by the next best, as often as in a call"]
)
def test_the_preview_of_a_batch_space_is_what_the_delivery_sends(
    case: str, contact: int, live: dict[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spaces are for batches only; their explanations are those of cases with one space and one call."""
    file = FILES[0]
    monkeypatch.chdir(live[file])
    told = load_yaml(file)["cases"][case]
    space, engine = told["delivery"]["space"], told["delivery"]["engine"]
    preview = ["propose", "--space", f"people/{space}", "--count", str(engine["count"]), "--contact", str(contact)]
    preview += [option for name in engine.get("categories", ()) for option in ("--category", name)]
    answer = json.loads(offerkit(*preview, "--explain", "--at", "2026-06-01", "--live-now", "--format", "json"))
    assert [each["offer"] for each in answer["spaces"][0]["propositions"]] == told["expect"][contact]
