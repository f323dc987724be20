"""Upgrades of a store's format that are killed at any instant, or race: the store is as before or as after."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from helpers import tampering
from helpers.postgres import new_schema
from helpers.repeats import kills, often
from running import begin, chance

from offerkit.store import Location, Store, parse_location
from offerkit.store.location import PostgresAddress
from offerkit.usecases import store_maintenance

pytestmark = pytest.mark.slow

ROUNDS = often(6, 40)
ROWS = 10_000
"""Propositions: enough for a kill to fall into what the upgrade does with each of them."""
TO_FORMAT_7 = (
    "CREATE INDEX proposition_offer ON proposition (environment, offer, time, id)",
    "CREATE INDEX proposition_space ON proposition (environment, space, time, id)",
    "ALTER TABLE delivery_run DROP COLUMN folder",
    "DROP TABLE scheduled",
    "DROP TABLE evidence",
    "UPDATE meta SET value = '7' WHERE key = 'format'",
)
UPGRADE = """
import sys
from offerkit.store import parse_location
from offerkit.usecases.store_maintenance import migrate
print("ready", flush=True)
print(migrate(parse_location(sys.argv[1])).before, flush=True)
"""
DUMP = Path(__file__).parents[1] / "roundtrip/store-7.sql"


def form(location: Location) -> tuple[str, list[str]]:
    """The format that a store says it has, and the indexes that it has, as the database tells."""
    if isinstance(location, PostgresAddress):
        with psycopg.connect(location.conninfo) as server:
            server.execute(f"SET search_path = {location.schema}".encode())
            number = server.execute("SELECT value FROM meta WHERE key = 'format'").fetchall()
            names = server.execute(
                "SELECT indexname FROM pg_indexes WHERE schemaname = %s AND indexname LIKE 'proposition!_%%' ESCAPE '!'"
                " AND indexname NOT LIKE '%%pkey' ORDER BY 1",
                [location.schema],
            ).fetchall()
    else:
        with closing(sqlite3.connect(location)) as file:
            number = file.execute("SELECT value FROM meta WHERE key = 'format'").fetchall()
            names = file.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
                " AND tbl_name = 'proposition' ORDER BY 1"
            ).fetchall()
    return str(number[0][0]), [str(name) for (name,) in names]


BEFORE = ("7", ["proposition_id", "proposition_offer", "proposition_space", "proposition_time"])
AFTER = ("8", ["proposition_id", "proposition_time"])


def filled(folder: Path) -> Path:
    """The store of the dump, with many propositions."""
    file = folder / "filled.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
    with Store.open(file, write=True) as store:
        (first, *_) = store.propositions()
        store.add_propositions(
            [first._replace(id=f"p-{n:06}", contact=f"c-{n % 97}", offer=f"o-{n % 89}") for n in range(ROWS)]
        )
    return file


class InFile:
    """The same store of format 7 again and again: a copy of its file."""

    def __init__(self, folder: Path) -> None:
        self._old, self.location = filled(folder), folder / "again/store.db"
        self.name = str(self.location)
        tampering.execute(self._old, *TO_FORMAT_7)

    def again(self) -> None:
        shutil.rmtree(self.location.parent, ignore_errors=True)
        self.location.parent.mkdir()
        shutil.copyfile(self._old, self.location)


class InPostgres:
    """The same store in a schema, brought back to format 7 each time."""

    def __init__(self, folder: Path) -> None:
        self.name = new_schema()
        self.location = parse_location(self.name)
        store_maintenance.copy(filled(folder), self.location)

    def again(self) -> None:
        tampering.execute(self.location, *TO_FORMAT_7)


@pytest.mark.parametrize("kind", [InFile, InPostgres])
def test_an_upgrade_that_is_killed_leaves_before_or_after(tmp_path: Path, kind: type[InFile | InPostgres]) -> None:
    """And the next one finds what there is to do; meanwhile nobody sees a store between the formats."""
    old, moments, took, seen = kind(tmp_path), chance("upgrades"), 0.0, set[str]()
    for longer in kills(ROUNDS, lambda: seen == {"7", "8"}):
        old.again()
        assert form(old.location) == BEFORE
        process = begin(UPGRADE, old.name)
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        if took:
            time.sleep(moments.uniform(0, took) * longer)
            process.kill()
        process.communicate(timeout=60)
        took = took or time.monotonic() - began
        found = form(old.location)
        assert found in (BEFORE, AFTER)
        seen.add(found[0])
        store_maintenance.migrate(old.location)
        assert form(old.location) == AFTER
        with Store.open(old.location, write=True) as store:
            assert store.verify() == []
            assert len(store.propositions(limit=0)) == ROWS + 3
    assert seen == {"7", "8"}, "the instants lie before and after"


@pytest.mark.parametrize("kind", [InFile, InPostgres])
def test_upgrades_that_race_are_one(tmp_path: Path, kind: type[InFile | InPostgres]) -> None:
    """Each finds the old format or the new one, and ends well; one of them can be killed."""
    old = kind(tmp_path)
    for killed in (False, True):
        old.again()
        processes = [begin(UPGRADE, old.name) for _ in range(4)]
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
        if killed:
            processes.pop(0).kill()
        told = [process.communicate(timeout=60) for process in processes]
        assert [error for _, error in told] == [""] * len(told)
        assert {out.strip() for out, _ in told} <= {"7", "8"}
        assert form(old.location) == AFTER
        with Store.open(old.location, write=True) as store:
            assert store.verify() == []
