"""A commit counts only in the store that is in its place: whatever happens to the file while it is open."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.postgres import new_schema
from store_samples import sample

from offerkit.diagnostics import Code, Refused
from offerkit.store import Store, parse_location

TIME = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    sample(tmp_path / "state/store.db").close()
    return tmp_path / "state/store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, write=True) as opened:
        yield opened


def write(store: Store, cookie: str) -> None:
    with store.recording():
        store.remember("shop", cookie, "1", TIME)


def known(path: Path, cookie: str) -> bool:
    with Store.open(path) as opened:
        return opened.contact_of("shop", cookie) == "1"


def backup(path: Path) -> Path:
    target = path.with_name("backup.db")
    source, copy = sqlite3.connect(path), sqlite3.connect(target)
    source.backup(copy)
    source.close()
    copy.close()
    return target


def other(path: Path) -> Path:
    target = path.with_name("other.db")
    with sample(target):
        pass
    return target


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))
    path.symlink_to("elsewhere.db")


GONE: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "moved away": lambda path: path.rename(path.with_name("away.db")),
    "replaced": lambda path: backup(path).rename(path),
    "replaced by another project's": lambda path: other(path).rename(path),
    "written over": lambda path: shutil.copyfile(backup(path), path),
    "written over by another project's": lambda path: shutil.copyfile(other(path), path),
    "emptied": lambda path: os.truncate(path, 0),
    "cut": lambda path: os.truncate(path, 50),
    "a folder": directory,
    "a link": link,
    "its folder moved": lambda path: path.parent.rename(path.parent.with_name("moved")),
    "its folder deleted": lambda path: shutil.rmtree(path.parent),
    "its log deleted": lambda path: path.with_name("store.db-wal").unlink(),
    "its index deleted": lambda path: path.with_name("store.db-shm").unlink(),
    "junk": lambda path: path.write_bytes(b"junk" * 2000),
}


@pytest.mark.parametrize("way", GONE)
def test_a_commit_that_nobody_finds_is_refused(way: str, store: Store, path: Path) -> None:
    write(store, "before")
    GONE[way](path)
    with pytest.raises(Refused) as refused:
        write(store, "after")
    assert refused.value.diagnostics[0].code is Code.STORE_REPLACED
    with pytest.raises(Refused):
        store.check_in_place()


@pytest.mark.parametrize("way", GONE)
def test_a_commit_while_it_happens_is_refused(way: str, store: Store, path: Path) -> None:
    write(store, "before")
    with pytest.raises(Refused) as refused, store.recording():
        store.remember("shop", "after", "1", TIME)
        GONE[way](path)
    assert refused.value.diagnostics[0].code is Code.STORE_REPLACED


@pytest.mark.parametrize("way", ["moved away", "replaced", "its folder moved", "its log deleted", "its index deleted"])
def test_what_was_committed_before_is_in_the_file_that_was_there(way: str, path: Path) -> None:
    kept = path.with_name("kept.db")
    os.link(path, kept)
    with Store.open(path, write=True) as store:
        write(store, "before")
        GONE[way](path)
    found = next(file for file in (kept, path.parent.with_name("moved") / "kept.db") if file.exists())
    assert known(found, "before")


def test_what_takes_its_place_is_left_alone(path: Path) -> None:
    copy = backup(path)
    content = copy.read_bytes()
    first, second = Store.open(path, write=True), Store.open(path, write=True)
    write(first, "old")
    copy.rename(path)
    first.close()
    with Store.open(path, write=True) as new:
        write(new, "new")
        second.close()  # the last one of the file that is gone: it must not take away the log of the new one
        write(new, "newer")
    assert known(path, "new") and known(path, "newer") and not known(path, "old")
    assert path.read_bytes()[:16] == content[:16]


def test_a_log_is_not_applied_to_what_was_written_over(path: Path) -> None:
    copy = backup(path)
    with Store.open(path, write=True) as store:
        write(store, "old")
        shutil.copyfile(copy, path)
    assert path.read_bytes()[100:] == copy.read_bytes()[100:]
    with Store.open(path) as opened:
        assert opened.verify() == [] and opened.contact_of("shop", "old") == ""
    assert list(path.parent.glob("store.db-wal.stale-*"))


def test_the_same_file_put_back_is_in_its_place(path: Path) -> None:
    with Store.open(path, write=True) as store:
        write(store, "before")
        path.rename(path.with_name("away.db"))
        path.with_name("away.db").rename(path)
        write(store, "after")
    assert known(path, "before") and known(path, "after")


PROGRAM = (
    "import sys; from pathlib import Path; from offerkit.store import Store\n"
    "with Store.open(Path(sys.argv[1]), write=True) as store:\n"
    "    for number in range(int(sys.argv[3])):\n"
    "        with store.recording(): store.remember('shop', f'{sys.argv[2]}{number}', '1', '" + TIME + "')\n"
    "        store.checkpoint()\n"
)


def another(path: Path, name: str, times: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), name, str(times)])


def test_other_processes_and_long_use_are_no_replacement(path: Path) -> None:
    with Store.open(path, write=True) as store, Store.open(path, write=True) as tidied:
        running = [another(path, name, 30) for name in "ab"]
        number = 0
        while any(process.poll() is None for process in running):
            write(store, f"c{number}")
            tidied.checkpoint()
            number += 1
        assert [process.returncode for process in running] == [0, 0]
    assert all(known(path, f"{name}29") for name in "ab") and known(path, f"c{number - 1}")


def test_threads_that_look_at_once_are_no_replacement(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reads the header; before it compares it, another has moved the log into the file and looked, too."""
    write(store, "one")
    with Store.open(path, write=True) as second:
        store.checkpoint()
        store.check_in_place()
        plain, looked = os.pread, threading.Event()

        def look() -> None:
            write(second, "two")
            second.checkpoint()
            second.check_in_place()
            looked.set()

        other = threading.Thread(target=look)

        def slow(descriptor: int, size: int, at: int) -> bytes:
            found = plain(descriptor, size, at)
            if threading.current_thread() is not other and not other.ident:
                other.start()
                looked.wait(0.5)
            return found

        monkeypatch.setattr(os, "pread", slow)
        store.check_in_place()
        other.join()
        assert looked.is_set()
        write(store, "three")
    assert all(known(path, cookie) for cookie in ("one", "two", "three"))


