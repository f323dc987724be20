"""Hints name commands that fit how offerkit was installed."""

from __future__ import annotations

import ast
import json
import re
import shlex
import sys
import tomllib
from importlib import metadata, util
from pathlib import Path
from typing import Any

import pytest

from offerkit.diagnostics import installation
from offerkit.diagnostics.installation import (
    InstallOrigin,
    install_command,
    install_hint,
    pinned_requirement,
    upgrade_hint,
)

ROOT = Path(__file__).resolve().parents[3]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Distribution:
    """What an installer left behind."""

    requires = metadata.requires("offerkit")

    def __init__(self, noted: str | None) -> None:
        self.noted = noted

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.noted


def origin(monkeypatch: pytest.MonkeyPatch, noted: dict[str, Any] | str | None) -> None:
    """Make this offerkit one that came from there, with its pip on the path."""
    text = json.dumps(noted) if isinstance(noted, dict) else noted
    monkeypatch.setattr(metadata, "distributions", lambda name: [Distribution(None), Distribution(text)])
    monkeypatch.setattr(metadata, "distribution", lambda name: Distribution(text))
    monkeypatch.setattr(installation, "_checkout", InstallOrigin)
    monkeypatch.setattr(installation, "_pip_install", lambda: ["pip", "install"])


def test_a_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    (folder / ".git").mkdir(parents=True)
    origin(monkeypatch, {"url": folder.as_uri(), "dir_info": {"editable": True}})
    assert shlex.split(install_command("serve")) == ["pip", "install", "-e", f"{folder}[serve]"]
    assert shlex.split(upgrade_hint().partition(": ")[2]) == ["git", "-C", str(folder), "pull"]
    assert pinned_requirement() == ""
    origin(monkeypatch, {"url": folder.as_uri(), "dir_info": {}})
    assert shlex.split(install_command("serve")) == ["pip", "install", f"{folder}[serve]"]


def test_a_wheel_that_is_still_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel = tmp_path / "offerkit-0.1.0-py3-none-any.whl"
    wheel.touch()
    origin(monkeypatch, {"url": wheel.as_uri(), "archive_info": {"hash": "sha256=00"}})
    assert install_command("postgres") == f"pip install '{wheel}[postgres]'"
    assert pinned_requirement() == ""
    assert "pip" not in upgrade_hint()


def test_git_and_the_web(monkeypatch: pytest.MonkeyPatch) -> None:
    vcs = {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"}
    origin(monkeypatch, {"url": "https://git.example/offerkit.git", "vcs_info": vcs})
    pinned = f"git+https://git.example/offerkit.git@{COMMIT}"
    assert install_command("serve") == f"pip install 'offerkit[serve] @ {pinned}'"
    assert pinned_requirement() == f"offerkit @ {pinned}"
    origin(monkeypatch, {"url": "ssh://git@git.example/offerkit.git", "vcs_info": vcs})
    assert pinned_requirement() == f"offerkit @ git+ssh://git@git.example/offerkit.git@{COMMIT}"
    origin(monkeypatch, {"url": "https://git.example/all.git", "vcs_info": vcs, "subdirectory": "offers"})
    assert pinned_requirement().endswith(f"@{COMMIT}#subdirectory=offers")
    origin(monkeypatch, {"url": "https://files.example/offerkit.whl", "archive_info": {}})
    assert install_command("serve") == "pip install 'offerkit[serve] @ https://files.example/offerkit.whl'"
    assert pinned_requirement() == "offerkit @ https://files.example/offerkit.whl"


@pytest.mark.parametrize(
    "noted",
    [
        None,
        "",
        "[]",
        "no json",
        '{"url": 3, "dir_info": 3}',
        {"url": "file:///is/gone.whl", "archive_info": {}},
        {"url": "https://me:hush@git.example/offerkit.whl", "archive_info": {}},
        {"url": "https://hush@git.example/o.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        {"url": "https://git.example/o.git?token=hush", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        {"url": "https://git.example/o.git", "vcs_info": {}},
    ],
)
def test_an_index_or_what_cannot_be_asked_again(
    monkeypatch: pytest.MonkeyPatch, noted: dict[str, Any] | str | None
) -> None:
    """What the extra stands for is named then: an index has those whether or not it has offerkit."""
    origin(monkeypatch, noted)
    command = install_command("serve")
    assert sorted(shlex.split(command)[2:]) == sorted(EXTRAS["serve"])
    assert "hush" not in command
    assert pinned_requirement() == ""
    assert "pip install" not in upgrade_hint()


def test_the_pip_that_is_named_is_the_one_of_this_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "my tools" / "python"
    python.parent.mkdir()
    pip = python.with_name("pip")
    pip.write_text("#!/bin/sh\n")
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shlex.split(install_command("serve"))[:4] == [str(python), "-m", "pip", "install"]
    monkeypatch.setenv("PATH", str(python.parent))
    assert install_command("serve").startswith("pip install ")
    found = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *more: None if name == "pip" else found(name, *more))
    assert shlex.split(install_command("serve"))[:5] == ["uv", "pip", "install", "--python", str(python)]


def test_here_it_is_what_runs() -> None:
    words = shlex.split(install_hint("serve").partition(": ")[2])
    assert words[-1].endswith("[serve]")
    assert Path(words[-1].removesuffix("[serve]")) == ROOT


def test_code_that_is_only_on_the_path_is_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "distributions", lambda name: [])
    assert install_command("serve").endswith(f"-e '{ROOT}[serve]'")


def _texts() -> list[tuple[str, str]]:
    return [
        (path.relative_to(ROOT).as_posix(), node.value)
        for path in sorted((ROOT / "offerkit").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_no_other_code_names_a_command_that_installs() -> None:
    """Each such hint comes from one place, and asks for an extra that there is."""
    found = {path for path, text in _texts() if re.search(r"\bpip3? install|\bofferkit\[|\buv (?:pip|add)|pipx", text)}
    assert found == {"offerkit/diagnostics/installation.py"}
    calls = re.findall(
        r"install_hint\(\"(\w+)\"\)|missing_package\([^)]*\"(\w+)\"\)",
        "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "offerkit").rglob("*.py")),
    )
    asked = {first or second for first, second in calls}
    assert {"serve", "postgres", "spark", "parquet", "prove", "sign"} == asked <= EXTRAS.keys()
