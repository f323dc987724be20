"""The outbox: events are written with their revision or not at all, leased to one sender at a time, and not lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from proposition_samples import at
from store_samples import append, change, draft, entry, sample

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Refused
from offerkit.governance.notices import Notice, OutboxState
from offerkit.state.changes import Body
from offerkit.store import ChangeRow, Draft, Location, Store, copying, outbox
from offerkit.store.location import PostgresAddress

HUB = Address(SHARED, Kind.WEBHOOK, "hub")
TOLD = Notice("offers.stopped", "recipients", {"count": 1, "addresses": ["recipients/offer.a"]})
WAITING = (OutboxState.WAITING,)


def declare(store: Store, day: int = 6, name: str = "hub", **body: Any) -> None:
    """Apply the webhook ``name``."""
    address = Address(SHARED, Kind.WEBHOOK, name)
    text = json.dumps({"url": "https://hub.example.com/", **body}, sort_keys=True, separators=(",", ":"))
    known = Body(Kind.WEBHOOK, text)
    before = store.entry(StageRef(SHARED, Stage.DESIGN), address)
    row = ChangeRow(
        0, StageRef(SHARED, Stage.DESIGN), address, "update" if before else "create", before, entry_of(known)
    )
    with store.transaction():
        store.append(Draft("apply", "ada", at(day), changes=(row,), bodies={entry_of(known).fingerprint: known}))


def entry_of(body: Body) -> Any:
    from offerkit.fingerprint import fingerprint
    from offerkit.state.changes import Entry

    return Entry(fingerprint(body.kind, body.text.encode()))


def tell(store: Store, *notices: Notice, day: int = 7) -> None:
    with store.transaction():
        store.append(Draft("stop", "ada", at(day), notices=notices or (TOLD,)))


@pytest.fixture
def told(location: Location) -> Store:
    """A store with one event that waits."""
    store = sample(location)
    declare(store)
    tell(store)
    return store


def waiting(store: Store) -> list[str]:
    return [row.id for row in outbox.rows(store.database, WAITING)]


def test_an_event_is_a_cloud_event_with_its_revision(told: Store) -> None:
    with told as store:
        (row,) = outbox.rows(store.database, WAITING)
        last = store.revision(store.last_serial())
        assert last is not None
        assert json.loads(row.body) == {
            "specversion": "1.0",
            "id": row.id,
            "source": f"offerkit:{store.project}",
            "type": "offerkit.offers.stopped",
            "subject": "recipients",
            "time": last.time,
            "datacontenttype": "application/json",
            "data": {
                "environment": "recipients", "revision": last.serial, "operator": "ada", **TOLD.data,
            },
        }  # fmt: skip
        assert store.verify() == []


def test_no_webhooks_no_events(location: Location) -> None:
    with sample(location) as store:
        tell(store)
        assert not store.tells()
        assert outbox.rows(store.database, OutboxState) == []


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({}, 1),
        ({"events": ["offers.stopped"]}, 1),
        ({"events": ["approval.wanted"]}, 0),
        ({"environments": ["recipients"]}, 1),
        ({"environments": ["visitors"]}, 0),
        ({"enabled": False}, 0),
    ],
)
def test_who_is_told(location: Location, body: dict[str, Any], count: int) -> None:
    with sample(location) as store:
        declare(store, **body)
        tell(store)
        assert len(waiting(store)) == count


def test_the_revision_and_its_event_are_both_stored_or_neither(told: Store) -> None:
    with told as store:
        before, serial = waiting(store), store.last_serial()
        with pytest.raises(RuntimeError), store.transaction():
            store.append(Draft("stop", "ada", at(8), notices=(TOLD, TOLD)))
            raise RuntimeError
        assert (waiting(store), store.last_serial()) == (before, serial)
        tell(store, TOLD, TOLD, day=8)
        assert len(waiting(store)) == 3, "each notice of a revision has an id of its own"


def test_only_one_sender_has_an_event(told: Store, location: Location) -> None:
    with told as store, Store.open(location, write=True) as other:
        first = outbox.lease(store.database, "hub", at(9), at(10), "one")
        assert first is not None
        assert outbox.lease(other.database, "hub", at(9), at(10), "two") is None
        assert outbox.due_receivers(other.database, at(9)) == []
        again = outbox.lease(other.database, "hub", at(11), at(12), "two")
        assert again is not None and again.id == first.id, "a lease ends by itself"
        done = {"state": OutboxState.SENT, "due": first.due, "failure": "", "now": at(11)}
        assert not outbox.settle(store.database, first, "one", **done), "the first sender has lost it"
        assert outbox.settle(other.database, again, "two", **done)
        assert [row.attempts for row in outbox.rows(other.database, (OutboxState.SENT,))] == [1]


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
def test_two_senders_that_see_the_same_row(told: Store, location: PostgresAddress) -> None:
    """The second waits for the first one's transaction, and finds that the row is taken."""
    from threading import Thread

    got: list[object] = []
    with told as store, Store.open(location, write=True) as other:
        thread = Thread(target=lambda: got.append(outbox.lease(other.database, "hub", at(9), at(10), "two")))
        with store.recording():
            assert outbox.lease(store.database, "hub", at(9), at(10), "one") is not None
            thread.start()
            thread.join(0.3)
            assert thread.is_alive(), "it waits"
        thread.join(10)
    assert got == [None]


