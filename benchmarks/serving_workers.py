"""Measure whether two workers of ``offerkit serve`` on PostgreSQL stand in each other's way, also on a machine that has
too few cores for them, their database and the load.

The workers take turns: each runs for its share of each few milliseconds and is stopped for the rest, wherever it is,
maybe with locks held. If the second adds what the first does, nothing they share holds them up. Each has as many
callers as one alone. Beside it, what the connections to the database are found waiting for. One and two workers are
loaded in turn (wrk); medians. Prints Markdown.

    python benchmarks/serving_workers.py --postgres postgresql://USER@HOST/DB [--rounds 5] [--seconds 4] [--share 0.25]
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
from serving import OFFERS, PEOPLE, full
from serving_project import write_project
from serving_shared import WORKERS, family, seconds_of, served

from offerkit.store import parse_location

PERIOD = 0.02
"""Seconds in which each worker runs for its share."""
WAITS = """SELECT coalesce(wait_event_type, 'processor') FROM pg_stat_activity WHERE state = 'active'
 AND backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()"""


class Measure(NamedTuple):
    """Calls a second, the workers' processor time a call, and how often what a connection waits for was seen."""

    rate: float
    cost: float
    waits: Counter[str]


@contextmanager
def held(processes: Sequence[int], share: float, store: str) -> Iterator[Counter[str]]:
    """Let ``processes`` run for ``share`` of the time; counts what active connections to ``store`` wait for."""
    ended, seen = threading.Event(), Counter[str]()

    def hold() -> None:
        with psycopg.connect(store, autocommit=True) as connection:
            while not ended.is_set():
                for process in processes:
                    os.kill(process, signal.SIGCONT)
                    time.sleep(PERIOD * share)
                    os.kill(process, signal.SIGSTOP)
                time.sleep(PERIOD * max(1 - share * len(processes), 0.0))
                seen.update(kind for (kind,) in connection.execute(WAITS))

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
        for process in processes:
            os.kill(process, signal.SIGCONT)


def measured(server: tuple[int, int, int], asked: argparse.Namespace, folder: Path, *, store: bool) -> Measure:
    """One measure of a server: its workers, port and process."""
    workers, port, process = server
    processes = family(process)  # with those that only watch the workers
    running = [process for process in processes if workers == 1 or seconds_of([process]) > 1]
    with held(running, asked.share, asked.postgres) as waits:
        before = seconds_of(processes)
        load = full(port, store=store, seconds=asked.seconds, folder=folder, times=workers)
        spent = seconds_of(processes) - before
    assert not load.failed
    return Measure(load.rate, spent / load.rate / asked.seconds, waits)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--share", type=float, default=0.25, help="of a core, that each worker runs")
    parser.add_argument("--seconds", type=int, default=4, help="of each measure")
    parser.add_argument("--rounds", type=int, default=5, help="of all measures, in turn")
    parser.add_argument("--warm-seconds", type=int, default=15, help="until every contact was met")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="offerkit-workers-") as temporary, ExitStack() as stack:
        root = Path(temporary)
        write_project(root, parse_location(asked.postgres), OFFERS, PEOPLE)
        servers = []
        for workers in WORKERS:
            process = stack.enter_context(served(root, asked.postgres, 18_740 + workers, workers))
            servers.append((workers, 18_740 + workers, process))
            full(18_740 + workers, store=False, seconds=asked.warm_seconds, folder=root)
        print(
            "| | workers | calls a second | of one worker | a call | connections wait for |\n|:--|--:|--:|--:|--:|:--|"
        )
        for store in (False, True):
            rounds = [[measured(one, asked, root, store=store) for one in servers] for _ in range(asked.rounds)]
            for number, workers in enumerate(WORKERS):
                faster = statistics.median(each[number].rate / each[0].rate for each in rounds)
                print(_line("stored" if store else "not stored", workers, faster, [each[number] for each in rounds]))


def _line(name: str, workers: int, faster: float, found: Sequence[Measure]) -> str:
    waits = sum((each.waits for each in found), Counter[str]())
    kinds = ", ".join(f"{kind} {count / waits.total():.0%}" for kind, count in waits.most_common())
    rate, cost = (statistics.median(values) for values in zip(*(each[:2] for each in found), strict=True))
    return f"| {name} | {workers} | {rate:,.0f} | {faster:.2f} | {cost * 1e6:,.0f} µs | {kinds} |"


if __name__ == "__main__":
    main()
