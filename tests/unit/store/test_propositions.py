"""Propositions are kept as they were made, found again, counted once, and go only forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from helpers.postgres import new_schema
from proposition_samples import FIRST, at, made

from offerkit.diagnostics import Code, Refused
from offerkit.engine.history import PastProposition
from offerkit.models.status import Status, may_follow
from offerkit.store import (
    CountFilter,
    DataWithStatus,
    DeliveryRun,
    PropositionQuery,
    PropositionRow,
    Store,
    parse_location,
)
from offerkit.store.proposition_rows import latest_data, past_of

LATER = "2026-11-02T08:00:00.000000Z"


def ids(rows: list[PropositionRow]) -> list[str]:
    return [row.id for row in rows]


def refused(call: Callable[[], object]) -> Code:
    with pytest.raises(Refused) as told:
        call()
    (found,) = told.value.diagnostics
    assert found.summary
    assert found.detail
    assert found.hint
    return found.code


def test_what_is_given_is_got(store: Store) -> None:
    second = FIRST._replace(id="p-2", rank=2, weight=Decimal("0.000001"), proposed={}, accepted={"by": "me"})
    store.add_propositions([FIRST, second])
    assert store.proposition("p-1") == FIRST
    assert store.proposition("p-2") == second
    assert store.proposition("p-3") is None


def test_what_a_later_status_stored_replaces_what_an_earlier_one_did() -> None:
    order = ("scheduled", "presented", "interested", "rejected")
    statuses = {status: {"x": status, status: 1} for status in reversed(order)}
    found = [latest_data({"x": "made"}, {}, {name: statuses[name] for name in order[:count]}) for count in range(5)]
    assert [stored["x"] for stored in found] == ["made", *order]
    assert found[4].keys() == {"x", *order}


@pytest.mark.parametrize(
    ("weight", "kept"),
    [("1", "1"), ("10.500000", "10.5"), ("1E+3", "1000"), ("0E-6", "0"), ("-0.0", "0"), ("100", "100")],
)
def test_a_weight_has_one_spelling(store: Store, weight: str, kept: str) -> None:
    store.add_propositions([FIRST._replace(weight=Decimal(weight))])
    assert store._db.rows("SELECT weight FROM proposition") == [(kept,)]


def test_all_of_a_call_or_none(store: Store) -> None:
    store.add_propositions([made(1)])
    assert refused(lambda: store.add_propositions([made(2), made(3), made(1)])) is Code.PROPOSITION_EXISTS
    assert refused(lambda: store.add_propositions([made(2), made(2)])) is Code.PROPOSITION_EXISTS
    assert refused(lambda: store.add_propositions([made(2), made(3, contact="a\0b")])) is Code.BAD_VALUE
    assert ids(store.propositions()) == ["p-1"]
    store.add_propositions([])


def test_inside_a_transaction_that_fails(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction():
        store.add_propositions([made(1)])
        assert store.set_status("p-1", Status.ACCEPTED, LATER).changed
        raise KeyError
    assert store.proposition("p-1") is None


@pytest.mark.parametrize(
    "given",
    [
        {"contact": "a\0b"},
        {"contact": "\ud800"},
        {"id": "\ud800"},
        {"contact": "x" * 501},
        {"id": "x" * 501},
        {"proposed": {"a": "x" * 70_000}},
        {"proposed": {"a": 2**70}},
        {"accepted": {"a": "\ud800"}},
    ],
)
def test_what_cannot_be_kept(store: Store, given: dict[str, object]) -> None:
    assert refused(lambda: store.add_propositions([made(1, **given)])) is Code.BAD_VALUE


@pytest.mark.parametrize(
    "given",
    [{"time": "2026-11-01"}, {"changed": ""}, {"weight": Decimal("NaN")}, {"id": ""}, {"environment": ""}, {"rank": 0}],
)
def test_what_only_a_mistake_contains(store: Store, given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a"):
        store.add_propositions([made(1, **given)])


def test_the_history_of_one_contact(store: Store) -> None:
    store.add_propositions([made(number) for number in (5, 3, 1, 4, 2)])
    store.add_propositions([made(6, contact="42"), made(7, environment="visitors")])
    moments = {time: number for number in range(1, 8) for time in [datetime.fromisoformat(at(number))]}

    def numbers(environment: str, contact: str, since: str) -> list[int]:
        return [moments[past.time] for past in store.past(environment, contact, since)]

    assert numbers("recipients", "42|fr", at(2)) == [2, 3, 4, 5]
    assert numbers("recipients", "42|fr", "") == [1, 2, 3, 4, 5]
    assert numbers("visitors", "42|fr", "") == [7]
    assert numbers("recipients", "nobody", "") == []


def test_what_rules_count_is_what_was_stored(store: Store) -> None:
    rows = [made(n, weight=Decimal(n)) for n in range(1, 6)]
    store.add_propositions(rows)
    assert store.past("recipients", "42|fr", at(2)) == [
        PastProposition(
            r.offer, r.category, r.space, r.channel, r.status, datetime.fromisoformat(r.time), r.weight, r.rank
        )
        for r in rows[1:]
    ]
    assert store.past("recipients", "42|fr", "") == [past_of(row) for row in rows]


def test_what_rules_count_with_deliveries_and_data(store: Store) -> None:
    run = DeliveryRun("recipients", "spring", "first", "run-1", "email", 1, at(1), at(1), "ada", 1, 1)
    other = replace(run, environment="visitors", campaign="autumn")
    rows = [
        made(
            1, interaction="run-1", proposed={"a": 1, "b": "x y\n"}, accepted={"a": 2}, product={"hotel": "Sea front"}
        ),
        made(2, statuses={"rejected": {"a": "é"}, "interested": {"a": 0, "c": None}}),
    ]
    store.add_delivery(run, rows)
    store.add_delivery(other, ())
    first, second = store.past_with_data("recipients", "42|fr", at(1))
    assert (first.campaign, first.delivery) == ("spring", "first")
    assert (first.stored, first.product) == ({"a": 2, "b": "x y\n"}, {"hotel": "Sea front"})
    assert (second.campaign, second.delivery, second.product) == (None, None, None)
    assert second.stored == {"a": "é", "c": None}
    assert second == past_of(rows[1], data=True)
    assert [past_of(row) for row in rows] == store.past("recipients", "42|fr", at(1))
    wanted = [CountFilter(at(1), at(2), offers=(rows[0].offer,))]
    with store.counting() as history:
        ((contacts, *columns),) = [
            part for stream in history.streams("recipients", wanted, _ALL) for found in stream for part in found
        ]
    assert contacts.split("\0") == ["42|fr", "42|fr"]
    assert sorted(zip(*(column.split("\0") for column in columns), strict=True)) == [
        (
            "",
            "",
            r'{"accepted":{},"proposed":{},"statuses":{"interested":{"a":0,"c":null},"rejected":{"a":"é"}}}',
            "",
            "1",
        ),
        (
            "spring",
            "first",
            r'{"accepted":{"a":2},"proposed":{"a":1,"b":"x y\n"}}',
            '{"hotel":"Sea front"}',
            "1",
        ),
    ]


_ALL = ("campaign", "delivery", "data", "product")


def test_edited_data_is_damage(store: Store) -> None:
    store.add_propositions([made(1)])
    store._db.run("UPDATE proposition SET data = '[]'")
    assert refused(lambda: store.past_with_data("recipients", "42|fr", "")) is Code.STORE_DAMAGED


def sixty() -> list[PropositionRow]:
    """Propositions, one a second, in two environments and for several contacts, offers and spaces."""
    return [
        made(
            number,
            environment=("recipients", "visitors")[number % 2],
            contact=f"c{number % 4}",
            offer=f"o{number % 3}",
            space=f"s{number % 5}",
            status=Status.ACCEPTED if number % 10 == 0 else Status.PRESENTED,
        )
        for number in range(60)
    ]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with sixty propositions, only to be read: tests in any order share it."""
    file = tmp_path_factory.mktemp("many") / "store.db"
    with Store.open(file if request.param == "sqlite" else parse_location(new_schema()), create=True) as store:
        store.add_propositions(sixty())
        yield store


