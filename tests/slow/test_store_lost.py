"""A server under load whose store is deleted, replaced and restored: what was answered is in what stood there then."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from helpers.postgres import new_schema
from helpers.repeats import often
from helpers.server_process import Callers, Server, serving
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.store import Location, Store, parse_location
from offerkit.store.location import PostgresAddress
from offerkit.usecases import store_maintenance

BODY = {"spaces": ["shop/web"], "contact": "ann@example.com", "n": 3}


def live(shop: Workspace) -> Workspace:
    with_people(shop)
    shop.change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"max": 1000000}}}})
    return shop.go_live(anew=True)


def kept(where: Location) -> set[str]:
    with Store.open(where) as store:
        return {row.id for row in store.propositions(limit=0)}


def sure(store: Location, root: Path, *args: str) -> None:
    program = [sys.executable, "-m", "offerkit.cli.main", "--store", named(store), "--as", "ada", *args]
    done = subprocess.run(program, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def named(store: Location) -> str:
    if isinstance(store, Path):
        return str(store)
    return f"{store.conninfo}{'&' if '?' in store.conninfo else '?'}schema={store.schema}"


def until(server: Server, status: int, workers: int = 1) -> None:
    """Until every worker says so: each of some calls in a row."""
    end, row = time.monotonic() + 60, 0
    while row < 4 * workers:
        found, _, body = server.call("/health/ready")
        row = row + 1 if found == status else 0
        assert time.monotonic() < end, f"never {status}: {body!r} {server.log.read_text()[-2000:]}"
        time.sleep(0.02)


def answered(callers: Callers, more: int = 20) -> None:
    end, before = time.monotonic() + 60, len(callers.answers)
    while len(callers.answers) < before + more:
        assert time.monotonic() < end, callers.wrong[-1:]
        time.sleep(0.02)


class Files:
    """The file of a store, and all that ever stood at its path."""

    def __init__(self, shop: Workspace) -> None:
        assert isinstance(shop.location, Path)
        self.root, self.path = shop.root, shop.location
        self.kept: list[Path] = []
        self.keep()

    def keep(self) -> None:
        """Another name for what stands there now: it stays when the path is given to another."""
        self.kept.append(self.root / f"kept-{len(self.kept)}.db")
        os.link(self.path, self.kept[-1])

    def put(self) -> None:
        """Put a copy of the newest of what stood there into its place."""
        self.path.parent.mkdir(exist_ok=True)
        shutil.copyfile(self.root / "backup.db", self.path.with_name("next.db"))
        self.path.with_name("next.db").rename(self.path)
        self.keep()

    def everything(self) -> set[str]:
        return kept(self.path).union(*map(kept, self.kept[:-1]))  # a log is found by the name it was made for


def deleted(files: Files) -> None:
    files.path.unlink()


def folder_deleted(files: Files) -> None:
    shutil.rmtree(files.path.parent)


def folder_away(files: Files) -> None:
    """As when a disk is unmounted: the file goes with its log and its locks."""
    files.path.parent.rename(files.root / f"unmounted-{len(files.kept)}")


def away(files: Files) -> None:
    files.path.rename(files.path.with_name("away.db"))


def a_folder(files: Files) -> None:
    deleted(files)
    files.path.mkdir()


def junk(files: Files) -> None:
    (files.root / "junk").write_bytes(b"x" * 8192)
    (files.root / "junk").rename(files.path)


def anothers(files: Files) -> None:
    Store.open(files.root / "other.db", create=True).close()
    (files.root / "other.db").rename(files.path)


def dangling(files: Files) -> None:
    deleted(files)
    files.path.symlink_to("nowhere.db")


LOST: list[Callable[[Files], None]] = [deleted, folder_deleted, folder_away, away, a_folder, junk, anothers, dangling]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_goes_and_comes_back_under_load(tmp_path: Path, workers: int) -> None:
    shop = live(Workspace(tmp_path))
    store_maintenance.copy(shop.location, tmp_path / "backup.db")
    files = Files(shop)
    with (
        serving(tmp_path, "--workers", str(workers), store=shop.named()) as server,
        Callers(server, BODY) as callers,
    ):
        for way in LOST:
            answered(callers)
            way(files)
            until(server, 503, workers)
            if files.path.is_dir():
                files.path.rmdir()
            files.put()
            until(server, 200, workers)
        for _ in range(3):  # one that is replaced at once is never missing
            answered(callers)
            files.put()
        answered(callers)
        # Of one process: by these two files SQLite keeps several apart, and none of them can tell that they are gone
        # before it has written (docs/adr/0024-store-in-place.md).
        for suffix in ("-wal", "-shm") if workers == 1 else ():
            until(server, 200, workers)
            answered(callers)
            files.path.with_name(files.path.name + suffix).unlink(missing_ok=True)
        until(server, 200, workers)
        answered(callers)
    assert callers.ids() <= files.everything()
    assert [wrong for wrong in callers.wrong if "503" not in wrong] == []
    assert shop.verified() == []


def damaged(path: Path) -> bool:
    """Whether SQLite finds the file damaged."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
        except sqlite3.DatabaseError:
            return True


