"""Measure one command from process start to exit: seconds on the wall, and the peak of resident memory.

Why not ``resource.getrusage(RUSAGE_CHILDREN)``: it keeps the highest peak of all children so far; ``wait4`` gives
that of one, and launch.py calls it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TAIL_BYTES = 4096
LAUNCHER = Path(__file__).resolve().with_name("launch.py")


class BenchmarkError(Exception):
    """The benchmark cannot go on, or what it measured is not what it says: there is then no result."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run, where, and with which environment."""

    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured run."""

    seconds: float
    peak_bytes: int
    exit_code: int
    timed_out: bool
    floor_bytes: int
    """The least peak that could have been seen."""
    output: str
    """The end of what it printed, standard output and error together."""


def run(command: Command, log: Path, timeout: float) -> Sample:
    """Run a command to its end, or end it with all its children when it exceeds the timeout."""
    program = Path(command.arguments[0])
    if not program.exists():
        raise BenchmarkError(f"{program.name} is not installed beside this Python")
    launched = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER), str(timeout), str(log), *command.arguments],
        cwd=command.directory,
        env=dict(command.environment),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if launched.returncode != 0:
        raise BenchmarkError(f"{program.name} could not be run: launch.py exited {launched.returncode}")
    seconds, peak, status, stopped, floor = launched.stdout.split()
    code = os.waitstatus_to_exitcode(int(status))
    return Sample(float(seconds), int(peak), code, stopped == "1", int(floor), tail(log))


def tail(log: Path) -> str:
    """Return the end of a log, whatever its size."""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace")
