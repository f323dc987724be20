"""The order of the slow run: it loses no test, and names tests that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.order import LONGEST, longest_first

ROOT = Path(__file__).resolve().parents[2]


class Item:
    def __init__(self, nodeid: str) -> None:
        self.nodeid = nodeid


@pytest.mark.parametrize("prefix", LONGEST)
def test_what_begins_is_there(prefix: str) -> None:
    file, _, name = prefix.partition("::")
    assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("others", [0, 3, 100])
def test_every_stretch_begins_with_the_longest(workers: int, others: int) -> None:
    names = [f"tests/a.py::test_{number}" for number in range(others)]
    names += [f"{prefix}{suffix}" for prefix in LONGEST for suffix in ("", "x")]
    ordered = [item.nodeid for item in longest_first([Item(name) for name in names], workers)]
    assert sorted(ordered) == sorted(names)
    if others == 100:
        first = 0
        for left in range(workers, 0, -1):
            assert ordered[first].startswith(LONGEST)
            first += (len(ordered) - first) // left
