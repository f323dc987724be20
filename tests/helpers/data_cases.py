"""Cases as data about a whole project: what is written and who the contacts are, then what commands say."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from helpers.files import load_yaml, patched
from offerkit.cli.main import cli

PROJECT = Path(__file__).resolve().parents[1] / "scripts" / "projects" / "deciding"


def cases_of(files: Sequence[Path]) -> list[Any]:
    """Parameters for each case of ``files``: the file and the case."""
    cases = [(file, name, case) for file in files for name, case in load_yaml(file)["cases"].items()]
    return [pytest.param(file, case, id=f"{file.stem}: {name}") for file, name, case in cases]


def offerkit(*args: str) -> str:
    """What a command prints, which ada gives in the working directory."""
    done = CliRunner().invoke(cli, ["--as", "ada", *args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def enter_live(root: Path, patches: Mapping[str, Any], contacts: Sequence[Mapping[str, Any]]) -> None:
    """Make the project of calls at ``root``, patched, with these contacts, take all of it live, and work there."""
    shutil.copytree(PROJECT, root)
    os.chdir(root)
    for name, patch in patches.items():
        path = Path(name)
        path.write_text(json.dumps(patched(load_yaml(path) if path.exists() else {}, patch)))
    with Path("data/people.csv").open("w", newline="") as people:
        writer = csv.DictWriter(people, [*contacts[0]])
        writer.writeheader()
        writer.writerows(contacts)
    offerkit("apply", "--yes")
    offerkit("approve", "*/offer.*")
    offerkit("promote", "--yes")
