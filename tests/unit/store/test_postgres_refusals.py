"""Stores in PostgreSQL that cannot be used: each told once, clearly, without the password, and left as it was."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import psycopg
import pytest
from helpers.postgres import new_schema, shared_server
from proposition_samples import made
from store_samples import DESIGN, append, change, draft, entry, sample, spelled

from offerkit.diagnostics import Code, Diagnostic, Refused, install_hint
from offerkit.store import Store, databases, parse_location, schema
from offerkit.store.location import PostgresAddress
from offerkit.store.postgres import open_schema


@pytest.fixture
def location() -> PostgresAddress:
    """Nothing is there yet."""
    found = parse_location(new_schema())
    assert isinstance(found, PostgresAddress)
    return found


@pytest.fixture
def admin(location: PostgresAddress) -> Iterator[psycopg.Connection]:
    with psycopg.connect(location.conninfo, autocommit=True) as connection:
        yield connection


def refused_by(url: str | PostgresAddress, *, create: bool = False, write: bool = False) -> Diagnostic:
    location = parse_location(url) if isinstance(url, str) else url
    with pytest.raises(Refused) as refused:
        Store.open(location, create=create, write=write).close()
    (found,) = refused.value.diagnostics
    assert found.hint
    assert shared_server().password not in str(found)
    assert "p%40ss" not in str(found)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a socket waits for")
def test_a_server_that_vanished_is_noticed_within_a_minute(location: PostgresAddress) -> None:
    tcp, seconds = socket.IPPROTO_TCP, (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    Store.open(location, create=True).close()
    with (
        closing(open_schema(location, create=False, write=False, busy_timeout=1)) as db,
        socket.socket(fileno=os.dup(db._connection.fileno())) as line,
    ):
        idle, apart, count = (line.getsockopt(tcp, option) for option in seconds)
        assert idle + apart * count <= 60, "it only waits"
        assert line.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == 60_000, "it has sent something"


def test_there_is_none(location: PostgresAddress, admin: psycopg.Connection) -> None:
    assert refused_by(location).code is Code.STORE_MISSING
    assert refused_by(location, write=True).code is Code.STORE_MISSING
    assert Store.find(location) is None
    assert admin.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [location.schema]).fetchall() == []


@pytest.mark.parametrize("create", [False, True])
def test_a_schema_of_another_application(location: PostgresAddress, admin: psycopg.Connection, create: bool) -> None:
    admin.execute(f"CREATE SCHEMA {location.schema}; CREATE TABLE {location.schema}.meta (key text)".encode())
    assert refused_by(location, create=create).code is Code.STORE_FOREIGN
    tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [location.schema]).fetchall()
    assert tables == [("meta",)]


def test_a_schema_that_was_made_for_us(location: PostgresAddress, admin: psycopg.Connection) -> None:
    admin.execute(f"CREATE SCHEMA {location.schema}".encode())
    assert refused_by(location).code is Code.STORE_MISSING
    with Store.open(location, create=True) as store:
        assert store.verify() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("?", "_nowhere?"), "does not exist"),
        (("offers:", "stranger:"), "password authentication failed"),
        ((":p%40ss", ":wrong"), "password authentication failed"),
        (("?", "?sslmode=require&"), "SSL"),
        (("127.0.0.1", "no.such.host.invalid"), "resolve host"),
    ],
)
def test_servers_that_do_not_let_us_in(change: tuple[str, str], said: str) -> None:
    found = refused_by(new_schema().replace(*change, 1), create=True)
    assert found.code is Code.STORE_CONNECTION
    assert said in found.detail


def test_no_server() -> None:
    assert refused_by("postgresql://u:geheim@127.0.0.1:1/d").code is Code.STORE_CONNECTION
    assert refused_by("postgresql://u:geheim@127.0.0.1:1/d?connect_timeout=soon").code is Code.STORE_URL
    with pytest.raises(Refused) as refused:
        parse_location("postgresql://u:geheim@127.0.0.1:none/d")
    assert refused.value.diagnostics[0].code is Code.STORE_URL and "geheim" not in str(refused.value)


def test_too_many_connections(admin: psycopg.Connection) -> None:
    server = shared_server()
    admin.execute("DROP ROLE IF EXISTS few")
    admin.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 1 PASSWORD 'p8x'")
    url = server.url(user="few", password="p8x")
    with psycopg.connect(url):
        found = refused_by(url)
    assert found.code is Code.STORE_CONNECTION
    assert "max_connections" in found.hint
    admin.execute("DROP ROLE few")


def test_a_user_with_few_rights(location: PostgresAddress, admin: psycopg.Connection) -> None:
    """The rights that docs/store-and-audit.md lists are enough; with less it is told which is missing."""
    role = location.schema.replace("t_", "r_")
    admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'".encode())
    url = shared_server().url(location.conninfo.rpartition("/")[2], user=role, password="x")
    theirs = parse_location(f"{url}?schema={location.schema}")
    assert isinstance(theirs, PostgresAddress)
    found = refused_by(theirs, create=True)
    assert (found.code, "permission denied" in found.detail) == (Code.STORE_READ_ONLY, True)
    sample(location).close()
    assert refused_by(theirs).code is Code.UNREADABLE
    assert refused_by(theirs, write=True).code is Code.STORE_READ_ONLY
    admin.execute(f"GRANT USAGE ON SCHEMA {location.schema} TO {role}".encode())
    admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {location.schema} TO {role}".encode())
    with Store.open(theirs) as store:
        assert store.verify() == []
        assert store.status().rows["revision"] == 5
    with Store.open(theirs, write=True) as store, pytest.raises(Refused) as refused:
        append(store, draft(day=6))
    assert refused.value.diagnostics[0].code is Code.STORE_READ_ONLY
    admin.execute(f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {location.schema} TO {role}".encode())
    with Store.open(theirs, write=True) as store, store.lock(who="r", timeout=0):
        append(store, draft(day=6))
    admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def test_a_database_that_is_not_utf8(admin: psycopg.Connection) -> None:
    name = new_schema().partition("=")[2]
    admin.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0".encode())
    assert refused_by(shared_server().url(name), create=True).code is Code.STORE_FOREIGN
    admin.execute(f"DROP DATABASE {name}".encode())


def test_tables_that_are_gone(location: PostgresAddress, admin: psycopg.Connection) -> None:
    sample(location).close()
    admin.execute(f"DROP INDEX {location.schema}.proposition_time".encode())
    admin.execute(f"ALTER TABLE {location.schema}.cookie DROP CONSTRAINT cookie_pkey".encode())
    admin.execute(f'ALTER TABLE {location.schema}.stage ALTER digest TYPE text COLLATE "en-x-icu"'.encode())
    with Store.open(location) as store:
        said = " ".join(d.summary for d in store.verify())
    assert "the index proposition_time is missing" in said
    assert "the constraint cookie: PRIMARY KEY (environment, cookie) is missing" in said
    assert "the column stage.digest is not as offerkit creates it" in said
    admin.execute(f"DROP TABLE {location.schema}.meta".encode())
    assert refused_by(location).code is Code.STORE_DAMAGED


def test_an_older_format_waits_until_it_is_asked_for(
    location: PostgresAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample(location).close()
    statements = ("ALTER TABLE stage ADD COLUMN note {text} NOT NULL DEFAULT ''",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, statements))
    found = refused_by(location, write=True)
    assert (found.code, "offerkit store migrate" in found.hint) == (Code.STORE_VERSION, True)
    current = schema.current_format()
    assert databases.migrate(location) == (current - 1, current)
    assert databases.migrate(location) == (current, current)
    with Store.open(location) as store:
        assert store.verify() == []
    monkeypatch.undo()
    assert refused_by(location).code is Code.STORE_VERSION


def test_an_upgrade_that_fails_changes_nothing(location: PostgresAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    sample(location).close()
    statements = ("ALTER TABLE stage ADD COLUMN note {text} NOT NULL DEFAULT ''", "not SQL")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, statements))
    with pytest.raises(Refused) as refused:
        databases.migrate(location)
    assert refused.value.diagnostics[0].code is Code.STORE_DAMAGED
    monkeypatch.undo()
    with Store.open(location) as store:
        assert store.verify() == []


def test_many_that_create_it_at_once(location: PostgresAddress) -> None:
    def create(_: int) -> str:
        with Store.open(location, create=True) as store:
            return store.project

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(8)))) == 1


@pytest.mark.parametrize("text", ["a\0b", "caf\udce9"])
def test_what_is_not_text_is_refused_in_a_search(location: PostgresAddress, text: str) -> None:
    with Store.open(location, create=True) as store, pytest.raises(Refused) as refused:
        store.past("recipients", text, "2026")
    assert refused.value.diagnostics[0].code is Code.BAD_VALUE


def test_two_calls_with_one_id(location: PostgresAddress) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(Store.open(location, create=True))
        second = stack.enter_context(Store.open(location, write=True, busy_timeout=0.2))
        with first.recording():
            first.add_propositions([made(1)])
            with pytest.raises(Refused) as refused:  # it waits for what becomes of the other
                second.add_propositions([made(1)])
            assert refused.value.diagnostics[0].code is Code.STORE_LOCKED
        with pytest.raises(Refused) as refused:
            second.add_propositions([made(2, id="p-1")])
        assert refused.value.diagnostics[0].code is Code.PROPOSITION_EXISTS
        assert second.propositions() == [made(1)]


def test_texts_stand_in_the_order_of_bytes(location: PostgresAddress) -> None:
    with Store.open(location, create=True) as store:
        names = ["a-b", "a_b", "ab", "aB", "Ab", "z"]
        append(store, draft(*(change(name, None, entry("one")) for name in names)))
        assert list(store.entries(DESIGN)) == sorted(store.entries(DESIGN), key=str.encode)


def test_without_the_driver(location: PostgresAddress) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from offerkit.diagnostics import Refused\n"
        "from offerkit.store import Store, parse_location\n"
        "try: Store.open(parse_location(sys.argv[1]))\n"
        "except Refused as refused: print(*(f'{d.code} {d.hint}' for d in refused.diagnostics))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, spelled(location)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"OFR610 {install_hint('postgres')}"


def test_the_driver_is_not_imported_for_a_file() -> None:
    code = "import sys, offerkit.store.databases, offerkit.usecases.store_maintenance; print('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
