"""Plans and stores of every format that was ever released are read for ever."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from offerkit.governance.notices import OutboxState
from offerkit.governance.promotion_offers import waits_for_its_keys
from offerkit.models.status import Status
from offerkit.plans.plan import FORMAT, PlanKind, decode, envelope
from offerkit.store import PropositionQuery, PropositionRow, Store, outbox, schema
from offerkit.store.proposition_log import BEGINNING
from offerkit.usecases.audit import write_history
from offerkit.usecases.audit_file import audit_file, live_then
from offerkit.usecases.stop import list_stops
from offerkit.usecases.store_maintenance import FormatChange, migrate

HERE = Path(__file__).parent
PLANS = sorted(HERE.glob("plan-?.json"))
EXPORTS = sorted(HERE.glob("export-?.jsonl"))
STORES = sorted(HERE.glob("store-*.sql"))
TOKENS = ["token-revoke", "token-create", "token-adopt"]
SINCE = {
    "store-4": TOKENS[2:],
    "store-5": TOKENS,
    "store-6": ["stop", "stop", *TOKENS],
    "store-7": ["stop", "stop", *TOKENS],
    "store-8": ["stop", "stop", *TOKENS],
}
"""What tokens add to the history: those that were there are taken over, from format 5 on each is a revision."""


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_is_read(path: Path) -> None:
    plan = decode(path.read_bytes(), path.name)
    assert plan.kind is PlanKind.APPLY
    assert [step.action for step in plan.steps] == ["update"]
    assert plan.format == int(path.stem.partition("-")[2])
    assert envelope(plan) == path.read_bytes(), "it keeps its bytes, and so its digest"


def test_what_is_blocked_says_what_it_waits_for_since_format_2() -> None:
    plan = decode((HERE / "plan-2-promotion.json").read_bytes(), "plan")
    assert plan.kind is PlanKind.PROMOTE
    assert [[key.space for key in blocked.keys] for blocked in plan.blocked] == [[""], ["email", "web-home"]]
    assert all(map(waits_for_its_keys, plan.blocked))


def restored(path: Path, file: Path) -> Path:
    """The store that a dump describes."""
    with sqlite3.connect(file) as db:
        db.executescript(path.read_text(encoding="utf-8"))
    db.close()
    return file


def tables(file: Path) -> list[tuple[str, str]]:
    """How every table and index of a store was made."""
    with sqlite3.connect(file) as db:
        found = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
    db.close()
    return found


@pytest.mark.parametrize("path", STORES, ids=lambda path: path.stem)
def test_a_store_is_read_and_verified(path: Path, tmp_path: Path) -> None:
    with Store.open(restored(path, tmp_path / "store.db"), write=True) as store:
        assert store.verify() == []
        assert [row.action for row in store.revisions()][-3:] == ["promote", "approve", "apply"]
        assert [row.action for row in store.revisions()][:-3] == SINCE.get(path.stem, [])
        live = store.entries("recipients@live")
        assert {entry.activation for entry in live.values()} > {None}
        store.bodies(entry.fingerprint for entry in live.values())
        assert store.project == decode(PLANS[0].read_bytes(), "plan").project


@pytest.mark.parametrize("path", STORES, ids=lambda path: path.stem)
def test_a_store_becomes_a_current_one(path: Path, tmp_path: Path) -> None:
    """Opening it for reading is enough; it is then made like a new one, and propositions can be kept."""
    old = restored(path, tmp_path / "store.db")
    with Store.open(old) as store:
        kept = store.propositions()
    Store.open(tmp_path / "new.db", create=True).close()
    assert tables(old) == tables(tmp_path / "new.db")
    with sqlite3.connect(old) as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'format'").fetchall() == [(str(schema.current_format()),)]
    db.close()
    time = "2027-01-01T00:00:00.000000Z"
    more = PropositionRow(
        "new", "recipients", "1", "web-home", "inbound-web", "newsletter", "travel", "call", 1, Decimal("0.1"),
        Status.PRESENTED, time, time, 3,
    )  # fmt: skip
    with Store.open(old, write=True) as store:
        store.add_propositions([more])
        assert store.propositions() == [more, *kept]
        assert store.verify() == []


@pytest.mark.parametrize("path", STORES, ids=lambda path: path.stem)
def test_an_export_of_an_old_store_proves_itself(path: Path, tmp_path: Path) -> None:
    with Store.open(restored(path, tmp_path / "store.db")) as store, (tmp_path / "h.jsonl").open("wb") as file:
        digest = write_history(store, file).digest
    assert audit_file(tmp_path / "h.jsonl").digest == digest


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_an_export_is_read(path: Path) -> None:
    assert audit_file(path).revisions == 8
    then = live_then(path, "2099-01-01")
    assert [state.environment for state in then.environments] == ["recipients"] and then.stopped


def test_propositions_of_format_2(tmp_path: Path) -> None:
    with Store.open(restored(HERE / "store-2.sql", tmp_path / "store.db"), write=True) as store:
        second, first = store.propositions(PropositionQuery(environment="recipients", contact="1"))
        assert (first.id, first.offer, first.status, first.weight) == (
            "a28002", "canada-rockies", Status.ACCEPTED, Decimal("12.5"),
        )  # fmt: skip
        assert (first.changed, first.proposed, first.accepted) == (
            "2026-11-02T08:30:00.250000Z", {"score": 3}, {"by": "phone"},
        )  # fmt: skip
        assert (second.id, second.rank, second.status, second.proposed) == ("a28003", 2, Status.PRESENTED, {})
        assert store.set_status("a28003", Status.REJECTED, "2027-01-01T00:00:00.000000Z").changed


def test_deliveries_of_format_3(tmp_path: Path) -> None:
    with Store.open(restored(HERE / "store-3.sql", tmp_path / "store.db"), write=True) as store:
        run = store.delivery("recipients", "winter", "card")
        assert run is not None and (run.id, run.operator, run.messages, run.sent) == ("call", "dora", 2, "")
        assert store.delivery_sent(run, "2027-01-01T00:00:00.000000Z") == 0
        assert [one.sent for one in store.deliveries()] == ["2027-01-01T00:00:00.000000Z"]


def test_there_is_one_of_each_format() -> None:
    assert [path.stem for path in PLANS] == [f"plan-{number}" for number in range(1, FORMAT + 1)]
    assert [path.stem for path in STORES] == [f"store-{number}" for number in range(1, schema.current_format() + 1)]


@pytest.mark.parametrize("path", STORES, ids=lambda path: path.stem)
def test_a_store_is_upgraded_when_it_is_asked_for(path: Path, tmp_path: Path) -> None:
    old, number = restored(path, tmp_path / "store.db"), int(path.stem.partition("-")[2])
    before = tables(old)
    assert migrate(old, check=True) == FormatChange(number, schema.current_format())
    assert tables(old) == before, "to look changes nothing"
    assert migrate(old) == FormatChange(number, schema.current_format())
    assert migrate(old).current
    with Store.open(old) as store:
        assert store.verify() == []


def test_tokens_of_format_4(tmp_path: Path) -> None:
    with Store.open(restored(HERE / "store-4.sql", tmp_path / "store.db")) as store:
        (token,) = store.tokens()
    assert (token.id, token.operator, token.name, token.revoked) == ("0123456789ab", "admin", "pipeline", "")
    assert token.scope == "all", "it may what it could"


def test_scopes_of_format_5(tmp_path: Path) -> None:
    with Store.open(restored(HERE / "store-5.sql", tmp_path / "store.db")) as store:
        new, old = store.tokens()
    assert (new.id, new.name, new.scope, new.revoked) == ("ba9876543210", "deploys", "read,apply", "")
    assert (old.id, old.scope, old.revoked) == ("0123456789ab", "all", "2026-11-29T10:00:00.000000Z")


def test_what_format_7_added(tmp_path: Path) -> None:
    with Store.open(restored(HERE / "store-7.sql", tmp_path / "store.db")) as store:
        row = store.proposition("a29001")
        assert row is not None and row.product == {"hotel": "Alba", "price": 118}
        assert (row.status, row.statuses) == (Status.REJECTED, {"rejected": {"reason": "price"}})
        (event,) = outbox.rows(store.database, OutboxState)
        assert (event.receiver, event.attempts, event.failure) == ("team-chat", 1, "it answered with status 503")
        assert [run.name for run in store.simulations()] == ["before"]
        seen, place, more = [], BEGINNING, True
        while more:
            page = store.logged(place, "")
            seen += [(change.event, change.proposition.id) for change in page.changes if change.proposition]
            place, more = page.place, page.more
    assert seen == [("made", "a28002"), ("made", "a28003"), ("made", "a29001"), ("changed", "a29001")]


def test_evidence_of_format_8(tmp_path: Path) -> None:
    with Store.open(restored(HERE / "store-8.sql", tmp_path / "store.db")) as store:
        row = store.proposition("a28003")
        assert row is not None
        kept = store.evidence.of(row)
    assert kept is not None and (kept.id, kept.body["propositions"]) == ("a28002", ["a28002", "a28003"])


def test_an_upgrade_writes_few_pages_of_a_large_store(tmp_path: Path) -> None:
    """What dropped indexes leave free is not filled with zeros: that would be most of the work, and of the log."""
    old = tmp_path / "store.db"
    row = PropositionRow(
        "", "recipients", "1", "web-home", "inbound-web", "newsletter", "travel", "call", 1, Decimal("0.1"),
        Status.PRESENTED, "2027-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z", 3,
    )  # fmt: skip
    with Store.open(old, create=True) as store:
        store.add_propositions([row._replace(id=f"p-{number:04}") for number in range(2_000)])
    with sqlite3.connect(old) as db:
        for column in ("offer", "space"):
            db.execute(f"CREATE INDEX proposition_{column} ON proposition (environment, {column}, time, id)")
        for table in ("evidence", "scheduled"):
            db.execute(f"DROP TABLE {table}")
        db.execute("ALTER TABLE delivery_run DROP COLUMN folder")
        db.execute("UPDATE meta SET value = '7' WHERE key = 'format'")
        db.commit()
        (size,) = db.execute("PRAGMA page_count").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert migrate(old).before == 7
        (_, written, _) = db.execute("PRAGMA wal_checkpoint").fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
    db.close()
    assert 0 < written < 10 < 50 < free < size


def test_stops_of_format_6(tmp_path: Path) -> None:
    with Store.open(restored(HERE / "store-6.sql", tmp_path / "store.db")) as store:
        space, offer = list_stops(store)
    assert (offer.address, offer.by, offer.reason, offer.revision) == (
        "recipients/offer.canada-rockies", "admin", "The price is wrong", 7,
    )  # fmt: skip
    assert (space.address, space.offers) == (
        "recipients/space.web-home", ("recipients/offer.canada-rockies", "recipients/offer.newsletter"),
    )  # fmt: skip
