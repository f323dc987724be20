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
