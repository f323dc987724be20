"""The README is short, and its plan is what a pull request says."""

from __future__ import annotations

import subprocess

import pytest
from docs_text import ROOT


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 200


@pytest.mark.slow
def test_its_plan_is_what_the_planner_makes_of_the_specs() -> None:
    command = [ROOT / "scripts" / "example_plan", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
