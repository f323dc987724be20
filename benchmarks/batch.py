"""Batch decisions beside the best hand-written DuckDB and Polars: time and peak memory of the whole job.

    pip install -e '.[bench]' && python benchmarks/batch.py [--contacts 1000000] [--work DIR] [--rounds 3]

Every way runs as a process of its own, in turn, round by round. The answers are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

DEFAULT = "offerkit;duckdb, from the store;polars, from the store;duckdb;polars;loop;offerkit, no history"


def main() -> None:
    """Generate, run, compare, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--history", type=int, default=5_000_000, help="propositions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="where the data is kept for the next run")
    parser.add_argument("--ways", default=DEFAULT)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        _one(asked.run, asked.work)
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = asked.work or Path(temporary)
        from batch_data import generate

        generate(work, asked.contacts, asked.history)
        _report(work, asked.contacts, asked.history, asked.ways.split(";"), asked.rounds)


def _one(way: str, work: Path) -> None:
    from batch_ways import WAYS

    begun = perf_counter()
    said = WAYS[way](work, work / f"out-{way.replace(', ', '-').replace(' ', '-')}.parquet")
    spent = said or perf_counter() - begun
    print(json.dumps([spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def _report(work: Path, contacts: int, history: int, ways: list[str], rounds: int) -> None:
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            command = [sys.executable, __file__, "--run", way, "--work", str(work)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[way].append(tuple(json.loads(done.stdout)))
            print(f"{way}: {found[way][-1][0]:.1f} s, {found[way][-1][1]:.0f} MB", file=sys.stderr)
    packages = ", ".join(f"{name} {version(name)}" for name in ("offerkit", "duckdb", "polars", "numpy"))
    print(f"{contacts:,} contacts, {history:,} propositions, 200 offers and rules, 3 presentation rules, top 3;")
    print(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; {packages}.\n")
    print("| Way | Time (least–most) | Peak memory | Time beside offerkit |\n|---|--:|--:|--:|")
    mine = statistics.median(time for time, _ in found[ways[0]])
    for way, runs in found.items():
        times = sorted(time for time, _ in runs)
        middle = statistics.median(times)
        memory = statistics.median(memory for _, memory in runs)
        print(f"| {way} | {middle:.1f} s ({times[0]:.1f}–{times[-1]:.1f}) | {memory:.0f} MB | {middle / mine:.2f}× |")
    print("\n" + _compared(work))


def _compared(work: Path) -> str:
    """DuckDB gives the same offers; Polars, which shuffles ties by another hash, as many offers to each contact."""
    import duckdb

    own, peer, other = (work / f"out-{name}.parquet" for name in ("offerkit", "duckdb", "polars"))
    with duckdb.connect() as db:

        def count(sql: str) -> int:
            row = db.execute(sql).fetchone()
            return int(row[0]) if row else 0

        rows = count(f"SELECT count(*) FROM '{own}'")
        told = [f"{rows:,} rows."]
        if peer.exists():
            mine, theirs = (f"SELECT contact, rank::INT, offer FROM '{path}'" for path in (own, peer))
            differ = count(f"SELECT count(*) FROM (({mine} EXCEPT {theirs}) UNION ALL ({theirs} EXCEPT {mine}))")
            told.append(f"DuckDB's differ in {differ:,}.")
        if other.exists():
            mine, theirs = (f"SELECT contact, count(*) AS n FROM '{path}' GROUP BY contact" for path in (own, other))
            differ = count(f"SELECT count(*) FROM (({mine} EXCEPT {theirs}) UNION ALL ({theirs} EXCEPT {mine}))")
            told.append(f"Polars gives another number of offers to {differ:,} contacts.")
    return " ".join(told)


if __name__ == "__main__":
    main()
