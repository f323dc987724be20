"""Processes that store propositions at once wait for each other, and lose nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from proposition_samples import made
from store_samples import spelled

from offerkit.store import Store

ADD = """
import sys
sys.path.insert(0, sys.argv[3])
from proposition_samples import made
from offerkit.store import Store, parse_location
with Store.open(parse_location(sys.argv[1]), write=True) as store:
    for call in range(200):
        store.add_propositions([made(call, id=f"{sys.argv[2]}-{call}-{rank}", rank=rank) for rank in (1, 2)])
"""

ACCEPT = """
import sys
from offerkit.diagnostics import Refused
from offerkit.models.status import Status
from offerkit.store import Store, parse_location
won = 0
with Store.open(parse_location(sys.argv[1]), write=True) as store:
    for number in range(100):
        try:
            won += store.set_status(f"p-{number}", Status(sys.argv[2]), "2026-11-02T00:00:00.000000Z").changed
        except Refused as refused:
            assert [d.code.name for d in refused.diagnostics] == ["STATUS_STEP"]
print(won)
"""


def start(code: str, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(processes: list[subprocess.Popen[str]]) -> list[str]:
    ends = [process.communicate(timeout=120) for process in processes]
    assert [error for _, error in ends] == [""] * len(ends)
    return [out for out, _ in ends]


def test_two_that_add(store: Store) -> None:
    said([start(ADD, spelled(store.location), name, str(Path(__file__).parent)) for name in "ab"])
    wanted = {f"{name}-{call}-{rank}" for name in "ab" for call in range(200) for rank in (1, 2)}
    assert {row.id for row in store.propositions(limit=0)} == wanted


def test_of_two_that_answer_one_wins(store: Store) -> None:
    store.add_propositions([made(number) for number in range(100)])
    won = said([start(ACCEPT, spelled(store.location), status) for status in ("accepted", "rejected", "accepted")])
    assert sum(map(int, won)) == 100
    assert {str(row.status) for row in store.propositions(limit=0)} <= {"accepted", "rejected"}
