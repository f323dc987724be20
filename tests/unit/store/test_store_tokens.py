"""Tokens are part of the chained history, and the schema is what the format says: nobody adds or hides anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.postgres import new_schema
from store_samples import append, change, draft, entry, sample, time

from offerkit.diagnostics import Code, Refused
from offerkit.store import Location, Store, copying, databases, parse_location, schema
from offerkit.store.location import PostgresAddress
from offerkit.store.tokens import TokenRow, events
from offerkit.usecases.store_maintenance import migrate

ANNA = TokenRow(
    "0123456789ab", "0" * 64, "anna", "ci", time(6), "ada", "2027-01-01T00:00:00.000000Z", scope="read,apply"
)
BEN = TokenRow("ba9876543210", "1" * 64, "ben", "", time(7), "ben", "2027-01-01T00:00:00.000000Z", scope="read")
PLANTED = "INSERT INTO token VALUES ('c', '2', 'ada', '', '2026', 'ada', '2030', '', 'all')"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """Where a store may be made: as for the other tests of the store, but PostgreSQL is left to the slow run."""
    return tmp_path / ".offerkit" / "store.db" if request.param == "sqlite" else parse_location(new_schema())


@pytest.fixture
def tokens(location: Location) -> Location:
    """A history of eight revisions; two tokens, the second one revoked."""
    with sample(location) as store:
        for row in (ANNA, BEN):
            with store.transaction():
                store.add_token(row)
        with store.transaction():
            store.revoke_token(BEN.id, time(8), "ada")
        assert store.verify() == []
    return location


def said(location: Location) -> list[str]:
    """What an audit finds."""
    try:
        with Store.open(location, audit=True) as store:
            return [found.summary for found in store.verify()]
    except Refused as refused:
        return [found.summary for found in refused.diagnostics]


def test_each_is_a_revision_that_tells_whose_and_for_what_but_not_the_token(tokens: Location) -> None:
    with Store.open(tokens) as store:
        revoked, ben, anna = store.revisions(limit=3)
        exported = str(list(store.recorded()))
        assert [row.revoked for row in store.tokens()] == [time(8), ""]
    assert [(row.serial, row.action, row.actor, row.time) for row in (anna, ben, revoked)] == [
        (6, "token-create", "ada", time(6)),
        (7, "token-create", "ben", time(7)),
        (8, "token-revoke", "ada", time(8)),
    ]
    (told,) = events(anna.action, anna.details)
    assert (told.id, told.operator, told.name, told.scope, told.expires) == (
        ANNA.id,
        "anna",
        "ci",
        "read,apply",
        ANNA.expires,
    )
    assert events(revoked.action, revoked.details)[0].revoked == time(8)
    assert ANNA.hash not in exported and BEN.hash not in exported


def test_to_revoke_twice_changes_nothing(tokens: Location) -> None:
    with Store.open(tokens, write=True) as store, store.transaction():
        assert store.revoke_token(BEN.id, time(9), "ada") is None
        assert store.revoke_token("nothing", time(9), "ada") is None
        assert store.last_serial() == 8


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (PLANTED, "token c of ada belongs to no revision"),
        ("UPDATE token SET scope = 'all' WHERE operator = 'anna'", "revision 6, was edited"),
        ("UPDATE token SET scope = '' WHERE operator = 'anna'", "revision 6, was edited"),
        ("UPDATE token SET operator = 'ada' WHERE operator = 'anna'", "of anna, of revision 6, was edited"),
        ("UPDATE token SET hash = '22' WHERE operator = 'anna'", "revision 6, was edited"),
        ("UPDATE token SET expires = '2099' WHERE operator = 'anna'", "revision 6, was edited"),
        ("UPDATE token SET name = 'x' WHERE operator = 'anna'", "revision 6, was edited"),
        ("UPDATE token SET created = '2027' WHERE operator = 'anna'", "revision 6, was edited"),
        ("UPDATE token SET created_by = 'x' WHERE operator = 'anna'", "revision 6, was edited"),
        ("UPDATE token SET id = 'x' WHERE operator = 'anna'", "is missing"),
        ("UPDATE token SET revoked = '' WHERE operator = 'ben'", "reactivated outside of offerkit"),
        ("UPDATE token SET revoked = '2026' WHERE operator = 'anna'", "was revoked or reactivated"),
        ("DELETE FROM token WHERE operator = 'ben'", "token ba9876543210 of ben, of revision 8, is missing"),
        ("DELETE FROM revision WHERE serial = 8", "does not end with its newest revision"),
        ("UPDATE revision SET details = '{}' WHERE serial = 6", "revision 6 was edited"),
        ("UPDATE revision SET details = 'no json' WHERE serial = 6", "revision 6 does not name its token"),
        ("UPDATE revision SET action = 'apply' WHERE serial = 6", "token 0123456789ab of anna belongs to no revision"),
        ("UPDATE revision SET action = 'token-create' WHERE serial = 8", "revision 8 does not fit the state of token"),
    ],
)
def test_another_hand_shows(tokens: Location, execute: Callable[..., None], statement: str, what: str) -> None:
    execute(statement)
    assert any(what in found for found in said(tokens)), said(tokens)


@pytest.mark.parametrize("table", ["meta", "revision"])
def test_nothing_is_asked_of_a_view(tokens: Location, execute: Callable[..., None], table: str) -> None:
    """One that never ends would keep an audit for ever."""
    columns = copying.TABLES[table]
    endless = ", ".join(["''"] * len(columns.split(",")))
    execute(
        f"ALTER TABLE {table} RENAME TO hidden",
        f"CREATE VIEW {table} AS WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more)"
        f" SELECT {', '.join(f'x.{name.strip()}' for name in columns.split(','))} FROM"
        f" (SELECT {', '.join(f'{value} AS {name.strip()}' for name, value in zip(columns.split(','), endless.split(', '), strict=True))}"
        " FROM more WHERE n < 0) x",
    )
    assert any(f"the view {table} is not part of a store" in one for one in said(tokens))


OBJECTS = {
    "view": "CREATE VIEW peek AS SELECT * FROM token",
    "table": "CREATE TABLE more (a TEXT)",
    "index": "CREATE INDEX more ON token (operator)",
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_what_is_no_part_of_a_store_is_named(tokens: Location, execute: Callable[..., None], kind: str) -> None:
    execute(OBJECTS[kind])
    name = "peek" if kind == "view" else "more"
    assert said(tokens) == [f"the store's schema was changed: the {kind} {name} is not part of a store"]


@pytest.mark.parametrize("table", ["token", "revision", "change", "meta", "stage_entry"])
def test_a_view_in_place_of_a_table_deceives_nobody(tokens: Location, execute: Callable[..., None], table: str) -> None:
    execute(f"ALTER TABLE {table} RENAME TO hidden", f"CREATE VIEW {table} AS SELECT * FROM hidden")
    found = said(tokens)
    assert any(f"the view {table} is not part of a store" in one for one in found), found
    assert any(f"the table {table} is missing" in one for one in found), found
    for write in (False, True):
        with pytest.raises(Refused) as refused:
            Store.open(tokens, write=write)
        assert refused.value.diagnostics[0].code is Code.STORE_DAMAGED
        assert f"the view {table}" in refused.value.diagnostics[0].detail


def test_a_trigger_runs_for_nobody(tokens: Location, execute: Callable[..., None]) -> None:
    if isinstance(tokens, PostgresAddress):
        execute(
            "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "CREATE TRIGGER keep BEFORE DELETE ON token FOR EACH ROW EXECUTE FUNCTION undo()",
        )
    else:
        execute("CREATE TRIGGER keep BEFORE DELETE ON token BEGIN SELECT RAISE(IGNORE); END")
    assert any("the trigger keep is not part of a store" in one for one in said(tokens))
    for open_ in (
        lambda: Store.open(tokens),
        lambda: Store.open(tokens, write=True),
        lambda: databases.format_of(tokens),
        lambda: databases.migrate(tokens),
    ):
        with pytest.raises(Refused, match="damaged") as refused:
            open_()
        assert "the trigger keep" in refused.value.diagnostics[0].detail


@pytest.mark.parametrize(
    ("statements", "what"),
    [
        (("ALTER TABLE token ADD COLUMN extra TEXT DEFAULT ''",), "token"),
        (("DROP INDEX outcome_stage",), "the index outcome_stage is missing"),
        (
            ("DROP INDEX change_moved", "CREATE INDEX change_moved ON change (moved_from, stage, serial)"),
            "change_moved",
        ),
        (
            ("DROP INDEX approval_address", "CREATE INDEX approval_address ON approval (serial, address)"),
            "the index approval_address is not as offerkit creates it",
        ),
        (
            ("DROP INDEX proposition_id", "CREATE INDEX proposition_id ON proposition (id)"),
            "the index proposition_id is not as offerkit creates it",
        ),
        (("DROP TABLE cookie",), "the table cookie is missing"),
    ],
)
def test_a_changed_schema_shows(
    tokens: Location, execute: Callable[..., None], statements: tuple[str, ...], what: str
) -> None:
    execute(*statements)
    assert any(what in one for one in said(tokens)), said(tokens)


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("operator TEXT NOT NULL", "operator TEXT COLLATE NOCASE NOT NULL"),
        ("revoked TEXT NOT NULL", "revoked TEXT NOT NULL DEFAULT 'x'"),
        ("revoked TEXT NOT NULL", "revoked TEXT GENERATED ALWAYS AS ('')"),
        ("hash TEXT NOT NULL", "hash TEXT"),
        ("PRIMARY KEY", ""),
    ],
)
def test_a_rewritten_table_shows(tokens: Path, execute: Callable[..., None], old: str, new: str) -> None:
    execute(
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new.replace(chr(39), chr(39) * 2)}') WHERE name = 'token'",
        "PRAGMA writable_schema = OFF",
    )
    try:
        found = said(tokens)
    except Refused as refused:  # SQLite itself does not take it
        found = [one.summary for one in refused.diagnostics]
    assert any("token" in one or "damaged" in one for one in found), found


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
def test_the_word_for_its_kind_hides_no_trigger(tokens: Path, execute: Callable[..., None]) -> None:
    execute(
        "CREATE TRIGGER keep BEFORE DELETE ON token BEGIN SELECT RAISE(IGNORE); END",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET type = 'table' WHERE name = 'keep'",
        "PRAGMA writable_schema = OFF",
    )
    for audit in (False, True):
        with pytest.raises(Refused) as refused:
            Store.open(tokens, audit=audit)
        assert "keep" in refused.value.diagnostics[0].detail


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
def test_statistics_are_no_damage(tokens: Path, execute: Callable[..., None]) -> None:
    execute("ANALYZE")
    assert said(tokens) == []


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ('ALTER TABLE token ALTER operator TYPE text COLLATE "en-x-icu"', "the column token.operator is not as"),
        ("ALTER TABLE token ALTER operator TYPE varchar(200)", "the column token.operator is not as"),
        ("ALTER TABLE token ALTER revoked DROP NOT NULL", "the column token.revoked is not as"),
        ("ALTER TABLE token ALTER revoked SET DEFAULT 'x'", "the column token.revoked is not as"),
        ("ALTER TABLE token ADD extra text GENERATED ALWAYS AS (id) STORED", "the column token.extra is not part"),
        ("ALTER TABLE token ENABLE ROW LEVEL SECURITY", "the row security token is not part"),
        ("CREATE POLICY mine ON token USING (operator = 'ada')", "the policy mine is not part"),
        ("CREATE RULE keep AS ON DELETE TO token DO INSTEAD NOTHING", "the rule keep is not part"),
        ("CREATE TABLE token_more () INHERITS (token)", "is not part of a store"),
        ("CREATE MATERIALIZED VIEW peek AS SELECT 1 AS one", "the materialized view peek is not part"),
        ("CREATE FUNCTION lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'", "the function lower is not part"),
        ("CREATE DOMAIN short AS text", "the type short is not part"),
        ("CREATE SEQUENCE numbers", "the sequence numbers is not part"),
        ("ALTER TABLE token SET UNLOGGED", "the table token is not as"),
        ("ALTER TABLE token DROP CONSTRAINT token_pkey", "the constraint token: PRIMARY KEY (id) is missing"),
        ("ALTER TABLE token ADD CHECK (operator <> 'ada')", "CHECK ((operator <> 'ada'::text)) is not part"),
        ("ALTER TABLE outcome DROP CONSTRAINT outcome_serial_fkey", "FOREIGN KEY (serial) REFERENCES revision(serial)"),
        ("ALTER TABLE outcome DISABLE TRIGGER ALL", "foreign key checks of the table outcome are switched off"),
        ("ALTER TABLE offerkit_store ADD more text", "the column offerkit_store.more is not part"),
    ],
)
def test_what_postgresql_could_do_shows(
    tokens: Location, execute: Callable[..., None], statement: str, what: str
) -> None:
    execute(statement)
    assert any(what in one for one in said(tokens)), said(tokens)


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
def test_views_of_other_schemas_are_their_owners_business(
    tokens: PostgresAddress, execute: Callable[..., None]
) -> None:
    execute(f"CREATE SCHEMA {tokens.schema}_x", f"CREATE VIEW {tokens.schema}_x.peek AS SELECT * FROM token")
    assert said(tokens) == []
    execute(f"CREATE TABLE {tokens.schema}_x.more () INHERITS ({tokens.schema}.token)")
    assert any("inheriting table" in one for one in said(tokens)), "its rows would be read with the table's"
    execute(f"DROP SCHEMA {tokens.schema}_x CASCADE")


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
def test_no_store_is_begun_among_what_is_not_ours(location: PostgresAddress, execute: Callable[..., None]) -> None:
    execute(f"CREATE SCHEMA {location.schema}", "CREATE FUNCTION lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'")
    with pytest.raises(Refused, match="damaged"):
        Store.open(location, create=True)
    assert Store.find(location) is None


@pytest.mark.parametrize("number", range(1, schema.current_format()))
def test_every_honest_upgrade_is_sound(
    location: Location, number: int, monkeypatch: pytest.MonkeyPatch, execute: Callable[..., None]
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:number])
    sample(location).close()
    row = "('0123456789ab', '00', 'anna', 'old', '2026-01-01T00:00:00.000000Z', 'ada', '2027', '')"
    if number == 4:
        execute(f"INSERT INTO token VALUES {row}")
    monkeypatch.undo()
    assert migrate(location).before == number
    with Store.open(location, write=True) as store:
        assert store.verify() == []
        assert [found.scope for found in store.tokens()] == (["all"] if number == 4 else [])
        assert store.last_serial() == (6 if number == 4 else 5)
        assert [row.action for row in store.revisions(limit=1)] == (["token-adopt"] if number == 4 else ["apply"])
        append(store, draft(change("z", None, entry("one")), day=9))
        assert store.verify() == []
    if number == 4:
        execute("UPDATE token SET expires = '2099'")
        assert any("revision 6, was edited" in one for one in said(location))


def test_a_broken_history_of_an_older_format_can_still_be_audited(
    location: Location, monkeypatch: pytest.MonkeyPatch, execute: Callable[..., None]
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:4])
    sample(location).close()
    execute(
        "INSERT INTO token VALUES ('0123456789ab', '00', 'anna', '', '2026', 'ada', '2027', '')",
        "DELETE FROM revision WHERE serial = 5",
    )
    monkeypatch.undo()
    migrate(location)
    assert any("does not end with its newest revision" in one for one in said(location))


def test_a_copy_of_the_history_has_no_tokens_and_is_sound(tokens: Location, tmp_path: Path) -> None:
    copying.copy_history(tokens, tmp_path / "copy.db")
    with Store.open(tmp_path / "copy.db") as copy:
        assert copy.tokens() == []
        assert copy.verify(tokens_too=False) == []
        assert len(copy.verify()) == 2
