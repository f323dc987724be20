"""The log of propositions: each change once, in an order that nobody who writes at the same time can break."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.postgres import new_schema
from proposition_samples import at, made
from store_samples import sample, spelled
from test_propositions_race import said, start

from offerkit.models.status import Status
from offerkit.store import DataWithStatus, DeliveryRun, Location, Store, copying, parse_location
from offerkit.store.proposition_log import BEGINNING, LoggedChange, LogPlace

RUN = DeliveryRun("recipients", "c", "d", "call-9", "email", 4, at(9), at(9), "ada", 1, 1)

WRITE = """
import sys
sys.path.insert(0, sys.argv[3])
from proposition_samples import at, made
from offerkit.models.status import Status
from offerkit.store import Store, parse_location
name, number = sys.argv[2], 0
with Store.open(parse_location(sys.argv[1]), write=True, busy_timeout=60.0) as store:
    while number < int(sys.argv[4]):
        number += 1
        with store.recording():
            rows = [("recipients", 1), ("guests", 2)]
            store.add_propositions(
                [made(number, id=f"{name}-{number}-{rank}", environment=at_, rank=rank) for at_, rank in rows]
            )
            if number % 3 == 0:
                store.set_status(f"{name}-{number}-1", Status.INTERESTED, at(number))
        if number % 2 == 0:
            store.set_status(f"{name}-{number}-2", Status.REJECTED, at(number + 1))
