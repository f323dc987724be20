"""Repositories made by commands of git, and what a revision means."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from offerkit.diagnostics import Code, Refused
from offerkit.specs import load_folder
from offerkit.specs.git import checkout

IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "x",
    "GIT_AUTHOR_EMAIL": "x@y.z",
    "GIT_COMMITTER_NAME": "x",
    "GIT_COMMITTER_EMAIL": "x@y.z",
}


def git(root: Path, *words: str, **more: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *words],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env=environ | IDENTITY | more,
    )
    return done.stdout.strip()


def commit(root: Path, message: str = "x") -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def meaning(folder: Path) -> dict[str, str]:
    return {address: record.fingerprint for address, record in load_folder(folder).records.items()}


def at(root: Path, revision: str = "HEAD", **environ: str) -> dict[str, str]:
    with checkout(root, revision, dict(os.environ) | IDENTITY | environ) as (folder, _):
        return meaning(folder)


def refusal(root: Path, revision: str = "HEAD", **environ: str) -> str:
    with pytest.raises(Refused) as caught:
        at(root, revision, **environ)
    (found,) = caught.value.diagnostics
    assert found.code == Code.GIT
    return f"{found.summary}. {found.detail} {found.hint}"


def add_filter(root: Path, name: str) -> None:
    (root / f"specs/shop/{name}.yaml").write_text(f"version: 1\nfilters:\n  {name}: {{when: person.age > 1}}\n")


def distrusting(folder: Path) -> Path:
    """A git that takes every repository for another user's."""
    program = folder / "bin/git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    return program.parent


def in_a_folder(root: Path) -> Path:
    project = root / "teams/offers"
    project.mkdir(parents=True)
    for name in ("specs", "environments"):
        (root / name).rename(project / name)
    return project
