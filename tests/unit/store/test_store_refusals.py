"""Stores that cannot be used: each told once, clearly, and left as it was."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import filelock  # noqa: F401 - forked processes of other users could not import it
import pytest
import store_samples
from store_samples import DESIGN, append, change, draft, entry, sample

import offerkit.store
from offerkit.diagnostics import Code, Refused
from offerkit.store import Store, schema
from offerkit.store.sqlite import SqliteDatabase


@pytest.fixture
def location(tmp_path: Path) -> Path:
    """These tests are about the file; what PostgreSQL refuses is in test_postgres_refusals.py."""
    return tmp_path / ".offerkit" / "store.db"


def code_of(path: Path, *, create: bool = False, write: bool = False) -> Code:
    with pytest.raises(Refused) as refused:
        Store.open(path, create=create, write=write).close()
    (found,) = refused.value.diagnostics
    assert found.detail
    assert found.hint
    return found.code


def test_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / ".offerkit" / "store.db"
    assert code_of(path) is Code.STORE_MISSING
    assert code_of(path, write=True) is Code.STORE_MISSING
    assert not path.parent.exists()
    assert Store.find(path) is None


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("text", ["just some text", "x" * 5000, "SQLite format 3\0" + "x" * 5000])
def test_a_file_that_is_no_database(tmp_path: Path, text: str, create: bool) -> None:
    path = tmp_path / "store.db"
    path.write_text(text)
    assert code_of(path, create=create) in (Code.STORE_FOREIGN, Code.STORE_DAMAGED)
    assert path.read_text() == text


@pytest.mark.parametrize("create", [False, True])
def test_a_folder_or_a_device(tmp_path: Path, create: bool) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "folder", tmp_path / "pipe", Path("/dev/null")):
        assert code_of(path, create=create) is Code.STORE_FOREIGN


@pytest.mark.parametrize("create", [False, True])
def test_a_database_of_another_application(tmp_path: Path, create: bool) -> None:
    plain, signed = tmp_path / "plain.db", tmp_path / "signed.db"
    with closing(sqlite3.connect(plain)) as connection:
        connection.execute("CREATE TABLE meta (key, value)")
    with closing(sqlite3.connect(signed)) as connection:
        connection.execute("PRAGMA application_id = 7")
    for path in (plain, signed):
        before = path.read_bytes()
        assert code_of(path, create=create) is Code.STORE_FOREIGN
        assert path.read_bytes() == before


def test_a_store_that_another_process_creates_meanwhile(location: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two statements that tell whether the file is blank."""
    asked, rows = [], SqliteDatabase.rows

    def created_before(db: SqliteDatabase, sql: str, *more: Any) -> list[Any]:
        if "sqlite_master" in sql and not asked:
            asked.append(sql)
            Store.open(location, create=True).close()
        return rows(db, sql, *more)

    monkeypatch.setattr(SqliteDatabase, "rows", created_before)
    with Store.open(location, create=True) as store:
        assert store.verify() == []
    assert asked


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock", ".holder"])
def test_the_name_of_a_file_beside_a_store(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"store.db{suffix}"
    assert code_of(path, create=True) is Code.STORE_FOREIGN
    assert not path.exists()
    path.touch()  # as the log of a store that is open
    (tmp_path / "link").symlink_to(path)
    for one in (path, tmp_path / "link"):
        assert code_of(one, create=True) is Code.STORE_FOREIGN
    assert path.read_bytes() == b""


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch()
    assert code_of(path) is Code.STORE_MISSING
    assert Store.find(path) is None
    with Store.open(path, create=True) as store:
        assert store.verify() == []


def test_a_creation_that_was_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert path.stat().st_size > 0
    assert code_of(path) is Code.STORE_MISSING
    assert Store.find(path) is None
    with Store.open(path, create=True) as store:
        append(store, draft(change("a", None, entry("one"))))


def test_a_creation_that_was_interrupted_while_it_was_written(tmp_path: Path) -> None:
    source, path = tmp_path / "source.db", tmp_path / "store.db"
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")  # pages go to the file before the end of the transaction
        connection.execute("BEGIN IMMEDIATE")
        for number in range(40):
            connection.execute(f"CREATE TABLE t{number} (a)")
        for suffix in ("", "-journal"):
            shutil.copy(f"{source}{suffix}", f"{path}{suffix}")
    assert path.stat().st_size > 0
    assert Store.find(path) is None
    with Store.open(path, create=True) as store:
        assert store.verify() == []


def test_paths_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert code_of(tmp_path / ("x" * 300)) is Code.UNREADABLE
    assert code_of(tmp_path / "a\0b") is Code.UNREADABLE
    assert code_of(tmp_path / "file" / "store.db") is Code.STORE_MISSING
    assert code_of(tmp_path / "file" / "store.db", create=True) is Code.UNREADABLE


def test_paths_that_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (Path("a?mode=ro&b#c%41.db"), Path("sub/ü 漢.db"), Path("store.db")):
        with Store.open(path, create=True) as store:
            append(store, draft(change("a", None, entry("one"))))
        assert path.is_file()
        with Store.open(path) as store:
            assert len(store.entries(DESIGN)) == 1


def test_a_newer_format(history: Store, execute: Callable[..., None]) -> None:
    execute(f"UPDATE meta SET value = '{schema.current_format() + 1}' WHERE key = 'format'")
    for write in (False, True):
        assert code_of(history.location, write=write) is Code.STORE_VERSION


@pytest.mark.parametrize("value", ["", "0", "one", "-1", "1.0"])
def test_a_format_that_makes_no_sense(history: Store, execute: Callable[..., None], value: str) -> None:
    execute(f"UPDATE meta SET value = '{value}' WHERE key = 'format'")
    assert code_of(history.location) is Code.STORE_DAMAGED


def test_tables_that_are_gone(history: Store, execute: Callable[..., None]) -> None:
    execute("DROP TABLE meta")
    assert code_of(history.location) is Code.STORE_DAMAGED


@pytest.mark.parametrize("write", [False, True])
def test_an_older_format_is_upgraded(history: Store, monkeypatch: pytest.MonkeyPatch, write: bool) -> None:
    history.close()
    statements = ("ALTER TABLE stage ADD COLUMN note {text} NOT NULL DEFAULT ''",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, statements))
    with Store.open(history.location, write=write) as store:
        assert store.verify() == []
        assert store.last_serial() == 5
    monkeypatch.undo()
    assert code_of(history.location) is Code.STORE_VERSION


