"""A contact is exported whole, and erased so that its key is nowhere any more: in no table, and in no byte of any file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from helpers.contact_office import CAMPAIGN, KEY, OTHER, PROJECT, STORAGE, Office, hidden, read
from helpers.postgres import new_schema

from offerkit.diagnostics import Code
from offerkit.store import PropositionRow, Store, contact_data, parse_location, postgres_clearing, sqlite
from offerkit.store.copying import TABLES
from offerkit.store.location import Location, PostgresAddress
from offerkit.usecases import contact_erasure, delivery_files


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Live, with calls, visits and a delivery of the contact and of others."""
    root = tmp_path / "project"
    shutil.copytree(PROJECT, root)
    monkeypatch.chdir(root)
    with (root / "data/people.csv").open("a") as people:
        people.write(f"{KEY},pia@example.com,1985-04-02,DE,mass,3000\n")
    spaces = root / "specs/people/spaces.yaml"
    spaces.write_text(spaces.read_text().replace("    storage: {proposed: presented, accepted: accepted}\n", STORAGE))
    (root / "specs/people/campaigns.yaml").write_text(CAMPAIGN)
    named = new_schema() if request.param == "postgresql" else str(root / ".offerkit/store.db")
    desk = Office(root, parse_location(named), named)
    desk.run("apply", "--yes", "--create-store")
    desk.run("approve", "*/offer.*")
    desk.run("promote", "--yes")
    desk.run("apply", "--yes")
    desk.run("propositions", "--format", "jsonl", "--cursor-file", "cursor")
    home = ("propose", "--space", "people/home")
    desk.run(*home, "--cookie", "c0ffee", "--contact", "pia@example.com", "-n", "2")
    desk.run("propose", "--space", "guests/banner", "--cookie", desk.cookie())
    desk.run(*home, "--cookie", "c00c1e", "--contact", "ana@example.com", "-n", "2")
    desk.run("deliver", "june/best", "--at", "2026-06-01", "--field", "person.id")
    desk.run("deliver", "june/none", "--at", "2026-06-01", "--out", str(tmp_path / "sent"))
    with Store.open(desk.location, write=True) as store:
        store.add_propositions([hidden("p-1", KEY), hidden("p-2", OTHER)])
        with store.recording():
            store.evidence.add([read("p-1", KEY), read("p-2", OTHER)])
    yield desk


def test_after_an_erasure_the_key_is_nowhere(desk: Office) -> None:
    desk.without_source()
    before, others, cookie = desk.report(), exported(desk, OTHER, "people"), desk.cookie()
    assert len(desk.traces()) > 0
    told = desk.run("contact", "erase", KEY, "-e", "people", "--yes")
    assert KEY not in told.output + told.stderr
    assert desk.traces(cookie) == []
    assert desk.report() == before
    assert exported(desk, OTHER, "people") == others, "nobody else has lost anything"
    assert "is sound" in desk.run("audit", "verify").output
    desk.run("audit", "export", "--out", "audit.jsonl")
    desk.run("audit", "verify", "audit.jsonl")
    assert KEY not in (desk.root / "audit.jsonl").read_text()
    assert exported(desk, KEY, "people")["propositions"] == []


def exported(desk: Office, key: str, *environments: str) -> dict[str, Any]:
    options = [word for name in environments for word in ("-e", name)]
    found: dict[str, Any] = json.loads(desk.run("contact", "export", key, *options).stdout)
    return {name: part for name, part in found.items() if name != "exported"}


