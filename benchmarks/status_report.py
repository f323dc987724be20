"""How long reports and exports of many propositions take: ``python benchmarks/status_report.py --count 10000000``.

Makes a store (SQLite in a file, or PostgreSQL with --store URL) with that many propositions of one year, of 60 offers
on 4 spaces to a fifth as many contacts, and measures ``offerkit report`` from process start to exit, and a page of the
export. With --keep FOLDER, the store is kept, and used again.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import measure
import orjson

from offerkit.models.status import Status, status_number
from offerkit.store import Store, parse_location
from offerkit.store.proposition_log import BEGINNING
from offerkit.store.proposition_rows import PropositionText, data_text
from offerkit.store.propositions import insert
from offerkit.store.schema import MIGRATIONS
from offerkit.times import utc

RUN = "import sys; sys.argv[0] = 'offerkit'; from offerkit.cli.main import run; run()"
OFFERS, SPACES, PART = 60, 4, 20_000
STATUSES = (Status.PRESENTED,) * 16 + (Status.INTERESTED, Status.INTERESTED, Status.ACCEPTED, Status.REJECTED)
NO_DATA = data_text({}, {}, {})
REPORTS = (
    (),
    ("--by", "offer"),
    ("--by", "date"),
    ("--by", "category,space"),
    ("--by", "date,offer,space"),
    ("--by", "offer", "--since", "2026-12-01"),
)


def project(root: Path) -> None:
    """A project with the offers, live."""
    names = [f"offer-{number:02}" for number in range(OFFERS)]
    shared = {
        "dimensions": {"person": {"fields": {"id": {"type": "string"}}, "key": ["id"]}},
        "operators": {"ada": {"profile": "administrator"}},
    }
    categories: dict[str, dict[str, str]] = {f"group-{number}": {} for number in range(6)}
    offers = {
        name: {"category": f"group-{number % 6}", "content": {"title": name}} for number, name in enumerate(names)
    }
    space = {
        "channel": "inbound-web",
        "unitary": True,
        "fields": [{"name": "title"}],
        "identification": {"keys": ["id"]},
    }
    environment = {"dimension": "person", "time_zone": "Europe/Paris"}
    files = {
        "specs/shared.yaml": {"version": 1, **shared},
        "specs/shop/all.yaml": {
            "version": 1,
            "categories": categories,
            "offers": offers,
            "spaces": {f"space-{number}": space for number in range(SPACES)},
        },
        "environments/shop.yaml": {"version": 1, "environment": environment},
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(orjson.dumps(content).decode())


def rows(count: int) -> Iterator[list[PropositionText]]:
    """The columns of propositions of 2026, five for each contact, in the order of the table's key."""
    chance, begin = random.Random(19), datetime(2026, 1, 1, tzinfo=UTC)
    days = [utc(begin + timedelta(days=day))[:10] for day in range(365)]
    statuses = [status_number(status) for status in STATUSES]
    offers = [(f"space-{number % SPACES}", f"offer-{number:02}", f"group-{number % 6}") for number in range(OFFERS)]
    part: list[PropositionText] = []
    for number in range(count):
        draw = chance.getrandbits(48)
        contact, place = divmod(number, 5)
        space, offer, category = offers[draw % OFFERS]
        day, hour, minute = place * 73 + (draw >> 8) % 73, (draw >> 16) % 24, (draw >> 24) % 60
        at = f"{days[day]}T{hour:02}:{minute:02}:{number % 60:02}.{number % 1_000_000:06}Z"
        known = (f"{day:04x}{hour:02x}{number:019x}", "shop", f"c{contact:08}", space, "inbound-web", offer, category)
        status = statuses[(draw >> 32) % len(statuses)]
        part.append((*known, f"i{number}", 1, "10", status, at, at, 1, NO_DATA, ""))
        if len(part) == PART or number + 1 == count:
            yield part
            part = []


def fill(store: Store, count: int) -> None:
    """Store the propositions as a restored dump is: the indexes are made at the end."""
    db = store.database
    every = [statement for statements in MIGRATIONS for statement in statements]
    indexes = [
        statement
        for statement in every
        if (made := re.match(r"CREATE (?:UNIQUE )?INDEX (proposition_\w+) ON proposition ", statement))
        and f"DROP INDEX {made[1]}" not in every
    ]
    with db.writing():
        for statement in indexes:
            db.run(f"DROP INDEX {statement.partition('INDEX ')[2].split()[0]}")
        for texts in rows(count):
            insert(db, texts)
        for statement in indexes:
            db.run(statement)


def run(root: Path, store: str, *words: str) -> measure.Sample:
    """One command from process start to exit."""
    environ = {**os.environ, "OFFERKIT_OPERATOR": "ada", "OFFERKIT_STORE": store}
    command = measure.Command([sys.executable, "-c", RUN, *words], root, environ)
    sample = measure.run(command, root / "output.log", 600)
    if sample.exit_code:
        raise measure.BenchmarkError(sample.output[-1500:])
    return sample


def compare(root: Path, store: str, count: int, repeat: int) -> None:
    """Print a table of medians."""
    print(f"{count:,} propositions, {'PostgreSQL' if '://' in store else 'SQLite'}, {repeat} runs of each\n")
    print("| Report | Seconds | Peak memory |\n|:--|--:|--:|")
    for words in REPORTS:
        samples = [run(root, store, "report", *words) for _ in range(repeat)]
        seconds = statistics.median(sample.seconds for sample in samples)
        peak = max(sample.peak_bytes for sample in samples) / 1e6
        print(f"| `report {' '.join(words)}` | {seconds:.2f} | {peak:.0f} MB |", flush=True)
    with Store.open(parse_location(store)) as opened:
        place, times, told = BEGINNING, [], 0
        for _ in range(50):
            begun = time.perf_counter()
            page = opened.logged(place, "")
            if not page.changes:
                break
            times.append(time.perf_counter() - begun)
            place, told = page.place, told + len(page.changes)
    print(f"\nExport: a page of 1,000 changes in {statistics.median(times) * 1000:.1f} ms ({told:,} read)")


def main() -> None:
    """Make or open the store, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--store", default="", help="a PostgreSQL address; by default a file")
    parser.add_argument("--keep", default="", help="a folder to keep the project and store in")
    given = parser.parse_args()
    root = Path(given.keep or tempfile.mkdtemp(prefix="offerkit-report-"))
    store = given.store or str(root / "store.db")
    try:
        if not (root / "specs").exists():
            project(root)
            for words in (("apply", "--yes", "--create-store"), ("approve", "*/offer.*"), ("promote", "--yes")):
                run(root, store, *words)
            begun = time.perf_counter()
            with Store.open(parse_location(store), write=True) as opened:
                opened.begin_log()
                fill(opened, given.count)
            print(f"Made {given.count:,} propositions in {time.perf_counter() - begun:.0f} s\n", flush=True)
        compare(root, store, given.count, given.repeat)
    finally:
        if not given.keep:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
