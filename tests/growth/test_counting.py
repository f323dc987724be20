"""The counter sees work that no call and no instruction shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

HERE = Path(__file__).resolve().parent
FAULTS = {
    "every key for each step": "[{0} - everything.keys() for _ in range(n)]",
    "a union of everything for each offer": "[{0} & (everything.keys() | set(everything.values())) for _ in range(n)]",
    "all changes for each offer": "[[each for each in changes if each in {0}] for _ in range(n)]",
    "a list that is searched": "[n in changes for _ in range(n)]",
    "a text that is joined": "[','.join(changes and map(str, changes)) for _ in range(n)]",
    "a text that is written": "[f'{changes}' for _ in range(n)]",
    "a copy": "[sorted(changes) for _ in range(n)]",
    "a slice": "[changes[1:] for _ in range(n)]",
    "a statement without an index": "[db.execute('SELECT 1 FROM t WHERE a = -1').fetchall() for _ in range(n)]",
}
RIGHT = "[each for each in changes if each in everything and each not in {-1}]"
PROGRAM = """
import sys, sqlite3
sys.path[:0] = sys.argv[1:3]
import counting, orjson, pathlib
counting.install("sample", pathlib.Path(sys.argv[2]) / "cache")
import sample
found = []
for n in (20, 80):
    before = sum(counting.work.values())
    sample.done(n)
    found.append(sum(counting.work.values()) - before)
print(orjson.dumps(found).decode())
"""


def work(folder: Path, expression: str) -> list[int]:
    """What is counted at 20 and 80."""
    lines = [
        "import sqlite3",
        "def done(n):",
        "    everything, changes = {each: each for each in range(n)}, list(range(n))",
        "    db = sqlite3.connect(':memory:')",
        "    db.execute('CREATE TABLE t (a)')",
        "    db.executemany('INSERT INTO t VALUES (?)', [(each,) for each in changes])",
        f"    return {expression}",
    ]
    (folder / "sample.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = [sys.executable, "-c", PROGRAM, str(HERE), str(folder)]
    found: list[int] = orjson.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_square_is_seen(fault: str, tmp_path: Path) -> None:
    small, large = work(tmp_path, FAULTS[fault])
    assert large > 8 * small, (small, large)


def test_a_line_is_none(tmp_path: Path) -> None:
    small, large = work(tmp_path, RIGHT)
    assert large < 5 * small
