"""How cost grows with offers, rules, propositions and contacts, one at a time: the figures of docs/scaling.md.

Run it from the root of the project, on a quiet machine::

    pip install -e '.[bench,spark]'
    python benchmarks/growth.py                        # a quarter of an hour; Spark needs Java
    python benchmarks/growth.py --parts rules,history --quick

Decisions are made in this process, on one core; commands are whole processes, from start to exit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import measure
from decisions_catalog import ENVIRONMENT, SPACE, Shape, history, live
from decisions_engine import Stage, compiled, utc
from decisions_loop import Asked
from decisions_measure import Latency, latency, use_one_core
from decisions_rules import NOW, Contact, contact_name, contacts
from serving_project import write_project

from offerkit.engine.history import PastProposition
from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store

PROGRAM = "import sys; sys.argv[0] = 'offerkit'; from offerkit.cli.main import run; run()"
CATALOGS = ((1_000, 200), (10_000, 200), (10_000, 2_000), (10_000, 10_000), (50_000, 10_000))
"""Offers, and how many distinct rules they have."""
HISTORIES = (0, 20, 200, 2_000)
PEOPLE = (10_000, 100_000, 1_000_000)
ASKED = 2_000
"""Contacts that ask; as many others are never met before."""


@dataclass(frozen=True, slots=True)
class RuleShape(Shape):
    """A catalog with a number of distinct rules of its own."""

    distinct: int

    @property
    def rules(self) -> int:
        """Distinct rules."""
        return self.distinct


def of_rules(quick: bool) -> None:
    """Decisions by the number of offers and rules."""
    print("| Offers | Distinct rules | Compiled | A decision, known contacts | p99 | New contacts | p99 |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    people = contacts(2 * ASKED)
    for offers, rules in CATALOGS[: 2 if quick else None]:
        found = live(RuleShape(offers, rules))
        begun = time.perf_counter()
        catalog = compiled(found)
        seconds = time.perf_counter() - begun
        here = Stage(found, catalog, people, [history(found.shape, str(each.recipient["id"])) for each in people])
        asks = [partial(here.decide, each) for each in here.asked("whole catalog")]
        for ask in asks[:1]:
            ask()  # builds what all calls of the day share
        new = latency(asks[ASKED:], 1, warm_up=1)
        known = latency(asks[:ASKED], 3)
        print(f"| {offers:,} | {rules:,} | {seconds:.2f} s | {_micro(known)} | {_micro(new)} |", flush=True)


def of_history(quick: bool) -> None:
    """Decisions by the number of propositions that a contact has had, 1,000 offers."""
    print("| Propositions of the contact | A decision, in memory | p99 | Read from the store, too | p99 |")
    print("|--:|--:|--:|--:|--:|")
    people = contacts(200)
    found = live(Shape(1_000))
    catalog = compiled(found)
    for count in HISTORIES[: 3 if quick else None]:
        pasts = [_past(found.shape, each, count) for each in people]
        here = Stage(found, catalog, people, pasts)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store.db"
            with Store.open(path, create=True) as store, store.recording():
                for number, (each, past) in enumerate(zip(people, pasts, strict=True)):
                    store.add_propositions(_rows(number, str(each.recipient["id"]), past))
            with Store.open(path) as store:
                memory = latency([partial(here.decide, each) for each in here.asked("whole catalog")], 3)
                asks = [partial(_from_store, here, store, each) for each in here.asked("whole catalog")]
                print(f"| {count:,} | {_micro(memory)} | {_micro(latency(asks, 3))} |", flush=True)


def _past(shape: Shape, contact: Contact, count: int) -> tuple[PastProposition, ...]:
    parts = [history(shape, f"{contact.recipient['id']} {part}") for part in range(-(-count // 20))]
    return tuple(past for part in parts for past in part)[:count]


def _rows(number: int, key: str, pasts: Sequence[PastProposition]) -> list[PropositionRow]:
    return [
        PropositionRow(
            id=f"p{number}-{place}",
            environment=ENVIRONMENT,
            contact=key,
            space=past.space,
            channel=past.channel,
            offer=past.offer,
            category=past.category,
            interaction=f"i{number}-{place}",
            rank=past.rank,
            weight=Decimal(past.weight),
            status=Status(past.status),
            time=utc(past.time),
            changed=utc(past.time),
            revision=1,
        )
        for place, past in enumerate(pasts)
    ]


def _from_store(here: Stage, store: Store, asked: Asked) -> object:
    since = utc(NOW - here.catalog.longest_period)
    past = tuple(store.past(ENVIRONMENT, str(asked.contact.recipient["id"]), since))
    return here.decide(Asked(asked.contact, past, asked.space))


def of_contacts(quick: bool) -> None:
    """Commands by the number of contacts in a CSV file, 1,000 offers, ten thousand contacts with a history of 20."""
    print("| Contacts | `propose` to one | Memory | `simulate`, all of them | Memory | `simulate --engine spark` |")
    print("|--:|--:|--:|--:|--:|--:|")
    for count in PEOPLE[: 1 if quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_project(root, root / ".offerkit/store.db", 1_000, count, offered=10_000)
            last = contact_name(count - 1)
            one = ("propose", "--space", f"{ENVIRONMENT}/{SPACE}", "--contact", last, "-d", "device=mobile")
            everybody = ("simulate", ENVIRONMENT, "--space", SPACE, "-d", "device=mobile", "--out", "who.parquet")
            asked, batch = _median(root, *one), _median(root, *everybody, rounds=1 if count > 100_000 else 3)
            (root / "who.parquet").unlink(missing_ok=True)
            spark = "–"  # on one machine, a million would take half an hour
            if count <= 100_000:
                spark = f"{_median(root, *everybody, '--engine', 'spark', rounds=1).seconds:.1f} s"
            print(
                f"| {count:,} | {asked.seconds:.2f} s | {asked.peak_bytes / 1e6:.0f} MB | {batch.seconds:.1f} s"
                f" | {batch.peak_bytes / 1e6:.0f} MB | {spark} |",
                flush=True,
            )


def _median(root: Path, *words: str, rounds: int = 3) -> measure.Sample:
    """The run of one command that took the median of the times."""
    environ = {**os.environ, "OFFERKIT_OPERATOR": "benchmark"}
    samples = []
    for _ in range(rounds):
        sample = measure.run(measure.Command([sys.executable, "-c", PROGRAM, *words], root, environ), root / "log", 900)
        if sample.exit_code:
            raise measure.BenchmarkError(sample.output[-1500:])
        samples.append(sample)
    middle = statistics.median_low(sample.seconds for sample in samples)
    return next(sample for sample in samples if sample.seconds == middle)


def _micro(found: Latency) -> str:
    return f"{found.p50.median * 1e6:,.0f} µs | {found.p99.median * 1e6:,.0f} µs"


PARTS: dict[str, tuple[str, Callable[[bool], None]]] = {
    "rules": ("Offers and rules", of_rules),
    "history": ("History", of_history),
    "contacts": ("Contacts", of_contacts),
}


def main() -> None:
    """Measure and print each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="which, joined by commas (default: all)")
    parser.add_argument("--quick", action="store_true", help="the smaller sizes only")
    given = parser.parse_args()
    for name in given.parts.split(","):
        title, run = PARTS[name]
        print(f"## {title}\n", flush=True)
        before = os.sched_getaffinity(0) if sys.platform == "linux" else None
        if name != "contacts":
            use_one_core()
        run(given.quick)
        if before is not None:
            os.sched_setaffinity(0, before)
        print(flush=True)


if __name__ == "__main__":
    main()
