"""Who holds a store's lock, in either database; and what becomes of a holder that lost it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg
import pytest
from proposition_samples import at, made
from store_samples import DESIGN, change, draft, entry, spelled

from offerkit.diagnostics import Code, Refused
from offerkit.models.status import Status
from offerkit.store import Holder, Location, Store
from offerkit.store.location import PostgresAddress
from offerkit.store.postgres_lease import advisory_key

HOLD = """
import sys, time
from offerkit.store import Store, parse_location
with Store.open(parse_location(sys.argv[1]), write=True) as store, store.lock(who="the holder", timeout=0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_told_who_holds_it(store: Store) -> None:
    for _ in range(2):
        with Store.open(store.location) as other, store.lock(who="anna", timeout=0):
            found = other.holder()
            assert (found.who, found.pid) == ("anna", os.getpid())
        assert store.holder() == Holder(0, "", "")


@pytest.mark.parametrize("timeout", [0, 0.1])
def test_refused_naming_the_holder(store: Store, timeout: float) -> None:
    told: list[Holder] = []
    with (
        Store.open(store.location, write=True) as other,
        store.lock(who="anna", timeout=0),
        pytest.raises(Refused) as refused,
        other.lock(who="ben", timeout=timeout, waiting=told.append),
    ):
        pytest.fail("two held it")
    (found,) = refused.value.diagnostics
    assert found.code is Code.STORE_LOCKED
    assert "anna (process" in found.summary
    assert "--lock-timeout" in found.hint
    assert [given.who for given in told] == (["anna"] if timeout else [])
    with Store.open(store.location, write=True) as other, other.lock(who="ben", timeout=0):
        assert other.holder().who == "ben"


def test_given_back_when_the_holder_is_killed(store: Store) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, spelled(store.location)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(Refused, match="the holder"), store.lock(who="me", timeout=0):
        pass
    holder.kill()
    holder.communicate()
    with store.lock(who="me", timeout=10):
        assert store.holder().who == "me"


def test_given_back_when_the_holder_fails(store: Store) -> None:
    with pytest.raises(KeyError), store.lock(who="anna", timeout=0), store.transaction():
        raise KeyError
    with store.lock(who="ben", timeout=0), store.transaction():
        store.append(draft(change("a", None, entry("one"))))
    assert store.verify() == []


on_postgresql = pytest.mark.parametrize("location", ["postgresql"], indirect=True)
"""SQLite has no connections that could be cut, and no two writers."""


@pytest.fixture
def team(location: Location) -> PostgresAddress:
    """A location in PostgreSQL."""
    assert isinstance(location, PostgresAddress)
    return location


def cut(address: PostgresAddress) -> int:
    """End every connection that holds this store's lock, as an administrator would."""
    key = advisory_key("lock", address.schema)
    with psycopg.connect(address.conninfo, autocommit=True) as server:
        found = server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND (classid::bigint << 32 | objid::bigint) = %s",
            [key],
        ).fetchall()
        return len(found)


@on_postgresql
def test_a_holder_that_was_cut_off_commits_nothing(team: PostgresAddress, store: Store) -> None:
    with store.lock(who="slow", timeout=0):
        assert cut(team) == 1
        with Store.open(team, write=True) as other, other.lock(who="quick", timeout=10), other.transaction():
            other.append(draft(change("a", None, entry("one"))))
        with pytest.raises(Refused) as refused, store.transaction():
            store.append(draft(change("b", None, entry("two"))))
        assert [d.code for d in refused.value.diagnostics] == [Code.STORE_CONNECTION]
    with Store.open(team) as reader:
        assert list(reader.entries(DESIGN)) == ["recipients/offer.a"]
        assert reader.verify() == []


@on_postgresql
def test_a_connection_cut_in_the_transaction_keeps_nothing(team: PostgresAddress, store: Store) -> None:
    with pytest.raises(Refused) as refused, store.transaction():
        store.append(draft(change("b", None, entry("two"))))
        with psycopg.connect(team.conninfo, autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = %s::regclass AND granted",
                [f"{team.schema}.offerkit_store"],
            )
            time.sleep(0.2)
    (found,) = refused.value.diagnostics
    assert found.code is Code.STORE_CONNECTION
    with Store.open(team) as reader:
        assert reader.last_serial() == 0


@on_postgresql
def test_a_lock_that_another_took_over_is_noticed_at_commit(
    team: PostgresAddress, store: Store, execute: Callable[..., None]
) -> None:
    """What a pooler can do: the connection lives, but the lock is another's by now."""
    with store.lock(who="slow", timeout=0):
        execute("UPDATE offerkit_store SET token = token + 1, who = 'quick'")
        with pytest.raises(Refused) as refused, store.transaction():
            store.append(draft(change("b", None, entry("two"))))
    (found,) = refused.value.diagnostics
    assert found.code is Code.STORE_LOCKED
    assert "took over the store's lock" in found.summary
    assert store.last_serial() == 0


@on_postgresql
def test_propositions_do_not_wait_for_a_revision(team: PostgresAddress, store: Store) -> None:
    store.add_propositions([made(1)])
    with Store.open(team, write=True, busy_timeout=0.1) as other, store.lock(who="a", timeout=0), store.transaction():
        store.append(draft(change("a", None, entry("one"))))
        with other.recording():
            other.add_propositions([made(2)])
            other.remember("recipients", "cookie", "42", at(1))
        assert other.set_status("p-1", Status.ACCEPTED, at(9)).changed
        with pytest.raises(Refused) as refused, other.transaction():
            pytest.fail("two append at once")
        assert refused.value.diagnostics[0].code is Code.STORE_LOCKED
    assert len(store.propositions()) == 2


@on_postgresql
def test_no_revision_is_appended_beside_others(store: Store) -> None:
    with pytest.raises(RuntimeError), store.recording():
        store.append(draft(change("a", None, entry("one"))))
    assert store.last_serial() == 0
