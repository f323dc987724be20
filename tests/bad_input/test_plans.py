"""Plan files that are not what they were: each is refused for what it is, and nothing is changed."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wrong import edit, fresh, run, state

OFFERS = "specs/people/offers.yaml"


@pytest.fixture
def plan(project: Path) -> Path:
    """A plan with one change, as saved."""
    edit(project, {OFFERS: ("label: Saver", "label: Saver plus")})
    path = project / "plan.json"
    assert run(project, "plan", "--out", str(path)).code == 0
    return path


def refused(project: Path, plan: Path, code: str, says: str = "", command: tuple[str, ...] = ()) -> None:
    """Apply the plan: one diagnostic, and the store as it was."""
    before = state(project)
    found = run(project, *(command or ("apply", "--yes")), str(plan)).only
    assert found.code.value == code, found
    assert says in found.summary
    assert state(project) == before


def rewritten(plan: Path, change: Callable[[dict[str, Any]], None], *, signed: bool) -> None:
    """Edit a plan by hand; ``signed``: its digest as well, as somebody would who knows how."""
    outer = json.loads(plan.read_bytes())
    change(outer["plan"])
    text = json.dumps(outer["plan"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest() if signed else outer["digest"]
    plan.write_text(f'{{"digest":"{digest}","plan":{text}}}', encoding="utf-8")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_cut_short(project: Path, plan: Path, share: float) -> None:
    """At any length."""
    content = plan.read_bytes()
    plan.write_bytes(content[: int((len(content) - 1) * share)])
    refused(project, plan, "OFR501", "cut short" if share else "not a plan file")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b'{"plan": 1}',
        b'{"plan": {}}',
        b'{"plan": {"format": "1"}}',
        b"version: 1\n",
        b"\xff\xfe",
        b"PK\x03\x04",
        b'{"digest": null, "plan": {"format": null}}',
        b"[" * 100_000,
        b'{"plan": {"format": 1' + b"0" * 5000 + b"}}",
    ],
)
def test_not_a_plan(project: Path, plan: Path, content: bytes) -> None:
    """Whatever else it is."""
    plan.write_bytes(content)
    refused(project, plan, "OFR501")
    refused(project, plan, "OFR501", command=("show",))
    refused(project, plan, "OFR501", command=("diff", "design"))
    refused(project, plan, "OFR501", command=("approve", "--plan"))


def test_edited(project: Path, plan: Path) -> None:
    """One word of it."""
    rewritten(plan, lambda inner: inner["steps"][0].update(label="Other"), signed=False)
    refused(project, plan, "OFR502", "edited after it was saved")


def test_body_edited(project: Path, plan: Path) -> None:
    """A body is named by its digest, so that an edit shows even where the plan's own was corrected."""

    def change(inner: dict[str, Any]) -> None:
        body = next(iter(inner["bodies"].values()))
        body["text"] = body["text"].replace("Saver plus", "Saver minus")

    rewritten(plan, change, signed=True)
    refused(project, plan, "OFR502", "has no valid body for")


def test_body_left_out(project: Path, plan: Path) -> None:
    """Nor can one be missing."""
    rewritten(plan, lambda inner: inner.update(bodies={}), signed=True)
    refused(project, plan, "OFR502", "has no valid body for")


def test_newer_format(project: Path, plan: Path) -> None:
    """Of an offerkit to come: it says which one."""
    rewritten(plan, lambda inner: inner.update(format=99, offerkit="9.0"), signed=True)
    refused(project, plan, "OFR503", "plan format 99")


@pytest.mark.parametrize("number", [0, -1])
def test_format_that_never_was(project: Path, plan: Path, number: int) -> None:
    """Of no offerkit at all."""
    rewritten(plan, lambda inner: inner.update(format=number), signed=True)
    before = state(project)
    assert run(project, "apply", "--yes", str(plan)).code == 1
    assert state(project) == before


def test_other_project(project: Path, plan: Path, tmp_path: Path) -> None:
    """Made for the store of another project."""
    other = fresh(tmp_path / "other")
    assert run(other, "apply", "--yes").code == 0
    edit(other, {OFFERS: ("label: Saver", "label: Saver plus")})
    refused(other, plan, "OFR504", "another project")


def test_missing(project: Path, tmp_path: Path) -> None:
    """Not there, or a folder."""
    refused(project, tmp_path / "nowhere.json", "OFR501", "cannot be read")
    (tmp_path / "folder.json").mkdir()
    refused(project, tmp_path / "folder.json", "OFR501", "is a folder")


def test_every_value_of_it(project: Path, plan: Path) -> None:
    """Any value in place of any other, digest corrected: refused or harmless, never a traceback."""
    content = plan.read_bytes()
    paths = list(_paths(json.loads(content)["plan"]))
    rng = random.Random(1)
    values = [None, True, -1, 10**30, 0.5, "", "x", "people@live", "people/offer.gold", [], [[]], {}, {"a": 1}, ["x"]]
    before = state(project)
    for _ in range(100):
        path, value = rng.choice(paths), rng.choice(values)
        plan.write_bytes(content)
        rewritten(plan, lambda inner, path=path, value=value: _put(inner, path, value), signed=True)  # type: ignore[misc]
        for command in (["show"], ["apply", "--yes"]):
            outcome = run(project, *command, str(plan))
            assert outcome.code in (0, 1), (path, value)
        if state(project) != before:  # harmless: a label, a note, a position
            assert run(project, "audit", "verify").code == 0
            for name, kept in before.items():
                (project / ".offerkit" / name).write_bytes(kept)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


def _put(value: Any, path: tuple[str | int, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new
