"""Reading contacts: one by its key, a sample, and all of them into the table that a batch decides from.

    pip install -e '.[bench]' && python benchmarks/contacts.py [--contacts 1000000] [--rounds 3] [--work DIR]

Every measure runs in a process of its own, in turn, round by round. Times are seconds of CPU, all threads together:
they hold still on a machine that has other work. What is measured:

- ``find``: one contact by its key, the first search of a process (it scans the file), the contact stands last.
- ``find again``: the mean of 200 searches after that, when an index of the file is in memory.
- ``sample``: the first tenth of the contacts, as rows.
- ``bulk``: all contacts into DuckDB's table ``contact``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from offerkit.contacts import Contacts

FIELDS = {
    "id": {"type": "integer"},
    "email": {"type": "string"},
    "born": {"type": "date"},
    "tier": {"type": "enumeration", "values": ["none", "silver", "gold"]},
    "balance": {"type": "decimal"},
    "consent": {"type": "boolean"},
    "tags": {"type": "list"},
    "seen": {"type": "timestamp"},
}
SOURCES = {
    "csv": {"format": "csv", "path": "contacts.csv"},
    "csv, quoted": {"format": "csv", "path": "quoted.csv"},
    "parquet": {"format": "parquet", "path": "contacts.parquet"},
    "sqlite": {"format": "sql", "url": "sqlite:///contacts.db", "table": "contact"},
}
SEARCHES = 200


def main() -> None:
    """Generate, run, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="where the data is kept for the next run")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        measure, source = options.run
        print(json.dumps(MEASURES[measure](options.work, source, options.contacts)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        generate(work, options.contacts)
        _report(work, options.contacts, options.rounds)


def generate(work: Path, count: int) -> None:
    """The same contacts in every format; nothing where they are there already."""
    import duckdb

    if (work / "contacts.db").exists():
        return
    with duckdb.connect() as db:
        db.execute(
            "CREATE TABLE contact AS SELECT n AS id, 'person' || n || '@example.com' AS email,"
            " DATE '1940-01-01' + CAST(n % 25000 AS INTEGER) AS born, ['none', 'silver', 'gold'][1 + n % 3] AS tier,"
            " CAST((n % 100000) / 4 AS DECIMAL(12, 2)) AS balance, n % 2 = 0 AS consent,"
            " ['city', 'snow', 'sea'][1 : 1 + n % 3] AS tags,"
            " TIMESTAMP '2026-01-01' + to_seconds(n % 20000000) AS seen"
            f" FROM range(1, {count + 1}) AS r(n)"
        )
        text = "SELECT * REPLACE (array_to_string(tags, '|') AS tags) FROM contact ORDER BY id"
        db.execute(f"COPY (SELECT * FROM contact ORDER BY id) TO '{work / 'contacts.parquet'}' (FORMAT parquet)")
        db.execute(f"COPY ({text}) TO '{work / 'contacts.csv'}' (FORMAT csv, HEADER, QUOTE '', ESCAPE '')")
        db.execute(f"COPY ({text}) TO '{work / 'quoted.csv'}' (FORMAT csv, HEADER, FORCE_QUOTE (email))")
        rows = db.execute(f"SELECT * REPLACE (CAST(born AS VARCHAR) AS born, CAST(balance AS VARCHAR) AS balance,"
                          f" CAST(seen AS VARCHAR) AS seen) FROM ({text})")  # fmt: skip
        building = work / "contacts.db.new"
        building.unlink(missing_ok=True)
        with closing(sqlite3.connect(building)) as target:
            target.execute(f"CREATE TABLE contact ({', '.join(FIELDS)}, PRIMARY KEY (id)) WITHOUT ROWID")
            while part := rows.fetchmany(50_000):
                target.executemany(f"INSERT INTO contact VALUES ({', '.join('?' * len(FIELDS))})", part)
            target.commit()
        building.rename(work / "contacts.db")


def _open(work: Path, source: str) -> Contacts:
    from offerkit.contacts import open_contacts
    from offerkit.models.dimension import Dimension

    dimension = Dimension.model_validate({"key": ["id"], "fields": FIELDS, "source": SOURCES[source]})
    return open_contacts("recipient", dimension, work, {}, ZoneInfo("Europe/Paris"))


def _find(work: Path, source: str, count: int) -> float:
    contacts = _open(work, source)
    begun = process_time()
    assert contacts.find({"id": count}) is not None
    return process_time() - begun


def _find_again(work: Path, source: str, count: int) -> float:
    contacts = _open(work, source)
    for number in range(1, 6):  # three searches scan a CSV file, the next one makes its index
        assert contacts.find({"id": number}) is not None
    begun = process_time()
    for number in range(count, count - SEARCHES, -1):
        assert contacts.find({"id": number}) is not None
    return (process_time() - begun) / SEARCHES


def _sample(work: Path, source: str, count: int) -> float:
    contacts = _open(work, source)
    begun = process_time()
    assert sum(1 for _ in contacts.rows(limit=count // 10)) == count // 10
    return process_time() - begun


def _bulk(work: Path, source: str, count: int) -> float:
    from offerkit.batch import open_contact_table

    contacts = _open(work, source)
    begun = process_time()
    with open_contact_table(contacts, contacts.key, contacts.types) as people:
        assert people.count == count
        return process_time() - begun


MEASURES: dict[str, Callable[[Path, str, int], float]] = {
    "find": _find,
    "find again": _find_again,
    "sample": _sample,
    "bulk": _bulk,
}


def _report(work: Path, contacts: int, rounds: int) -> None:
    times: dict[tuple[str, str], list[float]] = {(source, measure): [] for source in SOURCES for measure in MEASURES}
    for _ in range(rounds):
        for (source, measure), spent in times.items():
            command = [sys.executable, __file__, "--work", str(work), "--contacts", str(contacts), "--run"]
            done = subprocess.run([*command, measure, source], check=True, capture_output=True, text=True)
            spent.append(json.loads(done.stdout))
            print(f"{source}: {measure}: {spent[-1]:.4f} s", file=sys.stderr)
    print(
        f"{contacts:,} contacts, 8 fields; {os.cpu_count()} cores, Python {platform.python_version()};"
        " seconds of CPU.\n"
    )
    print(f"| Source | {' | '.join(MEASURES)} |\n|---|{'--:|' * len(MEASURES)}")
    for source in SOURCES:
        cells = (statistics.median(times[source, measure]) for measure in MEASURES)
        print(f"| {source} | {' | '.join(f'{cell:.5f}' if cell < 0.01 else f'{cell:.2f}' for cell in cells)} |")


if __name__ == "__main__":
    main()
