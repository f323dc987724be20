"""Kill -9 while propositions are stored: all those of a call are there, or none, and what was said is kept."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest
from helpers.repeats import kills
from running import begin

from offerkit.store import Store

pytestmark = pytest.mark.slow

ROUNDS = 40
WIDTH = 12

ADD = """
import sys
from decimal import Decimal
from itertools import count
from pathlib import Path
from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store

def row(call, rank):
    time = "2026-11-01T12:00:00.000000Z"
    return PropositionRow(f"{call}-{rank}", "recipients", "c", "web", "inbound-web", "o", "all", str(call), rank,
        Decimal(1), Status.PRESENTED, time, time, 1, {"text": "x" * 3000})

store = Store.open(Path(sys.argv[1]), write=True)
print("ready", flush=True)
for call in count(int(sys.argv[2])):
    store.add_propositions([row(call, rank) for rank in range(1, int(sys.argv[3]) + 1)])
    print(call, flush=True)
"""


def test_killed_while_adding(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store.open(path, create=True).close()
    chance = random.Random(20261101)
    calls = 0
    turns = kills(ROUNDS, lambda: calls > ROUNDS / 2)
    for longer in turns:
        process = begin(ADD, str(path), str(calls), str(WIDTH))
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.05) * longer)
        process.kill()
        told = [int(line) + 1 for line in process.communicate(timeout=60)[0].split()]
        with Store.open(path) as store:
            kept = Counter(row.interaction for row in store.propositions(limit=0))
            assert store.verify() == []
        assert set(kept.values()) <= {WIDTH}, "a call is there whole or not at all"
        assert max([calls, *told]) <= len(kept) <= max([calls, *told]) + 1, "what was said to be kept is kept"
        calls = len(kept)
    assert calls > ROUNDS / 2, "the rounds were long enough to write something"
