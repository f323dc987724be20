"""The bundled contacts: made by the generator, readable, consistent, and nobody's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from offerkit.address import SHARED, Address, Kind
from offerkit.contacts import Contacts, open_contacts
from offerkit.models.dimension import Dimension
from offerkit.specs import load_folder

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 11, 23)


def contacts(name: str) -> Contacts:
    body = load_folder(ROOT).snapshot(Address(SHARED, Kind.DIMENSION, name))
    return open_contacts(name, Dimension.model_validate(body), ROOT, {}, ZoneInfo("Europe/Paris"))


@pytest.fixture
def recipients() -> Iterator[Contacts]:
    with contacts("recipient") as opened:
        yield opened


def test_the_generator_makes_these_files() -> None:
    subprocess.run([ROOT / "scripts" / "make_contacts", "--check"], check=True)


def test_every_recipient_can_be_read(recipients: Contacts) -> None:
    rows = list(recipients.rows())
    assert len(rows) == recipients.count() == 3021
    assert recipients.notes() == ()
    assert len({row["id"] for row in rows}) == len(rows)
    emails = [str(row["email"]) for row in rows if row["email"] is not None]
    assert len(set(emails)) == len(emails)
    assert all(email.endswith(("@example.com", "@example.org")) for email in emails)


def test_ages_fit_birthdays(recipients: Contacts) -> None:
    for row in recipients.rows():
        born = row["birth_date"]
        if isinstance(born, date):
            assert row["age"] == TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day)), row["id"]


def test_every_condition_of_the_bundled_offers_has_people(recipients: Contacts) -> None:
    rows = list(recipients.rows())
    for name in ("country", "segment", "frequent_flyer_tier", "language"):
        assert {row[name] for row in rows} >= set(recipients.types[name].values), name
    for name in ("interests", "products"):
        assert any(row[name] == () for row in rows) and any(row[name] is None for row in rows), name
    for name in recipients.types:
        if name != "id":
            assert any(row[name] is None for row in rows), name


def test_the_examples_of_the_docs_are_there(recipients: Contacts) -> None:
    assert recipients.find({"email": "ana@example.com"}) is not None
    found = recipients.find(recipients.parse_key("20417|1984-02-29", ["id", "birth_date"]))
    assert found is not None and found["first_name"] == "Noa"


def test_every_visitor_can_be_read() -> None:
    visitors = contacts("visitor")
    rows = list(visitors.rows())
    assert len(rows) == 1008
    assert len({row["id"] for row in rows}) == len(rows)
    assert rows[0] == {**dict.fromkeys(visitors.types), "id": "c-0001"}


def test_the_files_are_small() -> None:
    assert all(path.stat().st_size < 700_000 for path in (ROOT / "data" / "contacts").iterdir())