def test_an_export_has_all_there_is_and_says_what_it_is(desk: Office) -> None:
    found = exported(desk, KEY)
    places = [row["environment"] for row in found["propositions"]]
    assert {"people", "guests"} == set(places), "the cookie leads to what it got as a visitor"
    assert [row["cookie"] for row in found["cookies"]] == [desk.cookie()]
    assert [row["message"]["contact"] for row in found["messages"]] == [KEY]
    assert [row["file"] for row in found["set_aside"]] == ["set-aside.csv"]
    assert {row["contact"] for row in found["evidence"]} == {KEY} and len(found["evidence"]) == 2
    assert {"propositions", "evidence", "cookies", "messages", "set_aside"} == set(found["meanings"])
    stored = next(row for row in found["propositions"] if row["id"] == "p-1")
    assert stored["proposed"]["id"] == int(KEY) and stored["product"] == {"sku": f"card-{KEY}"}
    written = desk.root / "pia.json"
    desk.run("contact", "export", "-", "--out", str(written), given=f"{KEY}\n")
    assert written.stat().st_mode & 0o777 == 0o600
    assert json.loads(written.read_text())["propositions"] == found["propositions"]


def test_what_was_decided_for_an_erased_contact_is_explained_without_it(desk: Office) -> None:
    ids = [row["id"] for row in exported(desk, KEY, "people")["propositions"] if row["space"] == "home"]
    assert KEY in desk.run("explain", next(id_ for id_ in ids if id_ != "p-1")).stdout
    desk.run("contact", "erase", KEY, "--yes")
    assert desk.traces() == [str(desk.root / "data/people.csv")], "only its source has the contact"
    for id_ in ids[1:]:
        assert KEY not in desk.run("explain", id_, "--format", "json").stdout
        assert "is rejected now" in desk.run("update", id_, "rejected").stdout, "a link in a message still counts"


def test_it_is_recorded_without_the_key(desk: Office) -> None:
    desk.run("contact", "erase", KEY, "--yes", "--message", "request 12")
    line = json.loads(desk.run("history", "--format", "json").stdout)[0]
    assert (line["action"], line["actor"], line["message"]) == ("erase", "ada", "request 12")
    assert "propositions of people" in line["summary"] and KEY not in str(line)
    with Store.open(desk.location) as store:
        row = store.revision(line["revision"])
        assert row is not None
        assert set(row.details) == {"erased", "files"} and set(row.details["erased"]) == {"people", "guests"}  # type: ignore[arg-type]


def test_readers_of_the_log_hear_of_it(desk: Office) -> None:
    desk.run("propositions", "--format", "jsonl", "--cursor-file", "cursor")
    desk.run("contact", "erase", KEY, "--yes")
    lines = [
        json.loads(line)
        for line in desk.run("propositions", "--format", "jsonl", "--cursor-file", "cursor").stdout.splitlines()
    ]
    events = [line for line in lines if "event" in line]
    assert {(line["event"], line["contact"]) for line in events} == {("erased", "")} and len(events) == 6


def test_nothing_changes_without_a_yes_or_with_a_dry_run(desk: Office) -> None:
    before = desk.traces(), exported(desk, KEY)
    shown = desk.run("contact", "erase", KEY, "--dry-run").stdout
    assert "people" in shown and KEY not in shown
    assert desk.refused("contact", "erase", KEY) is Code.PLAN_DECLINED
    assert (desk.traces(), exported(desk, KEY)) == before


def test_a_second_erasure_finds_nothing_and_records_that(desk: Office) -> None:
    """A backup of between the two may have the contact again, and what it has may have been purged since."""
    desk.run("contact", "erase", KEY, "--yes")
    assert desk.refused("contact", "erase", KEY) is Code.PLAN_DECLINED
    again = desk.run("contact", "erase", KEY, "--yes")
    assert again.stdout.startswith("Nothing to erase.\nRecorded. Revision ")
    assert "nothing is stored for a contact with this key" in again.stderr
    (line,) = json.loads(desk.run("history", "-n", "1", "--format", "json").stdout)
    assert (line["action"], line["summary"]) == ("erase", "a contact of whom nothing was stored")
    assert "is sound" in desk.run("audit", "verify").output


