"""``offerkit deliver`` killed at any instant, and two at once: all of a delivery is stored or nothing, and once."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from helpers.repeats import often
from running import chance, copied, kill_at, run, start, sure

from offerkit.store import Store

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1] / "scripts" / "projects" / "deciding"
CAMPAIGN = """version: 1
campaigns:
  june:
    deliveries:
      best: {space: mail, engine: {count: 2}, show_nothing_where_missing: true}
      letter:
        data: [basket]
        slots:
          - {name: hero, space: mail, show_nothing_where_missing: true, engine: {count: 1}}
          - {name: tiles, space: tile, show_nothing_where_missing: true, engine: {count: 2}}
          - name: extra
            space: tile
            show_nothing_where_missing: true
            cells: [{when: interaction.basket > 20, offer: beach, limit: 900}, {when: 'true', offer_from: person.email}]
        body: {html: '<h1>{{ interaction.basket }}</h1>{{ slots.hero }}{{ slots.tiles }}{{ slots.extra }}'}
"""
TILE = """  tile:
    channel: email
    fields: [{name: title}]
"""
CONTACTS = 8_000
IN_PARTS = """
from offerkit.batch import decide
from offerkit.cli.main import run
from offerkit.usecases import delivery_selection
decide.CHUNK = delivery_selection.CHUNK = 4_700
run()
"""
"""``offerkit`` with smaller parts, so that a delivery of two takes a second, and many can be killed."""
MAKE = ("deliver", "june/best", "--at", "2026-06-01", "--out", "made")
SLOTS = ("deliver", "june/letter", "--at", "2026-06-01", "--data-from", "data/run.csv", "--out", "made")
KILLS = often(4, 12)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything live, a delivery in two parts."""
    root = tmp_path_factory.mktemp("deliver") / "live"
    shutil.copytree(PROJECT, root)
    people = [f"{n},p{n}@example.com,1990-05-01,DE,mass,{n}" for n in range(CONTACTS)]
    (root / "data/people.csv").write_text("id,email,birth,country,segment,income\n" + "\n".join(people) + "\n")
    baskets = [f"{n},{n % 50}" for n in range(0, CONTACTS, 2)]
    (root / "data/run.csv").write_text("id,basket\n" + "\n".join(baskets) + "\n")
    spaces = root / "specs/people/spaces.yaml"
    spaces.write_text(spaces.read_text() + TILE)
    (root / "specs/people/campaigns.yaml").write_text(CAMPAIGN)
    sure(root, "apply", "--yes", "--exclude", "campaign.*")
    sure(root, "approve", "*/offer.*")
    sure(root, "promote", "--yes")
    sure(root, "apply", "--yes")
    return root


def _kept(root: Path) -> tuple[int, Counter[str]]:
    with Store.open(root / ".offerkit/store.db") as store:
        assert store.verify() == []
        runs = store.deliveries()
        rows = store.propositions(limit=0)
        assert sum(run.propositions for run in runs) == len(rows), "a delivery is stored with all or not at all"
        return len(runs), Counter(row.contact for row in rows)


def _files(root: Path) -> list[dict[str, object]]:
    parts = sorted((root / "made").glob("messages-*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def _parts(folder: Path) -> dict[str, bytes]:
    """The finished parts of a folder."""
    return {path.name: path.read_bytes() for path in folder.glob("messages-*.jsonl")}


@pytest.mark.parametrize("make", [MAKE, SLOTS], ids=["one space", "slots"])
def test_killed_while_delivering(make: tuple[str, ...], live: Path, tmp_path: Path) -> None:
    root = copied(live, tmp_path / "first")
    whole = sure(root, *make, program=IN_PARTS).seconds
    assert len(list((root / "made").glob("messages-*.jsonl"))) == 2, "it is made in two parts"
    expected = [message["contact"] for message in _files(root)]
    offers = [_offers(message) for message in _files(root)]
    rng = chance(" ".join(make))
    stages: Counter[str] = Counter()
    for number in range(KILLS):
        root = copied(live, tmp_path / "victim")
        kill_at(start(root, *make, program=IN_PARTS), rng.uniform(whole * 0.1, whole * 1.02))
        runs, _ = _kept(root)
        stages["stored" if runs else "nothing"] += 1
        finished = _parts(root / "made.partial")
        again = run(root, *make, program=IN_PARTS)
        done = again.code == 1 and "OFR841" in again.err
        assert again.code == 0 or (done and (root / "made").exists()), (number, again.err)
        runs, kept = _kept(root)
        messages = _files(root)
        assert runs == 1
        assert [message["contact"] for message in messages] == expected
        assert [_offers(message) for message in messages] == offers
        assert _parts(root / "made").items() >= finished.items(), "finished parts are kept as they are"
        told = Counter(str(message["contact"]) for message in messages for _ in message["propositions"])  # type: ignore[attr-defined]
        assert kept == told
        assert not (root / "made.partial").exists()
        assert sorted(path.name for path in (root / "made").iterdir() if "messages" not in path.name) == [
            "delivery.json", *(f"sample-{n}.{kind}" for n in (1, 2, 3) for kind in ("html", "txt")), "set-aside.csv",
        ]  # fmt: skip
        shutil.rmtree(root)
    assert stages["nothing"], "some kills hit before anything was stored"


def _offers(message: dict[str, object]) -> list[tuple[str, str, int]]:
    propositions: list[dict[str, object]] = message["propositions"]  # type: ignore[assignment]
    return [(str(one.get("space", "")), str(one["offer"]), int(str(one["rank"]))) for one in propositions]


def test_two_at_once(live: Path, tmp_path: Path) -> None:
    """Into one folder the second is told at once; into two, one is stored and the other told."""
    root = copied(live, tmp_path / "same")
    racing = [start(root, *MAKE, program=IN_PARTS), start(root, *MAKE, program=IN_PARTS)]
    told = [process.communicate(timeout=120)[1] for process in racing]
    assert sorted(process.returncode for process in racing) == [0, 1], told
    assert any("OFR844" in text or "OFR841" in text or "OFR805" in text for text in told)
    root = copied(live, tmp_path / "apart")
    racing = [start(root, *MAKE[:-1], folder, program=IN_PARTS) for folder in ("one", "two")]
    told = [process.communicate(timeout=120)[1] for process in racing]
    assert sorted(process.returncode for process in racing) == [0, 1], told
    assert sum("OFR841" in text for text in told) == 1
    assert _kept(root)[0] == 1
