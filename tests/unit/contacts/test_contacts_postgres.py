"""Contacts in a PostgreSQL server of our own on a free port of this machine, thrown away at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from contacts_samples import ANA_ROW, FIELDS, only
from helpers.postgres import postgres_server, shared_server

from offerkit.contacts import Contacts, open_contacts, postgres
from offerkit.diagnostics import Code
from offerkit.models.dimension import Dimension

pytestmark = pytest.mark.slow
TABLE = """
    create schema crm;
    create type tier as enum ('none', 'gold');
    create table crm."the people" (id bigint primary key, email text, born date, tier tier, balance numeric(18, 6),
        consent boolean, tags text[], seen timestamptz, "not read" json);
    insert into crm."the people" values
        (1, 'ana@example.com', '1984-02-29', 'gold', 12.5, true, '{city,snow}', '2026-11-20 08:00:00+00', '{}'),
        (2, 'twice@example.com', null, null, null, null, null, null, null),
        (3, 'twice@example.com', null, null, null, null, null, null, null);
    insert into crm."the people" (id, balance) values (4, 'NaN');
    insert into crm."the people" (id, born) values (5, 'infinity');
    create table crm.coded as select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid as code,
        'gold'::tier as tier, date '2026-01-01' - (2500 - n) as born from generate_series(1, 2500) as n;
    create view crm.slow as select p.* from crm."the people" p, pg_sleep(30);
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_server(TABLE) as where:
        yield where


def people(url: str, table: str = "crm.the people") -> Contacts:
    source = {"format": "sql", "url_env": "CRM", "table": table}
    dimension = Dimension.model_validate({"key": ["id"], "fields": FIELDS, "source": source})
    return open_contacts("recipient", dimension, Path(), {"CRM": url}, ZoneInfo("Europe/Paris"))


def test_found_and_read(url: str) -> None:
    with people(url) as contacts:
        assert contacts.find({"id": 1}) == ANA_ROW
        assert contacts.find({"email": "ana@example.com", "born": ANA_ROW["born"], "tier": "gold"}) == ANA_ROW
        assert contacts.find({"email": "' or true --"}) is None
        assert contacts.find({"id": 4}) == {**dict.fromkeys(ANA_ROW), "id": 4}
        assert contacts.count() == 5
        assert [row["id"] for row in contacts.rows(limit=3)] == [1, 2, 3]
        assert "not read" in contacts.notes()[0].summary
        only(lambda: contacts.find({"email": "twice@example.com"}), Code.CONTACT_AMBIGUOUS)
        only(lambda: contacts.find({"id": 5}), Code.CONTACTS_DATABASE)
        assert contacts.find({"id": 1}) == ANA_ROW  # the connection still serves


def test_nothing_can_be_written(url: str) -> None:
    import psycopg

    contacts = people(url)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        contacts._table._connection().execute("create table x ()")  # type: ignore[attr-defined]
    contacts.close()


def test_refused_without_the_password(url: str) -> None:
    only(people(url, "crm.nobody").count, Code.CONTACTS_DATABASE)
    only(people(url, 'x"; drop table crm."the people').count, Code.CONTACTS_DATABASE)
    for wrong in (
        url.replace("offers:", "offers:not"),
        url.rpartition("/")[0] + "/nowhere",
        url.replace("%40", "@", 1),
    ):
        [problem] = only(people(wrong).count, Code.CONTACTS_DATABASE)
        assert shared_server().password[5:] not in str(problem)


def test_the_server_may_not_take_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "STATEMENT_TIMEOUT", 1)
    with people(url, "crm.slow") as contacts:
        [problem] = only(lambda: contacts.find({"id": 1}), Code.CONTACTS_DATABASE)
        assert "longer than 1 s" in problem.summary
        only(lambda: list(contacts.rows()), Code.CONTACTS_DATABASE)


def test_what_a_column_cannot_hold_nobody_has(url: str) -> None:
    """A key comes from outside: that it is no UUID, or no value of the column's enumeration, is no fault of the table."""
    fields = {"code": {"type": "string"}, "tier": {"type": "string"}, "born": {"type": "date"}}
    source = {"format": "sql", "url_env": "CRM", "table": "crm.coded"}
    dimension = Dimension.model_validate({"key": ["code"], "fields": fields, "source": source})
    with open_contacts("recipient", dimension, Path(), {"CRM": url}, ZoneInfo("UTC")) as contacts:
        found = contacts.find({"code": "00000000-0000-0000-0000-000000000007"})
        assert found is not None
        assert contacts.find({"code": "nobody"}) is None
        assert contacts.find({"tier": "no such tier"}) is None
        assert contacts.find({"code": "a\0b"}) is None
        assert contacts.find({"tier": "gold", "born": found["born"]}) == found


def test_a_key_may_begin_with_what_many_share(url: str) -> None:
    """Dates are compared here, so all who share the rest of the key have to be looked at."""
    fields = {"tier": {"type": "string"}, "born": {"type": "date"}}
    source = {"format": "sql", "url_env": "CRM", "table": "crm.coded"}
    dimension = Dimension.model_validate({"key": ["tier", "born"], "fields": fields, "source": source})
    with open_contacts("recipient", dimension, Path(), {"CRM": url}, ZoneInfo("UTC")) as contacts:
        last = contacts.parse_key("gold|2026-01-01")
        assert contacts.find(last) == last
