"""Histories in memory are what the store holds, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from offerkit.address import Kind
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.engine.history import PastProposition
from offerkit.models.status import Status
from offerkit.state.former_names import FormerName
from offerkit.store import PropositionRow, Store
from offerkit.store.questions import pasts_in
from offerkit.times import utc
from offerkit.usecases import history_cache, history_memory
from offerkit.usecases.history_cache import HistoryCache, OwnWrites

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CATALOG: Any = SimpleNamespace(
    environment="shop",
    longest_period=timedelta(days=30),
    reads_history=True,
    seldom_read=frozenset(),
    former_names=(),
)
WITH_DATA: Any = SimpleNamespace(
    environment="shop",
    reads_history=True,
    longest_period=timedelta(days=30),
    former_names=(),
    seldom_read=frozenset({("stored", "page"), ("product", "hotel"), ("proposition", "delivery")}),
)
DATA = ({}, {"page": "start", "other": "x" * 300}, {"other": 1}, {"page": None})
PEOPLE = ("1", "2", "3")


@dataclass
class Desk:
    """A store with those who write it: this process, and another."""

    path: Path
    store: Store
    mine: Store
    other: Store
    written: OwnWrites = field(default_factory=OwnWrites)
    clock: float = 0.0
    made: int = 0

    def histories(self, **more: int) -> HistoryCache:
        return HistoryCache(self.store, self.written, timer=lambda: self.clock, **more)

    def row(self, contact: str, offer: str = "o") -> PropositionRow:
        self.made += 1
        time = utc(NOW + timedelta(seconds=self.made))
        return PropositionRow(
            f"p{self.made:05}", "shop", contact, "web", "inbound-web", offer, "a/b", "call", 1, Decimal("2.50"),
            Status.PRESENTED, time, time, 1, proposed=DATA[self.made % 4], product={"hotel": "Sea", "nights": self.made},
        )  # fmt: skip

    def write(self, *rows: PropositionRow, changed: dict[str, Status] | None = None, fails: bool = False) -> None:
        """As the writer of this process does."""
        try:
            with self.mine.recording():
                self.mine.add_propositions(rows)
                changes = [self.mine.set_status(id_, to, utc(NOW)) for id_, to in (changed or {}).items()]
                versions = self.mine.claim_version()
                if versions is not None:
                    self.written.tell(versions, rows, [("shop", change.proposition.contact) for change in changes])
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass

    def held(self, contact: str) -> list[PastProposition]:
        return self.store.past("shop", contact, utc(NOW - timedelta(days=30)))

    def held_with_data(self, contact: str) -> list[PastProposition]:
        """What is stored, with no more than :data:`WITH_DATA` reads."""
        return [
            past._replace(
                stored={name: value for name, value in (past.stored or {}).items() if name == "page"} or None,
                product={"hotel": "Sea"},
            )
            for past in self.store.past_with_data("shop", contact, utc(NOW - timedelta(days=30)))
        ]

    def later(self) -> None:
        self.clock += 2 * history_cache.FRESH_SECONDS


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    path = tmp_path / "store.db"
    with (
        Store.open(path, create=True) as store,
        Store.open(path, write=True) as mine,
        Store.open(path, write=True) as other,
    ):
        yield Desk(path, store, mine, other)


def by_time(pasts: Any) -> list[PastProposition]:
    return sorted(pasts, key=lambda past: (past.time, past.offer))


def plain(past: PastProposition) -> PastProposition:
    return PastProposition(*past[:8])


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("room", [12, 1_000])
def test_it_is_what_the_store_holds(desk: Desk, seed: int, room: int) -> None:
    rng = Random(seed)
    known = desk.histories(room=room)
    for step in range(60):
        match rng.randrange(6):
            case 0 | 1:
                desk.write(*(desk.row(rng.choice(PEOPLE)) for _ in range(rng.randint(1, 3))))
            case 2:
                desk.write(desk.row(rng.choice(PEOPLE)), fails=True)
            case 3:
                with desk.other.recording():
                    desk.other.add_propositions([desk.row(rng.choice(PEOPLE))])
            case 4 if rows := [row for row in desk.store.propositions() if row.status is Status.PRESENTED]:
                desk.write(desk.row(rng.choice(PEOPLE)), changed={rng.choice(rows).id: Status.ACCEPTED})
            case _:
                desk.write()  # a transaction that changes nothing
        desk.later()
        for contact in rng.sample(PEOPLE, rng.randint(0, 3)):
            if rng.random() < 0.5:
                usual = [plain(past) for past in known.of(CATALOG, contact, NOW)]
                assert by_time(usual) == by_time(desk.held(contact)), step
            else:
                assert by_time(known.of(WITH_DATA, contact, NOW)) == by_time(desk.held_with_data(contact)), step


def test_nothing_is_read_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    past = Store.past
    monkeypatch.setattr(Store, "past", lambda store, *args: (reads.append(args[1]), past(store, *args))[1])
    known = desk.histories()
    desk.write(desk.row("1"), desk.row("2"))
    for _ in range(3):
        for contact in PEOPLE:
            known.of(CATALOG, contact, NOW)
        desk.write(desk.row("1"))
        desk.later()
    assert reads == list(PEOPLE), "what this process writes is added"
    assert len(known.of(CATALOG, "1", NOW)) == 4
    with desk.other.recording():
        desk.other.remember("shop", "cookie", "1", utc(NOW))
    desk.later()
    known.of(CATALOG, "2", NOW)
    assert reads == [*PEOPLE, "2"], "when another wrote, whatever it was, it is read anew"


def test_an_older_moment_is_read_as_far_back_as_it_needs(desk: Desk) -> None:
    known = desk.histories()
    desk.write(desk.row("1"))
    late = NOW + timedelta(days=40)
    assert not known.of(CATALOG, "1", late)
    assert len(known.of(CATALOG, "1", NOW)) == 1
    assert len(known.of(CATALOG, "1", late)) == 1, "what is more is not in the period, and does no harm"


def test_what_is_under_way_counts_at_once_and_once(desk: Desk) -> None:
    known = desk.histories()
    row, later = desk.row("1"), desk.row("1", "another")
    with known.under_way([row, later]):
        assert [past.offer for past in known.of(CATALOG, "1", NOW)] == ["o", "another"]
        assert not known.of(CATALOG, "2", NOW)
        desk.write(row, later)
        desk.later()
        assert by_time(known.of(CATALOG, "1", NOW)) == by_time(desk.held("1"))
    for _ in range(2):
        assert by_time(known.of(CATALOG, "1", NOW)) == by_time(desk.held("1")), "between its end and the next look, too"
        desk.later()
    assert not known._under_way


def test_what_could_not_be_stored_is_forgotten(desk: Desk) -> None:
    known = desk.histories()
    with pytest.raises(ZeroDivisionError), known.under_way([desk.row("1")]):
        raise ZeroDivisionError
    desk.later()
    assert not known.of(CATALOG, "1", NOW)


def test_a_change_counts_once_it_was_told(desk: Desk) -> None:
    known = desk.histories()
    row = desk.row("1")
    desk.write(row)
    assert [past.status for past in known.of(CATALOG, "1", NOW)] == ["presented"]
    desk.write(changed={row.id: Status.ACCEPTED})
    known.look()
    assert [past.status for past in known.of(CATALOG, "1", NOW)] == ["accepted"]


def test_memory_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_memory, "LONGEST_HISTORY", 5)
    known = desk.histories(room=28)
    for number in range(20):
        desk.write(desk.row(str(number % 10)))
    for number in range(10):
        known.of(CATALOG, str(number), NOW)
    assert list(known._known._known) == [("shop", str(number)) for number in range(6, 10)]
    desk.write(*(desk.row("9") for _ in range(4)))
    desk.later()
    assert len(known.of(CATALOG, "9", NOW)) == 6
    assert known._known.peek(("shop", "9")) is None, "a long history is read at every call"
    assert known._known._size == sum(read.size for read in known._known._known.values()) == 21


def test_stored_data_is_read_where_rules_ask_for_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(desk.row("1"), desk.row("1"))
    known = desk.histories()
    assert [past.stored for past in known.of(CATALOG, "1", NOW)] == [None, None]
    assert [past.stored for past in known.of(WITH_DATA, "1", NOW)] == [{"page": "start"}, None], "a newer revision asks"
    monkeypatch.setattr(Store, "past_with_data", None)
    assert len(known.of(WITH_DATA, "1", NOW)) == 2, "it is remembered now"
    row = desk.row("1")
    with known.under_way([row]):
        assert [past.product for past in known.of(WITH_DATA, "1", NOW)] == [{"hotel": "Sea"}] * 3


def test_stored_data_takes_room(desk: Desk) -> None:
    wide: Any = SimpleNamespace(**{**vars(WITH_DATA), "seldom_read": frozenset({("stored", "other")})})
    desk.write(desk.row("1"), desk.row("1"))
    known = desk.histories()
    known.of(CATALOG, "1", NOW)
    assert known._known._size == 7
    known.of(wide, "1", NOW)
    assert known._known._size == 8, "one of 300 letters takes the space of another proposition"


def test_nobody_and_no_rules_have_no_history(desk: Desk) -> None:
    known = desk.histories()
    assert known.of(CATALOG, "", NOW) == ()
    assert known.of(SimpleNamespace(reads_history=False), "1", NOW) == ()  # type: ignore[arg-type]


def test_one_who_looked_long_ago_reads_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    known = desk.histories()
    known.of(CATALOG, "1", NOW)
    monkeypatch.setattr(history_cache, "_REMEMBERED_WRITES", 20)
    for _ in range(30):
        desk.write(desk.row("1"))
    desk.later()
    assert len(known.of(CATALOG, "1", NOW)) == 30
    assert len(desk.written._parts) == 10


def test_a_look_that_fails_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    known = desk.histories()
    row = desk.row("1")
    with known.under_way([row]):
        desk.write(row)
    desk.later()
    with monkeypatch.context() as patch, pytest.raises(Refused):
        patch.setattr(Store, "version", lambda _: (_ for _ in ()).throw(refuse(Code.STORE_LOCKED, "locked")))
        known.of(CATALOG, "1", NOW)
    desk.write(changed={row.id: Status.ACCEPTED})
    assert [past.status for past in known.of(CATALOG, "1", NOW)] == ["accepted"]
    assert not known._under_way and not known._ended


def test_nothing_gathers_where_nobody_asks(desk: Desk) -> None:
    known = desk.histories()
    for number in range(50):
        row = desk.row("")
        with known.under_way([row]):
            desk.write(row)
        desk.later() if number % 5 else None
    desk.later()
    with known.under_way([]):
        pass
    assert not known._under_way and not known._ended


def test_what_ended_and_was_read_since_counts_once(desk: Desk) -> None:
    known = desk.histories()
    known.of(CATALOG, "2", NOW)
    row = desk.row("1")
    with known.under_way([row]):
        desk.write(row)
    desk.write(changed={row.id: Status.ACCEPTED})
    assert [past.status for past in known.of(CATALOG, "1", NOW)] == ["accepted"], "it was not looked at since"


def test_former_names_are_those_of_now(desk: Desk) -> None:
    """What is read, what is written meanwhile, and what is under way; and anew when something was renamed."""
    names = (FormerName(Kind.OFFER, "o", 0, 5, "credit"), FormerName(Kind.CATEGORY, "a/b", 0, 5, "c"))
    renamed: Any = SimpleNamespace(**{**vars(CATALOG), "former_names": names})
    histories = desk.histories()
    desk.write(desk.row("1"))
    assert [(past.offer, past.category) for past in histories.of(CATALOG, "1", NOW)] == [("o", "a/b")]
    assert [(past.offer, past.category) for past in histories.of(renamed, "1", NOW)] == [("credit", "c")]
    desk.write(desk.row("1"), desk.row("1")._replace(revision=5))
    with histories.under_way([desk.row("1"), desk.row("1")._replace(revision=6)]):
        desk.clock += 60
        found = histories.of(renamed, "1", NOW)
    assert sorted(past.offer for past in found) == ["credit", "credit", "credit", "o", "o"]
    assert [past.offer for past in desk.store.past("shop", "1", "", names)] == ["credit", "credit", "o"]
    assert [past.offer for past in desk.store.past_with_data("shop", "1", "", names)] == ["credit", "credit", "o"]
    answer = desk.store.answer(desk.store.past_question("shop", "1", "", names, data=False))
    assert [past.offer for past in pasts_in(answer)] == ["credit", "credit", "o"]
