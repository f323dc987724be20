"""What rules count is read whole, once, and from one state, however it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Thread

import pytest
from proposition_samples import at, made

from offerkit.diagnostics import Code, Refused
from offerkit.models.status import Status
from offerkit.store import CountFilter, PropositionRow, Store, counted
from offerkit.store.location import Location
from offerkit.store.sqlite import SqliteDatabase

KEYS = ["a", "a\nb", "a|b", "é", "\U0010ffff", "\U0010ffffz", "it's", " ", *(f"c{number:02}" for number in range(20))]
COLUMNS = ["offer", "category", "rank", "weight", "status", "campaign", "data"]
WANTED = [
    CountFilter(at(100), at(400), channel="email"),
    CountFilter(at(50), at(300), (Status.ACCEPTED, Status.REJECTED)),
    CountFilter(at(0), at(400), offers=("o1", "o2"), categories=("travel",)),
]
BY_RANGES = {"FEW": 0, "RANGE": 7, "PART": 3}


def _rows(seed: int) -> list[PropositionRow]:
    random = Random(seed)
    return [
        made(
            number,
            environment=random.choice(["recipients", "recipients", "visitors"]),
            contact=random.choice([random.choice(KEYS), "c07"]),
            channel=random.choice(["email", "sms"]),
            offer=f"o{random.randrange(4)}",
            category=random.choice(["travel", "travel/far", "travels", "bank"]),
            status=random.choice(list(Status)),
            rank=random.randrange(1, 4),
        )
        for number in random.sample(range(500), 300)
    ]


def _counts(wanted: CountFilter, row: PropositionRow) -> bool:
    below = any(row.category == path or row.category.startswith(f"{path}/") for path in wanted.categories)
    return (
        wanted.since <= row.time <= wanted.until
        and row.status in (wanted.statuses or list(Status))
        and wanted.channel in ("", row.channel)
        and (not (wanted.offers or wanted.categories) or row.offer in wanted.offers or below)
    )


def _expected(rows: list[PropositionRow], wanted: list[CountFilter]) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        flags = sum(_counts(each, row) << bit for bit, each in enumerate(wanted))
        if flags and row.environment == "recipients":
            number = list(Status).index(row.status)
            texts = (row.offer, row.category, row.rank, row.weight, number, "", '{"accepted":{},"proposed":{}}')
            found[row.contact, *map(str, texts), str(flags)] += 1
    return found


def _read(
    store: Store, wanted: list[CountFilter], during: Callable[[], None] = lambda: None
) -> Counter[tuple[str, ...]]:
    with store.counting() as history:
        parts = []
        for stream in history.streams("recipients", wanted, COLUMNS):
            for part in stream:
                parts += part
                during()
    return Counter(row for part in parts for row in zip(*(text.split("\0") for text in part), strict=True))


@pytest.mark.parametrize("few", [True, False], ids=["few", "many"])
@pytest.mark.parametrize("wanted", [WANTED, WANTED[:1], WANTED[1:2], WANTED[2:]], ids=["all", "one", "two", "three"])
def test_each_proposition_that_counts_comes_once(
    store: Store, wanted: list[CountFilter], few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not few:
        for name, value in BY_RANGES.items():
            monkeypatch.setattr(counted, name, value)
    rows = _rows(len(wanted))
    store.add_propositions(rows)
    assert _read(store, wanted) == _expected(rows, wanted)
    assert _read(store, []) == Counter()


@pytest.mark.parametrize("cores", [1, 2, 9])
def test_several_threads_share_the_ranges(store: Store, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "FEW", 0)
    monkeypatch.setattr(counted, "RANGE", 7)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    rows = _rows(4)
    store.add_propositions(rows)
    parts: list[tuple[str, ...]] = []
    with store.counting() as history:
        streams = history.streams("recipients", WANTED, ["offer"])
        threads = [
            Thread(target=lambda stream=stream: parts.extend(texts for part in stream for texts in part))
            for stream in streams
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(streams) == (min(cores, counted.MOST_READERS) if store._db.unindexed else 1)
    contacts = Counter(contact for part in parts for contact in part[0].split("\0"))
    assert contacts == Counter(row[0] for row in _expected(rows, WANTED).elements())


def test_what_is_stored_meanwhile_is_seen_wholly_or_not_at_all(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted, "FEW", 0)
    monkeypatch.setattr(counted, "RANGE", 7)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    rows = _rows(5)
    with Store.open(location, create=True) as writer, Store.open(location) as store:
        writer.add_propositions(rows)
        later = [made(1000 + number, contact=key, time=at(100)) for number, key in enumerate(KEYS)]

        def write() -> None:
            if later:
                writer.add_propositions(later)
                later.clear()
                writer.purge_propositions("recipients", at(50), 10)

        before = _read(store, WANTED, write)
        assert before == _expected(rows, WANTED) != _read(store, WANTED)
        with store.counting() as history:
            first = [
                texts for stream in history.streams("recipients", WANTED, ["rank"]) for part in stream for texts in part
            ]
            writer.purge_propositions("recipients", at(499), 1000)
            second = [
                texts for stream in history.streams("recipients", WANTED, ["rank"]) for part in stream for texts in part
            ]
        assert first and sorted(first) == sorted(second)


def test_one_thread_reads_while_others_write_all_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "FEW", 0)
    rows = _rows(6)
    with Store.open(tmp_path / "store.db", create=True) as store:
        store.add_propositions(rows)
        versions = iter(range(10_000))
        monkeypatch.setattr(SqliteDatabase, "version", lambda _: next(versions))
        with store.counting() as history:
            assert len(history.streams("recipients", WANTED, COLUMNS)) == 1
        assert _read(store, WANTED) == _expected(rows, WANTED)


def test_an_edited_text_moves_nothing_to_another_contact(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.db", create=True) as store:
        store.add_propositions([made(1), made(2)])
        with store._db.recording():
            store._db.run("UPDATE proposition SET offer = 'a' || char(0) || 'b' WHERE id = 'p-1'")
        with pytest.raises(Refused) as found:
            _read(store, [CountFilter(at(0), at(9))])
    assert found.value.diagnostics[0].code is Code.STORE_DAMAGED


@pytest.mark.parametrize(
    ("few", "plan"), [(True, "proposition_time (environment=? AND time>? AND time<?)"), (False, "PRIMARY KEY")]
)
@pytest.mark.parametrize("wanted", [WANTED, WANTED[:1]], ids=["all", "one"])
def test_many_are_read_in_the_order_of_the_table_and_few_by_time(
    tmp_path: Path, wanted: list[CountFilter], few: bool, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    if not few:
        monkeypatch.setattr(counted, "FEW", 0)
    with Store.open(tmp_path / "store.db", create=True) as store:
        store.add_propositions(_rows(7))
        connection = store._db._connection  # type: ignore[attr-defined]
        ran: list[str] = []
        connection.set_trace_callback(ran.append)
        _read(store, wanted)
        connection.set_trace_callback(None)
        (asked,) = [sql for sql in ran if "group_concat" in sql][:1]
        steps = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + asked)]
    assert any(plan in step and step.startswith("SEARCH proposition") for step in steps), steps
    scanned = [step for step in steps if "SCAN" in step and step not in ("SCAN CONSTANT ROW", "SCAN separator")]
    assert not [step for step in steps if "B-TREE" in step] + scanned
    # A coroutine's value would be copied for each row, into memory that all threads share.
    assert not [step for step in steps if "CO-ROUTINE" in step], steps