@pytest.mark.slow
def test_processes_that_are_killed_are_no_replacement(path: Path) -> None:
    chance = random.Random(4)
    with Store.open(path, write=True) as store, Store.open(path, write=True) as tidied:
        for number in range(15):
            killed, other = another(path, f"a{number}-", 10_000), another(path, f"b{number}-", 10_000)
            end = time.monotonic() + 0.3 + chance.random() / 2
            while time.monotonic() < end:
                write(store, f"c{number}")
                tidied.checkpoint()
            for process in (killed, other):
                process.kill()
                write(store, f"d{number}")
            assert (killed.wait(), other.wait()) == (-9, -9)
    assert all(known(path, f"d{number}") for number in range(15))


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("DROP SCHEMA {0} CASCADE", Code.STORE_REPLACED),
        ("ALTER SCHEMA {0} RENAME TO {0}_away", Code.STORE_REPLACED),
        ("ALTER SCHEMA {0} RENAME TO {0}_away; CREATE SCHEMA {0}", Code.STORE_REPLACED),
        ("DELETE FROM {0}.meta", Code.STORE_REPLACED),
        ("TRUNCATE {0}.meta", Code.STORE_REPLACED),
        ("UPDATE {0}.meta SET value = 'other' WHERE key = 'project'", Code.STORE_REPLACED),
        (
            "CREATE TABLE {0}.m AS SELECT * FROM {0}.meta; DROP TABLE {0}.meta; ALTER TABLE {0}.m RENAME TO meta",
            Code.STORE_REPLACED,
        ),
    ],
)
def test_a_schema_that_was_replaced(way: str, code: Code) -> None:
    import psycopg

    location = parse_location(new_schema())
    sample(location).close()
    assert not isinstance(location, Path)
    with Store.open(location, write=True) as store:
        write(store, "before")
        with psycopg.connect(location.conninfo, autocommit=True) as connection:
            connection.execute(way.format(location.schema).encode())
        with pytest.raises(Refused) as refused:
            write(store, "after")
        assert refused.value.diagnostics[0].code is code
        with pytest.raises(Refused):
            store.check_in_place()
