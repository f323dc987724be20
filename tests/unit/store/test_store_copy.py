"""A store carried from one database to another is the same store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.postgres import new_schema
from proposition_samples import at, made
from store_samples import append, change, draft, entry, sample, schedule

from offerkit.diagnostics import Code, Refused
from offerkit.store import DeliveryRun, EvidenceRow, Location, Store, copying, parse_location
from offerkit.store.copying import TABLES
from offerkit.store.simulations import SavedSimulation
from offerkit.store.tokens import TokenRow
from offerkit.usecases.store_maintenance import copy, migrate, status_json

RUN = DeliveryRun("recipients", "c", "d", "call-9", "email", 4, at(9), at(9), "ada", 1, 1)

WAITING = ("0" * 32, "hub", "offerkit.test", "{}", at(1), at(1), 0, "waiting", "", "", "", "")
EVIDENCE = EvidenceRow("recipients", "42|fr", at(1), "p1", "call-1", "email", {"propositions": ["p1"]})
TOKEN = TokenRow("0123456789ab", "0" * 64, "ada", "ü", at(1), "ada", at(9))


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    return tmp_path / "copies" / "store.db" if request.param == "sqlite" else parse_location(new_schema())


@pytest.fixture
def full(location: Location) -> Location:
    """A store with something in every table."""
    with sample(location) as store:
        schedule(store, 20)
        store.begin_log()
        store.add_propositions([made(n, space="ü 漢 \\ \t \n") for n in range(1, 200)])
        store.add_delivery(RUN, [made(900, interaction="call-9", time=at(9))])
        with store.recording():
            store.remember("recipients", "cookie", "42|fr", at(1))
            store.evidence.add([EVIDENCE])
        with store.transaction():
            store.add_token(TOKEN)
            store.database.insert("outbox", TABLES["outbox"], [WAITING])
        store.save_simulation(SavedSimulation("spring", "recipients", "live", at(1), "ada", "{}"))
    return location


def test_everything_goes_along(full: Location, target: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "PART", 64)
    copied = copy(full, target)
    assert all(copied.rows.values()), "the sample has rows in every table"
    with Store.open(full) as old, Store.open(target, write=True) as new:
        assert list(new.recorded()) == list(old.recorded())
        assert new.propositions(limit=0) == old.propositions(limit=0)
        assert new.deliveries() == [RUN]
        assert new.contact_of("recipients", "cookie") == "42|fr"
        assert new.tokens() == [TOKEN]
        assert new.database.rows(f"SELECT {TABLES['evidence']} FROM evidence") == [
            (*EVIDENCE[:6], '{"propositions":["p1"]}')
        ]
        assert new.database.rows(f"SELECT {TABLES['outbox']} FROM outbox") == [WAITING]
        assert (new.project, new.heads(), new.approvals()) == (old.project, old.heads(), old.approvals())
        assert new.verify() == []
        assert new.status().rows == old.status().rows
        append(new, draft(change("z", None, entry("one")), day=9))
        assert new.verify() == []


def test_not_onto_something(full: Location, target: Location) -> None:
    with Store.open(target, create=True) as store:
        project = store.project
    with pytest.raises(Refused) as refused:
        copy(full, target)
    assert refused.value.diagnostics[0].code is Code.STORE_NOT_BLANK
    with Store.open(target) as store:
        assert (store.project, store.last_serial()) == (project, 0)
    with pytest.raises(Refused):
        copy(full, full)


def test_what_is_not_there_or_not_sound(location: Location, target: Location, execute: Callable[..., None]) -> None:
    with pytest.raises(Refused) as refused:
        copy(location, target)
    assert refused.value.diagnostics[0].code is Code.STORE_MISSING
    sample(location).close()
    execute("UPDATE revision SET message = 'other' WHERE serial = 2")
    with pytest.raises(Refused) as refused:
        copy(location, target)
    assert refused.value.diagnostics[0].code is Code.HISTORY_BROKEN
    assert Store.find(target) is None


def test_what_arrives_otherwise_is_not_kept(full: Location, target: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = copying._parts

    def lossy(db: object, table: str, columns: str) -> object:
        for rows in plain(db, table, columns):  # type: ignore[arg-type]
            changed = [(*row[:-1], "x") if table == "cookie" and db is not seen[0] else row for row in rows]
            yield changed

    seen: list[object] = []
    fill = copying._fill

    def remembered(old: object, new: object, advance: Callable[[int], None], tables: object) -> None:
        seen.append(old)
        fill(old, new, advance, tables)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "_parts", lossy)
    monkeypatch.setattr(copying, "_fill", remembered)
    with pytest.raises(Refused) as refused:
        copy(full, target)
    assert "The rows of cookie differ" in refused.value.diagnostics[0].detail
    monkeypatch.undo()
    with pytest.raises(Refused):
        Store.open(target)
    copy(full, target)  # what was left is blank, and can be used


def test_status_and_format(full: Location) -> None:
    with Store.open(full, write=True) as store, store.lock(who="ada", timeout=0):
        found = status_json(store.status())
    assert isinstance(found, dict)
    assert found["rows"]["proposition"] == 200  # type: ignore[index, call-overload]
    assert found["last_revision"]["serial"] == 7  # type: ignore[index, call-overload]
    assert found["lock"]["who"] == "ada"  # type: ignore[index, call-overload]
    assert int(str(found["size"])) > 10_000
    assert migrate(full).current
    assert migrate(full, check=True).current
