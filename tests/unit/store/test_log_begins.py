"""The log of propositions begins with its first reader: nobody before writes to it, and nobody misses it."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.postgres import new_schema
from proposition_samples import at, made
from store_samples import draft, sample, spelled
from test_proposition_log import RUN, WRITE, names, read, read_now
from test_propositions_race import said, start

from offerkit.diagnostics import Code, Refused
from offerkit.models.status import Status
from offerkit.store import Location, Store, backups, copying, parse_location, postgres
from offerkit.store.proposition_log import BEGINNING

BEGIN = """
import sys
from offerkit.store import Store, parse_location
with Store.open(parse_location(sys.argv[1]), write=True, busy_timeout=60.0) as store:
    store.begin_log()
print("done")
"""
KILLED = """
import os, signal, sys
from offerkit.store import Store, parse_location, proposition_log
with Store.open(parse_location(sys.argv[1]), write=True) as store:
    act = getattr(store.database, sys.argv[2])
    def last(*args):
        act(*args)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(store.database, sys.argv[2], last)
    store.begin_log()
"""


def change_every_way(store: Store) -> None:
    store.add_propositions([made(number) for number in range(3)])
    store.set_status("p-1", Status.INTERESTED, at(20))
    rows = [made(n, interaction="call-9", time=at(9), space="email", status=Status.GENERATED) for n in (10, 11)]
    store.add_delivery(RUN, rows)
    store.withdraw_delivery(RUN, at(30))
    store.add_delivery(RUN, rows)
    store.delivery_sent(RUN, at(31))


def logged_rows(store: Store) -> tuple[int, int]:
    changes: list[tuple[int]] = store.database.rows("SELECT COUNT(*) FROM proposition_change")
    marked: list[tuple[int]] = store.database.rows("SELECT COUNT(*) FROM proposition WHERE logged <> ''")
    return changes[0][0], marked[0][0]


def test_nothing_is_logged_without_a_reader(store: Store) -> None:
    change_every_way(store)
    assert logged_rows(store) == (0, 0) and not store.log_begun()
    store.begin_log()
    assert store.log_begun() and logged_rows(store) == (3, 0)
    changes, place = read(store)
    assert Counter(names(changes)) == Counter(("made", row.id, row.status.value) for row in store.propositions(limit=0))
    store.begin_log()  # it has begun, and stays as it is
    assert logged_rows(store) == (3, 0) and store.is_logged(place)
    store.set_status("p-1", Status.ACCEPTED, at(40))
    assert names(read(store, place)[0]) == [("changed", "p-1", "accepted")]


@pytest.mark.slow
def test_who_writes_while_the_log_begins(store: Store) -> None:
    """Each proposition is either there when the log begins, or logged; and each later change is told."""
    where, folder = spelled(store.location), str(Path(__file__).parent)
    writers = [start(WRITE, where, f"w{number}", folder, "60") for number in range(4)]
    while store.propositions(limit=1) == []:
        time.sleep(0.01)
    said([start(BEGIN, where) for _ in range(3)])
    told: list[tuple[str, str, str]] = []
    place = BEGINNING
    while any(writer.poll() is None for writer in writers):
        changes, place = read_now(store, place, 20)
        told += names(changes)
    said(writers)
    told += names(read(store, place, 500)[0])
    kept = {row.id: row.status.value for row in store.propositions(limit=0)}
    assert len(kept) == 4 * 60 * 2
    assert max(Counter(told).values()) == 1
    assert {name: status for _, name, status in told} == kept
    assert len(store.database.rows("SELECT id FROM proposition_change WHERE event = 'log'")) == 1


@pytest.mark.parametrize("late", [False, True])
def test_a_writer_that_began_before(location: Location, late: bool) -> None:
    """Who begins waits for the writers that are there; a writer that begins later sees the log."""
    with Store.open(location, create=True) as store:
        store.add_propositions([made(0)])
    written, waiting = threading.Event(), threading.Event()

    def write() -> None:
        with Store.open(location, write=True, busy_timeout=20.0) as other, other.recording():
            other.add_propositions([made(1)])
            written.set()
            waiting.wait(0.6)
            other.add_propositions([made(2)])
            other.set_status("p-0", Status.ACCEPTED, at(9))

    with Store.open(location, write=True, busy_timeout=20.0) as store:
        if late:
            store.begin_log()
        writer = threading.Thread(target=write)
        writer.start()
        assert written.wait(20)
        if late:
            waiting.set()
        store.begin_log()
        writer.join()
        assert Counter(names(read(store)[0])) == Counter(
            [
                ("changed" if late else "made", "p-0", "accepted"),
                ("made", "p-1", "presented"),
                ("made", "p-2", "presented"),
            ]
        )


@pytest.mark.parametrize(("at_last", "told"), [("run", 0), ("await_earlier_writers", 1), ("insert", 1)])
def test_a_process_that_is_killed_while_it_begins(store: Store, at_last: str, told: int) -> None:
    store.add_propositions([made(1)])
    process = start(KILLED, spelled(store.location), at_last)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not store.log_begun()
    store.add_propositions([made(2)])
    assert logged_rows(store)[1] == told  # writers may log already; readers are not let in
    store.begin_log()
    assert [name for _, name, _ in names(read(store)[0])] == ["p-1", "p-2"]


def test_a_long_writer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL: others write on while somebody waits to begin; then that one is told."""
    monkeypatch.setattr(postgres, "_PATIENCE", 0.3)
    location = parse_location(new_schema())
    with (
        Store.open(location, create=True) as store,
        Store.open(location, write=True) as slow,
        Store.open(location, write=True) as quick,
    ):
        with slow.recording():
            slow.add_propositions([made(1)])
            with pytest.raises(Refused) as caught:
                store.begin_log()
            quick.add_propositions([made(2)])
        assert [d.code for d in caught.value.diagnostics] == [Code.STORE_LOCKED]
        assert not store.log_begun()
        store.begin_log()
        assert len(read(store)[0]) == 2


