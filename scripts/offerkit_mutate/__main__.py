"""Make each deliberate fault in a copy of the tree, and tell which of them no test notices."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutations.yaml")
PARTS = ("offerkit", "tests", "specs", "environments", "cases", "data", "plans", "examples", "docs", "scripts")
LONGEST = 600
OPTIONS = ("-q", "-x", "-n0", "--dist=no", "-pno:cacheprovider", "-pfault_profile", "--hypothesis-profile=fault")
PROFILE = """
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "fault", deadline=None, max_examples=25, phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
"""
"""As in the tests, but no time is spent on making what fails smaller."""
DESCRIPTION = """\
Makes one deliberate fault after the other in a copy of this tree (scripts/offerkit_mutate/mutations.yaml), and runs the
tests that hold what it is in. Each must fail one of them. Exits with 1 when a fault survives or cannot be made, and
when the tests fail without any.
"""


@dataclass(frozen=True)
class Mutation:
    """A text of a file, what is put in its place, and the tests of which one must fail."""

    what: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]


def mutations() -> list[Mutation]:
    """All that are listed."""
    listed = YAML(typ="safe").load(LIST.read_text(encoding="utf-8"))
    groups = listed["tests"]
    found = []
    for each in listed["mutations"]:
        tests = groups[each["tests"]] if isinstance(each["tests"], str) else each["tests"]
        found.append(Mutation(each["what"], each["file"], each["text"], each["instead"], tuple(tests)))
    return found


class Copy:
    """A copy of the tree in which tests are run."""

    def __init__(self, folder: Path) -> None:
        for name in PARTS:
            if (ROOT / name).exists():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".offerkit"))
        for path in ROOT.glob("*.*"):
            if path.is_file():
                shutil.copy(path, folder)
        forked = folder / "tests/helpers/forked.py"  # what it starts is to find the copy as well
        text, last = forked.read_text(encoding="utf-8"), '"LANG": "C.UTF-8"}'
        forked.write_text(text.replace(last, f'{last[:-1]}, "PYTHONPATH": {str(folder)!r}}}'), encoding="utf-8")
        (folder / "fault_profile.py").write_text(PROFILE, encoding="utf-8")
        self.folder = folder

    def with_fault(self, mutation: Mutation) -> str:
        """Make the fault; the text of the file as it was."""
        path = self.folder / mutation.file
        was = path.read_text(encoding="utf-8")
        path.write_text(was.replace(mutation.text, mutation.instead), encoding="utf-8")
        return was

    def run(self, tests: Sequence[str]) -> tuple[int, str]:
        """How the tests end, and what they print."""
        environ = {key: text for key, text in os.environ.items() if not key.startswith(("PYTEST", "OFFERKIT", "COV"))}
        command = [sys.executable, "-m", "pytest", *OPTIONS, *tests]
        try:
            done = subprocess.run(
                command, cwd=self.folder, env={**environ, "PYTHONPATH": str(self.folder)}, timeout=LONGEST,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 1, f"FAILED by not coming to an end within {LONGEST} s"
        return done.returncode, done.stdout + done.stderr


def applies(mutation: Mutation) -> bool:
    """Whether its text stands exactly once in its file."""
    path = ROOT / mutation.file
    return path.exists() and path.read_text(encoding="utf-8").count(mutation.text) == 1


def main(arguments: Sequence[str]) -> int:
    """Run them, print, and say whether all were noticed."""
    parser = argparse.ArgumentParser(prog="mutate", description=DESCRIPTION)
    parser.add_argument("-k", metavar="TEXT", default="", help="only faults whose description or file has this text")
    parser.add_argument("--check", action="store_true", help="only see whether each of them can be made")
    asked = parser.parse_args(arguments)
    chosen = [each for each in mutations() if asked.k in each.what or asked.k in each.file]
    stale = [each for each in chosen if not applies(each)]
    for each in stale:
        print(f"cannot be made: {each.what} ({each.file})")
    if asked.check or not chosen:
        return 1 if stale or not chosen else 0
    with tempfile.TemporaryDirectory(prefix="offerkit-mutate-") as temporary:
        copy = Copy(Path(temporary))
        for tests in sorted({each.tests for each in chosen}):
            code, said = copy.run(tests)
            if code:
                print(f"fails without any fault: {' '.join(tests)}\n{said[-3000:]}")
                return 1
        survived = [each for each in chosen if each not in stale and not _noticed(copy, each)]
    print(f"{len(chosen) - len(stale) - len(survived)} of {len(chosen)} faults were noticed")
    return 1 if stale or survived else 0


def _noticed(copy: Copy, mutation: Mutation) -> bool:
    begin, was = time.monotonic(), copy.with_fault(mutation)
    code, said = copy.run(mutation.tests)
    (copy.folder / mutation.file).write_text(was, encoding="utf-8")
    by = next((line.split(" - ")[0] for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
    told = f"noticed   {mutation.what}: {by[:150]}" if code == 1 else f"SURVIVED  {mutation.what} ({code})"
    if code not in (0, 1):
        told += "\n" + said[-1500:]
    print(f"{told} ({time.monotonic() - begin:.0f} s)", flush=True)
    return code == 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
