"""What a project saw of a store: a history that goes back, is another or is gone is refused, until somebody accepts it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import tampering
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.plans.make import AddressPatterns
from offerkit.store import Store, copying, known_heads, parse_location
from offerkit.store.known_heads import KnownHead, KnownHeads, known_heads_of
from offerkit.store.remote import RemoteStore
from offerkit.usecases import tokens
from offerkit.usecases.apply import apply
from offerkit.usecases.backends import ServerBackend
from offerkit.usecases.demonstration import live_copy
from offerkit.usecases.plan import plan as make_plan
from offerkit.usecases.session import Session

EDIT = {"specs/shop/offers.yaml": {"offers": {"safari": {"label": "Another safari"}}}}


def run(shop: Workspace, who: str = "ada", *, accept: bool = False, **more: Any) -> Session:
    """A run as the command line makes it."""
    session = shop.session(who, **more)
    return replace(session, heads=known_heads_of(session.project, session.store, accept=accept))


def record(shop: Workspace) -> dict[str, Any]:
    """What the project remembers."""
    stores: dict[str, Any] = json.loads((shop.root / ".offerkit/heads.json").read_text())["stores"]
    return stores


def serial(shop: Workspace) -> int:
    (only,) = record(shop).values()
    return int(only["serial"])


def refused(what: Callable[[], Any]) -> str:
    """What is said when the store is not the one that was seen."""
    with pytest.raises(Refused) as caught:
        what()
    (found,) = caught.value.diagnostics
    assert found.code is Code.STORE_RESTORED
    assert "--accept-restored" in found.hint and "2026-01-" in found.detail
    return found.summary


def read(session: Session) -> int:
    with session.existing() as store:
        return store.last_serial()


def write(session: Session) -> None:
    with session.writing():
        pass


@pytest.fixture
def seen(shop: Workspace) -> Workspace:
    """A live shop whose newest revision was seen."""
    shop.go_live(anew=True)
    read(run(shop))
    return shop


def go_back(shop: Workspace) -> None:
    """Cut the last revision off, as a whole: it verifies."""
    with Store.open(shop.location) as store:
        row = store.revisions(limit=1)[0]
        assert row.action == "token-create"
    tampering.execute(
        shop.location,
        f"DELETE FROM revision WHERE serial = {row.serial}",
        "DELETE FROM token",
        f"UPDATE meta SET value = '{row.parent_digest}' WHERE key = 'head'",
    )
    with Store.open(shop.location) as store:
        assert store.verify() == []


def test_what_is_newer_is_remembered(seen: Workspace) -> None:
    before = serial(seen)
    read(run(seen))
    assert serial(seen) == before
    seen.change(EDIT)
    apply(run(seen), make_plan(run(seen), AddressPatterns.of()))
    assert serial(seen) == before + 1, "one's own as well, at once"


def test_a_history_that_was_cut_is_refused_until_it_is_accepted(seen: Workspace) -> None:
    tokens.create(run(seen), "ada", "", "90d")
    last = serial(seen)
    go_back(seen)
    for what in (read, write, lambda session: make_plan(session, AddressPatterns.of())):
        assert f"its last revision is now {last - 1}" in refused(lambda what=what: what(run(seen)))  # type: ignore[misc]
    assert serial(seen) == last, "to be refused changes nothing"
    assert read(run(seen, accept=True)) == last - 1
    assert serial(seen) == last - 1
    assert read(run(seen)) == last - 1


def test_a_history_that_was_rewritten_is_refused(seen: Workspace) -> None:
    last = serial(seen)
    tokens.create(run(seen), "ada", "one", "90d")
    go_back(seen)
    tokens.create(seen.session("ada"), "ada", "another", "90d")
    tokens.create(seen.session("ada"), "ada", "and one more", "90d")
    assert f"its revision {last + 1} is now a different one" in refused(lambda: read(run(seen)))
    assert read(run(seen, accept=True)) == last + 2


@pytest.mark.embedded
def test_a_store_that_is_another_or_gone_is_refused(seen: Workspace, tmp_path: Path) -> None:
    assert isinstance(seen.location, Path)
    seen.location.unlink()
    for what in (read, write, lambda session: make_plan(session, AddressPatterns.of())):
        assert "is gone" in refused(lambda what=what: what(run(seen)))  # type: ignore[misc]

    def begin() -> None:
        with run(seen).writing(create=True):
            pass

    assert "is gone" in refused(begin)
    assert not seen.location.exists(), "none is begun in its place"
    Store.open(seen.location, create=True).close()
    assert "another project's store" in refused(lambda: read(run(seen)))
    seen.location.unlink()
    plan = make_plan(run(seen, accept=True), AddressPatterns.of())
    assert record(seen) == {}
    apply(run(seen), plan)
    assert serial(seen) == 1


@pytest.mark.embedded
def test_a_project_that_moves_takes_its_memory_along(seen: Workspace, tmp_path: Path) -> None:
    (key,) = record(seen)
    assert key == ".offerkit/store.db"
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    shutil.copytree(seen.root, moved)
    (moved / ".offerkit/store.db").unlink()
    there = Workspace(moved, seen.files)
    assert "is gone" in refused(lambda: read(run(there)))


@pytest.mark.embedded
@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"version": 2, "stores": {}}',
        '{"version": 1, "stores": {".offerkit/store.db": 5}}',
        '{"version": 1, "stores": {".offerkit/store.db": {"project": "x", "serial": -1, "digest": "x", "time": "x"}}}',
        '{"version": 1, "stores": {".offerkit/store.db": {"project": "x", "serial": true, "digest": "x", "time": "x"}}}',
        "x" * 300_000,
    ],
)
def test_a_record_that_cannot_be_read_is_none(seen: Workspace, content: str) -> None:
    (seen.root / ".offerkit/heads.json").write_text(content)
    assert read(run(seen)) > 0
    assert serial(seen) == read(run(seen))


@pytest.mark.embedded
def test_what_came_with_a_checkout_leads_to_no_other_file(seen: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("mine")
    before = serial(seen)
    (seen.root / ".offerkit/heads.json.partial").symlink_to(other)
    tokens.create(run(seen), "ada", "", "90d")
    assert other.read_text() == "mine" and serial(seen) == before + 1

    lock = seen.root / ".offerkit/heads.lock"
    lock.unlink()
    lock.symlink_to(tmp_path / "new")
    tokens.create(run(seen), "ada", "", "90d")
    assert not (tmp_path / "new").exists()
    lock.unlink()
    os.mkfifo(lock)  # is not waited for
    tokens.create(run(seen), "ada", "", "90d")
    assert serial(seen) == before + 3


@pytest.mark.embedded
def test_a_project_that_cannot_be_written_works_as_well(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for put in (Path.mkdir, os.mkfifo):
        (seen.root / ".offerkit/heads.json").unlink()
        put(seen.root / ".offerkit/heads.json")
        assert read(run(seen)) > 0
        if put is Path.mkdir:
            (seen.root / ".offerkit/heads.json").rmdir()
            read(run(seen))
    tokens.create(run(seen), "ada", "", "90d")


@pytest.mark.embedded
def test_a_copy_for_a_demonstration_is_no_business_of_the_project(seen: Workspace, tmp_path: Path) -> None:
    before = record(seen)
    made = live_copy(run(seen), tmp_path / "demonstration")
    assert made.heads is None
    assert record(seen) == before


def test_stores_are_told_apart_without_their_secrets(shop: Workspace) -> None:
    project = shop.session().project
    secret = parse_location("postgresql://ada:SECRET@db.example/offers?password=SECRET&schema=other")
    for found in (known_heads_of(project, secret), known_heads_of(project, Path("x"), "https://offers.example")):
        assert "SECRET" not in repr(found)
    keys = {
        known_heads_of(project, location).key
        for location in (
            project.store,
            Path("/elsewhere/store.db"),
            secret,
            parse_location("postgresql://db.example/offers"),
        )
    }
    assert len(keys) == 4


@pytest.mark.embedded
def test_a_race_never_leads_back(seen: Workspace) -> None:
    known = known_heads_of(seen.session().project, seen.session().store)
    (now,) = record(seen).values()
    first = KnownHead(now["project"], now["serial"], now["digest"], now["time"])
    numbers = list(range(first.serial + 1, first.serial + 41))

    def tell(number: int) -> None:
        known._write(first, KnownHead(first.project, number, f"{number:064}", first.time))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, sorted(numbers, key=lambda number: number * 7 % 41)))
    assert numbers[0] <= serial(seen)
    known._write(first, KnownHead(first.project, max(numbers) + 1, "9" * 64, first.time))
    known._write(first, KnownHead(first.project, min(numbers), "1" * 64, first.time))
    assert serial(seen) == max(numbers) + 1
    known.accepting()._write(None, first)
    known._write(KnownHead(first.project, max(numbers), "8" * 64, ""), KnownHead(first.project, 99, "2" * 64, ""))
    assert serial(seen) == first.serial, "what was accepted meanwhile stays"


@pytest.mark.embedded
def test_it_remembers_so_many_stores(seen: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_heads, "STORES", 3)
    for number in range(5):
        KnownHeads(seen.session().project, f"store-{number}", "", True)._write(None, KnownHead("p", 1, "d", "t"))
    assert list(record(seen)) == ["store-2", "store-3", "store-4"]


@pytest.mark.embedded
def test_a_store_behind_a_server_is_known_by_its_address(seen: Workspace, tmp_path: Path) -> None:
    copies = [tmp_path / name for name in ("early.db", "late.db")]
    tokens.create(seen.session("ada"), "ada", "", "90d")
    copying.copy_history(seen.location, copies[0])
    tokens.create(seen.session("ada"), "ada", "", "90d")
    copying.copy_history(seen.location, copies[1])
    url = "https://offers.example"

    def far(copy: Path) -> Session:
        session = seen.session("ada", backend=ServerBackend(RemoteStore(url, "secret")), store_path=copy)
        return replace(session, heads=known_heads_of(session.project, copy, url))

    late = read(far(copies[1]))
    assert record(seen)[url]["serial"] == late
    assert url in refused(lambda: read(far(copies[0])))
    with Store.open(copies[1]) as store:
        row = store.revisions(limit=1)[0]
    far(copies[1]).remember_revision(replace(row, serial=late + 1, digest="f" * 64))
    assert record(seen)[url]["serial"] == late + 1
    assert url in refused(lambda: read(far(copies[1])))


def test_an_audit_tells_and_does_not_accept(seen: Workspace) -> None:
    tokens.create(run(seen), "ada", "", "90d")
    go_back(seen)
    with run(seen).auditing() as (store, findings):
        assert store.verify() == []
        assert [found.code for found in findings] == [Code.STORE_RESTORED]
