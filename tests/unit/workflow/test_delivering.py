"""Deliveries: what is tracked, what a cut-off run leaves, what moves meanwhile, and hooks that take part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.store import Store
from offerkit.workflow import delivering, delivery_choice

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "deciding"
CAMPAIGN = """version: 1
campaigns:
  june:
    outlines: {both: {offers: [loan, card]}}
    deliveries:
      best: {space: mail, engine: {count: 2}, show_nothing_where_missing: true}
      listed: {space: mail, outline: both, show_nothing_where_missing: true}
"""
MAIL = """    fields: [{name: title, required: true}, {name: destination_url}]
    render: {html: '<a _urlType="11" href="https://bank.example/{{ offer.name }}">{{ title }}</a>'}
    storage: {proposed: generated}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything live, with tracked links in mails."""
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    spaces = made / "specs/people/spaces.yaml"
    text = spaces.read_text()
    head, mail, rest = text.partition("    channel: email\n")
    spaces.write_text(head + mail + rest.replace("    fields: [{name: title, required: true}]\n", MAIL, 1))
    offerkit("apply", "--yes")
    offerkit("approve", "*/offer.*")
    offerkit("promote", "--yes")
    (made / "specs/people/campaigns.yaml").write_text(CAMPAIGN)
    offerkit("apply", "--yes")
    return made


def offerkit(*args: str, ok: bool = True) -> Result:
    done = CliRunner().invoke(cli, ["--as", "ada", *args])
    if ok and done.exception is not None:
        raise done.exception
    return done


def deliver(name: str, *more: str, ok: bool = True) -> Any:
    return offerkit("deliver", name, "--at", "2026-06-01", *more, ok=ok)


def messages(folder: str) -> list[dict[str, Any]]:
    parts = sorted(Path(folder).glob("messages-*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def kept() -> dict[str, str]:
    with Store.open(Path(".offerkit/store.db")) as store:
        return {row.id: row.status.value for row in store.propositions(limit=0)}


def ids(folder: str) -> list[str]:
    return [made["id"] for message in messages(folder) for made in message["propositions"]]


def test_a_link_sets_interested_and_sent_sets_presented(root: Path) -> None:
    deliver("june/best", "--out", "made", "--status-url", "https://offers.example/o")
    first = messages("made")[0]
    made = first["propositions"][0]
    link = f"p={made['id']}&amp;st=2&amp;r=https%3A%2F%2Fbank.example%2F{made['offer']}"
    assert link in first["html"] and "_urlType" not in first["html"]
    assert set(kept().values()) == {"generated"} and sorted(kept()) == sorted(ids("made"))
    offerkit("update", made["id"], "interested")
    offerkit("sent", "june/best")
    statuses = kept()
    assert statuses.pop(made["id"]) == "interested" and set(statuses.values()) == {"presented"}


def test_a_dry_run_has_no_ids_and_tracks_no_link(root: Path) -> None:
    deliver("june/best", "--dry-run", "--out", "tried", "--status-url", "https://offers.example/o")
    assert set(ids("tried")) == {""}
    assert "offers.example" not in messages("tried")[0]["html"]
    assert kept() == {}


def test_a_folder_that_is_somebody_elses_is_not_worked_in(root: Path) -> None:
    mine = root / "made.partial"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    done = deliver("june/best", "--out", "made", ok=False)
    assert isinstance(done.exception, Refused)
    assert [found.code for found in done.exception.diagnostics] == [Code.TARGET_EXISTS]
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    assert kept() == {}


def test_a_run_that_is_cut_off_goes_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_store", _interrupted)
        with pytest.raises(SystemExit):
            deliver("june/best", "--out", "made")
    assert kept() == {} and not Path("made").exists()
    written = ids("made.partial")
    assert "1 parts were there from a run that was cut off" in deliver("june/best", "--out", "made").output
    assert ids("made") == written and sorted(kept()) == sorted(written)
    assert not Path("made.partial").exists()


def test_a_run_that_is_cut_off_after_it_was_stored_is_finished(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("offerkit.workflow.delivery_files.Folder.publish", _interrupted)
        with pytest.raises(SystemExit):
            deliver("june/best", "--out", "made")
    stored = kept()
    assert stored and not Path("made").exists()
    assert "its files are complete now" in deliver("june/best", "--out", "made").output
    assert kept() == stored and sorted(ids("made")) == sorted(stored)


def test_what_changes_the_messages_begins_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_store", _interrupted)
        with pytest.raises(SystemExit):
            deliver("june/best", "--out", "made")
    written = ids("made.partial")
    deliver("june/best", "--out", "made", "--field", "email")
    assert set(ids("made")).isdisjoint(written)


def test_live_moves_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign is changed while the messages are made: nothing is stored, and the next run begins anew."""
    write = delivering._write

    def slowly(*args: Any) -> None:
        write(*args)
        campaigns = root / "specs/people/campaigns.yaml"
        campaigns.write_text(campaigns.read_text().replace("june:\n", "june:\n    label: June\n"))
        offerkit("apply", "--yes")

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_write", slowly)
        with pytest.raises(Refused) as caught:
            deliver("june/best", "--out", "made")
    assert [found.code for found in caught.value.diagnostics] == [Code.PLAN_STALE]
    assert kept() == {} and not Path("made").exists()
    deliver("june/best", "--out", "made")
    assert kept()


@pytest.mark.parametrize("name", ["june/best", "june/listed"])
def test_one_by_one_is_the_same(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With hooks each contact is decided by itself; without any the answers are those of the batch."""
    deliver(name, "--dry-run", "--out", "batch")
    monkeypatch.setattr(delivery_choice, "asks_hooks", lambda made: True)
    deliver(name, "--dry-run", "--out", "single")
    assert messages("single") == messages("batch")


def test_only_who_writes_campaigns(root: Path) -> None:
    operators = root / "specs/operators.yaml"
    operators.write_text("version: 1\noperators: {omar: {profile: offer-manager}}\n")
    offerkit("apply", "--yes")
    with pytest.raises(Refused) as caught:
        raise CliRunner().invoke(cli, ["--as", "omar", "deliver", "june/best", "--dry-run"]).exception or SystemExit
    assert [found.code for found in caught.value.diagnostics] == [Code.NOT_ALLOWED]


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
