"""A checkout that is older than what git knows is told from one in which something was deleted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from helpers.workspace import Workspace

from offerkit.address import parse_address
from offerkit.specs import older_checkout
from offerkit.specs.older_checkout import declared_ahead

FILE = "specs/shop/more.yaml"
LIONS = "version: 1\noffers:\n  lions: {category: travel, content: {title: Lions}}\n  safari-2: {category: travel}\n"
ADDRESSES = [parse_address("shop/offer.lions"), parse_address("shop/offer.gone")]
ENVIRON = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A project below the top of a repository, cloned; then the origin went on by two commits, which are fetched."""
    origin = tmp_path / "origin"
    Workspace(origin / "bank offers")
    git(origin, "init", "-qb", "main")
    commit(origin, "first")
    git(tmp_path, "clone", "-q", "origin", "clone")
    (origin / "bank offers" / FILE).write_text(LIONS)
    commit(origin, "second")
    (origin / "README").write_text("x")
    commit(origin, "third")
    git(tmp_path / "clone", "fetch", "-q")
    return tmp_path / "clone" / "bank offers"


def test_what_a_newer_commit_declares(clone: Path) -> None:
    assert declared_ahead(clone, ADDRESSES, ENVIRON) == ("origin/main", 2, {"shop/offer.lions": FILE})
    assert declared_ahead(clone, [parse_address("shop/offer.safari")], ENVIRON) is None  # it was there before
    assert declared_ahead(clone, [parse_address("shop/category.lions")], ENVIRON) is None


def test_a_branch_of_an_older_commit(clone: Path) -> None:
    git(clone, "switch", "-qc", "feature")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) == ("origin/main", 2, {"shop/offer.lions": FILE})
    git(clone, "push", "-q", "-u", "origin", "feature")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) == ("origin/main", 2, {"shop/offer.lions": FILE})
    git(clone, "switch", "-q", "--detach")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) == ("origin/main", 2, {"shop/offer.lions": FILE})


def test_a_remote_of_another_name(clone: Path) -> None:
    git(clone, "remote", "rename", "origin", "bank")
    git(clone, "switch", "-q", "--detach")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) == ("bank/main", 2, {"shop/offer.lions": FILE})


def test_branches_of_a_repository_without_a_remote(clone: Path) -> None:
    """An older commit, and a branch of one, of what stands in the main branch, or in any that contains the commit."""
    git(clone, "merge", "-q", "origin/main")
    git(clone, "remote", "remove", "origin")
    git(clone, "switch", "-q", "--detach", "HEAD~2")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) == ("main", 2, {"shop/offer.lions": FILE})
    git(clone, "branch", "-q", "-m", "main", "release;$(x)")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) == ("release;$(x)", 2, {"shop/offer.lions": FILE})
    git(clone, "switch", "-qc", "feature")  # without those commits on purpose, for all that git knows
    assert declared_ahead(clone, ADDRESSES, ENVIRON) is None
    git(clone, "branch", "-q", "-m", "release;$(x)", "main")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) == ("main", 2, {"shop/offer.lions": FILE})


def test_what_was_deleted_here_is_meant(clone: Path) -> None:
    git(clone, "merge", "-q", "origin/main")
    (clone / FILE).unlink()
    assert declared_ahead(clone, ADDRESSES, ENVIRON) is None
    commit(clone, "without lions")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) is None
    origin = clone.parents[1] / "origin"
    (origin / "NEWS").write_text("x")
    commit(origin, "fourth")
    git(clone, "fetch", "-q")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) is None


def test_a_file_that_only_moved_declares_nothing_new(clone: Path) -> None:
    git(clone, "merge", "-q", "origin/main")
    origin = clone.parents[1] / "origin" / "bank offers"
    (origin / FILE).rename(origin / "specs/shop/lions.yaml")
    commit(origin, "moved")
    git(clone, "fetch", "-q")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) is None


def test_where_git_cannot_tell_nothing_is_said(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert declared_ahead(tmp_path, ADDRESSES, ENVIRON) is None  # no repository
    assert declared_ahead(clone, ADDRESSES, {**ENVIRON, "PATH": str(tmp_path)}) is None  # no git
    origin = clone.parents[1] / "origin" / "bank offers"
    (origin / FILE).write_text(LIONS + "offers: [\n")
    commit(origin, "broken")
    git(clone, "fetch", "-q")
    assert declared_ahead(clone, ADDRESSES, ENVIRON) is None
    git(clone, "reset", "-q", "--hard")
    monkeypatch.setattr(older_checkout, "_MOST_FILES", 0)
    assert declared_ahead(clone, ADDRESSES, ENVIRON) is None


def test_the_environment_of_a_hook_leads_nowhere_else(clone: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    git(clone, "config", "core.fsmonitor", f"touch {marker}")
    git(clone, "config", "diff.external", f"touch {marker}")
    found = declared_ahead(clone, ADDRESSES, {**ENVIRON, "GIT_DIR": str(tmp_path), "GIT_WORK_TREE": "/"})
    assert found is not None and found.commits == 2
    assert not marker.exists()
