"""Measure what processor time a call to ``offerkit serve`` takes: on SQLite and PostgreSQL, with one and two workers.

It is that of the server and, beside it, of PostgreSQL, and depends little on what else the machine does. All servers
are up and loaded in turn (wrk); the figures are medians, the ratios are taken within a round. Prints Markdown.

    python benchmarks/serving_shared.py --postgres postgresql://USER@HOST/DB [--rounds 5] [--seconds 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving import OFFERS, PEOPLE, full, started
from serving_project import write_project

from offerkit.store import parse_location

TICKS = os.sysconf("SC_CLK_TCK")
WORKERS = (1, 2)


@dataclass(frozen=True)
class Cost:
    """Of a call: seconds of the server's processes and of PostgreSQL's; and calls a second."""

    server: float
    database: float
    rate: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--seconds", type=int, default=3, help="of each measure")
    parser.add_argument("--rounds", type=int, default=5, help="of all measures, in turn")
    parser.add_argument("--warm-seconds", type=int, default=20, help="until every contact was met")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="offerkit-shared-") as temporary, ExitStack() as stack:
        folder, servers = Path(temporary), {}
        for number, (name, store) in enumerate(
            (("SQLite", str(folder / "sqlite/.offerkit/store.db")), ("PostgreSQL", asked.postgres))
        ):
            root = folder / name.lower()
            write_project(root, parse_location(store), OFFERS, PEOPLE)
            for workers in WORKERS:
                port = 18_720 + 2 * number + workers
                servers[name, workers] = port, stack.enter_context(served(root, store, port, workers))
        for port, _ in servers.values():
            full(port, store=False, seconds=asked.warm_seconds, folder=folder)
        rounds: dict[tuple[bool, str, int], list[Cost]] = {}
        for _ in range(asked.rounds):
            for stored in (False, True):
                for (name, workers), (port, process) in servers.items():
                    cost = _cost(port, process, stored=stored, seconds=asked.seconds, folder=folder)
                    rounds.setdefault((stored, name, workers), []).append(cost)
        print("\n".join(_table(rounds)))


@contextmanager
def served(root: Path, store: str, port: int, workers: int) -> Iterator[int]:
    program = str(Path(sys.executable).with_name("offerkit"))
    command = [program, "serve", "--port", str(port), "--workers", str(workers), "--log-level", "error"]
    pinned = [] if workers == 1 else ["taskset", "-c", f"0-{(os.cpu_count() or 1) - 1}"]
    with started([*pinned, *command], port, root, {"OFFERKIT_STORE": store}, "/health/ready") as process:
        yield process


def _cost(port: int, process: int, *, stored: bool, seconds: int, folder: Path) -> Cost:
    server, database = seconds_of(family(process)), seconds_of(_named("postgres"))
    load = full(port, store=stored, seconds=seconds, folder=folder)
    calls = load.rate * seconds
    assert not load.failed
    return Cost(
        (seconds_of(family(process)) - server) / calls,
        (seconds_of(_named("postgres")) - database) / calls,
        load.rate,
    )


def _table(rounds: dict[tuple[bool, str, int], list[Cost]]) -> list[str]:
    lines = [
        "| | workers | server, a call | of one on SQLite | PostgreSQL, a call | calls a second | of one worker |",
        "|:--|--:|--:|--:|--:|--:|--:|",
    ]
    for (stored, name, workers), costs in rounds.items():
        sqlite, one = rounds[stored, "SQLite", 1], rounds[stored, name, 1]
        server, database, rate = (
            statistics.median(values)
            for values in zip(*((cost.server, cost.database, cost.rate) for cost in costs), strict=True)
        )
        share = statistics.median(cost.server / other.server for cost, other in zip(costs, sqlite, strict=True))
        faster = statistics.median(cost.rate / other.rate for cost, other in zip(costs, one, strict=True))
        lines.append(
            f"| {name}, {'stored' if stored else 'not stored'} | {workers} | {server * 1e6:,.0f} µs | {share:.2f} |"
            f" {database * 1e6:,.0f} µs | {rate:,.0f} | {faster:.2f} |"
        )
    return lines


def family(process: int) -> list[int]:
    """The process and its children."""
    found = [process]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _status(int(entry.name))[1:2] == [str(process)]:
            found.append(int(entry.name))
    return found


def _named(name: str) -> list[int]:
    """All processes of a program of that name."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == name:
                found.append(int(entry.name))
        except OSError:  # it has ended
            continue
    return found


def _status(process: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the name, from the state on."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return []


def seconds_of(processes: list[int]) -> float:
    return sum(int(tick) for process in processes for tick in _status(process)[11:13]) / TICKS


if __name__ == "__main__":
    main()