def test_what_is_refused(desk: Office) -> None:
    assert desk.refused("contact", "erase", KEY, "--yes", "--message", f"for {KEY}") is Code.KEY_IN_MESSAGE
    assert desk.refused("contact", "erase", "", "--yes") is Code.CONTACT_KEY
    assert desk.refused("contact", "erase", "7\udcff", "--yes") is Code.CONTACT_KEY
    assert desk.refused("contact", "export", "7" * 501) is Code.CONTACT_KEY
    assert desk.refused("contact", "erase", KEY, "--yes", "-e", "peopel") is Code.NO_MATCH
    assert desk.refused("contact", "export", KEY, "--files", "nowhere") is Code.UNREADABLE
    assert desk.refused("--as", "nobody", "contact", "export", KEY) is Code.NO_OPERATOR
    with Store.open(desk.location, write=True) as store:
        store.add_propositions([hidden("p-3", KEY)._replace(environment="guests", space="banner")])
    assert desk.refused("contact", "export", KEY) is Code.CONTACT_IN_SEVERAL
    assert desk.refused("contact", "erase", KEY, "--yes") is Code.CONTACT_IN_SEVERAL


def test_a_key_in_another_spelling_is_the_same_contact(desk: Office) -> None:
    assert exported(desk, f"0{KEY}", "people")["propositions"] == exported(desk, KEY, "people")["propositions"]


@pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
def test_who_reads_an_earlier_state_keeps_it_and_that_is_said(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.1)
    with Store.open(desk.location) as store, store.reading():
        store.last_serial()
        assert desk.refused("contact", "erase", KEY, "--yes") is Code.NOT_ERASED
    assert desk.run("contact", "erase", KEY, "--yes").stdout.startswith("Nothing to erase.\n")
    desk.without_source()
    assert desk.traces() == []