print("done")
"""


def settle(store: Store) -> None:
    """Wait until no transaction of the whole server, such as those of other tests, is older than the newest change."""
    rows: list[tuple[str | None]] = store.database.rows("SELECT MAX(position) FROM proposition_change")
    while (bound := store.database.log_settled()) and bound <= (rows[0][0] or ""):
        time.sleep(0.01)


def read(
    store: Store, place: LogPlace = BEGINNING, limit: int = 3, environment: str = ""
) -> tuple[list[LoggedChange], LogPlace]:
    """Everything after ``place``, in small pages."""
    settle(store)
    return read_now(store, place, limit, environment)


def read_now(
    store: Store, place: LogPlace, limit: int = 3, environment: str = ""
) -> tuple[list[LoggedChange], LogPlace]:
    changes: list[LoggedChange] = []
    more = True
    while more:
        page = store.logged(place, environment, limit)
        changes += page.changes
        place, more = page.place, page.more
    return changes, place


def names(changes: list[LoggedChange]) -> list[tuple[str, str, str]]:
    return [
        (change.event, change.proposition.id, change.proposition.status.value)
        for change in changes
        if change.proposition is not None
    ]


def test_each_change_is_told_once(store: Store) -> None:
    store.begin_log()
    store.add_propositions([made(number) for number in range(5)])
    changes, place = read(store)
    assert sorted(names(changes)) == [("made", f"p-{number}", "presented") for number in range(5)]
    assert read(store, place) == ([], place)
    store.set_status("p-1", Status.INTERESTED, at(20))
    store.set_status("p-1", Status.ACCEPTED, at(21), DataWithStatus({"order": 7}))
    store.set_status("p-1", Status.ACCEPTED, at(22))  # it has that status already
    store.add_propositions([made(9)])
    changes, place = read(store, place)
    assert names(changes) == [
        ("changed", "p-1", "interested"),
        ("changed", "p-1", "accepted"),
        ("made", "p-9", "presented"),
    ]
    assert [change.changed for change in changes[:2]] == [at(20), at(21)]
    first, second = (change.proposition for change in changes[:2])
    assert first is not None and second is not None
    assert (dict(first.accepted), dict(second.accepted)) == ({}, {"order": 7})
    assert store.is_logged(place) and read(store, place)[0] == []


def test_one_environment_alone(store: Store) -> None:
    store.begin_log()
    store.add_propositions([made(1), made(2, environment="guests"), made(3)])
    settle(store)
    page = store.logged(BEGINNING, "guests")
    assert [name for _, name, _ in names(list(page.changes))] == ["p-2"]


def steps(store: Store, place: LogPlace, environment: str) -> tuple[LogPlace, int]:
    """Where an export of one environment ends, and the changes that SQLite looked at for it, roughly."""
    connection, done = store.database._connection, []  # type: ignore[attr-defined]
    connection.set_progress_handler(lambda: done.append(1) and None, 100)
    while (page := store.logged(place, environment)).more:
        place = page.place
    connection.set_progress_handler(None, 0)
    return page.place, len(done)


@pytest.mark.parametrize("own", [0, 1])
def test_changes_of_other_environments_are_passed_once(tmp_path: Path, own: int) -> None:
    with Store.open(tmp_path / "store.db", create=True) as store:
        store.begin_log()
        store.add_propositions([made(-1)] * own)
        store.add_propositions([made(number, environment="guests") for number in range(2_000)])
        place, first = steps(store, BEGINNING, "recipients")
        assert store.is_logged(place) and first > 50
        again, second = steps(store, place, "recipients")
        assert (again, second < first / 20) == (place, True)
        store.add_propositions([made(5_001, environment="guests"), made(5_000)])
        changes = store.logged(place, "recipients").changes
        assert names(list(changes)) == [("made", "p-5000", "presented")]


def test_a_quiet_environment_keeps_its_cursor(store: Store) -> None:
    """Its last change is gone with its propositions, but nothing that came later is."""
    store.begin_log()
    store.add_propositions([made(1, environment="guests")])
    store.add_propositions([made(2)])
    settle(store)
    place = store.logged(BEGINNING, "guests").place
    store.purge_propositions("guests", at(100))
    for _ in store.purge_log("guests", at(100)):
        pass
    assert (
        store.database.rows("SELECT id FROM proposition_change WHERE environment = 'guests' AND event = 'made'") == []
    )
    assert store.is_logged(place)
    assert "p-2" not in str(place), "an id allows to answer a proposition: it is for readers of its environment"
    store.add_propositions([made(3, environment="guests"), made(4)])
    settle(store)
    assert [name for _, name, _ in names(list(store.logged(place, "guests").changes))] == ["p-3"]


@pytest.mark.parametrize("gone", ["id = 'p-2'", "id = 'p-1'", "id IN ('p-1', 'p-2')"])
def test_what_was_passed_may_be_gone(store: Store, execute: Callable[..., None], gone: str) -> None:
    """As after a restore, whose later changes lie at the positions of those that it discarded."""
    store.begin_log()
    store.add_propositions([made(1, environment="guests")])
    store.add_propositions([made(2)])
    settle(store)
    place = store.logged(BEGINNING, "guests").place
    execute(f"DELETE FROM proposition_change WHERE {gone}")
    assert store.is_logged(place) is (" IN " not in gone)
    store.add_propositions([made(3, environment="guests"), made(4)])
    settle(store)
    if store.is_logged(place):
        assert [name for _, name, _ in names(list(store.logged(place, "guests").changes))] == ["p-3"]


@pytest.mark.parametrize("environment", ["recipients", "guests", ""])
def test_another_change_in_the_place_of_one_that_was_told(tmp_path: Path, environment: str) -> None:
    """As after the file of an older store is put back: positions go on from there, with other changes."""
    path = tmp_path / "store.db"
    with Store.open(path, create=True) as store:
        store.begin_log()
        store.add_propositions([made(1), made(2, environment="guests")])
    before = path.read_bytes()
    with Store.open(path, write=True) as store:
        store.set_status("p-1", Status.ACCEPTED, at(20))
        place = store.logged(BEGINNING, environment).place
    path.write_bytes(before)
    with Store.open(path, write=True) as store:
        store.set_status("p-1", Status.REJECTED, at(21))
        assert store.is_logged(place) is (environment == "guests"), "who was told of what is gone must learn of it"


def test_a_refused_transaction_leaves_nothing(store: Store) -> None:
    store.begin_log()
    with pytest.raises(RuntimeError), store.recording():
        store.add_propositions([made(1)])
        raise RuntimeError
    assert read(store)[0] == []


def test_deliveries_are_made_sent_and_withdrawn(store: Store) -> None:
    store.begin_log()
    rows = [made(n, interaction="call-9", time=at(9), space="email", status=Status.GENERATED) for n in range(3)]
    store.add_delivery(RUN, rows)
    changes, place = read(store)
    assert Counter(status for _, _, status in names(changes)) == {"generated": 3}
    store.set_status("p-0", Status.REJECTED, at(10))
    assert [row.id for row in store.delivery_waiting(RUN, "p-1", 1)] == ["p-2"]
    data = {f"p-{n}": DataWithStatus({"n": n}, accepting=False, contact="42|fr") for n in range(3)}
    data["p-2"] = DataWithStatus({"n": 2}, accepting=False, contact="of somebody who was erased")
    assert store.delivery_sent(RUN, at(11), data.items()) == 2
    changes, place = read(store, place)
    stored = {change.proposition.id: dict(change.proposition.statuses) for change in changes if change.proposition}
    assert stored == {"p-0": {}, "p-1": {"presented": {"n": 1}}, "p-2": {}}
    assert store.delivery_waiting(RUN) == []
    assert sorted(names(changes)) == [
        ("changed", "p-0", "rejected"),
        ("changed", "p-1", "presented"),
        ("changed", "p-2", "presented"),
    ]
    other = DeliveryRun("recipients", "c", "e", "call-8", "email", 4, at(9), at(9), "ada", 1, 1)
    store.add_delivery(other, [made(7, interaction="call-8", time=at(9), space="email", status=Status.GENERATED)])
    place = read(store, place)[1]
    store.withdraw_delivery(other, at(12))
    (gone,) = read(store, place)[0]
    assert (gone.event, gone.interaction, gone.changed, gone.proposition) == ("withdrawn", "call-8", at(12), None)
    assert [name for _, name, _ in names(read(store)[0])].count("p-7") == 0  # what is gone is not told any more


def test_what_is_older_than_the_log_comes_first(store: Store) -> None:
    store.add_propositions([made(number) for number in range(4)] + [made(5, environment="guests")])
    store.begin_log()
    store.add_propositions(
        [made(6), made(0, id="p-early", time="2026-10-31T12:00:00.000000Z"), made(7, environment="later")]
    )
    settle(store)
    page = store.logged(BEGINNING, "", 2)
    assert [name for _, name, _ in names(list(page.changes))] == ["p-5"] and page.more
    store.set_status("p-2", Status.ACCEPTED, at(30))  # it is in the log from now on, and told there
    changes, place = read(store, page.place)
    assert sorted(names(changes)) == [
        ("changed", "p-2", "accepted"),
        ("made", "p-0", "presented"),
        ("made", "p-1", "presented"),
        ("made", "p-3", "presented"),
        ("made", "p-6", "presented"),
        ("made", "p-7", "presented"),
        ("made", "p-early", "presented"),
    ]
    assert read(store, place)[0] == []
    only: list[tuple[str, str, str]] = []
    rest = BEGINNING
    while (page := store.logged(rest, "recipients", 2)).changes or page.more:
        only += names(list(page.changes))
        rest = page.place
    assert {name for _, name, _ in only} == {"p-0", "p-1", "p-2", "p-3", "p-6", "p-early"}


def test_purging_keeps_the_newest_change(store: Store) -> None:
    store.begin_log()
    store.add_propositions([made(number, changed=at(number)) for number in range(10)])
    _, place = read(store)
    while store.purge_propositions("recipients", at(100), 4):
        pass
    for _ in store.purge_log("recipients", at(100), 3):
        pass
    assert store.is_logged(place)
    assert len(store.database.rows("SELECT id FROM proposition_change WHERE event = 'made'")) == 1
    early = LogPlace(None, "0" * 24, "p-0")
    assert not store.is_logged(early)


def test_purging_keeps_what_still_exists(store: Store) -> None:
    store.begin_log()
    store.add_propositions([made(1), made(2, time=at(500)), made(3)])
    store.purge_propositions("recipients", at(100))
    for _ in store.purge_log("recipients", at(100)):
        pass
    assert [name for _, name, _ in names(read(store)[0])] == ["p-2"]


@pytest.fixture
def postgres() -> Iterator[Store]:
    with Store.open(parse_location(new_schema()), create=True) as opened:
        opened.begin_log()
        yield opened


def test_a_transaction_that_commits_late_is_not_skipped(postgres: Store) -> None:
    """PostgreSQL: an earlier transaction may commit after a later one; nothing behind it is told before it is."""
    postgres.add_propositions([made(1)])
    settle(postgres)
    with Store.open(postgres.location, write=True) as slow, slow.recording():
        slow.add_propositions([made(2)])
        postgres.add_propositions([made(3)])
        changes, place = read_now(postgres, BEGINNING)
        assert [name for _, name, _ in names(changes)] == ["p-1"]
    changes, place = read(postgres, place)
    assert [name for _, name, _ in names(changes)] == ["p-2", "p-3"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_continues_after_what_it_has(postgres: Store, kind: str, tmp_path: Path) -> None:
    """Numbers of transactions belong to a server: in another one, new positions come after those that were copied."""
    first = postgres.location if kind == "postgresql" else tmp_path / "first.db"
    with sample(first) as filled:
        filled.begin_log()
        filled.add_propositions([made(number) for number in range(5)])
    targets: list[Location] = [parse_location(new_schema()), tmp_path / "second.db", parse_location(new_schema())]
    place, source = BEGINNING, first
    for number, target in enumerate(targets):
        with Store.open(source) as store:
            place = read(store, place)[1]
        copying.copy(source, target, lambda _: lambda _: None)
        with Store.open(target, write=True) as copied:
            assert copied.is_logged(place)
            assert read(copied, place)[0] == []
            copied.add_propositions([made(100 + number)])
            changes, place = read(copied, place)
            assert [name for _, name, _ in names(changes)] == [f"p-{100 + number}"]
            assert copied.verify() == []
        source = target


@pytest.mark.slow
def test_readers_miss_nothing_while_many_write_and_are_killed(store: Store) -> None:
    store.begin_log()
    where, folder = spelled(store.location), str(Path(__file__).parent)
    steady = [start(WRITE, where, f"s{number}", folder, "60") for number in range(2)]
    doomed = [start(WRITE, where, f"d{number}", folder, "100000") for number in range(2)]
    readers = [("", 7), ("", 1_000), ("recipients", 50), ("guests", 1_000)]
    told: list[Counter[tuple[str, str, str]]] = [Counter() for _ in readers]
    places, killed = [BEGINNING for _ in readers], 0.0
    begun = time.monotonic()
    while any(process.poll() is None for process in steady):
        for reader, (environment, limit) in enumerate(readers):
            page = store.logged(places[reader], environment, limit)
            told[reader].update(names(list(page.changes)))
            places[reader] = page.place
        if not killed and time.monotonic() - begun > 2:
            killed = time.monotonic()
            for process in doomed:
                os.kill(process.pid, signal.SIGKILL)
    for process in doomed:
        process.kill()
        process.communicate()
    assert [text.strip() for text in said(steady)] == ["done", "done"]
    kept = {row.id: row.status.value for row in store.propositions(limit=0)}
    assert kept
    for reader, (environment, _) in enumerate(readers):
        changes, _ = read(store, places[reader], 500, environment)
        told[reader].update(names(changes))
    for reader in range(2):
        assert max(told[reader].values()) == 1
        assert {name for event, name, _ in told[reader] if event == "made"} == set(kept)
        last = {name: status for _, name, status in told[reader]}
        rejected = {name for name, status in kept.items() if status == "rejected"}
        assert {name for event, name, status in told[reader] if (event, status) == ("changed", "rejected")} == rejected
        assert set(last) == set(kept)
    assert told[0] == told[1] == told[2] + told[3]