def test_failures_and_retries(told: Store) -> None:
    with told as store:
        row = outbox.lease(store.database, "hub", at(9), at(10), "x")
        assert row is not None
        outbox.settle(store.database, row, "x", state=OutboxState.WAITING, due=at(12), failure="down", now=at(9))
        assert outbox.due_receivers(store.database, at(11)) == []
        (row,) = outbox.rows(store.database, WAITING)
        assert (row.attempts, row.due, row.failure) == (1, at(12), "down")
        row = outbox.lease(store.database, "hub", at(12), at(13), "y")
        assert row is not None
        outbox.settle(store.database, row, "y", state=OutboxState.DEAD, due=row.due, failure="down", now=at(12))
        assert outbox.due_receivers(store.database, at(30)) == []
        assert [one.id for one in outbox.revive(store.database, (row.id,), at(13))] == [row.id]
        assert outbox.due_receivers(store.database, at(13)) == ["hub"]


def test_events_without_a_revision_are_written_once(told: Store) -> None:
    with told as store:
        for _ in range(3):
            outbox.add_once(store.database, "overdue a", at(9), Notice("approval.overdue", "recipients", {}))
        assert len(waiting(store)) == 2


def test_what_was_sent_is_forgotten_in_time(told: Store) -> None:
    with told as store:
        row = outbox.lease(store.database, "hub", at(9), at(10), "x")
        assert row is not None
        outbox.settle(store.database, row, "x", state=OutboxState.SENT, due=row.due, failure="", now=at(9))
        assert outbox.forget(store.database, OutboxState.SENT, at(9)) == 0
        assert outbox.forget(store.database, OutboxState.DEAD, at(10)) == 0
        assert outbox.forget(store.database, OutboxState.SENT, at(10), {row.id}) == 0
        assert outbox.forget(store.database, OutboxState.SENT, at(10)) == 1
        assert outbox.rows(store.database, OutboxState) == []


def rename(store: Store, **names: str) -> None:
    """Rename webhooks, all in one revision."""
    stage, rows = StageRef(SHARED, Stage.DESIGN), []
    for old, new in names.items():
        source, address = Address(SHARED, Kind.WEBHOOK, old), Address(SHARED, Kind.WEBHOOK, new)
        entry = store.entry(stage, source)
        rows.append(ChangeRow(0, stage, address, "move", entry, entry, source))
    with store.transaction():
        store.append(Draft("apply", "ada", at(8), changes=tuple(rows)))


def test_what_waits_follows_a_webhook_that_is_renamed(told: Store) -> None:
    """Also while a sender has it, and where the new name was another webhook's before."""
    with told as store:
        tell(store)
        ids = sorted(waiting(store))
        row = outbox.lease(store.database, "hub", at(9), at(10), "x")
        assert row is not None
        rename(store, hub="chat")
        assert outbox.due_receivers(store.database, at(20)) == ["chat"]
        assert sorted(waiting(store)) == ids
        assert outbox.settle(store.database, row, "x", state=OutboxState.SENT, due=row.due, failure="", now=at(9))
        rename(store, chat="hub")
        assert {one.receiver for one in outbox.rows(store.database, OutboxState)} == {"hub"}


def test_webhooks_that_swap_their_names(told: Store) -> None:
    with told as store:
        declare(store, 7, name="other")
        tell(store)
        before = {(one.id, one.receiver) for one in outbox.rows(store.database, OutboxState)}
        assert len({receiver for _, receiver in before}) == 2
        rename(store, hub="other", other="hub")
        after = {(one.id, one.receiver) for one in outbox.rows(store.database, OutboxState)}
        swapped = {"hub": "other", "other": "hub"}
        assert after == {(id_, swapped[receiver]) for id_, receiver in before}


def test_a_copy_takes_what_waits_along_and_a_copy_of_the_history_does_not(told: Store, tmp_path: Any) -> None:
    with told as store:
        ids = waiting(store)
        copying.copy(store.location, tmp_path / "whole.db", lambda _: lambda _: None)
        copying.copy_history(store.location, tmp_path / "history.db")
    with Store.open(tmp_path / "whole.db") as whole, Store.open(tmp_path / "history.db") as history:
        assert waiting(whole) == ids
        assert waiting(history) == []


def test_an_older_store_gets_an_empty_outbox(
    location: Location, monkeypatch: pytest.MonkeyPatch, execute: Callable[..., None]
) -> None:
    from offerkit.store import schema
    from offerkit.usecases.store_maintenance import migrate

    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:6])
    sample(location).close()
    monkeypatch.undo()
    assert migrate(location).before == 6
    with Store.open(location, write=True) as store:
        append(store, draft(change("z", None, entry("one")), day=9))
        declare(store, day=10)
        tell(store, day=11)
        assert len(waiting(store)) == 1
        assert store.verify() == []


def test_a_body_that_was_edited_is_refused(told: Store, execute: Callable[..., None]) -> None:
    told.close()
    execute("UPDATE snapshot SET body = '{}' WHERE kind = 'webhook'")
    with Store.open(told.location, write=True) as store, pytest.raises(Refused):
        tell(store, day=9)