def test_an_upgrade_that_fails_changes_nothing(history: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    history.close()
    statements = ("ALTER TABLE stage ADD COLUMN note {text} NOT NULL DEFAULT ''", "not SQL")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, statements))
    assert code_of(history.location, write=True) is Code.STORE_DAMAGED
    monkeypatch.undo()
    with Store.open(history.location) as store:
        assert store.verify() == []


def test_a_writer_that_does_not_end(history: Store) -> None:
    with closing(sqlite3.connect(history.location, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Store.open(history.location, write=True, busy_timeout=0.05) as store:
            assert len(store.entries(DESIGN)) == 1, "readers are not hindered"
            with pytest.raises(Refused) as refused:
                append(store, draft(day=6))
    assert refused.value.diagnostics[0].code is Code.STORE_LOCKED


def test_a_file_cut_short(history: Store) -> None:
    history.close()
    history.location.write_bytes(history.location.read_bytes()[:-8192])
    found = [Code.STORE_DAMAGED]
    try:
        with Store.open(history.location) as store:
            found = [d.code for d in store.verify()]
    except Refused as refused:
        found = [d.code for d in refused.diagnostics]
    assert Code.STORE_DAMAGED in found


def run(code: str, path: Path, *, user: int | None = None, limit: int = 0) -> str:
    """What a process prints that runs ``code`` with that store, as another user or with a limit on file size.

    It is forked, not started: the other user may not be able to read this Python.
    """
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if limit:
                sys.dont_write_bytecode = True  # a compiled module that is cut at the limit is there for everybody
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            told = _told(code, path)
        except BaseException:
            told = traceback.format_exc()
        os.write(send, told.encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    return told


def _told(code: str, path: Path) -> str:
    names = {**vars(offerkit.store), **vars(store_samples), "path": path, "told": ""}
    try:
        exec(code, names)
    except Refused as refused:
        return " ".join(d.code.name for d in refused.diagnostics)
    return str(names["told"])


GROW = """
store = Store.open(path, create=True)
for number in range(1, 28):
    label = str(number) * 40_000
    append(store, draft(change(f"o{number}", None, entry(label)), day=number, labels=(label,)))
"""


@pytest.mark.parametrize("limit", [3_000, 20_000, 40_000, 200_000, 1_000_000])
def test_no_room_left(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "store.db"
    assert run(GROW, path, limit=limit) == "STORE_FULL"
    if Store.find(path) is not None:
        with Store.open(path, create=True) as store:
            assert store.verify() == []
            assert len(store.entries(DESIGN)) == store.last_serial() < 27
            append(store, draft(change("then", None, entry("one")), day=28))


READ = "with Store.open(path) as store: told = f'{store.last_serial()} {len(store.verify())}'"
WRITE = "with Store.open(path, write=True) as store: append(store, draft(day=6))"
LOCK = "with write_lock(path, who='x', timeout=0): told = 'held'"


@pytest.fixture
def shared() -> Iterator[Path]:
    """A store that every user may reach, and no other than its owner may write."""
    folder = Path(tempfile.mkdtemp(prefix="offerkit-"))
    sample(folder / "store.db").close()
    folder.chmod(0o755)
    (folder / "store.db").chmod(0o644)
    yield folder / "store.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


NOBODY = 65534 if os.geteuid() == 0 else None


def test_a_read_only_folder(shared: Path) -> None:
    shared.chmod(0o444)
    shared.parent.chmod(0o555)
    assert run(READ, shared, user=NOBODY) == "5 0"
    assert run(WRITE, shared, user=NOBODY) == "STORE_READ_ONLY"
    assert run(LOCK, shared, user=NOBODY) == "STORE_READ_ONLY"
    assert run(GROW, shared.with_name("new.db"), user=NOBODY) == "STORE_READ_ONLY"
    assert run(GROW, shared.parent / "sub" / "new.db", user=NOBODY) == "STORE_READ_ONLY"
    assert [file.name for file in shared.parent.iterdir()] == ["store.db"]


def test_a_read_only_file(shared: Path) -> None:
    shared.chmod(0o444)
    shared.parent.chmod(0o777)
    assert run(READ, shared, user=NOBODY) == "5 0"
    assert run(WRITE, shared, user=NOBODY) == "STORE_READ_ONLY"
    assert run(READ, shared, user=NOBODY) == "5 0"


def test_a_file_that_may_not_be_read(shared: Path) -> None:
    shared.chmod(0o200)
    assert run(READ, shared, user=NOBODY) == "UNREADABLE"
    shared.parent.chmod(0o000)
    assert run(READ, shared, user=NOBODY) == "UNREADABLE"
    assert run("Store.find(path)", shared, user=NOBODY) == "UNREADABLE"


@pytest.mark.skipif(NOBODY is None, reason="needs two users")
def test_reading_beside_a_writer_of_another_user(shared: Path) -> None:
    with Store.open(shared, write=True) as store:
        append(store, draft(change("x", None, entry("four")), day=6))
        assert shared.with_name("store.db-wal").stat().st_size > 0
        assert run(READ, shared, user=NOBODY) == "6 0"
