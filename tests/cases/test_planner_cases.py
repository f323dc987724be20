"""Every file of tests/cases/planner is a case: what is done to a project, and what each plan must say."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.cases import run_case
from helpers.files import load_yaml

CASES = sorted((Path(__file__).parent / "planner").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path) -> None:
    run_case(path, tmp_path)


def test_every_case_says_what_it_is_about() -> None:
    assert len(CASES) >= 40
    assert [path.name for path in CASES if not load_yaml(path).get("title")] == []
