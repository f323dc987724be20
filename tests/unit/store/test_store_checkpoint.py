"""What is written is moved to where it stays, beside those who read and write."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from proposition_samples import at, made

from offerkit.diagnostics import Code, Refused
from offerkit.store import Location, Store, sqlite


def test_tidying_beside_a_writer_changes_nothing_that_is_seen(location: Location) -> None:
    with Store.open(location, create=True) as store, Store.open(location, write=True) as other:
        store.add_propositions([made(1), made(2)])
        with store.recording():
            store.add_propositions([made(3)])
            other.checkpoint()
        other.checkpoint()
        assert {row.id for row in other.propositions(limit=0)} == {"p-1", "p-2", "p-3"}


def test_what_was_tidied_is_in_the_file_itself(tmp_path: Path) -> None:
    path, alone = tmp_path / "store.db", tmp_path / "alone.db"
    with Store.open(path, create=True) as store, Store.open(path, write=True) as other:
        store.add_propositions([made(number) for number in range(50)])
        shutil.copy(path, alone)
        assert _count(alone) == 0, "it is in the log yet"
        other.checkpoint()
        shutil.copy(path, alone)
        assert _count(alone) == 50


def test_what_was_moved_is_synced_even_if_a_writer_adds_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the checkpoint that leaves nothing in the log syncs all since the one before, and every call waits."""
    synced: list[int] = []
    path = tmp_path / "store.db"
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    with Store.open(path, create=True) as store, Store.open(path, write=True) as other:
        store.add_propositions([made(number) for number in range(50)])
        with store.recording():
            store.add_propositions([made(50)])
            other.checkpoint()
            other.checkpoint()
        assert synced == [path.stat().st_ino], "once: a server that rests leaves the disk alone"


@pytest.mark.parametrize(("number", "code"), [(errno.EIO, Code.UNREADABLE), (errno.ENOSPC, Code.STORE_FULL)])
def test_a_disk_that_fails_to_sync_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: Code
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with Store.open(tmp_path / "store.db", create=True) as store:
        store.add_propositions([made(1)])
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(Refused) as refused:
            store.checkpoint()
        assert [found.code for found in refused.value.diagnostics] == [code]
        assert [row.id for row in store.propositions(limit=0)] == ["p-1"]


def test_a_log_that_was_moved_begins_anew(tmp_path: Path) -> None:
    with (
        Store.open(tmp_path / "store.db", create=True) as store,
        Store.open(tmp_path / "store.db", write=True) as other,
    ):
        for number in range(5):
            store.add_propositions([made(number)])
        length = other.checkpoint()
        assert other.checkpoint() == length > 0, "nothing was added"
        store.add_propositions([made(5)])
        assert 0 < other.checkpoint() < length


def test_a_call_writes_as_few_pages_for_many_offers_as_for_one(tmp_path: Path) -> None:
    """The pages that a commit writes are what storing costs: one by one they are in the log, and later in the file."""
    pages = []
    for offers in (1, 300):
        location = tmp_path / f"{offers}.db"
        with Store.open(location, create=True) as store, Store.open(location, write=True) as other:
            past = [made(n, id=f"p-{n:05}", contact=f"c-{n % 500}", offer=f"o-{n % offers}") for n in range(3_000)]
            store.add_propositions(past)
            other.checkpoint()
            now = [
                made(1, time=at(3_500), id=f"q-{n}", contact="c-250", offer=f"o-{n * 7 % offers}") for n in range(10)
            ]
            store.add_propositions(now)
            pages.append(other.checkpoint())
    assert pages[0] == pages[1] <= 10


def _count(path: Path) -> int:
    connection = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM proposition").fetchone()[0])
    except sqlite3.OperationalError:  # not even the table
        return 0
    finally:
        connection.close()


def test_a_log_that_was_long_once_does_not_stay_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut when it begins anew, but not below what it usually has."""
    monkeypatch.setattr(sqlite, "LOG_BYTES", 100_000)
    path = tmp_path / "store.db"
    log = path.with_name("store.db-wal")
    with Store.open(path, create=True) as store:
        store.add_propositions([made(number % 60, id=f"p-{number}") for number in range(5_000)])
        assert log.stat().st_size > 1_000_000
        store.checkpoint()
        store.add_propositions([made(1, id="last")])
        assert 0 < log.stat().st_size <= 100_000
