"""A delivery that was sent: what spaces store with *presented*, for all its propositions at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from test_deliver import CAMPAIGN, PROJECT, deliver, offerkit

from offerkit.diagnostics import Refused
from offerkit.store import DataWithStatus, PropositionRow, Store, deliveries
from offerkit.times import instant, local

DATA = (
    "{segment: person.segment, offer: offer.code, was: proposition.status, step: interaction.step, day: current_date}"
)
PATH = Path(".offerkit/store.db")


def storage(root: Path, text: str) -> None:
    spaces = root / "specs/people/spaces.yaml"
    head, mail, rest = spaces.read_text().partition("    channel: email\n")
    title = "    fields: [{name: title, required: true}]\n"
    spaces.write_text(head + mail + rest.replace(title, f"{title}    storage: {text}\n", 1))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything live; the space of mails stores data when they are presented."""
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    storage(
        made, f"{{proposed: scheduled, proposed_data: {{segment: \"'before'\"}}, status_data: {{presented: {DATA}}}}}"
    )
    offerkit("apply", "--yes")
    offerkit("approve", "*/offer.*")
    offerkit("promote", "--yes")
    (made / "specs/people/campaigns.yaml").write_text(CAMPAIGN)
    offerkit("apply", "--yes")
    return made


def kept() -> list[PropositionRow]:
    with Store.open(PATH) as store:
        return store.propositions(limit=0)


@pytest.mark.parametrize("part", [1, 20_000])
def test_each_proposition_keeps_what_its_space_stores_then(
    root: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_ROWS", part)
    deliver("june/best", "--out", "made")
    first, *others = kept()
    offerkit("update", first.id, "rejected")
    assert "became presented" in offerkit("sent", "june/best").output
    rows = {row.id: row for row in kept()}
    assert (rows[first.id].status.value, rows[first.id].statuses) == ("rejected", {})
    segments = {row.statuses["presented"]["segment"] for row in (rows[other.id] for other in others)}
    assert len(segments) > 1
    for row in (rows[other.id] for other in others):
        now, day = row.statuses["presented"], local(instant(row.changed), ZoneInfo("Europe/Paris")).date().isoformat()
        assert now == {**now, "offer": row.offer, "was": "presented", "step": None, "day": day}
        assert (row.status.value, row.proposed) == ("presented", {"segment": "before"})
    before = kept()
    assert "0 more propositions are presented now" in offerkit("sent", "june/best").output
    assert kept() == before


def test_one_that_is_presented_alone(root: Path) -> None:
    deliver("june/best", "--out", "made")
    (row, *_) = kept()
    offerkit("update", row.id, "presented", "--data", "step=pay")
    now = next(found for found in kept() if found.id == row.id)
    assert now.statuses["presented"]["step"] == "pay"
    offerkit("sent", "june/best")
    assert next(found for found in kept() if found.id == row.id) == now


def test_a_contact_that_is_erased_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its data was read before, and must not be stored any more."""
    deliver("june/best", "--out", "made")
    (contact, *_) = (row.contact for row in kept())
    sent = deliveries.sent

    def late(db: Any, run: Any, time: str, data: Iterator[tuple[str, DataWithStatus]]) -> int:
        found = list(data)
        assert contact in {one.contact for _, one in found}
        offerkit("contact", "erase", contact, "--yes")
        return sent(db, run, time, iter(found))

    monkeypatch.setattr(deliveries, "sent", late)
    offerkit("sent", "june/best")
    assert {bool(row.statuses) for row in kept() if not row.contact} == {False}
    assert {row.status.value for row in kept()} == {"presented"}


def test_all_or_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver("june/best", "--out", "made")
    before = kept()
    monkeypatch.setattr(deliveries, "_ROWS", 1)
    real = deliveries.data_with

    def broken(row: PropositionRow, *args: Any) -> str:
        if row.id == max(one.id for one in before):
            raise RuntimeError
        return real(row, *args)

    monkeypatch.setattr(deliveries, "data_with", broken)
    assert isinstance(offerkit("sent", "june/best", ok=False).exception, RuntimeError)
    assert kept() == before


def test_what_nobody_can_get_is_refused(root: Path) -> None:
    spaces = root / "specs/people/spaces.yaml"
    spaces.write_text(spaces.read_text().replace("{proposed: scheduled, ", "{"))
    with pytest.raises(Refused) as told:
        offerkit("plan")
    assert "propositions are presented from the beginning; write the data in proposed_data" in str(
        [one.summary for one in told.value.diagnostics]
    )
