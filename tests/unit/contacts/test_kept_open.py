"""Files of contacts stay open between searches, and whatever happens to them is noticed by the next one."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from offerkit.contacts import Contacts
from offerkit.contacts.files import KeptOpen
from offerkit.contacts.key_index import SCANS
from offerkit.diagnostics import Refused

HEADER = "id,email,born,tier,balance,consent,tags,seen\n"
Open = Callable[..., Contacts]


def _emails(*emails: str) -> str:
    return HEADER + "".join(f"{number},{email},,,,,,\n" for number, email in enumerate(emails, 1))


def _replaced(path: Path) -> None:
    new = path.with_name("new.csv")
    new.write_text(_emails("b@example.com"))
    new.rename(path)


def _edited(path: Path) -> None:
    """In place, of the same size, with the time of before."""
    status = path.stat()
    with path.open("r+") as file:
        file.write(_emails("b@example.com"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _rewritten(path: Path) -> None:
    path.write_text(_emails("b@example.com", "c@example.com"))


def _relinked(path: Path) -> None:
    (path.parent / "other.csv").write_text(_emails("b@example.com"))
    link = path.with_name("link.csv")
    link.symlink_to("other.csv")
    link.rename(path)


def _moved_folder(path: Path) -> None:
    """A folder on the path becomes a link to another one."""
    other = path.parent.with_name("other")
    other.mkdir()
    (other / path.name).write_text(_emails("b@example.com"))
    path.parent.rename(path.parent.with_name("old"))
    path.parent.symlink_to("other")


@pytest.mark.parametrize("change", [_replaced, _edited, _rewritten, _relinked, _moved_folder])
@pytest.mark.parametrize("searches", [1, SCANS + 2])
def test_the_next_search_reads_what_is_there(
    tmp_path: Path, opened: Open, change: Callable[[Path], None], searches: int
) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data/c.csv"
    path.write_text(_emails("a@example.com"))
    contacts, values = opened({"format": "csv", "path": "data/c.csv"}), {"email": "b@example.com"}
    for _ in range(searches):
        assert contacts.find(values) is None
    time.sleep(0.02)  # a file's times have the clock's ticks, up to 10 ms
    change(path)
    for _ in range(SCANS + 2):
        found = contacts.find(values)
        assert found is not None and found["id"] == 1
    assert contacts.find({"email": "a@example.com"}) is None


def test_a_link_out_of_the_project_is_refused_while_a_file_is_open(
    tmp_path: Path, opened: Open, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "c.csv"
    outside.write_text(_emails("b@example.com"))
    path = tmp_path / "c.csv"
    path.write_text(_emails("a@example.com"))
    contacts = opened({"format": "csv", "path": "c.csv"})
    assert contacts.find({"id": 1}) is not None
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(Refused):
        contacts.find({"id": 1})
    path.unlink()
    with pytest.raises(Refused):
        contacts.find({"id": 1})


def test_many_searches_open_a_file_once_and_again_after_a_while(tmp_path: Path) -> None:
    path, now, opened = tmp_path / "c", [0.0], list[StringIO]()
    path.write_text("")

    def open_() -> StringIO:
        opened.append(StringIO())
        return opened[-1]

    kept = KeptOpen(path, open_, lambda: now[0])
    for _ in range(100):
        assert kept.get()[0] is opened[0]
    now[0] = 0.2
    assert kept.get()[0] is opened[1] and opened[0].closed
    now[0] = -5.0  # a clock that jumps back
    assert kept.get()[0] in opened
    kept.close()
    assert all(file.closed for file in opened)


def test_a_database_copied_over_is_read_anew(tmp_path: Path, opened: Open) -> None:
    """Two databases made alike have the same change counter, by which SQLite would take the new pages for known."""
    for name, email in (("c.db", "a@example.com"), ("new.db", "b@example.com")):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            database.execute(f"create table person ({HEADER.strip()}, primary key (id))")
            database.execute("insert into person (id, email) values (1, ?)", [email])
            database.commit()
    contacts = opened({"format": "sql", "url": "sqlite:///c.db", "table": "person"})
    found = contacts.find({"id": 1})
    assert found is not None and found["email"] == "a@example.com"
    time.sleep(0.02)
    with (tmp_path / "c.db").open("r+b") as file:
        file.write((tmp_path / "new.db").read_bytes())
    found = contacts.find({"id": 1})
    assert found is not None and found["email"] == "b@example.com"
    with closing(sqlite3.connect(tmp_path / "c.db", timeout=0)) as database:  # nothing is locked between searches
        database.execute("update person set email = 'c@example.com'")
        database.commit()
    found = contacts.find({"id": 1})
    assert found is not None and found["email"] == "c@example.com"


def test_a_parquet_file_written_again_is_read_and_checked_anew(tmp_path: Path, opened: Open) -> None:
    def write(columns: str) -> None:
        empty = "null::date born, null tier, null balance, null consent, null tags, null seen"
        duckdb.sql(f"copy (select {columns}, {empty}) to '{tmp_path / 'c.parquet'}' (format parquet)")

    write("1 id, 'a@example.com' email")
    contacts = opened({"format": "parquet", "path": "c.parquet"})
    stamp, found = contacts.stamp(), contacts.find({"id": 1})
    assert found is not None and found["email"] == "a@example.com"
    time.sleep(0.02)
    write("1 id, 'b@example.com' email")
    assert contacts.stamp() != stamp
    found = contacts.find({"id": 1})
    assert found is not None and found["email"] == "b@example.com"
    write("1 id, true email")
    with pytest.raises(Refused):
        contacts.find({"id": 1})


def _database(path: Path, email: str, columns: str = HEADER.strip()) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"create table person ({columns}, primary key (id))")
        database.execute("insert into person (id, email) values (1, ?)", [email])
        database.commit()


@pytest.mark.parametrize("absolute", [False, True])
def test_a_link_to_another_database_is_followed(tmp_path: Path, opened: Open, absolute: bool) -> None:
    for name in ("a", "b"):
        _database(tmp_path / f"{name}.db", f"{name}@example.com")
    link = tmp_path / "c.db"
    link.symlink_to("a.db")
    url = f"sqlite:///{link}" if absolute else "sqlite:///c.db"
    with opened({"format": "sql", "url": url, "table": "person"}) as contacts:
        assert (found := contacts.find({"id": 1})) is not None and found["email"] == "a@example.com"
        (tmp_path / "new").symlink_to("b.db")
        (tmp_path / "new").rename(link)
        assert (found := contacts.find({"id": 1})) is not None and found["email"] == "b@example.com"
        link.unlink()
        os.mkfifo(link)  # SQLite alone would wait for a writer
        with pytest.raises(Refused, match="not a regular file"):
            contacts.find({"id": 1})


def test_a_database_linked_out_of_the_project_while_it_is_open(
    tmp_path: Path, opened: Open, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "c.db"
    for path in (outside, tmp_path / "c.db"):
        _database(path, "a@example.com")
    with opened({"format": "sql", "url": "sqlite:///c.db", "table": "person"}) as contacts:
        assert contacts.find({"id": 1}) is not None
        (tmp_path / "c.db").unlink()
        (tmp_path / "c.db").symlink_to(outside)
        with pytest.raises(Refused, match="outside"):
            contacts.find({"id": 1})


@pytest.mark.parametrize("values", [{"id": 1}, {"email": "email"}])
def test_a_column_that_is_dropped_is_no_text(tmp_path: Path, opened: Open, values: dict[str, str | int]) -> None:
    """In double quotes, SQLite would give each contact the column's name as its value, and find all by it."""
    _database(tmp_path / "c.db", "a@example.com")
    with opened({"format": "sql", "url": "sqlite:///c.db", "table": "person"}) as contacts:
        assert contacts.find({"id": 1}) is not None
        with closing(sqlite3.connect(tmp_path / "c.db")) as database:
            database.execute("alter table person drop column email")
            database.commit()
        with pytest.raises(Refused, match="email"):
            contacts.find(values)


