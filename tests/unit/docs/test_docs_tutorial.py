"""Every command of the tutorial is run, and prints what the tutorial says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from docs_text import ROOT
from helpers.forked import Forked
from tutorial_runner import replayed, settled

TUTORIAL = ROOT / "docs" / "tutorial.md"


def test_the_tutorial_prints_what_it_says(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, forks: Forked
) -> None:
    written = TUTORIAL.read_text(encoding="utf-8")
    tools = tmp_path_factory.mktemp("tools")
    forks.install(tools)
    printed = replayed(written, tmp_path, tools)
    if os.environ.get("UPDATE_TUTORIAL") == "1":
        if settled(printed) != settled(written):
            TUTORIAL.write_text(printed, encoding="utf-8")
        return
    assert settled(printed) == settled(written), "UPDATE_TUTORIAL=1 writes what is printed now"