def test_readers_may_not_begin_it(location: Location) -> None:
    with Store.open(location, create=True) as store:
        store.add_propositions([made(1)])
    with Store.open(location) as reader, pytest.raises(Refused) as caught:
        reader.begin_log()
    assert [d.code for d in caught.value.diagnostics] == [Code.STORE_READ_ONLY]


def test_connections_that_were_open_notice(location: Location) -> None:
    with Store.open(location, create=True) as early:
        early.add_propositions([made(1)])
        with Store.open(location, write=True) as other:
            other.begin_log()
        early.add_propositions([made(2)])
        early.add_propositions([made(3)])
        _, marked = logged_rows(early)
        assert marked == 2
        assert [name for _, name, _ in names(read(early)[0])] == ["p-1", "p-2", "p-3"]


def test_a_copy_has_its_own_readers(location: Location, tmp_path: Path) -> None:
    """A copy continues the log or has none, as the store it was made from."""
    with sample(location) as store:
        store.add_propositions([made(1)])
        copying.copy(location, tmp_path / "before.db", lambda _: lambda _: None)
        store.begin_log()
        place = read(store)[1]
        copying.copy(location, tmp_path / "after.db", lambda _: lambda _: None)
    with Store.open(tmp_path / "before.db", write=True) as copied:
        copied.add_propositions([made(2)])
        assert not copied.log_begun() and not copied.is_logged(place)
        copied.begin_log()
        assert not copied.is_logged(place)  # another log, with another history
    with Store.open(tmp_path / "after.db", write=True) as copied:
        copied.add_propositions([made(2)])
        assert copied.is_logged(place)
        assert [name for _, name, _ in names(read(copied, place)[0])] == ["p-2"]


def test_what_a_restore_brings_back_is_told(location: Location, tmp_path: Path, execute: Callable[..., None]) -> None:
    with sample(location) as store:
        store.add_propositions([made(1), made(2)])
        copying.copy(location, tmp_path / "backup.db", lambda _: lambda _: None)
        execute("DELETE FROM proposition WHERE id = 'p-1'")
        store.begin_log()
        changes, place = read(store)
        assert [name for _, name, _ in names(changes)] == ["p-2"]
        with Store.open(tmp_path / "backup.db") as backup:
            back = backups.returning(store.database, backup.database)
            wish = replace(draft(), action=backups.ACTION)
            backups.rewrite(store.database, backup.database, store.head(), back, wish)
        assert names(read(store, place)[0]) == [("made", "p-1", "presented")]
        assert store.is_logged(place)
