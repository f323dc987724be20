"""Measure commits of propositions in a store in SQLite that has many already, by how many calls share one: pages that
are written, time on the processor, and how long a commit takes.

    python benchmarks/commits.py [--people 50000] [--commits 300]

``--people``: contacts with 20 propositions each that the store begins with; making it takes a minute or two for a
million. Beside another state of offerkit: run it there as well, one after the other. Linux only; prints Markdown.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from decisions_catalog import ENVIRONMENT, SPACE, category_name
from decisions_measure import quantile
from decisions_rules import contact_name
from serving_project import utc, write_project

from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store, parse_location
from offerkit.usecases.propose import new_id

OFFERS = 1_000
CALLS = (1, 4, 16)
"""Calls that share a commit."""


def calls(count: int, people: int, chance: random.Random) -> list[PropositionRow]:
    """The propositions of some calls: three offers to one contact each."""
    now, rows = utc(datetime.now(UTC)), []
    for _ in range(count):
        contact, interaction = contact_name(chance.randrange(people)), new_id()
        for rank in range(1, 4):
            number = chance.randrange(OFFERS)
            rows.append(
                PropositionRow(
                    new_id(),
                    ENVIRONMENT,
                    contact,
                    SPACE,
                    "inbound-web",
                    f"offer-{number:05d}",
                    category_name(number % 100),
                    interaction,
                    rank,
                    Decimal("12.5"),
                    Status.PRESENTED,
                    now,
                    now,
                    1,
                )
            )
    return rows


def writes() -> int:
    """How many system calls of this process have written; SQLite takes two for a page of its log."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("syscw"))


def measured(store: Store, count: int, people: int, commits: int) -> str:
    """A line of the table."""
    chance = random.Random(count)
    groups = [calls(count, people, chance) for _ in range(commits)]
    store.checkpoint()
    written, spent, times = writes(), time.process_time(), list[float]()
    for rows in groups:
        begun = time.perf_counter()
        with store.recording():
            store.add_propositions(rows)
        times.append(time.perf_counter() - begun)
    spent, written = time.process_time() - spent, writes() - written
    cpu = spent / commits / count * 1e6
    walls = " | ".join(f"{quantile(sorted(times), part) * 1e3:.2f} ms" for part in (0.5, 0.9, 0.99))
    return f"| {count} | {written / 2 / commits:.1f} | {cpu:,.0f} µs | {walls} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--commits", type=int, default=300)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="offerkit-commits-") as folder:
        path = Path(folder) / ".offerkit/store.db"
        write_project(Path(folder), parse_location(str(path)), OFFERS, asked.people)
        print(
            "| Calls a commit | pages written | processor, a call | commit p50 | p90 | p99 |\n|--:|--:|--:|--:|--:|--:|"
        )
        with Store.open(path, write=True) as store:
            for count in CALLS:
                print(measured(store, count, asked.people, asked.commits))


if __name__ == "__main__":
    main()
