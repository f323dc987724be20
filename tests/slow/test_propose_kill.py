"""``offerkit propose`` killed at any instant, and two terminals at once: whole calls are stored, and none is lost."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from running import chance, copied, kill_at, run, start, sure

from offerkit.store import Store

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1] / "scripts" / "projects" / "deciding"
ASK = (
    "propose", "--space", "people/home", "--space", "people/side", "--contact", "ana@example.com", "-n", "1",
    "--format", "json",
)  # fmt: skip
KILLS = 24
CALLS = 12


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything approved and live; the rule that would run out of loans taken away."""
    root = tmp_path_factory.mktemp("propose") / "live"
    shutil.copytree(PROJECT, root)
    environment = root / "environments/people.yaml"
    environment.write_text(environment.read_text().replace("  typology: calm\n", ""))
    sure(root, "apply", "--yes")
    sure(root, "approve", "*/offer.*")
    sure(root, "promote", "--yes")
    return root


def _calls(root: Path) -> Counter[str]:
    with Store.open(root / ".offerkit/store.db") as store:
        assert store.verify() == []
        return Counter(row.interaction for row in store.propositions(limit=0))


def test_killed_while_proposing(live: Path, tmp_path: Path) -> None:
    root = copied(live, tmp_path / "victim")
    seconds = sure(root, *ASK).seconds
    rng = chance("propose")
    for _ in range(KILLS):
        kill_at(start(root, *ASK), rng.uniform(seconds * 0.4, seconds * 1.1))
    before = _calls(root)
    assert set(before.values()) == {2}, "both spaces of a call are stored, or neither"
    assert len(before) < KILLS + 1, "the kills did hit calls that had not ended"
    sure(root, *ASK)
    assert len(_calls(root)) == len(before) + 1


def test_two_terminals(live: Path, tmp_path: Path) -> None:
    """Whoever asks at the same time is answered, and every answer is stored; of two final statuses one wins."""
    root = copied(live, tmp_path / "shared")
    told: list[str] = []
    for _ in range(CALLS // 2):
        for process in [start(root, *ASK), start(root, *ASK)]:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            told.append(json.loads(out)["interaction"])
    kept = _calls(root)
    assert set(kept) == set(told) and set(kept.values()) == {2}
    with Store.open(root / ".offerkit/store.db") as store:
        asked = store.propositions(limit=0)[0].id
    racing = [start(root, "update", asked, status) for status in ("accepted", "rejected")]
    messages = [process.communicate(timeout=60)[1] for process in racing]
    assert sorted(process.returncode for process in racing) == [0, 1]
    assert sum("OFR881" in message for message in messages) == 1
    assert run(root, "update", asked, "presented").code == 1