def test_changes_in_one_tick_of_the_clock(tmp_path: Path, opened: Open) -> None:
    """A file edited twice within a tick has the same times and size after the first edit and the second."""
    path = tmp_path / "c.csv"
    path.write_text(_emails("a@example.com"))
    contacts = opened({"format": "csv", "path": "c.csv"})
    time.sleep(0.05)
    for _ in range(5):
        for email in ("b@example.com", "c@example.com"):
            with path.open("r+") as file:
                file.write(_emails(email))
            for _ in range(SCANS + 2):
                contacts.find({"email": email})
    time.sleep(0.05)
    assert contacts.find({"email": "c@example.com"}) is not None
    assert contacts.find({"email": "b@example.com"}) is None


def test_many_reloads_leave_no_file_open(tmp_path: Path, opened: Open) -> None:
    paths = [tmp_path / name for name in ("c.csv", "c.jsonl", "c.db")]
    _database(paths[2], "a@example.com")
    paths[0].write_text(_emails("a@example.com"))
    paths[1].write_text('{"id": 1}\n')
    sources = [
        {"format": "csv", "path": "c.csv"},
        {"format": "jsonl", "path": "c.jsonl"},
        {"format": "sql", "url": "sqlite:///c.db", "table": "person"},
    ]
    every = [opened(source) for source in sources]
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(200):
        for contacts, path in zip(every, paths, strict=True):
            os.utime(path, (number, number))
            assert contacts.find({"id": 1}) is not None
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + len(every)
    for contacts in every:
        contacts.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
