"""Ask two versions of offerkit the same, on generated projects, and show every byte that differs."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from offerkit_compare.difference import Difference
from offerkit_compare.differences import Outcome, differences
from offerkit_compare.expected import EXPECTED
from offerkit_compare.sessions import steps_of
from offerkit_compare.versions import DRIVER, ROOT, Driver, Version, version

BEFORE = "f0b6f16"
DESCRIPTION = """\
Runs sessions of some ninety commands on generated projects with two versions of offerkit: on identical copies, at the
same times, with the same random numbers. Compared byte by byte: what is printed (text, JSON, Markdown, HTML), exit
codes, the tables of the store after each command, and all files at the end: saved plans, exports, deliveries.
"""
EPILOG = """\
A VERSION is a virtual environment, a tree, a wheel, or a revision of git, whose wheel is built. Building takes some
seconds; to have it once for many runs:

  git worktree add --detach /tmp/before f0b6f16
  pip wheel --no-deps -w /tmp/before-wheel /tmp/before
  scripts/compare_versions --before /tmp/before-wheel/*.whl

Differences that are meant are rules in scripts/offerkit_compare/expected.py. Exits with 1 when anything else differs.
"""


class Pairs:
    """The two drivers of each thread."""

    def __init__(self, before: Version, after: Version) -> None:
        self._versions = (before, after)
        self._own = threading.local()
        self._all: list[Driver] = []

    def get(self) -> tuple[Driver, Driver]:
        """Those of the thread that asks."""
        if not hasattr(self._own, "pair"):
            self._own.pair = tuple(one.start() for one in self._versions)
            self._all += self._own.pair
        pair: tuple[Driver, Driver] = self._own.pair
        return pair

    def stop(self) -> None:
        """End all of them."""
        for driver in self._all:
            driver.stop()


def main(arguments: Sequence[str]) -> int:
    """Compare, print, and say whether all is the same."""
    asked = _asked(arguments)
    seeds = asked.only or range(asked.first, asked.first + asked.projects)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="okcmp-", dir=memory if memory.is_dir() else None) as folder:
        place = Path(folder)
        before, after = (version(name, place / side) for name, side in ((asked.before, "b"), (asked.after, "a")))
        print(f"before: {before.module()}\nafter:  {after.module()}", flush=True)
        kept = [Kept(asked.keep, one) if asked.keep else None for one in (before, after)]
        pairs, tally, begin = Pairs(before, after), Tally(asked.show, asked.statistics), time.monotonic()
        try:
            with ThreadPoolExecutor(asked.jobs) as pool:
                for seed, outcome, answer in pool.map(lambda seed: _compared(seed, pairs, kept, place), seeds):
                    tally.add(seed, outcome, answer)
        finally:
            pairs.stop()
    print(tally.summary(time.monotonic() - begin))
    return 1 if tally.differing else 0


def _compared(
    seed: int, pairs: Pairs, kept: Sequence[Kept | None], folder: Path
) -> tuple[int, Outcome, dict[str, Any]]:
    steps = list(steps_of(seed))

    def asked(number: int) -> dict[str, Any]:
        side = "ba"[number]
        root = folder / f"run-{side}{seed:06}"
        shutil.rmtree(root, ignore_errors=True)
        driver = pairs.get()[number]
        return _without(driver.run({"seed": seed, "root": str(root), "steps": steps}), str(root))

    old, new = (
        store.answer(steps, partial(asked, number)) if store else asked(number) for number, store in enumerate(kept)
    )
    return seed, differences(seed, steps, old, new), new


class Kept:
    """Answers of a version, kept in a folder from run to run by what was asked and by its code."""

    def __init__(self, folder: Path, version: Version) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._code = hashlib.sha256(DRIVER.read_bytes())
        for path in sorted(Path(version.module()).rglob("*.py")):
            self._code.update(path.read_bytes())

    def answer(self, steps: list[dict[str, Any]], made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What the version answers to ``steps``."""
        key = self._code.copy()
        key.update(json.dumps(steps).encode())
        path = self._folder / f"{key.hexdigest()}.json.gz"
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            draft.write_bytes(gzip.compress(json.dumps(made()).encode(), 1))
            draft.rename(path)
        found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        return found


def _without(answer: dict[str, Any], root: str) -> dict[str, Any]:
    """The answer without the folder's own name, which is of one length in both."""

    def cut(value: Any) -> Any:
        return value.replace(root, "ROOT") if isinstance(value, str) else value

    return {
        "results": [{key: cut(value) for key, value in result.items()} for result in answer["results"]],
        "files": {name: cut(text) for name, text in answer["files"].items()},
    }


class Tally:
    """What was seen so far."""

    def __init__(self, show: int, statistics: bool) -> None:
        self.show = show
        self.statistics = statistics
        self.projects = self.commands = self.files = self.ended = 0
        self.differing: list[Difference] = []
        self.meant: Counter[str] = Counter()
        self.codes: Counter[tuple[str, int]] = Counter()

    def add(self, seed: int, outcome: Outcome, answer: dict[str, Any]) -> None:
        """Count a project, and print how it differs."""
        self.projects += 1
        self.files += len(answer["files"])
        self.ended += outcome.ended is not None
        self.differing += outcome.found
        self.meant.update(outcome.meant)
        for result in answer["results"]:
            if "run" in result:
                self.commands += 1
                self.codes[_verb(result["run"]), result["code"]] += 1
        for difference in outcome.found[: self.show]:
            print(difference, flush=True)
        if (more := len(outcome.found) - self.show) > 0:
            print(f"project {seed}: {more} more differences follow", flush=True)

    def summary(self, seconds: float) -> str:
        """All of it in a few lines."""
        lines = [f"{self.projects} projects, {self.commands} commands, {self.files} files in {seconds:.0f} s"]
        if self.statistics:
            lines += [f"  {verb} exited with {code}: {count}" for (verb, code), count in sorted(self.codes.items())]
        lines += [f"  meant: {rule.why} ({self.meant[rule.name]} times)" for rule in EXPECTED if self.meant[rule.name]]
        if self.ended:
            lines.append(f"  {self.ended} sessions were compared up to where such a difference changed the store")
        seeds = sorted({difference.seed for difference in self.differing})
        lines.append(
            f"{len(self.differing)} differences in {len(seeds)} projects: {' '.join(map(str, seeds))}"
            if seeds
            else "No difference."
        )
        return "\n".join(lines)


def _verb(run: list[str]) -> str:
    words = [word for word in run[2:] if not word.startswith("-")]
    return " ".join(words[1:2] if run[2] == "-C" else words[:2] if words[0] in ("audit", "store") else words[:1])


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="compare_versions",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--before", metavar="VERSION", default=BEFORE, help=f"one version (default: {BEFORE})")
    parser.add_argument("--after", metavar="VERSION", default=str(ROOT), help="the other (default: this tree)")
    parser.add_argument("--projects", metavar="NUMBER", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--first", metavar="SEED", type=int, default=1, help="the first project's seed (default: 1)")
    parser.add_argument("--only", metavar="SEED", type=int, action="append", help="only this project; may be repeated")
    parser.add_argument(
        "--jobs", metavar="NUMBER", type=int, default=os.cpu_count() or 1, help="at once (default: cores)"
    )
    parser.add_argument(
        "--show", metavar="NUMBER", type=int, default=3, help="differences shown of a project (default: 3)"
    )
    parser.add_argument(
        "--keep", metavar="DIR", type=Path, help="keep answers here, for the next run with the same code"
    )
    parser.add_argument("--statistics", action="store_true", help="also how often each command exited with which code")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
