"""Whatever stands on the command line: an answer or a refusal, never a traceback, and nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from wrong import run, state

HOSTILE = [
    "",
    " ",
    "/",
    "//",
    "a/b",
    ".",
    "..",
    "-",
    "--",
    "*",
    "**",
    "?",
    "[",
    "[!",
    "[a",
    "[z-a]",
    "\\",
    "%s",
    "{}",
    "${HOME}",
    "$(id)",
    "\n",
    "\t",
    "a\x1b[31mb",
    "\u202eevil",
    "é",
    "２",
    "\udcff",
    "x" * 10_000,
    "a/" * 5_000,
    "NaN",
    "-1",
    "1e400",
    "people",
    "people@",
    "@live",
    "people@live:",
    "people@live:-1",
    "people@live:99999999999999999999",
    "people@live:２",
    "people@live:2026-99-99",
    "people@live:0001-01-01T00:00:00+23:00",
    "people@design:9999-12-31T23:59:59-23:00",
    "people@design:2026-01-01T00:00:00+99:99",
    "design:1:1",
    "design:",
    "git:",
    "git:-x",
    "git:a b",
    "git:HEAD",
    "specs",
    "people/offer.gold",
    "people/offer.",
    "offer.gold",
    "operator.ada",
    "environment.people",
    "people/offer." + "x" * 200,
    "other/offer.gold",
    "people/category.bank/cards",
    "people/category.//",
    "nowhere.json",
]
PLACES = [
    ["plan", "{}"],
    ["plan", "--exclude", "{}"],
    ["show", "{}"],
    ["apply", "{}", "--exclude", "*"],
    ["approvals", "{}"],
    ["approve", "{}", "--space", "nowhere"],
    ["approve", "--category", "{}", "--space", "nowhere"],
    ["approve", "--plan", "{}"],
    ["approve", "people/offer.gold", "--space", "{}x"],
    ["reject", "{}", "--space", "nowhere"],
    ["promote", "{}", "--plan-only"],
    ["promote", "--plan-only", "--exclude", "{}"],
    ["rollback", "{}", "--to", "1", "--plan-only"],
    ["rollback", "people@design", "--to", "{}", "--plan-only"],
    ["purge", "{}", "--plan-only"],
    ["diff", "design", "{}"],
    ["diff", "{}", "design"],
    ["diff", "design", "design", "{}"],
    ["history", "{}"],
    ["history", "people@design", "{}"],
    ["history", "--count", "{}"],
    ["audit", "verify", "--expect", "{}x"],
    ["graph", "--focus", "{}"],
    ["--color", "{}", "plan"],
    ["{}"],
    ["--store", "nowhere/{}", "history"],
    ["--project", "{}/nowhere", "plan"],
]


SOME = 5
"""The default run tries every fifth word in a place, the next one in the next place."""


@pytest.mark.parametrize(
    ("place", "words"),
    [(place, HOSTILE[number % SOME :: SOME]) for number, place in enumerate(PLACES)]
    + [pytest.param(place, HOSTILE, marks=pytest.mark.slow) for place in PLACES],
    ids=lambda value: "" if value is HOSTILE else f"{len(value)} words" if len(value) > 9 else " ".join(value),
)
def test_any_argument(place: list[str], words: list[str], project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hostile word in every place."""
    monkeypatch.chdir(project)
    before = state(project)
    for word in words:
        outcome = run(project, *(part.replace("{}", word) for part in place))
        assert outcome.code in (0, 1), word
        if outcome.diagnostics:
            assert "\x1b" not in outcome.err and "\u202e" not in outcome.err, word
    assert state(project) == before
    assert sorted(os.listdir(project)) == [".offerkit", "environments", "specs"]  # noqa: PTH208 - names


@pytest.mark.parametrize("word", HOSTILE)
def test_any_operator(word: str, project: Path) -> None:
    """Who is not known may do nothing."""
    before = state(project)
    for command in (["approve", "people/offer.gold"], ["rollback", "people@design", "--to", "0", "--yes"]):
        outcome = run(project, *command, who=word)
        assert outcome.code == 1 and outcome.diagnostics[0].code.value == "OFR702"
    assert state(project) == before


@pytest.mark.parametrize("text", ["\x00", "\ud800", "\udcff"])
def test_messages_that_are_no_text(text: str, project: Path) -> None:
    """What no database keeps is refused; everything else comes back as it was."""
    before = state(project)
    found = run(project, "rollback", "people@design", "--to", "0", "--yes", "-m", text).only
    assert found.code.value == "OFR204"
    assert run(project, "approve", "people/offer.saver", "-m", text).only.code.value == "OFR204"
    assert state(project) == before


def test_messages_that_are_hostile(project: Path) -> None:
    """A message does nothing to the terminal, and to nobody's table."""
    for text in ("\x1b[31mred", "\u202eevil", "a\nb", "|", "<script>", "x" * 10_000, "::error::x"):
        assert run(project, "approve", "people/offer.saver", "-m", text).code == 0
        assert run(project, "reject", "people/offer.saver", "-m", text).code == 0
        for form in ("text", "json", "markdown", "html"):
            shown = run(project, "history", "--format", form).out
            assert "\x1b" not in shown and (form == "json" or "\u202e" not in shown)
            assert form != "html" or "<script>" not in shown
        assert "\x1b" not in run(project, "approvals", "--all").out
    assert run(project, "audit", "verify").code == 0


OUTSIDE = ["nowhere/deep/x.json", "x" * 300, "x/" * 3000 + "y", "specs/shared.yaml/x", ".", "/proc/nowhere/x"]


@pytest.mark.parametrize("target", OUTSIDE, ids=lambda target: target[:20])
def test_files_that_cannot_be_written(target: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--out anywhere: written, or refused with a reason."""
    monkeypatch.chdir(project)
    for command in (["plan", "--out"], ["promote", "--plan-only", "--out"], ["audit", "export", "--out"]):
        assert run(project, *command, target).code in (0, 1), command
    assert (project / "specs/shared.yaml").is_file()


def test_out_to_what_is_no_file(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe (or a device, such as /dev/null) is written to and stays what it is."""
    monkeypatch.chdir(project)
    for number, command in enumerate((["plan", "--out"], ["audit", "export", "--out"])):
        pipe = tmp_path / f"pipe-{number}"
        os.mkfifo(pipe)
        with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
            assert run(project, *command, str(pipe)).code == 0
            assert reader.stdout is not None and reader.stdout.read().startswith(b"{")
        assert pipe.is_fifo()


def test_plan_without_end(project: Path) -> None:
    """A plan read from what never ends is not read for ever."""
    program = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30));"
    program += "import sys; sys.argv = ['offerkit', 'show', '/dev/zero']; from offerkit.cli.main import run; run()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "error[OFR501]: /dev/zero is not a plan file" in done.stderr


def test_bytes_that_are_no_text(project: Path) -> None:
    """The operating system passes any bytes as arguments."""
    for place in (
        ["plan", b"\xff"],
        [b"--as", b"\xff", b"apply"],
        ["show", b"\xff.json"],
        ["diff", b"git:\xff", "design"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "offerkit.cli.main", *place], cwd=project, capture_output=True, check=False
        )
        assert done.returncode in (0, 1) and b"Traceback" not in done.stderr and b"OFR901" not in done.stderr, place
