"""The English of the project is checked: pages here, the strings of the program with ``scripts/prose`` in CI."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from docs_text import ROOT, name
from offerkit_prose import faults_of, passages_of
from offerkit_prose.__main__ import PAGES, pending
from offerkit_prose.phrases import ALLOWED, phrases


def found(folder: Path, file: str, content: str) -> list[tuple[int, str]]:
    """The faults of a file with this content: line and words."""
    path = folder / file
    path.write_text(content, encoding="utf-8")
    return [(fault.line, fault.words) for fault in faults_of(passages_of(path))]


@pytest.mark.parametrize("page", WRITTEN := [page for page in PAGES if "reference" not in page.parts], ids=name)
def test_pages_are_in_plain_english(page: Path) -> None:
    assert [str(fault) for fault in faults_of(passages_of(page))] == []


def test_no_page_is_left_out() -> None:
    assert {page.name for page in WRITTEN} >= {"README.md", "CONTRIBUTING.md", "tutorial.md", "index.md", "roles.md"}


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("It tells what has reviewers.", "what has"),
        ("Who applies a plan is its author.", "Who applies"),
        ("Who applies a plan?", None),
        ("The operator who applies a plan is its author.", None),
        ("The token may\nnot be used.", "may not be"),
        ("Where there is none, it is made.", "there is none"),
        ("`there is none` is code.", None),
        ("There is no store yet.", None),
        ("It holds a name that is no path.", "is no path"),
        ("List at most so many.", "at most so many"),
        ("It is so much better.", None),
        ("Kept for ever.", "for ever"),
        ("The same for everybody, forever.", None),
        ("It is is wrong.", "is is"),
        ("For all intensive purposes it works.", "For all intensive purposes"),
    ],
)
def test_the_checker_is_not_easily_fooled(tmp_path: Path, sentence: str, words: str | None) -> None:
    told = found(tmp_path, "page.md", f"# Title\n\n{sentence}\n\n```text\nthere is none\n```\n")
    assert told == ([] if words is None else [(3, words)])


def test_strings_of_code_are_read(tmp_path: Path) -> None:
    code = '"""A module."""\n\nraise ValueError(f"{name} may not be used")  # there is none\n'
    assert found(tmp_path, "sample.py", code) == [(3, "may not be"), (3, "there is none")]


def test_every_phrase_has_advice_and_every_exception_is_used() -> None:
    assert all(phrase.instead for phrase in phrases())
    assert len(phrases()) > 40
    texts = {passage.text for path in (*PAGES, ROOT / "offerkit") for passage in passages_of(path)}
    assert set(ALLOWED) - texts == set()


def test_an_exception_allows_only_the_whole_passage(tmp_path: Path) -> None:
    assert found(tmp_path, "page.md", "## Who is asking\n") == []
    assert found(tmp_path, "page.md", "## Who is asking for it\n") != []


def test_no_file_is_pending() -> None:
    assert pending() == {}


def test_the_command_tells_phrases_and_spelling(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Title\n\nIt recieves what has a name.\n", encoding="utf-8")
    done = subprocess.run(
        [ROOT / "scripts" / "prose", tmp_path / "page.md"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "page.md:3: “what has”: name the thing: offers with reviewers" in done.stdout
    assert "`recieves` should be `receives`" in done.stdout
    (tmp_path / "page.md").write_text("# Title\n\nIt receives names.\n", encoding="utf-8")
    done = subprocess.run(
        [ROOT / "scripts" / "prose", tmp_path / "page.md"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "No faults of phrasing.\n")
