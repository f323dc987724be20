"""Exports of propositions that are killed, or run at once with one cursor file: no change is lost."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from helpers.repeats import kills, often
from helpers.workspace import Workspace

from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store

pytestmark = pytest.mark.slow
COUNT = 6_000
ROUNDS = often(8, 40)


@pytest.fixture
def stored(live_shop: Workspace) -> Workspace:
    """A store with propositions of several pages."""
    time = "2026-11-01T12:00:00.000000Z"
    rows = [
        PropositionRow(
            f"{number:032x}", "shop", "1", "web", "inbound-web", "safari", "all", f"call-{number}", 1, Decimal(1),
            Status.PRESENTED, time, time, 1,
        )
        for number in range(COUNT)
    ]  # fmt: skip
    with Store.open(live_shop.location, write=True) as store:
        store.add_propositions(rows)
    return live_shop


def export(shop: Workspace, out: Path) -> subprocess.Popen[bytes]:
    command = [
        str(Path(sys.executable).with_name("offerkit")),
        "--store",
        shop.named(),
        "propositions",
        "--format",
        "jsonl",
    ]
    with out.open("ab") as file:
        return subprocess.Popen(
            [*command, "--cursor-file", "cursor"], cwd=shop.root, stdout=file, stderr=subprocess.PIPE
        )


def exported(*files: Path) -> Counter[str]:
    """How often each proposition is there; a line that a kill cut short is not."""
    found: Counter[str] = Counter()
    for file in files:
        for line in file.read_bytes().splitlines():
            try:
                known = json.loads(line)
            except ValueError:
                continue
            if "event" in known:
                found[known["id"]] += 1
    return found


def test_killed_while_exporting(stored: Workspace, tmp_path: Path) -> None:
    """Each run has an output of its own, as a loader has; only the last page before a kill is repeated."""
    chance = random.Random(20261130)
    files: list[Path] = []
    killed = 0
    for longer in kills(ROUNDS, lambda: (stored.root / "cursor").exists()):
        files.append(tmp_path / f"part-{len(files)}")
        process = export(stored, files[-1])
        while not files[-1].stat().st_size and process.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02) * longer)
        process.kill()
        process.communicate()
        killed += process.returncode != 0
    files.append(tmp_path / "last")
    process = export(stored, files[-1])
    assert (process.communicate()[1], process.returncode) == (b"", 0)
    found = exported(*files)
    assert len(found) == COUNT, "nothing is lost"
    assert sum(found.values()) - COUNT <= killed * 1_000, "a page is repeated at most for each kill"


def test_two_at_once(stored: Workspace, tmp_path: Path) -> None:
    files = [tmp_path / f"part-{number}" for number in range(4)]
    runs = [export(stored, file) for file in files]
    told = [(run.communicate()[1], run.returncode) for run in runs]
    assert {code for _, code in told} <= {0, 1}
    assert all((b"OFR888" in text) is (code == 1) for text, code in told)
    found = exported(*files)
    assert len(found) == COUNT and set(found.values()) == {1}, "each once, whoever exports it"
