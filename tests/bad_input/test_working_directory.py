"""Where one stands may be gone, or closed to one: a sentence, for every command."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import ROOT_BYPASSES, offerkit

COMMANDS = [
    "validate",
    "init shop",
    "fmt",
    "fmt --check specs",
    "plan",
    "plan --out p.json",
    "show p.json",
    "apply --yes",
    "approvals",
    "approve offer.*",
    "reject offer.*",
    "promote --yes",
    "rollback people@design --to 1",
    "purge people@live",
    "diff specs people@design",
    "history",
    "audit verify",
    "audit export",
    "store status",
    "store backup copy.db",
    "propose --env people --space web --contact 1",
    "update x presented",
    "propositions",
    "preview offer.a",
    "eval people true",
    "deliver campaign.a",
    "sent campaign.a",
    "simulate people",
    "test",
    "test cases",
    "snippet people",
    "contact-key people 1",
    "token list",
    "serve",
    "graph",
    "export people@design --out copy",
    "import other",
    "--project sub plan",
    "--store sub/x.db plan",
]


def refused(folder: Path, command: str, *, rights: bool = True, before: Callable[[], None] | None = None) -> str:
    """What is said; exit 1 and one diagnostic, or click's refusal of an argument that names nothing."""
    done = offerkit(folder, *command.split(), rights=rights, before=before)
    assert done.returncode == 1, (command, done.stdout, done.stderr)
    assert "OFR901" not in done.stderr
    assert done.stderr.count("error[") == 1 or "Usage: " in done.stderr, (command, done.stderr)
    return done.stderr


def _gone(folder: Path) -> Callable[[], None]:
    folder.mkdir(exist_ok=True)

    def leave() -> None:
        os.chdir(folder)
        folder.rmdir()

    return leave


@pytest.mark.parametrize("command", ["validate", "init shop", "fmt x"])
def test_a_working_directory_that_is_gone(command: str, tmp_path: Path) -> None:
    """It was removed by a job that cleaned up, say."""
    told = refused(tmp_path, command, before=_gone(tmp_path / "gone"))
    assert "error[OFR114]: the working directory no longer exists" in told


def test_a_project_that_is_named_is_found_from_anywhere(project: Path, tmp_path: Path) -> None:
    """Nothing but the project matters then."""
    done = offerkit(tmp_path, "--project", str(project), "validate", before=_gone(tmp_path / "gone"))
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS[::2])
def test_every_command_without_a_working_directory(command: str, tmp_path: Path) -> None:
    """Each reaches for it in its own way."""
    refused(tmp_path, command, before=_gone(tmp_path / "gone"))


@pytest.mark.skipif(ROOT_BYPASSES, reason="root reads everything here")
@pytest.mark.parametrize("mode", [0o000, 0o600])
def test_a_working_directory_that_is_closed(mode: int, tmp_path: Path) -> None:
    """Neither read nor searched; a project above it would be found."""
    folder = tmp_path / "closed"
    folder.mkdir()
    try:
        told = refused(tmp_path, "validate", rights=False, before=_closed(folder, mode))
    finally:
        folder.chmod(0o700)
    assert "there is no offerkit project here" in told
    assert "This folder cannot be searched" in told


@pytest.mark.slow
@pytest.mark.skipif(ROOT_BYPASSES, reason="root reads everything here")
@pytest.mark.parametrize("command", COMMANDS[1::2])
def test_every_command_in_a_closed_working_directory(command: str, tmp_path: Path) -> None:
    """No command may take the refusal of the system for a fault of its own."""
    folder = tmp_path / "closed"
    folder.mkdir()
    try:
        refused(tmp_path, command, rights=False, before=_closed(folder, 0))
    finally:
        folder.chmod(0o700)


def _closed(folder: Path, mode: int) -> Callable[[], None]:
    def enter() -> None:
        os.chdir(folder)
        folder.chmod(mode)

    return enter
