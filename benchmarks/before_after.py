"""Measure two states of offerkit in one run: the same jobs, in turn, round by round, and their medians side by side.

Run it from the root of the project, on a quiet machine (some ten minutes)::

    pip install -e '.[dev]'
    python benchmarks/before_after.py --before f0b6f16

Each side is a tree with offerkit and its own benchmarks: BEFORE is a git revision, which is checked out to a temporary
folder, or a folder; AFTER is this tree. Both run on this Python and its packages. Every second round goes backwards, so
that no side always goes first; a ratio is the median of the ratios within a round, so that a drifting machine does not
decide.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import generate
import measure
import report
from catalog import ADMINISTRATOR, Shape
from measure import BenchmarkError, Command, Sample
from serving_load import paced

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "import sys; sys.argv[0] = 'offerkit'; from offerkit.cli.main import run; run()"
BODY = '{"spaces":["recipients/web-home"],"contact":"c-%06d","n":3,"data":{"device":"mobile","basket":12.5},"store":%s}'
PEOPLE = 10_000
DECISIONS = """
import json
from decisions_engine import COUNT, measure_growth
from decisions_rules import contacts
found = measure_growth(1000, contacts(%d), 1, 5).engine
print(json.dumps({kind: latency.rate.median for kind, latency in found.items()}))
"""
BATCH = """
import json, resource
from pathlib import Path
from time import perf_counter
from batch_ways import WAYS
begun, folder = perf_counter(), Path(%r)
spent = WAYS["offerkit"](folder, folder / "out.parquet") or perf_counter() - begun
print(json.dumps([spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""
GENERATE = "from pathlib import Path; from batch_data import generate; generate(Path(%r), %d, %d)"
SERVED = """
from pathlib import Path
from offerkit.store import parse_location
from serving_project import write_project
write_project(Path(%r), parse_location(%r), 1000, %d)
"""


@dataclass(frozen=True, slots=True)
class Side:
    """A state of offerkit: the folder with its code and its benchmarks."""

    name: str
    tree: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its processes see."""
        kept = {key: text for key, text in os.environ.items() if not key.startswith(("OFFERKIT_", "PYTHON"))}
        return {
            **kept,
            "PYTHONPATH": f"{self.tree}{os.pathsep}{self.tree / 'benchmarks'}",
            "OFFERKIT_OPERATOR": ADMINISTRATOR,
        }

    def command(self, project: Path, *arguments: str) -> Command:
        """A run of its command line."""
        return Command([sys.executable, "-P", "-c", PROGRAM, *arguments], project, self.environment)

    def answer(self, code: str) -> object:
        """What a program prints as JSON."""
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchmarkError(f"{self.name}: {done.stderr[-2000:]}")
        return json.loads(done.stdout or "null")


@dataclass(slots=True)
class Bench:
    """Both sides, where they work, and what was measured so far: by job and by side, a figure a round."""

    sides: tuple[Side, Side]
    work: Path
    rounds: int
    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    memory: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def record(self, job: str, side: Side, figure: float, peak: float = 0) -> None:
        """Keep a figure, and show it."""
        self.figures.setdefault(job, {}).setdefault(side.name, []).append(figure)
        if peak:
            self.memory.setdefault(job, {}).setdefault(side.name, []).append(peak)
        say(f"  {job}: {side.name} {figure:,.4g}")

    def run(self, side: Side, job: str, project: Path, *arguments: str, codes: Sequence[int] = (0,)) -> None:
        """Measure one command; an empty job is not recorded."""
        sample = measure.run(side.command(project, *arguments), self.work / "output.log", 600)
        _expect(sample, side, arguments, codes)
        if job:
            self.record(job, side, sample.seconds, sample.peak_bytes)

    def in_turn(self, times: int, job: Callable[[Side, int], None]) -> None:
        """Every side once a round."""
        for number in range(times):
            for side in self.sides if number % 2 == 0 else reversed(self.sides):
                job(side, number)


def _expect(sample: Sample, side: Side, arguments: Sequence[str], codes: Sequence[int]) -> None:
    if sample.timed_out or sample.exit_code not in codes:
        said = sample.output[-1500:]
        raise BenchmarkError(f"{side.name}: {' '.join(arguments)} exited with {sample.exit_code}:\n{said}")


def say(text: str) -> None:
    """Show progress at once, apart from the report."""
    print(text, file=sys.stderr, flush=True)


def main_job(bench: Bench, offers: int) -> None:
    """Start, plans, apply, approve and promote, each from a copy of the same state."""
    shape = Shape(offers)
    size = f"{offers:,} offers"
    folders = {}
    for side in bench.sides:
        written = [sys.executable, str(Path(generate.__file__)), "--offers", str(offers), "--only", "offerkit"]
        subprocess.run([*written, "--dir", str(bench.work / side.name)], check=True, stdout=subprocess.DEVNULL)
        folders[side.name] = bench.work / side.name / "offerkit"

    def state(side: Side) -> Path:
        return folders[side.name] / ".offerkit"

    def applied(side: Side, number: int) -> None:
        shutil.rmtree(state(side), ignore_errors=True)
        bench.run(side, f"apply into an empty store, {size}", folders[side.name], "apply", "--yes")

    def changed(side: Side, number: int) -> None:
        generate.edit(bench.work / side.name, shape, number + 1, "offerkit")
        arguments = ("plan", "--detailed-exitcode")
        bench.run(side, f"plan with one change, {size}", folders[side.name], *arguments, codes=(2,))

    def cold(side: Side, number: int) -> None:
        shutil.rmtree(state(side) / "cache")
        bench.run(side, f"no-op plan, cold, {size}", folders[side.name], "plan", "--detailed-exitcode")

    bench.in_turn(10, lambda side, number: bench.run(side, "--help", folders[side.name], "--help"))
    bench.in_turn(bench.rounds, applied)
    bench.in_turn(1, lambda side, number: bench.run(side, "", folders[side.name], "plan"))
    warm, plan = f"no-op plan, warm, {size}", ("plan", "--detailed-exitcode")
    bench.in_turn(2 * bench.rounds + 1, lambda side, number: bench.run(side, warm, folders[side.name], *plan))
    bench.in_turn(bench.rounds, cold)
    bench.in_turn(bench.rounds, changed)
    for side in bench.sides:
        generate.edit(bench.work / side.name, shape, 0, "offerkit")
        _keep(state(side), "applied")

    def approved(side: Side, number: int) -> None:
        _back(state(side), "applied")
        bench.run(side, f"approve everything, {size}", folders[side.name], "--as", "brand", "approve", "offer.*")

    def promoted(side: Side, number: int) -> None:
        _back(state(side), "approved")
        bench.run(side, f"promote everything, {size}", folders[side.name], "promote", "--yes")

    bench.in_turn(bench.rounds, approved)
    for side in bench.sides:
        _keep(state(side), "approved")
    bench.in_turn(bench.rounds, promoted)


def _keep(state: Path, name: str) -> None:
    shutil.copytree(state, state.with_name(name), dirs_exist_ok=True)


def _back(state: Path, name: str) -> None:
    """The store as it was; the heads that were seen of it go along."""
    shutil.rmtree(state)
    shutil.copytree(state.with_name(name), state)


def decisions(bench: Bench, contacts: int) -> None:
    """Decisions a second in memory, by kind of call; each side's own benchmark checks its answers first."""

    def decided(side: Side, number: int) -> None:
        found = side.answer(DECISIONS % contacts)
        assert isinstance(found, dict)
        for kind, rate in found.items():
            bench.record(f"decisions a second, {kind}", side, rate)

    bench.in_turn(bench.rounds, decided)


def batch(bench: Bench, contacts: int) -> None:
    """Everybody's decisions from Parquet and a store."""
    folders = {side.name: bench.work / f"batch-{side.name}" for side in bench.sides}
    for side in bench.sides:
        side.answer(GENERATE % (str(folders[side.name]), contacts, 5 * contacts))

    def decided(side: Side, number: int) -> None:
        found = side.answer(BATCH % str(folders[side.name]))
        assert isinstance(found, list)
        bench.record(f"batch, {contacts:,} contacts", side, *found)

    bench.in_turn(bench.rounds, decided)


def serving(bench: Bench, calls: int) -> None:
    """Calls a second of one server process each, on a core of its own; the load is on the other."""
    with ExitStack() as stack:
        ports = {}
        for port, side in enumerate(bench.sides, 18_720):
            root = bench.work / f"served-{side.name}"
            side.answer(SERVED % (str(root), str(root / ".offerkit/store.db"), PEOPLE))
            stack.enter_context(_Server(side, root, port))
            ports[side.name] = port
            paced(port, 1e9, PEOPLE / 1e9, lambda number: BODY % (number, "false"))  # every contact was met

        def served(side: Side, store: bool) -> None:
            times, refused, took = paced(
                ports[side.name], 1e9, calls / 1e9, lambda call: BODY % (call * 7919 % PEOPLE, str(store).lower())
            )
            if refused:
                raise BenchmarkError(f"{side.name}: {refused} of {len(times)} calls were refused")
            bench.record(f"served a second, {'stored' if store else 'not stored'}", side, len(times) / took)

        bench.in_turn(bench.rounds, lambda side, number: served(side, False))
        bench.in_turn(bench.rounds, lambda side, number: served(side, True))


class _Server:
    """``offerkit serve`` of a side, on core 0 where cores can be chosen."""

    def __init__(self, side: Side, root: Path, port: int) -> None:
        arguments = ("serve", "--port", str(port), "--log-level", "error")
        command = side.command(root, *arguments)
        pinned = ["taskset", "-c", "0"] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
        self._log = (root / "server.log").open("wb")
        self._process = subprocess.Popen(
            [*pinned, *command.arguments], cwd=root, env=command.environment, stdout=self._log, stderr=self._log
        )
        self._port = port

    def __enter__(self) -> _Server:
        end = time.monotonic() + 60
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health/ready", timeout=2).close()
                return self
            time.sleep(0.1)
        self.__exit__()
        raise BenchmarkError(f"no server answers on port {self._port}: {self._log.name}")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._log.close()


def table(bench: Bench) -> str:
    """Medians side by side; above 1.00 in the column "after ÷ before" is slower, or fewer a second, or more memory."""
    before, after = (side.name for side in bench.sides)
    lines = ["| Job | before | after | after ÷ before | memory before | memory after |", "|:--|--:|--:|--:|--:|--:|"]
    for job, figures in bench.figures.items():
        old, new = figures[before], figures[after]
        rate = "a second" in job
        ratio = statistics.median((b / a if rate else a / b) for b, a in zip(old, new, strict=True))
        shown = [f"{statistics.median(values):,.{0 if rate else 3}f}{'' if rate else ' s'}" for values in (old, new)]
        held = bench.memory.get(job)
        memory = [
            f"{statistics.median(held[name]) / report.MEGABYTE:,.0f} MB" if held else "–" for name in (before, after)
        ]
        lines.append(f"| {job} | {' | '.join(shown)} | {ratio:.2f} | {' | '.join(memory)} |")
    return "\n".join(lines)


def tree_of(name: str, folder: Path) -> Path:
    """A folder as it is, or a git revision in ``folder``."""
    if (Path(name) / "offerkit").is_dir():
        return Path(name).resolve()
    made = subprocess.run(["git", "-C", str(ROOT), "archive", name], check=False, capture_output=True)
    if made.returncode:
        raise SystemExit(f"{name}: neither a tree nor a git revision: {made.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def main() -> int:
    """Measure what the command line asks for, and print the table."""
    parser = argparse.ArgumentParser(description="Measure two states of offerkit in turn.")
    parser.add_argument("--before", metavar="REVISION|TREE", default="f0b6f16")
    parser.add_argument("--after", metavar="REVISION|TREE", default=str(ROOT))
    parser.add_argument("--jobs", default="main,decisions,batch,serving", help="which, joined by commas (default: all)")
    parser.add_argument("--offers", type=int, default=10_000, help="of the main job (default: 10,000)")
    parser.add_argument("--contacts", type=int, default=100_000, help="of the batch (default: 100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="of each job (default: 3)")
    asked = parser.parse_args()
    jobs: dict[str, Callable[[Bench], None]] = {
        "main": lambda bench: main_job(bench, asked.offers),
        "decisions": lambda bench: decisions(bench, 400),
        "batch": lambda bench: batch(bench, asked.contacts),
        "serving": lambda bench: serving(bench, 8_000),
    }
    chosen = asked.jobs.split(",")
    if unknown := sorted(set(chosen) - jobs.keys()):
        parser.error(f"there is no job {unknown[0]}; there are {', '.join(jobs)}")
    with tempfile.TemporaryDirectory(prefix="offerkit-benchmark-") as temporary:
        work = Path(temporary)
        trees = [tree_of(name, work / f"tree-{number}") for number, name in enumerate((asked.before, asked.after))]
        bench = Bench((Side("before", trees[0]), Side("after", trees[1])), work, asked.rounds)
        for tree in trees:
            subprocess.run([sys.executable, "-m", "compileall", "-q", str(tree / "offerkit")], check=True)
        try:
            for name in chosen:
                say(name)
                jobs[name](bench)
        except BenchmarkError as error:
            say(f"benchmark stopped: {error}")
            return 1
    print(table(bench))
    return 0


if __name__ == "__main__":
    sys.exit(main())
