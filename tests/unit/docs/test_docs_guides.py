"""Every command of the guides is run on the bundled project, or on a new one, and prints what the guide says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from docs_text import ROOT, name
from helpers.forked import Forked
from tutorial_runner import BLOCK, replayed, settled

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))


@pytest.mark.parametrize("guide", GUIDES, ids=name)
def test_a_guide_prints_what_it_says(
    guide: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, forks: Forked
) -> None:
    written = guide.read_text(encoding="utf-8")
    assert len(BLOCK.findall(written)) >= 5
    clone = tmp_path / "clone"
    for folder in ("specs", "environments", "data", "cases"):
        shutil.copytree(ROOT / folder, clone / folder)
    tools = tmp_path_factory.mktemp("tools")
    forks.install(tools)
    printed = replayed(written, clone, tools)
    if os.environ.get("UPDATE_TUTORIAL") == "1":
        if settled(printed) != settled(written):
            guide.write_text(printed, encoding="utf-8")
        return
    assert settled(printed) == settled(written), "UPDATE_TUTORIAL=1 writes what is printed now"


def test_each_user_has_a_guide_that_answers_a_question() -> None:
    assert [guide.stem for guide in GUIDES] == ["auditor", "engineer", "release-manager", "reviewer"]
    for guide in GUIDES:
        first = guide.read_text(encoding="utf-8").split("\n\n")[1]
        assert first.startswith("How do I ")
        assert "? You " in first.replace("\n", " ")
