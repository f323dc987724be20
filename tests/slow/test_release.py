"""A release: prepared, built, tried in a bare environment without git, and noted as the workflow does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.wheelhouse import wheelhouse
from ruamel.yaml import YAML

import offerkit

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def script(folder: Path, *arguments: str, code: int = 0) -> str:
    """What ``scripts/release`` prints in a checkout; the programs are those of this environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("OFFERKIT_", "PYTHON"))}
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"]])
    done = subprocess.run(
        [folder / "scripts/release", *arguments], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of what is checked out, with what is not committed yet."""
    folder = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "As it is")
    return folder


def running() -> Iterator[str]:
    """The commands of this machine's processes."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            yield process.read_text(errors="replace")


def git(folder: Path, *arguments: str) -> str:
    """Call git as somebody."""
    who = [part for key in ("user.name", "user.email") for part in ("-c", f"{key}=ada@example.com")]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_what_is_built_works_where_there_is_nothing_but_python(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in wheelhouse(tmp_path_factory).items():
        monkeypatch.setenv(name, value)
    built, trial = tmp_path / "dist", tmp_path / "trial"
    trial.mkdir()
    monkeypatch.setenv("TMPDIR", str(trial))
    printed = script(ROOT, "check", str(built))
    assert [command for command in running() if str(trial) in command] == [], "the server of the trial is stopped"
    assert list(trial.iterdir()) == []
    assert sorted(path.name for path in built.iterdir()) == [
        f"offerkit-{offerkit.__version__}-py3-none-any.whl",
        f"offerkit-{offerkit.__version__}.tar.gz",
    ]
    assert printed.count("PASSED") == 2
    assert "promote and serve work without git" in printed


def test_a_release_is_prepared_from_the_fragments(checkout: Path) -> None:
    assert "is not a version" in script(checkout, "prepare", "next", code=1)
    fragment = checkout / "changelog.d" / "answers.fixed.md"
    fragment.write_text("Answers come twice as <fast>.\n")
    assert "commit or stash" in script(checkout, "prepare", "98.7.6", code=1)
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "Answer fast")
    script(checkout, "prepare", "98.7.6")
    changes = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    [newest, *older] = re.findall(r"^## (.*)$", changes, re.M)
    assert newest.startswith("98.7.6 (")
    assert any(each.startswith(f"{offerkit.__version__} (") for each in older)
    assert not fragment.exists()
    assert '__version__ = "98.7.6"' in (checkout / "offerkit/__init__.py").read_text()

    steps = YAML(typ="safe").load(checkout / ".github/workflows/release.yml")["jobs"]["notes"]["steps"]
    stub = checkout / "bin"
    stub.mkdir()
    (stub / "gh").write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@"\n'
    )  # the forge cannot be had here; its command line is looked at
    (stub / "gh").chmod(0o755)
    printed = subprocess.run(
        ["bash", "-e", "-c", steps[-1]["run"]],
        cwd=checkout,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": f"{stub}:{os.environ['PATH']}", "GITHUB_REF_NAME": "v98.7.6", "RUNNER_TEMP": str(stub)},
    ).stdout
    assert "--verify-tag" in printed
    notes = (stub / "notes.md").read_text(encoding="utf-8")
    assert "- Answers come twice as <fast>.\n" in notes
    assert "## " not in notes.replace("### ", "")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "Release 98.7.6")
    git(checkout, "tag", "v98.7.6")
    assert "exists already" in script(checkout, "prepare", "98.7.6", code=1)
