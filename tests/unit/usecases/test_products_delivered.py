"""Hooks in deliveries: what they are told, and products in messages and in the store."""

from __future__ import annotations

import csv
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.hook_packages import install

from offerkit.cli.main import cli
from offerkit.store import Store

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "hooked"
HOOKS = """
def here(contact, data, call):
    assert (call.key, call.permanent, call.session) == (str(contact["id"]), "", "")
    return {"degrees": contact["id"]}


def rooms(offer, contact, data, call):
    return [({"hotel": call.key, "price": offer.fields["margin"], "n": call.n, "d": data["degrees"]}, offer.weight * 90)]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything live, with hooks that say what they are told."""
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    points = {"weather-at-home": "here", "rooms-tonight": "rooms"}
    install(monkeypatch, tmp_path / "site", "hooks_delivered", HOOKS, points)
    for line in ("apply --yes", "approve */offer.*", "promote --yes", "apply --yes"):
        _offerkit(*line.split())
    return made


def _offerkit(*args: str) -> Result:
    done = CliRunner().invoke(cli, ["--as", "ada", *args])
    if done.exception is not None:
        raise done.exception
    return done


def _messages(folder: str) -> list[dict[str, Any]]:
    parts = sorted(Path(folder).glob("messages-*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


@pytest.mark.usefixtures("root")
def test_a_product_is_in_the_message_and_stored_with_its_proposition() -> None:
    """The hook is told the number that the delivery wants, although it asks for some to spare."""
    _offerkit("deliver", "tonight/letter", "--at", "2026-06-01", "--out", "made")
    made = {message["contact"]: message for message in _messages("made")}
    assert set(made) == {"1", "2", "3"}
    with Store.open(Path(".offerkit/store.db")) as store:
        rows = {row.contact: row for row in store.propositions(limit=0)}
    for key, message in made.items():
        (proposition,) = message["propositions"]
        product = proposition["product"]
        assert product == {"hotel": key, "price": product["price"], "n": 1, "d": int(key)}
        assert f": {key}</p>" in message["html"]
        assert rows[key].product == product
        assert rows[key].proposed == proposition["data"] == {"hotel": key}
        assert rows[key].weight == Decimal(proposition["weight"]) == 90


@pytest.mark.usefixtures("root")
def test_a_simulation_asks_the_same_hooks() -> None:
    done = _offerkit("simulate", "people", "--space", "mail", "-n", "4", "--at", "2026-06-01", "--out", "all.csv")
    assert "OFR86" not in done.stderr
    rows = list(csv.DictReader(Path("all.csv").read_text("utf-8").splitlines()))
    assert len(rows) == 3 * 3
    for row in rows:
        made = json.loads(row["product"]) if row["product"] else {}
        assert made.get("hotel") == (row["contact"] if row["offer"].startswith("hotel-") else None)
        assert made.get("n", 4) == 4


@pytest.mark.usefixtures("root")
def test_without_products_a_simulation_writes_no_column_for_them() -> None:
    _offerkit("simulate", "people", "--space", "mail", "--category", "gear", "--at", "2026-06-01", "--out", "gear.csv")
    assert Path("gear.csv").read_text("utf-8").splitlines()[0] == "space,contact,rank,offer,category"


FAILING = """
def here(contact, data, call):
    raise ValueError(f"no weather at {call.key}, try {contact['id'] + 40}")


def rooms(offer, contact, data, call):
    return [({"hotel": "x"}, -1)] if contact["id"] == 1 else []
"""


@pytest.mark.parametrize(
    "command", ["deliver tonight/letter --at 2026-06-01 --dry-run", "simulate people --space mail --at 2026-06-01"]
)
def test_hooks_that_fail_are_reported_once_with_the_number_of_calls(
    root: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    points = {"weather-at-home": "here", "rooms-tonight": "rooms"}
    shutil.rmtree(root.parent / "site")
    install(monkeypatch, root.parent / "site", "hooks_failing", FAILING, points)
    said = " ".join(_offerkit(*command.split()).stderr.split())
    assert "ValueError: no weather at …, try 41 (in 3 calls)" in said
    assert said.count("OFR861") == 1
    assert "-1 is not a weight" in said and "(in 1 call) = in: offer hotel-north" in said
