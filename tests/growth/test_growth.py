"""No command's work grows faster than n log n with any one thing there is more of (see ``counting``)."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.files import temporary
from helpers.repeats import often

HERE = Path(__file__).resolve().parent
ALLOWED = 1.1
"""How much more than n log n is still put down to what begins only with a certain size."""
BESIDE = 6
"""So much work for each of the larger number is no growth to speak of, wherever it comes from; text: a hundred times."""

AXES = (
    often("offers:16:64", "offers:30:120"),
    "environments:4:16",
    often("campaigns:6:24", "campaigns:15:60"),
    often("rules:5:20", "rules:10:40"),
    often("spaces:3:12", "spaces:6:24"),
    often("contacts:75:300", "contacts:125:500"),
    often("cases:6:24", "cases:10:40"),
    often("policies:5:20", "policies:10:40"),
    often("revisions:6:24", "revisions:15:60"),
)


class Grown(NamedTuple):
    """What a function did in a command at either size, where that is too much at the larger one."""

    command: str
    function: str
    small: int
    large: int


@cache
def _compiled() -> str:
    """Where the rewritten modules are kept, so that only the first run of a version has to rewrite them."""
    return str(HERE / "__pycache__" / "counting")


def measured(axis: str) -> list[dict[str, dict[str, int]]]:
    """The work by size, command and function."""
    words = [sys.executable, str(HERE / "commands.py"), _compiled(), axis]
    environ = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "TEMPORARY": str(temporary()),
    }
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, dict[str, int]]] = json.loads(done.stdout)
    return found


def _beside(function: str) -> int:
    # SQLite tells of its work by the hundred steps, which count ten: a statement a little above that is no growth.
    return BESIDE * 100 if function.startswith("text of ") else BESIDE + 10 * function.startswith("SQL of ")


def excessive(counts: list[dict[str, dict[str, int]]], small: int, large: int) -> list[Grown]:
    """Where work grew faster than n log n."""
    most = ALLOWED * large * math.log(large) / (small * math.log(small))
    before, after = counts
    return [
        Grown(command, function, was, now)
        for command, functions in after.items()
        for function, now in functions.items()
        if now > (was := before[command].get(function, 0)) * most + _beside(function) * large
    ]


@pytest.mark.slow
@pytest.mark.parametrize("axis", AXES)
def test_the_work_of_a_command_grows_no_faster_along_any_axis(axis: str) -> None:
    """One thing at a time there is more of; the calls that other packages make are counted as well."""
    counts = measured(axis)
    _, small, large = axis.split(":")
    assert len(counts[1]) > 5, "the commands ran"
    assert not excessive(counts, int(small), int(large)), axis
