"""Every command of the tutorial is run, and prints what the tutorial says."""

from __future__ import annotations

import os
from pathlib import Path

from docs_text import ROOT
from tutorial_runner import replayed, settled

TUTORIAL = ROOT / "docs" / "tutorial.md"


def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    written = TUTORIAL.read_text(encoding="utf-8")
    printed = replayed(written, tmp_path)
    if os.environ.get("UPDATE_TUTORIAL") == "1":
        if settled(printed) != settled(written):
            TUTORIAL.write_text(printed, encoding="utf-8")
        return
    assert settled(printed) == settled(written), "UPDATE_TUTORIAL=1 writes what is printed now"
