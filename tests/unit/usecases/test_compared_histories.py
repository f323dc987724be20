"""Histories that others write, too, are at every call what the store holds, and read once for as long as they stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import tampering
from helpers.postgres import new_schema

from offerkit.diagnostics import Code, Refused
from offerkit.engine.history import PastProposition
from offerkit.models.status import Status
from offerkit.store import DataWithStatus, Location, PropositionRow, Store, parse_location
from offerkit.store.deliveries import DeliveryRun
from offerkit.store.questions import contact_question
from offerkit.times import utc
from offerkit.usecases import compared_histories, history_memory
from offerkit.usecases.compared_histories import CallReads, ComparedHistories, UnreadError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
USUAL: Any = SimpleNamespace(
    environment="shop",
    longest_period=timedelta(days=30),
    reads_history=True,
    seldom_read=frozenset(),
    former_names=(),
)
WITH_DATA: Any = SimpleNamespace(
    **{
        **vars(USUAL),
        "seldom_read": frozenset({("stored", "page"), ("product", "hotel"), ("proposition", "delivery")}),
    }
)
DATA = ({}, {"page": "start\x1e", "other": "two\nlines"}, {"other": 1}, {"page": None})
PEOPLE = ("1", "2", "ä|3")


@dataclass
class Desk:
    """A store with the connections of two processes that write."""

    location: Location
    store: Store
    writers: tuple[Store, Store]
    made: int = 0

    def row(self, contact: str, day: int = 0, interaction: str = "call") -> PropositionRow:
        self.made += 1
        time = utc(NOW - timedelta(days=day) + timedelta(seconds=self.made))
        return PropositionRow(
            f"p{self.made:05}", "shop", contact, "web", "inbound-web", f"o{self.made % 5}", "a/b", interaction, 1,
            Decimal("2.50"), Status.PRESENTED, time, time, 1, proposed=DATA[self.made % 4],
            product={"hotel": "Sea", "nights": self.made} if self.made % 3 else None,
        )  # fmt: skip

    def write(self, *rows: PropositionRow, by: int = 0) -> None:
        with self.writers[by].recording():
            self.writers[by].add_propositions(rows)

    def held(self, catalog: Any, contact: str, now: datetime = NOW) -> list[PastProposition]:
        """What is stored from the beginning of the day on, with no more than the catalog reads."""
        since = utc((now - timedelta(days=30)).replace(hour=0))
        if catalog is USUAL:
            return self.store.past("shop", contact, since)
        return [
            past._replace(
                stored={name: value for name, value in (past.stored or {}).items() if name == "page"} or None,
                product={"hotel": "Sea"} if past.product else None,
            )
            for past in self.store.past_with_data("shop", contact, since)
        ]


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    location = tmp_path / "store.db" if request.param == "sqlite" else parse_location(new_schema())
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(location, create=True))
        one, other = (stack.enter_context(Store.open(location, write=True)) for _ in range(2))
        yield Desk(location, store, (one, other))


def delivered(desk: Desk, contact: str) -> None:
    name = f"d{desk.made}"
    run = DeliveryRun("shop", "summer", name, f"run-{name}", "web", 1, utc(NOW), utc(NOW), "ada", 1, 1)
    with desk.writers[0].transaction():
        desk.writers[0].add_delivery(run, [desk.row(contact, interaction=run.id)])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("room", [12, 1_000])
def test_it_is_what_the_store_holds(desk: Desk, seed: int, room: int) -> None:
    rng = Random(seed)
    known = ComparedHistories(desk.store, room)
    for step in range(40):
        contact = rng.choice(PEOPLE)
        match rng.randrange(6):
            case 0 | 1:
                days = [rng.choice((0, 0, 3, 29, 30, 31)) for _ in range(rng.randint(1, 3))]
                desk.write(*(desk.row(contact, day) for day in days), by=rng.randrange(2))
            case 2 if rows := [row for row in desk.store.propositions() if row.status is Status.PRESENTED]:
                desk.writers[1].set_status(
                    rng.choice(rows).id, Status.REJECTED, utc(NOW), DataWithStatus({"page": "no"})
                )
            case 3:
                desk.writers[0].purge_propositions("shop", utc(NOW - timedelta(days=rng.choice((20, 31)))), 2)
            case 4:
                delivered(desk, contact)
            case _:
                known.forget()
        for contact in rng.sample(PEOPLE, 2):
            catalog = rng.choice((USUAL, USUAL, WITH_DATA))
            assert list(known.of(catalog, contact, NOW)) == desk.held(catalog, contact), step


def test_only_what_is_new_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[int] = []
    read = compared_histories.pasts_in
    monkeypatch.setattr(
        compared_histories, "pasts_in", lambda text: (lines.append(len(text.split("\n"))), read(text))[1]
    )
    known = ComparedHistories(desk.store)
    for count in (5, 40):
        desk.write(*(desk.row("1") for _ in range(count)))
        for _ in range(3):
            known.of(USUAL, "1", NOW)
    first = known.of(USUAL, "1", NOW)
    assert lines == [5, 40], "what was read before is the beginning of what is held now"
    desk.write(desk.row("2"))
    assert known.of(USUAL, "1", NOW) is first, "others' propositions change nothing"
    desk.writers[1].set_status("p00003", Status.REJECTED, utc(NOW))
    assert [past.status for past in known.of(USUAL, "1", NOW)].count("rejected") == 1
    assert lines == [5, 40, 45]


def test_the_text_stays_the_same_all_day(desk: Desk) -> None:
    known = ComparedHistories(desk.store)
    desk.write(desk.row("1", 30), desk.row("1", 1))
    midnight = NOW.replace(hour=0)
    first = known.of(USUAL, "1", midnight)
    assert known.of(USUAL, "1", midnight + timedelta(hours=23, minutes=59)) is first and len(first) == 2
    assert len(known.of(USUAL, "1", midnight + timedelta(days=1))) == 1
    assert len(known.of(USUAL, "1", midnight)) == 2, "a moment before what was asked last"


@pytest.mark.parametrize("desk", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_a_row_that_is_committed_late_counts(desk: Desk) -> None:
    known, early = ComparedHistories(desk.store), desk.row("1")
    with desk.writers[0].recording():
        desk.writers[0].add_propositions([early])
        desk.write(desk.row("1"), by=1)
        assert len(known.of(USUAL, "1", NOW)) == 1
    assert list(known.of(USUAL, "1", NOW)) == desk.held(USUAL, "1")
    assert len(known.of(USUAL, "1", NOW)) == 2, "it began first, has the earlier time, and was committed last"


def test_memory_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_memory, "LONGEST_HISTORY", 5)
    known = ComparedHistories(desk.store, 28)
    desk.write(*(desk.row(str(number % 10)) for number in range(20)))
    for number in range(10):
        known.of(USUAL, str(number), NOW)
    for number in range(1_000):
        assert known.of(USUAL, f"never met {number}", NOW) == ()
    assert [known._known.peek(("shop", str(number))) is not None for number in range(10)] == [False] * 6 + [True] * 4
    desk.write(*(desk.row("9") for _ in range(4)))
    assert len(known.of(USUAL, "9", NOW)) == 6
    assert known._known.peek(("shop", "9")) is None, "a long history is read at every call"


def test_an_edited_proposition_is_told(desk: Desk) -> None:
    desk.write(desk.row("1"))
    known = ComparedHistories(desk.store)
    for edit in ("status = 17", "weight = 'much'", "time = 'z'", "offer = 'a' || chr(10)"):
        column, _, value = edit.partition(" = ")
        value = value.replace("chr(", "char(") if isinstance(desk.location, Path) else value
        tampering.execute(desk.location, f"UPDATE proposition SET {column} = {value}")
        with pytest.raises(Refused) as refused:
            known.of(USUAL, "1", NOW)
        assert refused.value.diagnostics[0].code is Code.STORE_DAMAGED
        known.forget()


def test_nobody_and_no_rules_have_no_history(desk: Desk) -> None:
    known = ComparedHistories(desk.store)
    assert known.of(USUAL, "", NOW) == ()
    assert known.of(SimpleNamespace(reads_history=False), "1", NOW) == ()  # type: ignore[arg-type]


def asked(desk: Desk, contact: str = "1", cookie: str = "") -> CallReads:
    place: Any = SimpleNamespace(space="shop/web")
    ask: Any = SimpleNamespace(places=(place, place), contact=contact, cookie=cookie, at=NOW)
    catalogs: Any = {"shop": USUAL}
    return CallReads(ComparedHistories(desk.store), catalogs, ask)


def test_what_a_call_needs_is_asked_for_once(desk: Desk) -> None:
    desk.write(desk.row("1"))
    reads = asked(desk, cookie="c")
    assert len(reads.missing) == 2, "the contact's history, and whose the cookie is"
    reads.take([desk.store.answer(question) for question in reads.missing])
    assert list(reads.pasts(USUAL, "1", NOW)) == desk.held(USUAL, "1")
    assert reads.contact_of("shop", "c") == ""
    with pytest.raises(UnreadError):
        reads.pasts(USUAL, "2", NOW)
    (question,) = reads.missing
    reads.take([desk.store.answer(question)])
    assert reads.pasts(USUAL, "2", NOW) == ()


@pytest.mark.parametrize("key", ["a\0b", "\ud800", "x" * 501])
def test_of_a_key_that_cannot_be_stored_nothing_is_known(desk: Desk, key: str) -> None:
    desk.write(desk.row("a"), desk.row("x" * 500))
    reads = asked(desk, key, key)
    assert reads.missing == []
    assert reads.pasts(USUAL, key, NOW) == () and reads.contact_of("shop", key) == ""
    assert ComparedHistories(desk.store).of(USUAL, key, NOW) == () and desk.store.contact_of("shop", key) == ""


def test_a_cookie_is_known_to_the_next_call(desk: Desk) -> None:
    with desk.writers[0].recording():
        desk.writers[0].remember("shop", "c", "1", utc(NOW))
    assert desk.store.answer(contact_question("shop", "c")) == "1" == desk.store.contact_of("shop", "c")
