"""Restoring a store from a backup, on either database."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.postgres import new_schema
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.models.status import Status
from offerkit.store import DeliveryRun, Location, PropositionRow, Store, parse_location
from offerkit.usecases import restore, store_maintenance, tokens
from offerkit.usecases.restore import Restored

TIME = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    return with_people(shop).go_live(anew=True)


@pytest.fixture
def backup(live: Workspace, tmp_path: Path) -> Path:
    propose(live, "before")
    target = tmp_path / "backup.db"
    store_maintenance.copy(live.location, target)
    return target


def row(id_: str, interaction: str = "call") -> PropositionRow:
    from decimal import Decimal

    return PropositionRow(
        id_, "shop", "1", "web", "inbound-web", "safari", "all", interaction, 1, Decimal(1), Status.GENERATED, TIME,
        TIME, 1,
    )  # fmt: skip


def propose(shop: Workspace, *ids: str) -> None:
    with Store.open(shop.location, write=True) as store:
        store.add_propositions([row(id_) for id_ in ids])


def proposed(where: Location) -> dict[str, Status]:
    with Store.open(where) as store:
        return {one.id: one.status for one in store.propositions(limit=0)}


def restored(shop: Workspace, backup: Location, who: str = "ada", **more: Any) -> tuple[restore.Restoration, Restored]:
    with restore.prepare_restore(shop.session(who), backup, **more) as found:
        return found, restore.restore(found)


def changed(shop: Workspace, title: str) -> None:
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": title}}}}})
    shop.apply("ada")
    shop.approve_all()
    shop.promote("ada")


def code_of(shop: Workspace, backup: Location, who: str = "ada") -> Code:
    before = head(shop)
    with pytest.raises(Refused) as refused:
        restored(shop, backup, who)
    assert head(shop) == before
    return refused.value.diagnostics[0].code


def head(shop: Workspace) -> str:
    store = Store.find(shop.location)
    if store is None:
        return ""
    with store:
        return store.head()


def test_the_history_goes_back_and_what_was_offered_stays(live: Workspace, backup: Path) -> None:
    old, _ = tokens.create(live.session("ada"), "ada", "old", "90d")
    then = head(live)
    store_maintenance.copy(live.location, backup.with_name("with-token.db"))
    backup = backup.with_name("with-token.db")
    changed(live, "Leopards")
    new, _ = tokens.create(live.session("ada"), "ada", "new", "90d")
    tokens.revoke(live.session("ada"), old.id)
    propose(live, "since")
    with Store.open(live.location, write=True) as store:
        store.set_status("before", Status.ACCEPTED, TIME)
        store.remember("shop", "cookie", "2", TIME)
        store.add_delivery(
            DeliveryRun("shop", "c", "d", "run", "mail", 1, TIME, TIME, "ada", 1, 1), [row("sent", "run")]
        )
        last = store.last_serial()
    replaced = head(live)

    found, done = restored(live, backup)

    assert found.loss is not None
    assert found.loss.revisions[0].serial == last
    assert {one.action for one in found.loss.revisions} >= {"apply", "promote"}
    assert found.loss.approvals and all(one.revision > found.loss.common for one in found.loss.approvals)
    assert [one.id for one in found.loss.tokens] == [new.id] and [one.id for one in found.loss.revoked] == [old.id]
    assert done.revision.parent_digest == then and done.revision.actor == "ada" and done.revision.action == "restore"
    assert done.revision.details["replaced"] == replaced
    assert live.verified() == []
    assert proposed(live.location) == {"before": Status.ACCEPTED, "since": Status.GENERATED, "sent": Status.GENERATED}
    with live.store() as store:
        assert store.contact_of("shop", "cookie") == "2" and store.delivery("shop", "c", "d") is not None
        assert [(one.id, bool(one.revoked)) for one in store.tokens()] == [(old.id, True)]
    assert done.aside is not None
    with Store.open(done.aside) as aside:
        assert aside.head() == replaced and aside.verify() == [] and len(aside.propositions(limit=0)) == 3
    changed(live, "Tigers")
    assert live.verified() == []


def test_a_token_that_was_revoked_never_counts_again(live: Workspace, backup: Path, tmp_path: Path) -> None:
    row, text = tokens.create(live.session("ada"), "ada", "gone", "90d")
    alive = tmp_path / "alive.db"
    store_maintenance.copy(live.location, alive)
    tokens.revoke(live.session("ada"), row.id)

    for older in (backup, backup):  # takes the token away, and the revision that says it was revoked
        restored(live, older)
    found, _ = restored(live, alive)

    assert found.loss is not None and [one.id for one in found.loss.revoked] == [row.id] and not found.loss.revived
    with live.store() as store:
        assert tokens.bearer_of(store, text, datetime(2026, 1, 2, tzinfo=UTC)) == tokens.NOBODY
        kept = store.token(row.id)
        assert kept is not None and kept.revoked
    assert live.verified() == []


@pytest.mark.embedded
@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE token SET revoked = ''", "DELETE FROM token", "UPDATE token SET revoked = 'yes'",
        "UPDATE revision SET details = '{' WHERE action = 'token-revoke'",
        "DELETE FROM revision WHERE action = 'token-revoke'",
    ],
)  # fmt: skip
def test_nor_when_a_hand_edited_what_says_so(live: Workspace, tmp_path: Path, edit: str) -> None:
    row, _ = tokens.create(live.session("ada"), "ada", "gone", "90d")
    alive = tmp_path / "alive.db"
    store_maintenance.copy(live.location, alive)
    tokens.revoke(live.session("ada"), row.id)
    assert isinstance(live.location, Path)
    with sqlite3.connect(live.location) as connection:
        connection.execute(edit)
    connection.close()

    restored(live, alive)

    assert live.verified() == []
    with live.store() as store:
        assert [(one.id, bool(one.revoked)) for one in store.tokens()] == [(row.id, True)]


def test_tokens_that_come_back_are_named(live: Workspace, backup: Path, tmp_path: Path) -> None:
    row, _ = tokens.create(live.session("ada"), "ada", "kept", "90d")
    alive = tmp_path / "alive.db"
    store_maintenance.copy(live.location, alive)
    restored(live, backup)

    found, _ = restored(live, alive)

    assert found.loss is not None and [one.id for one in found.loss.revived] == [row.id]


@pytest.mark.embedded
@pytest.mark.parametrize(
    "edit",
    [
        "DROP INDEX proposition_id", "CREATE TABLE more (a)", "CREATE INDEX more ON token (hash)",
        "ALTER TABLE token ADD COLUMN more TEXT", "INSERT INTO meta VALUES ('more', 'x')",
        "UPDATE meta SET value = '05' WHERE key = 'format'",
    ],
)  # fmt: skip
def test_tables_that_were_changed_are_made_anew(live: Workspace, backup: Path, edit: str) -> None:
    propose(live, "since")
    assert isinstance(live.location, Path)
    with sqlite3.connect(live.location) as connection:
        connection.execute(edit)
    connection.close()
    with contextlib.suppress(Refused):
        assert live.verified()

    found, done = restored(live, backup)

    assert live.verified() == [] and head(live) == done.revision.digest
    assert done.aside is not None and done.aside.exists()
    assert set(proposed(live.location)) == ({"before", "since"} if found.loss else {"before"})


@pytest.mark.slow
def test_a_changed_schema_in_a_database_is_its_owners_to_mend(live: Workspace, backup: Path) -> None:
    shared = parse_location(new_schema())
    store_maintenance.copy(backup, shared)
    for edit in ("DROP INDEX proposition_id", "CREATE VIEW more AS SELECT 1"):
        with Store.open(shared, write=True) as store, store.transaction():
            store.database.run(edit)
        with (
            pytest.raises(Refused) as refused,
            restore.prepare_restore(replace(live.session("ada"), store_path=shared, heads=None), backup),
        ):
            pass
        assert refused.value.diagnostics[0].code is Code.NOT_RESTORED
        assert "differs from what offerkit creates" in refused.value.diagnostics[0].summary


def test_what_only_the_backup_has_comes_back_but_for_what_was_made_anew(live: Workspace, tmp_path: Path) -> None:
    gone = DeliveryRun("shop", "c", "gone", "gone-run", "mail", 1, TIME, TIME, "ada", 1, 1)
    anew = DeliveryRun("shop", "c", "anew", "first-run", "mail", 1, TIME, TIME, "ada", 1, 1)
    propose(live, "purged")
    with Store.open(live.location, write=True) as store:
        store.add_delivery(gone, [row("of-gone", "gone-run")])
        store.add_delivery(anew, [row("of-first", "first-run")])
    backup = tmp_path / "backup.db"
    store_maintenance.copy(live.location, backup)
    with Store.open(live.location, write=True) as store:
        store.withdraw_delivery(gone, TIME)
        store.withdraw_delivery(anew, TIME)
        store.add_delivery(replace(anew, id="second-run"), [row("of-second", "second-run")])
        while store.purge_propositions("shop", "2027", 1):
            pass
    propose(live, "later")
    restored(live, backup)
    assert set(proposed(live.location)) == {"purged", "of-gone", "later"}
    with live.store() as store:
        assert {run.id for run in store.deliveries()} == {"gone-run", "second-run"}


def test_it_is_refused_and_nothing_changes(live: Workspace, backup: Path, tmp_path: Path) -> None:
    changed(live, "Leopards")
    assert code_of(live, backup, "omar") is Code.NOT_ALLOWED
    assert code_of(live, tmp_path / "nothing.db") is Code.NOT_RESTORED
    assert code_of(live, live.location) is Code.NOT_RESTORED
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"x" * 5000)
    assert code_of(live, junk) is Code.STORE_FOREIGN
    with sqlite3.connect(backup) as connection:
        connection.execute("UPDATE revision SET actor = 'mallory' WHERE serial = 1")
    connection.close()
    before = backup.read_bytes()
    assert code_of(live, backup) is Code.HISTORY_BROKEN
    assert backup.read_bytes() == before


def test_another_projects_only_when_that_is_said(live: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with Store.open(other, create=True) as store:
        project = store.project
        store.add_propositions([row("theirs")])
    assert code_of(live, other) is Code.NOT_RESTORED
    propose(live, "ours")
    _, done = restored(live, other, other_project=True)
    assert set(proposed(live.location)) == {"theirs"}
    with live.store() as store:
        assert store.project == project and store.verify() == [] and store.last_serial() == 1
    assert done.aside is not None and set(proposed(done.aside)) == {"ours"}


def test_a_store_that_changed_since_it_was_compared_is_left(live: Workspace, backup: Path) -> None:
    with restore.prepare_restore(live.session("ada"), backup) as found:
        changed(live, "Leopards")
        before = head(live)
        with pytest.raises(Refused) as refused:
            restore.restore(found)
    assert refused.value.diagnostics[0].code is Code.PLAN_STALE
    assert head(live) == before and live.verified() == []


def test_two_at_once_keep_what_the_first_one_replaced(live: Workspace, backup: Path) -> None:
    changed(live, "Leopards")
    replaced, session = head(live), live.session("ada")
    with restore.prepare_restore(session, backup) as first, restore.prepare_restore(session, backup) as second:
        done = restore.restore(first)
        with pytest.raises(Refused) as refused:
            restore.restore(second)
    assert refused.value.diagnostics[0].code is Code.PLAN_STALE
    assert done.aside is not None
    with Store.open(done.aside) as aside:
        assert aside.head() == replaced
    assert live.verified() == []


def test_whoever_has_it_open_goes_on(live: Workspace, backup: Path) -> None:
    with Store.open(live.location, write=True) as other:
        before = other.last_serial()
        changed(live, "Leopards")
        restored(live, backup)
        assert other.last_serial() == before + 1
        other.add_propositions([row("after")])
        other.check_in_place()
    assert set(proposed(live.location)) == {"before", "after"}


def test_an_edited_history_is_replaced_by_a_sound_one(live: Workspace, backup: Path) -> None:
    with Store.open(live.location, write=True) as store, store.transaction():
        store.database.run("UPDATE revision SET actor = 'mallory' WHERE serial = 1")
    assert live.verified()
    found, _ = restored(live, backup)
    assert found.loss is not None and found.loss.tampered
    assert live.verified() == []


@pytest.mark.embedded
def test_what_a_killed_run_left_is_removed_and_no_others_work(live: Workspace, backup: Path) -> None:
    state = live.root / ".offerkit"
    left = state / ".restoring-left"
    left.mkdir()
    (left / "store.db").write_text("people")
    os.utime(left, (0, 0))
    link = state / ".restoring-link"
    link.symlink_to(backup.parent)
    with restore.prepare_restore(live.session("ada"), backup):
        (ours,) = {*state.glob(".restoring-*")} - {link}
        with restore.prepare_restore(live.session("ada"), backup):
            assert (ours / "store.db").exists() and not left.exists()
    assert {*state.glob(".restoring-*")} == {link} and backup.exists()


def test_from_and_into_a_database(live: Workspace, backup: Path) -> None:
    there = parse_location(new_schema())
    store_maintenance.copy(live.location, there)
    changed(live, "Leopards")
    restored(live, there)
    assert live.verified() == []
    elsewhere = Workspace(live.root, live.files, parse_location(new_schema()))
    elsewhere.now = live.now
    restored(elsewhere, backup)
    assert elsewhere.verified() == [] and set(proposed(elsewhere.location)) == {"before"}


@pytest.mark.embedded
def test_in_place_of_what_is_missing_or_damaged(live: Workspace, backup: Path) -> None:
    path = live.location
    assert isinstance(path, Path)
    path.unlink()
    path.with_name("store.db-wal").write_bytes(b"a log of something else")
    found, _ = restored(live, backup)
    assert found.loss is None and found.unreadable
    assert live.verified() == [] and set(proposed(path)) == {"before"}
    content = bytearray(path.read_bytes())
    content[8192:20000] = b"\xff" * (20000 - 8192)
    path.write_bytes(content)
    found, done = restored(live, backup)
    assert found.loss is None and done.aside is not None and done.aside.read_bytes() == bytes(content)
    assert live.verified() == []


@pytest.mark.embedded
def test_two_at_once_where_there_was_none(live: Workspace, backup: Path) -> None:
    assert isinstance(live.location, Path)
    live.location.unlink()
    session = live.session("ada")
    with restore.prepare_restore(session, backup) as first, restore.prepare_restore(session, backup) as second:
        restore.restore(first)
        propose(live, "after")
        with pytest.raises(Refused):
            restore.restore(second)
    assert set(proposed(live.location)) == {"before", "after"} and live.verified() == []


@pytest.mark.embedded
def test_a_backup_of_an_older_format_stays_as_it_is(live: Workspace, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    connection = sqlite3.connect(old)
    connection.executescript((Path(__file__).parents[2] / "roundtrip/store-2.sql").read_text())
    connection.close()
    before = old.read_bytes()
    restored(live, old, other_project=True)
    assert old.read_bytes() == before and live.verified() == []


def test_profiles_that_allow_again_what_they_allowed_are_named(live: Workspace, tmp_path: Path) -> None:
    live.change({"specs/shared.yaml": {"profiles": {"checker": {"rights": [{"verb": "approve"}]}}}})
    live.apply("ada")
    backup = tmp_path / "with-profile.db"
    store_maintenance.copy(live.location, backup)
    live.change({"specs/shared.yaml": {"profiles": {"checker": {"rights": [{"verb": "read"}]}}}})
    live.apply("ada")
    found, _ = restored(live, backup)
    assert found.loss is not None
    assert "the profile checker allows again what it allowed then" in found.loss.operators
