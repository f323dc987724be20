"""Contacts in databases: SQLite for real, and what is refused of others before anything is connected."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from contacts_samples import ANA_ROW, only

from offerkit.contacts import Contacts, sqlite
from offerkit.diagnostics import Code, install_hint, secrets_of

Open = Callable[..., Contacts]
SOURCE = {"format": "sql", "url": "sqlite:///crm.db", "table": "person"}
ANA = "1, 'ana@example.com', '1984-02-29', 'gold', 12.5, 1, 'city|snow', '2026-11-20T08:00:00+00:00'"
COLUMNS = "id integer, email text, born text, tier text, balance numeric, consent boolean, tags text, seen text"


@pytest.fixture
def person(tmp_path: Path) -> Callable[..., None]:
    def of(*rows: str, columns: str = COLUMNS, table: str = "person") -> None:
        with sqlite3.connect(tmp_path / "crm.db") as connection:
            connection.execute(f"drop table if exists {table}")
            connection.execute(f"create table {table} ({columns})")
            for row in rows:
                connection.execute(f"insert into {table} values ({row})")
        connection.close()

    return of


def test_rows_with_all_types(opened: Open, person: Callable[..., None]) -> None:
    person(ANA, "2, null, null, null, null, null, null, null")
    with opened(SOURCE) as contacts:
        assert list(contacts.rows()) == [ANA_ROW, {**dict.fromkeys(ANA_ROW), "id": 2}]
        assert list(contacts.rows(limit=1)) == [ANA_ROW]
        assert contacts.count() == 2
        assert contacts.find({"email": "ana@example.com"}) == ANA_ROW
        assert contacts.find({"id": 1, "born": ANA_ROW["born"], "consent": True}) == ANA_ROW
        assert contacts.find({"born": ANA_ROW["born"]}) == ANA_ROW
        assert contacts.find({"id": 3}) is None
        assert contacts.find({"email": "' or 1=1 --"}) is None
        assert contacts.notes() == ()


def test_a_collation_that_ignores_case_finds_nobody_else(opened: Open, person: Callable[..., None]) -> None:
    person(ANA, columns=COLUMNS.replace("email text", "email text collate nocase"))
    assert opened(SOURCE).find({"email": "ANA@example.com"}) is None


def test_names_are_quoted(opened: Open, person: Callable[..., None]) -> None:
    person(ANA, table='"select ""x"""')
    assert opened({**SOURCE, "table": 'select "x"'}).count() == 1
    only(opened({**SOURCE, "table": "person; drop table person"}).count, Code.CONTACTS_DATABASE)


def test_missing_columns_and_tables(opened: Open, person: Callable[..., None]) -> None:
    person(columns="id integer, mail text")
    problems = only(lambda: list(opened(SOURCE).rows()), Code.CONTACT_COLUMNS, 7)
    assert "Did you mean mail?" in [problem.hint for problem in problems]
    only(opened({**SOURCE, "table": "nobody"}).count, Code.CONTACTS_DATABASE)
    only(opened({**SOURCE, "table": "other.person"}).count, Code.CONTACTS_DATABASE)


def test_a_value_that_does_not_fit(opened: Open, person: Callable[..., None]) -> None:
    for row, field in ((ANA.replace("'1984-02-29'", "x'00ff'"), "born"), (ANA.replace("12.5", "'much'"), "balance")):
        person(row)
        [problem] = only(lambda: opened(SOURCE).find({"id": 1}), Code.CONTACT_VALUE)
        assert f"“{field}”" in problem.summary and "“1”" in problem.detail


def test_nothing_can_be_written(opened: Open, person: Callable[..., None]) -> None:
    person(ANA)
    table = opened(SOURCE)._table  # type: ignore[attr-defined]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        table._connect().execute("delete from person")


def test_a_query_has_a_time_limit(
    opened: Open, tmp_path: Path, person: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    person(ANA)
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.execute(
            "create view endless as with recursive n(i) as (select 1 union all select i + 1 from n)"
            " select person.* from n, person where n.i < 0"
        )
    connection.close()
    monkeypatch.setattr(sqlite, "TIMEOUT", 0.05)
    endless = opened({**SOURCE, "table": "endless"})
    for ask in (lambda: list(endless.rows()), endless.count):
        [problem] = only(ask, Code.CONTACTS_DATABASE)
        assert "too long" in problem.summary


def test_files_that_are_none(opened: Open, tmp_path: Path, person: Callable[..., None]) -> None:
    person(ANA)
    absolute = f"sqlite:///{tmp_path}/crm.db"
    assert opened({**SOURCE, "url": absolute}).count() == 1
    only(lambda: opened({**SOURCE, "url": "sqlite:///missing.db"}), Code.CONTACTS_SOURCE)
    only(lambda: opened({**SOURCE, "url": "sqlite:////nowhere/missing.db"}), Code.CONTACTS_SOURCE)
    only(lambda: opened({**SOURCE, "url": "sqlite:///../crm.db"}), Code.LINK_OUTSIDE)
    (tmp_path / "text.db").write_text("no database" * 100)
    only(opened({**SOURCE, "url": "sqlite:///text.db"}).count, Code.CONTACTS_DATABASE)
    for url in ("sqlite://", "sqlite:///", "sqlite://host/crm.db", "sqlite:///crm.db?mode=rw"):
        only(lambda url=url: opened({**SOURCE, "url": url}), Code.CONTACTS_URL)  # type: ignore[misc]


def test_the_variable_is_named_and_never_its_value(opened: Open, person: Callable[..., None]) -> None:
    person(ANA)
    source = {"format": "sql", "url_env": "CRM", "table": "person"}
    [problem] = only(lambda: opened(source), Code.CONTACTS_URL)
    assert "CRM" in problem.summary
    only(lambda: opened(source, CRM=" "), Code.CONTACTS_URL)
    for url in ("mysql://u:secret@h/d", "oracle+secret://x", "secret", "://secret"):
        [problem] = only(lambda url=url: opened(source, CRM=url), Code.CONTACTS_URL)  # type: ignore[misc]
        assert "postgresql://" in problem.hint
        assert "secret" not in f"{problem}" or url.startswith("oracle")
    assert opened(source, CRM="sqlite:///crm.db").count() == 1


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("postgresql://u@h/d", []),
        ("postgresql://u:p%40ss@h/d", ["p%40ss", "p@ss"]),
        ("postgresql://u@h/d?password=x&sslkey=y", ["x", "y"]),
        ("postgresql://u:a/b@h/d", None),
        ("postgresql://u:a#b@h/d", None),
        ("postgresql://u:a@b@h/d", None),
        ("postgresql://u:a?b@h/d", None),
        ("postgresql://[u:a@h/d", None),
    ],
)
def test_what_no_message_may_hold(url: str, secrets: list[str] | None) -> None:
    assert secrets_of(url) == secrets


@pytest.mark.parametrize(
    "url", ["postgresql://u:hush@127.0.0.1:1/d", "postgresql://u:hu#sh@h:x/d", "postgres://u@h:hush/d"]
)
def test_a_server_that_is_not_there_is_told_without_the_password(opened: Open, url: str) -> None:
    [problem] = only(opened({"format": "sql", "url_env": "CRM", "table": "t"}, CRM=url).count, Code.CONTACTS_DATABASE)
    assert "hush" not in str(problem) and "hu#sh" not in str(problem)


def test_without_the_package(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    [problem] = only(opened({**SOURCE, "url": "postgresql://h/d"}).count, Code.CONTACTS_PACKAGE)
    assert problem.hint == install_hint("postgres")