@pytest.mark.parametrize("environment", ["", "recipients", "visitors", "nowhere"])
@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"contact": "c2"},
        {"offer": "o1"},
        {"space": "s4"},
        {"status": Status.ACCEPTED},
        {"offer": "none"},
        {"contact": "c2", "offer": "o1"},
        {"offer": "o1", "space": "s4"},
        {"contact": "c2", "space": "s4", "offer": "o1"},
        {"status": Status.PRESENTED, "offer": "o0"},
    ],
)
@pytest.mark.parametrize("limit", [0, 1, 4])
def test_a_query_finds_what_a_loop_finds(many: Store, environment: str, narrowed: dict[str, str], limit: int) -> None:
    every = many.propositions(limit=0)
    assert ids(every) == [f"p-{number}" for number in range(59, -1, -1)]
    wanted = [
        row
        for row in every
        if environment in ("", row.environment)
        and all(getattr(row, name) == value for name, value in narrowed.items())
        and at(7) <= row.time < at(55)
    ]
    query = PropositionQuery(environment, since=at(7), until=at(55), **narrowed)  # type: ignore[arg-type]
    assert many.propositions(query, limit=limit) == (wanted[:limit] if limit else wanted)


@pytest.mark.parametrize("environment", ["", "recipients"])
def test_page_after_page(store: Store, environment: str) -> None:
    """A delivery gives one time to all its propositions: the pages are exact nevertheless."""
    store.add_propositions([made(number, time=at(number // 8)) for number in range(30)])
    seen: list[str] = []
    query = PropositionQuery(environment)
    while page := store.propositions(query, limit=7):
        seen += ids(page)
        query = replace(query, before=(page[-1].time, page[-1].id))
    assert len(seen) == 30
    assert seen == ids(store.propositions(limit=0))


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_every_step(store: Store, before: Status, after: Status) -> None:
    row = FIRST._replace(status=before)
    store.add_propositions([row, made(2, status=before)])
    if before is after:
        change = store.set_status("p-1", after, LATER, DataWithStatus({"by": "me"}))
        assert (change.changed, change.before, change.proposition) == (False, before, row)
    elif may_follow(before, after):
        change = store.set_status("p-1", after, LATER, DataWithStatus({"by": "me"}))
        assert (change.changed, change.before) == (True, before)
        assert change.proposition == row._replace(status=after, changed=LATER, accepted={"by": "me"})
        row = change.proposition
    else:
        with pytest.raises(Refused) as told:
            store.set_status("p-1", after, LATER)
        (found,) = told.value.diagnostics
        assert found.code is Code.STATUS_STEP
        assert before in found.summary
        assert after in found.summary
    assert store.proposition("p-1") == row
    assert store.proposition("p-2") == made(2, status=before), "no other is touched"


def test_the_refusal_says_what_may_follow(store: Store) -> None:
    store.add_propositions([made(1, status=Status.INTERESTED), made(2, status=Status.ACCEPTED)])
    with pytest.raises(Refused) as told:
        store.set_status("p-1", Status.PRESENTED, LATER)
    assert "After interested can follow: accepted or rejected." in told.value.diagnostics[0].detail
    with pytest.raises(Refused) as told:
        store.set_status("p-2", Status.REJECTED, LATER)
    assert "Accepted is final." in told.value.diagnostics[0].detail


def test_a_step_without_data_keeps_the_data(store: Store) -> None:
    store.add_propositions([FIRST._replace(accepted={"kept": 1})])
    assert store.set_status("p-1", Status.INTERESTED, LATER).proposition.accepted == {"kept": 1}
    assert store.set_status("p-1", Status.ACCEPTED, LATER, DataWithStatus({})).proposition.accepted == {}
    assert store.proposition("p-1") == FIRST._replace(status=Status.ACCEPTED, changed=LATER)


def test_an_unknown_proposition(store: Store) -> None:
    store.add_propositions([made(1)])
    assert refused(lambda: store.set_status("p-9", Status.ACCEPTED, LATER)) is Code.UNKNOWN_PROPOSITION
    assert refused(lambda: store.set_status("' OR 1=1", Status.ACCEPTED, LATER)) is Code.UNKNOWN_PROPOSITION
    elsewhere = lambda: store.set_status("p-1", Status.ACCEPTED, LATER, environment="visitors")  # noqa: E731
    assert refused(elsewhere) is Code.UNKNOWN_PROPOSITION
    assert store.set_status("p-1", Status.ACCEPTED, LATER, environment="recipients").changed


def test_purging(store: Store) -> None:
    store.add_propositions(sixty())
    batches = []
    while batches[-1:] != [0]:
        batches.append(store.purge_propositions("recipients", at(40), 8))
    assert batches == [8, 8, 4, 0]
    left = store.propositions(limit=0)
    assert [row for row in left if row.environment == "recipients" and row.time < at(40)] == []
    assert len(left) == 40
    assert store.purge_propositions("nowhere", at(40), 8) == 0
    assert store.purge_propositions("visitors", at(40), 0) == 0


def test_the_chained_history_does_not_know_them(history: Store) -> None:
    before, last = list(history.recorded()), history.last_serial()
    history.add_propositions([FIRST, made(2)])
    history.set_status("p-1", Status.ACCEPTED, LATER)
    history.purge_propositions("recipients", LATER, 1)
    assert history.verify() == []
    assert list(history.recorded()) == before
    assert history.last_serial() == last


@pytest.mark.parametrize(
    "edit", ["data = '[]'", "data = '{'", "status = 9", "weight = 'x'", 'data = \'{"proposed":1,"accepted":{}}\'']
)
def test_an_edited_row_is_told(history: Store, execute: Callable[..., None], edit: str) -> None:
    history.add_propositions([FIRST])
    execute(f"UPDATE proposition SET {edit}")
    assert refused(lambda: history.proposition("p-1")) is Code.STORE_DAMAGED


def test_a_reader_may_not_write(history: Store) -> None:
    with Store.open(history.location) as reader:
        assert refused(lambda: reader.add_propositions([FIRST])) is Code.STORE_READ_ONLY
