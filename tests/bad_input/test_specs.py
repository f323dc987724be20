"""Each wrong project: exit 1, one diagnostic at the right place, no traceback, nothing changed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from wrong import NEW, edit, run, state, write

HERE = Path(__file__).resolve().parent
CASES: list[dict[str, Any]] = YAML(typ="safe").load((HERE / "cases.yaml").read_text(encoding="utf-8"))


def spoil(root: Path, case: dict[str, Any]) -> None:
    """Make the project of ``case``."""
    write(root, dict(case.get("files", {})) | ({NEW: case["new"]} if "new" in case else {}))
    edits = {file: (old, new.replace("TOO_LONG", "x" * 200_001)) for file, (old, new) in case.get("edit", {}).items()}
    edit(root, edits)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_wrong_project(case: dict[str, Any], project: Path) -> None:
    """The command says exactly what is wrong and where, and the store stays as it is."""
    spoil(project, case)
    before = state(project)
    outcome = run(project, *case.get("run", ["apply", "--yes"]))
    found = outcome.only
    if os.environ.get("SHOW"):
        print(f"{case['name']}\n{outcome.err}\n")
    assert (found.code.value, str(found.position)) == (case["code"], case.get("at"))
    assert case.get("says", "") in found.summary + found.detail + found.hint
    assert f"--> {case['at']}" in outcome.err
    assert state(project) == before
    if "run" not in case:
        told = run(project, "validate")
        assert (told.code, told.diagnostics) == (1, ())
        assert str(found.position) in told.err


def test_cases_are_complete() -> None:
    """Names are unique, and every code of reading, resources and the domain occurs."""
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names)
    seen = {case["code"] for case in CASES}
    elsewhere = {
        "OFR104",
        "OFR105",
        "OFR107",
        "OFR108",
        "OFR111",
        "OFR112",
        "OFR114",
        "OFR216",
        "OFR408",
        "OFR410",
        "OFR411",
        "OFR412",
        "OFR413",
        "OFR414",
        *("OFR417", "OFR419"),  # notes of lint, as
        *(f"OFR{number}" for number in range(440, 455)),  # what lint finds is no bad input
    }
    from offerkit.diagnostics import Code

    assert {code.value for code in Code if code.value < "OFR500"} - elsewhere <= seen


def test_a_mistake_in_one_text_hides_none_in_another(project: Path) -> None:
    """Nor does one that leaves the spaces of an offer unknown make a text wrong that may be right."""
    content = """content:
      title: "{{ person.age|uper }}"
      html: <a _urlType="11" href="https://a..b/">x</a>
      image_url: ftp://x.example"""
    edit(project, {"specs/people/offers.yaml": ("content: {title: Save}", content)})
    told = run(project, "validate").err
    assert told.count("error[") == 3
    for said in (
        "unknown filter “uper”",
        "could not be shown: a tracked link does not lead to a URL",
        "this is not an http(s) URL",
    ):
        assert said in told
    edit(project, {"specs/people/offers.yaml": ("    label: Saver\n", "    label: Saver\n    spaces: 5\n")})
    told = run(project, "validate").err
    assert "no http(s) URL" not in told


def test_a_theme_that_looks_misspelt_is_a_warning(project: Path) -> None:
    """Themes are declared by carrying them, so a lonely one near another may be meant: told, at its place, and valid."""
    edit(project, {"specs/people/offers.yaml": ("    label: Saver\n", "    label: Saver\n    themes: [acrd]\n")})
    assert "OFR410" not in run(project, "validate").err  # card is carried once only: neither is the odd one out
    edit(project, {"specs/people/catalog.yaml": ("  bank: {label: Bank}", "  bank: {label: Bank, themes: [card]}")})
    told = run(project, "validate")
    assert told.code == 0
    assert "warning[OFR410]: the theme “acrd” is used only here" in told.err
    assert "--> specs/people/offers.yaml:22:14" in told.err
    assert "are valid" in told.out
    (found,) = json.loads(run(project, "validate", "--format", "json").out)
    assert (found["code"], found["severity"], found["line"]) == ("OFR410", "warning", 22)
    # Asked for somewhere, it is meant.
    asking = ("engine: {categories: [bank], count: 2}", "engine: {themes: [acrd], count: 2}")
    edit(project, {"specs/people/campaigns.yaml": asking})
    assert run(project, "validate").err == ""