def test_what_is_stored_meanwhile_is_told(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def stored(request: object, location: Location = desk.location) -> None:
        with Store.open(location, write=True) as store:
            store.add_propositions([hidden("p-9", KEY)])

    monkeypatch.setattr(contact_erasure, "erase_contact", _after(contact_erasure.erase_contact, stored))
    assert desk.refused("contact", "erase", KEY, "--yes") is Code.NOT_ERASED
    monkeypatch.undo()
    monkeypatch.chdir(desk.root)
    desk.run("contact", "erase", KEY, "--yes")
    desk.without_source()
    assert desk.traces() == []


def _after(work: Callable[..., Any], then: Callable[[object], None]) -> Callable[..., Any]:
    def both(session: object, request: object) -> Any:
        done = work(session, request)
        then(request)
        return done

    return both


@pytest.mark.parametrize("step", ["erase_from", "_record"])
def test_a_run_that_is_cut_off_is_finished_by_the_next(
    desk: Office, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first file, and before the commit; the killed processes of tests/slow/test_contact_kill.py go further."""
    done: list[object] = []

    def cut_off(*args: Any) -> None:
        if step == "erase_from" and not done:
            done.append(args)
            delivery_files.erase_from(*args)
            return
        raise SystemExit(9)

    desk.without_source()
    before = desk.report()
    with monkeypatch.context() as patch:
        patch.setattr(contact_erasure, step, cut_off)
        desk.run("contact", "erase", KEY, "--yes", ok=False)
    assert len(exported(desk, KEY)["propositions"]) == 6, "the store is as before"
    desk.run("contact", "erase", KEY, "--yes")
    assert desk.traces() == []
    assert desk.report() == before
    assert "is sound" in desk.run("audit", "verify").output


def test_files_that_were_moved_are_named(desk: Office, tmp_path: Path) -> None:
    (tmp_path / "sent").rename(tmp_path / "moved")
    told = desk.run("contact", "erase", KEY, "--yes").stderr
    assert Code.ERASED_ELSEWHERE in told and str(tmp_path / "sent") in told
    assert [row["file"] for row in exported(desk, KEY)["set_aside"]] == []
    desk.run("contact", "erase", KEY, "--yes", "--files", str(tmp_path / "moved"))
    assert not [path for path in (tmp_path / "moved").iterdir() if KEY in path.read_text()]


def test_two_at_once(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(desk.location, write=True) as store, store.lock(who="bert", timeout=0):
        assert desk.refused("contact", "erase", KEY, "--yes") is Code.STORE_LOCKED
    assert len(exported(desk, KEY)["propositions"]) == 6


def test_a_restored_backup_does_not_bring_the_contact_back(desk: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    desk.run("store", "backup", str(backup))
    assert KEY.encode() in backup.read_bytes()
    with Store.open(desk.location, write=True) as store:
        store.database.run("DELETE FROM proposition WHERE id = 'p-1'")
    desk.without_source()
    desk.run("contact", "erase", KEY, "--yes")
    desk.run("store", "restore", str(backup), "--yes")
    with Store.open(desk.location) as store:
        assert store.proposition("p-1") == hidden("p-1", KEY)._replace(
            contact="", proposed={}, accepted={}, statuses={}, product=None
        ), "it was not purged with its contact, so it is there again, as nobody's"
    assert desk.traces() == []


@pytest.mark.parametrize("edited", ["", "CREATE TABLE more (a)"])
def test_a_backup_does_not_bring_a_contact_back_whose_propositions_were_purged(
    desk: Office, tmp_path: Path, edited: str
) -> None:
    """No row says any more whose they were; also when a restore took the revision that records the erasure."""
    if edited and isinstance(desk.location, PostgresAddress):
        pytest.skip("a changed schema in a database is its owner's to mend")
    backups = [tmp_path / "first.db", tmp_path / "second.db"]
    for backup in backups:
        desk.run("store", "backup", str(backup))
    with Store.open(desk.location, write=True) as store:
        for table in ("proposition", "evidence"):
            store.database.run(f"DELETE FROM {table} WHERE contact = ?", (KEY,))
        store.database.run("DELETE FROM proposition WHERE id = 'p-2'")
    desk.without_source()
    cookie = desk.cookie()
    desk.run("contact", "erase", KEY, "--yes")
    for backup in backups:
        if edited:
            with Store.open(desk.location, write=True) as store:
                store.database.run(edited)
        told = desk.run("store", "restore", str(backup), "--yes").output
        assert "Contacts were erased since" in " ".join(told.split())
        assert [
            trace for trace in desk.traces(cookie) if ".replaced-" not in trace and str(tmp_path) not in trace
        ] == []
        with Store.open(desk.location) as store:
            assert store.proposition("p-1") == hidden("p-1", KEY)._replace(
                contact="", proposed={}, accepted={}, statuses={}, product=None
            )
            assert store.proposition("p-2") == hidden("p-2", OTHER), "others have rows that no erasure took"
            assert contact_data.count(store.database, "people", [OTHER]).cookies == 1
    assert "is sound" in desk.run("audit", "verify").output


def test_a_backup_brings_nobody_back_who_was_erased_when_nothing_was_stored(desk: Office, tmp_path: Path) -> None:
    """All was purged when the contact was erased; the backup is from before."""
    backup = tmp_path / "backup.db"
    desk.run("store", "backup", str(backup))
    cookie = desk.cookie()
    desk.without_source()
    with Store.open(desk.location, write=True) as store:
        for table in contact_data.PERSONAL:
            store.database.run(f"DELETE FROM {table} WHERE contact IN (?, ?)", (KEY, cookie))
    sent = ("--files", str(tmp_path / "sent"))
    desk.run("contact", "erase", KEY, "--yes", *sent)
    desk.run("store", "restore", str(backup), "--yes")
    with Store.open(desk.location) as store:
        assert store.proposition("p-1") == unknown("p-1")
        assert store.proposition("p-2") == hidden("p-2", OTHER)
    assert desk.traces(cookie) == []


def unknown(id_: str) -> PropositionRow:
    """That proposition after its contact was erased."""
    return hidden(id_, KEY)._replace(contact="", proposed={}, accepted={}, statuses={}, product=None)


@pytest.mark.parametrize(("purged", "edited"), [(False, ""), (True, "CREATE TABLE more (a)")])
def test_what_a_newer_backup_erased_is_erased_in_the_store_that_it_replaces(
    desk: Office, tmp_path: Path, edited: str, purged: bool
) -> None:
    """An older copy was put in place of a lost store, others were served from it; then the newer backup is found."""
    older, newer = tmp_path / "older.db", tmp_path / "newer.db"
    desk.run("store", "backup", str(older))
    cookie = desk.cookie()
    desk.without_source()
    with Store.open(desk.location, write=True) as store:
        if purged:
            for table in ("proposition", "evidence"):
                store.database.run(f"DELETE FROM {table} WHERE contact = ?", (KEY,))
    desk.run("contact", "erase", KEY, "--yes")
    desk.run("store", "backup", str(newer))
    desk.replaced_by(older)
    desk.run("propositions", "--format", "jsonl", "--cursor-file", "cursor")
    later = datetime.now(UTC) + timedelta(days=1)
    came = hidden("p-5", KEY)._replace(time=later.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    with Store.open(desk.location, write=True) as store:
        assert contact_data.count(store.database, "people", [KEY]).total > 0
        store.add_propositions([came, hidden("p-6", OTHER)])
        if edited and isinstance(desk.location, Path):  # a changed schema in a database is its owner's to mend
            store.database.run(edited)
    told = desk.run("store", "restore", str(newer), "--yes").output
    assert "The backup knows of contacts that were erased" in " ".join(told.split())
    with Store.open(desk.location) as store:
        assert store.proposition("p-1") == unknown("p-1")
        assert store.proposition("p-2") == hidden("p-2", OTHER), "the backup has this row with its contact"
        assert store.proposition("p-5") == came, "it came back after it had been erased"
        assert store.proposition("p-6") == hidden("p-6", OTHER), "nor was this contact erased"
        found = contact_data.count(store.database, "people", [KEY])
        assert (found.propositions, found.evidence, found.cookies) == (1, 0, 0)
        assert contact_data.count(store.database, "guests", [cookie]).total == 0
        assert contact_data.count(store.database, "people", [OTHER]).cookies == 1
    lines = desk.run("propositions", "--format", "jsonl", "--cursor-file", "cursor").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert {"p-1"} <= {line["id"] for line in events if line.get("event") == "erased"}
    assert "is sound" in desk.run("audit", "verify").output


def test_a_message_with_the_key_in_any_spelling_is_refused(desk: Office) -> None:
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in KEY)
    for key, message in (
        (f"0{KEY}", f"for {KEY}"),
        (KEY, f"customer{KEY}a"),
        (KEY, f"for {wide}"),
        (KEY, f"for {KEY[:3]}\u200b{KEY[3:]}"),
        ("A_B", "for a_b"),
    ):
        assert desk.refused("contact", "erase", key, "--yes", "--message", message) is Code.KEY_IN_MESSAGE
    desk.run("contact", "erase", "7", "--yes", "--message", f"request {KEY}")


def test_files_of_a_delivery_that_was_killed_before_they_got_their_name(desk: Office, tmp_path: Path) -> None:
    (tmp_path / "sent").rename(tmp_path / "sent.partial")
    desk.without_source()
    told = desk.run("contact", "erase", KEY, "--yes")
    assert desk.traces() == [] and Code.ERASED_ELSEWHERE not in told.stderr
    assert not [path for path in (tmp_path / "sent.partial").iterdir() if KEY in path.read_text()]


def test_what_a_killed_restore_left_is_named(desk: Office) -> None:
    (desk.root / ".offerkit/.restoring-abc").mkdir()
    told = desk.run("contact", "erase", KEY, "--yes").stderr
    assert Code.ERASED_ELSEWHERE in told and ".restoring-abc" in told


@pytest.mark.parametrize("desk", ["postgresql"], indirect=True)
def test_the_statistics_of_the_server_forget_the_values(desk: Office) -> None:
    """Also those of a table that is empty now, which ANALYZE alone leaves as they are."""
    assert isinstance(desk.location, PostgresAddress)
    with psycopg.connect(desk.location.conninfo, autocommit=True) as server:
        for table in contact_data.PERSONAL:
            if table != "proposition":
                server.execute(f"DELETE FROM \"{desk.location.schema}\".{table} WHERE contact <> '{KEY}'")
            server.execute(f'ANALYZE "{desk.location.schema}".{table}')
        seen = (
            "SELECT tablename FROM pg_stats WHERE schemaname = %s"
            " AND (most_common_vals::text LIKE %s OR histogram_bounds::text LIKE %s)"
        )
        args = (desk.location.schema, f"%{KEY}%", f"%{KEY}%")
        assert {table for (table,) in server.execute(seen, args)} >= {"proposition", "evidence"}
        desk.run("contact", "erase", KEY, "--yes")
        assert server.execute(seen, args).fetchall() == []
        for table in contact_data.PERSONAL:
            rows = server.execute(f"SELECT 1 FROM \"{desk.location.schema}\".{table} WHERE environment = ''")
            assert rows.fetchall() == []


@pytest.mark.parametrize("desk", ["postgresql"], indirect=True)
def test_a_transaction_that_still_sees_the_rows_is_told(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(desk.location, PostgresAddress)
    monkeypatch.setattr(postgres_clearing, "PATIENCE", 0.1)
    with psycopg.connect(desk.location.conninfo) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1 FROM pg_class")
        assert desk.refused("contact", "erase", KEY, "--yes") is Code.NOT_ERASED
    desk.without_source()
    desk.run("contact", "erase", KEY, "--yes")
    assert desk.traces() == []


READERS = """version: 1
environment:
  label: Customers
  dimension: person
  time_zone: Europe/Paris
  typology: calm
  contacts: {readers: [rosa]}
  call_data:
    basket: {type: decimal, sample: 10}
    step: {type: enumeration, values: [search, pay]}
"""


@pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
def test_an_export_only_has_what_its_reader_may_read(desk: Office) -> None:
    """Rosa reads people. What the cookie leads to, and files of another environment, are not hers to read."""
    shared = desk.root / "specs/shared.yaml"
    shared.write_text(shared.read_text() + "  rosa: {label: Rosa, profile: offer-manager}\n")
    (desk.root / "environments/people.yaml").write_text(READERS)
    desk.run("apply", "--yes")
    rosa = ("--as", "rosa", "contact", "export")
    assert desk.refused(*rosa, KEY, "-e", "people") is Code.NOT_A_READER
    with Store.open(desk.location, write=True) as store:
        store.database.run("DELETE FROM proposition WHERE environment = 'guests'")
    assert json.loads(desk.run(*rosa, KEY, "-e", "people").stdout)["environments"] == ["people"]
    summary = desk.root / "deliveries/june/best/delivery.json"
    summary.write_text(json.dumps({**json.loads(summary.read_text()), "environment": "guests"}))
    assert desk.refused(*rosa, KEY) in (Code.NOT_A_READER, Code.CONTACT_IN_SEVERAL)
    assert json.loads(desk.run(*rosa, KEY, "-e", "people").stdout)["messages"] == []


@pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
def test_what_design_says_of_keys_makes_no_two_contacts_one(desk: Office) -> None:
    """In live, 007 and 7 are two contacts; who would make numbers of them only prepares it."""
    shared, number, text = (
        desk.root / "specs/shared.yaml",
        "      id: {type: integer}\n",
        "      id: {}\n      no: {}\n",
    )
    shared.write_text(shared.read_text().replace(number, text))
    desk.run("apply", "--yes")
    desk.run("promote", "--yes")
    desk.run("apply", "--yes")
    with Store.open(desk.location, write=True) as store:
        store.add_propositions([hidden(f"p-{key}", key) for key in ("007", "7")])
    shared.write_text(shared.read_text().replace(text, number))
    desk.run("apply", "--yes")
    desk.run("contact", "erase", "007", "-e", "people", "--yes")
    assert [row["contact"] for row in exported(desk, "7", "people")["propositions"]] == ["7"]


def test_every_table_says_whether_it_has_contacts_data() -> None:
    assert set(contact_data.PERSONAL) | set(contact_data.IMPERSONAL) == set(TABLES)
    assert not set(contact_data.PERSONAL) & set(contact_data.IMPERSONAL)