def written_over(backup: Path, path: Path, server: Server, callers: Callers) -> None:
    """Copy a backup over a store that is served, until the copy is sound and stays so.

    Nothing keeps the server from writing a page, or what is left of its log, while it is copied, and the file is
    damaged then: whoever copies so copies again.
    """
    for _ in range(20):
        shutil.copyfile(backup, path)
        time.sleep(0.3)
        end, before = time.monotonic() + 60, len(callers.answers)
        while not damaged(path):
            if server.call("/health/ready")[0] == 200 and len(callers.answers) >= before + 20:
                return
            assert time.monotonic() < end, f"never ready: {server.log.read_text()[-2000:]}"
            time.sleep(0.05)
    raise AssertionError(f"each of twenty copies was damaged: {server.log.read_text()[-2000:]}")


def test_a_file_that_is_written_over_under_load(tmp_path: Path) -> None:
    shop = live(Workspace(tmp_path))
    store_maintenance.copy(shop.location, tmp_path / "backup.db")
    assert isinstance(shop.location, Path)
    with serving(tmp_path, store=shop.named()) as server, Callers(server, BODY) as callers:
        for _ in range(5):
            answered(callers)
            written_over(tmp_path / "backup.db", shop.location, server, callers)
        count = len(callers.answers)
        answered(callers)
    with sqlite3.connect(shop.location) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    last = {p["id"] for answer in callers.answers[count:] for space in answer["spaces"] for p in space["propositions"]}
    assert last <= kept(shop.location)
    assert shop.verified() == []


def test_restored_again_and_again_under_load(shop: Workspace) -> None:
    live(shop)
    backup = shop.root / "backup.db"
    store_maintenance.copy(shop.location, backup)
    with serving(shop.root, store=shop.named()) as server, Callers(server, BODY) as callers:
        for number in range(often(4, 10)):
            answered(callers)
            shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": f"Cats {number}"}}}}})
            shop.apply("ada")
            sure(shop.location, shop.root, "store", "restore", str(backup), "--yes")
        until(server, 200)
        answered(callers)
    assert callers.ids() <= kept(shop.location)
    assert [wrong for wrong in callers.wrong if "503" not in wrong] == []
    assert shop.verified() == []


def test_a_schema_that_goes_and_comes_back_under_load(tmp_path: Path) -> None:
    location = parse_location(new_schema())
    assert isinstance(location, PostgresAddress)
    shop = live(Workspace(tmp_path, location=location))
    backup, name = tmp_path / "backup.db", location.schema
    store_maintenance.copy(location, backup)
    ways = [
        f"ALTER SCHEMA {name} RENAME TO {name}_KEPT",
        f"ALTER SCHEMA {name} RENAME TO {name}_KEPT; CREATE SCHEMA {name}",
        f"LOCK TABLE {name}.meta IN ACCESS EXCLUSIVE MODE; CREATE SCHEMA {name}_KEPT; ALTER TABLE {name}.proposition SET SCHEMA {name}_KEPT; DROP SCHEMA {name} CASCADE",
    ]
    found: set[str] = set()
    with (
        serving(tmp_path, store=shop.named()) as server,
        Callers(server, BODY) as callers,
        psycopg.connect(location.conninfo, autocommit=True) as connection,
    ):
        for number in range(often(4, 10)):
            answered(callers)
            aside = f"{name}_{number}"
            with connection.transaction():
                connection.execute(ways[number % 3].replace(f"{name}_KEPT", aside).encode())
            until(server, 503)
            found |= {row[0] for row in connection.execute(f"SELECT id FROM {aside}.proposition".encode())}
            store_maintenance.copy(backup, location)
            until(server, 200)
        answered(callers)
    assert callers.ids() <= found | kept(location)
    assert [wrong for wrong in callers.wrong if "503" not in wrong] == []
    assert shop.verified() == []


@pytest.mark.parametrize("there", [True, False])
def test_a_restore_that_is_killed_leaves_before_or_after(tmp_path: Path, there: bool) -> None:
    shop = live(Workspace(tmp_path))
    assert isinstance(shop.location, Path)
    backup = tmp_path / "backup.db"
    store_maintenance.copy(shop.location, backup)
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Cats"}}}}})
    shop.apply("ada")
    with shop.store() as store:
        before, backed_up = store.head(), {row.digest for row in store.revisions()}
    program = [sys.executable, "-m", "offerkit.cli.main", "--as", "ada", "store", "restore", str(backup), "--yes"]
    shutil.copytree(shop.location.parent, tmp_path / "state")
    began = time.monotonic()
    assert subprocess.run(program, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    took = time.monotonic() - began
    outcomes = set()
    for number in range(14):
        shutil.rmtree(shop.location.parent)
        shutil.copytree(tmp_path / "state", shop.location.parent)
        if not there:
            shop.location.unlink()
        process = subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(took * (0.3 + 0.1 * number))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = Store.find(shop.location)
        if found is None:
            assert not there
            continue
        with found:
            assert found.verify() == []
            last = found.revision(found.last_serial())
            assert last is not None and (last.action == "restore" or (there and last.digest == before))
            assert last.parent_digest in backed_up
            outcomes.add(last.action)
    assert outcomes
