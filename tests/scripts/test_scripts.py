"""Every session in this folder prints exactly what stands in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from helpers.forked import Forked
from helpers.postgres import new_schema
from scripted import HERE, play, read, updating, written

from offerkit.cli.main import COMMANDS

SESSIONS = sorted(HERE.glob("*.txt"))


LONG = ("audit", "bad-contacts", "deliver", "deliver-slots", "hooks", "impact", "impact-limit", "lock", "simulate")
"""Those that take longest are left to the slow run."""


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] * (path.stem in LONG)) for path in SESSIONS],
    ids=lambda path: path.stem,
)
def test_session(path: Path, prepared: Path, forks: Forked) -> None:
    """Run it; with UPDATE_SCRIPTS=1 write down what it prints instead."""
    before, after = play(path, prepared, forks)
    assert "OFR901" not in after, "a bug of ours is nothing to expect"
    if updating():
        path.write_text(after, encoding="utf-8")
    else:
        assert after.splitlines() == before.splitlines()


OF_THE_FILE = (
    "audit",
    "contact",
    "lock",
    "main-path",
    "usage",
    "deliver",
    "store",
    "tokens",
    "restored",
    "restore",
    "explain",
)
"""They name the file of the store, copy it, or write to it with SQLite; the same is tested of PostgreSQL elsewhere."""
STARTED = (
    *OF_THE_FILE, "trying-out", "propositions", "web", "bad-contacts", "colours", "graph", "promotion", "purge",
    "out", "stop", "reviewed", "profiles", "webhooks", "report", "content", "scheduled",
)  # fmt: skip
"""In the slow run each kind of command in these starts Python once, so that it imports what it needs by itself."""


def _commands(names: Iterable[str]) -> set[str]:
    lines = [line for name in names for line in (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()]
    calls = [call.split() for line in lines if line.startswith(("$ ", "> ")) for call in line.split("offerkit ")[1:]]
    return {next((word for word in call if word in COMMANDS), "") for call in calls}


def test_every_command_is_started() -> None:
    """Whatever any session asks for is asked for in one of those."""
    assert _commands(path.stem for path in SESSIONS) - _commands(STARTED) == set()
    assert len(_commands(STARTED)) > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_THE_FILE)
def test_session_of_the_file(name: str, prepared: Path, forks: Forked) -> None:
    """Each kind of command starts Python and imports what it needs, as it does for users."""
    before, after = play(HERE / f"{name}.txt", prepared, forks, started=True)
    assert after.splitlines() == before.splitlines()


ELSEWHERE = [path for path in SESSIONS if path.stem not in OF_THE_FILE]
IN_POSTGRESQL = [path for place, path in enumerate(ELSEWHERE) if path.stem in STARTED or place % 4 == 0]
"""All that start anew, and one in four of the others."""


@pytest.mark.slow
@pytest.mark.parametrize("path", IN_POSTGRESQL, ids=lambda path: path.stem)
def test_session_in_postgresql(path: Path, prepared: Path, forks: Forked) -> None:
    """With its store in PostgreSQL it prints the same."""
    before, after = play(path, prepared, forks, new_schema(), started=path.stem in STARTED)
    assert after.splitlines() == before.splitlines()


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_form(path: Path) -> None:
    """Reading and writing a session leaves it as it is, so that an update changes only what is printed."""
    text = path.read_text(encoding="utf-8")
    assert written(read(text)) == text
    assert "start:" in text or path.stem in ("begin",)
