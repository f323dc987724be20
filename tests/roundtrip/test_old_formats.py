"""Plans and stores of every format that was ever released are read for ever."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from offerkit.planning.codec import decode
from offerkit.planning.plan import PlanKind
from offerkit.store import Store

HERE = Path(__file__).parent
PLANS = sorted(HERE.glob("plan-*.json"))
STORES = sorted(HERE.glob("store-*.sql"))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_is_read(path: Path) -> None:
    plan = decode(path.read_bytes(), path.name)
    assert plan.kind is PlanKind.APPLY
    assert [step.action for step in plan.steps] == ["update"]


@pytest.mark.parametrize("path", STORES, ids=lambda path: path.stem)
def test_a_store_is_read_and_verified(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with sqlite3.connect(file) as db:
        db.executescript(path.read_text(encoding="utf-8"))
    db.close()
    with Store.open(file, write=True) as store:
        assert store.verify() == []
        assert [row.action for row in store.revisions()] == ["promote", "approve", "apply"]
        live = store.entries("recipients@live")
        assert {entry.activation for entry in live.values()} > {None}
        store.bodies(entry.fingerprint for entry in live.values())
        assert store.project == decode(PLANS[0].read_bytes(), "plan").project


def test_there_is_one_of_each_format() -> None:
    assert [path.stem for path in PLANS] == ["plan-1"]
    assert [path.stem for path in STORES] == ["store-1"]
