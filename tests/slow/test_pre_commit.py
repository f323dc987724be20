"""The hooks of this repository as others get them: pre-commit clones it, installs it, and runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.wheelhouse import wheelhouse

from offerkit.cli.main import cli
from offerkit.cli.shell import Shell

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
PACKAGED = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")


def git(folder: Path, *words: str) -> None:
    """Run git as somebody."""
    who = ("-c", "user.name=kim", "-c", "user.email=kim@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def head(folder: Path) -> str:
    """The commit that is checked out."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(folder: Path) -> Path:
    """A repository of all that is in a folder."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Begin")
    return folder


def test_pre_commit_installs_the_hooks_and_runs_them(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    wheels = wheelhouse(tmp_path_factory)
    source = tmp_path / "offerkit"
    shutil.copytree(ROOT / "offerkit", source / "offerkit", ignore=shutil.ignore_patterns("__pycache__"))
    for name in PACKAGED:
        shutil.copy(ROOT / name, source)
    committed(source)
    project = tmp_path / "offers"
    cli.main(["init", str(project), "--color", "never"], standalone_mode=False, obj=Shell(color="never"))
    committed(project)

    hooks = sorted(re.findall(r"^- id: (.*)$", (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"), re.M))
    config = tmp_path / "config.yaml"
    listed = "".join(f"  - id: {hook}\n" for hook in hooks)
    config.write_text(f"repos:\n- repo: {source}\n  rev: {head(source)}\n  hooks:\n{listed}", encoding="utf-8")

    def tried(code: int) -> str:
        """Run the hooks; they are installed once."""
        environ = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "PIP_NO_COMPILE": "1", **wheels}
        command = [sys.executable, "-m", "pre_commit", "run", "-c", str(config), "--all-files", "--color", "never"]
        done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    said = tried(0)
    assert [line.rstrip(".").partition(".")[0] for line in said.splitlines() if line.endswith("Passed")] == [
        "offerkit fmt",
        "offerkit validate",
    ]
    offers = project / "specs/recipients/offers.yaml"
    text = offers.read_text(encoding="utf-8")
    offers.write_text(text.replace("category: travel\n", "category:   travels\n"), encoding="utf-8")
    said = tried(1)
    assert "OFR301" in said and "files were modified by this hook" in said
    assert "category: travels\n" in offers.read_text(encoding="utf-8")
