"""The index of a large file is made in the background: searches that need it wait, others go on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from contacts_samples import FIELDS

from offerkit.contacts import Contacts, key_index
from offerkit.contacts.key_index import IndexingError, KeyIndex
from offerkit.diagnostics import Refused
from offerkit.rules.types import Row

HEADER = ",".join(FIELDS)
Open = Callable[..., Contacts]
LARGE = 40_000


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as large is small here, but has some parts still."""
    monkeypatch.setattr(key_index, "LARGE", LARGE)
    monkeypatch.setattr(key_index, "_PART", 4096)


def lines(format_: str, count: int) -> bytes:
    """A file of ``count`` contacts."""
    if format_ == "csv":
        return "\n".join([HEADER, *(f"{n},{n}@example.com,,,,,," for n in range(count))]).encode() + b"\n"
    return "".join(f'{{"id": {n}, "email": "{n}@example.com"}}\n' for n in range(count)).encode()


def settle() -> None:
    """Until a change of a file can be told from one before."""
    time.sleep(0.05)


def waiting(contacts: Contacts, number: int) -> Row | None:
    """The contact with this number, once its index is made."""
    for _ in range(5):
        try:
            return contacts.find({"id": number})
        except IndexingError as indexing:
            indexing.made.result(30)
    raise AssertionError("it waits again and again")


def reads_little(contacts: Contacts) -> bool:
    """Whether a search is by an index: a scan reads the whole file."""
    before = int(Path("/proc/self/io").read_text().split()[1])
    assert contacts.find({"id": 1}) is not None
    return int(Path("/proc/self/io").read_text().split()[1]) - before < LARGE // 2


@pytest.fixture(params=["csv", "jsonl"])
def large(request: pytest.FixtureRequest, tmp_path: Path, opened: Open) -> Iterator[tuple[Contacts, Path]]:
    """The contacts of a large file, as an event loop reads them."""
    path = tmp_path / f"c.{request.param}"
    path.write_bytes(lines(request.param, LARGE // 20))
    assert path.stat().st_size > LARGE
    settle()
    contacts = opened({"format": request.param, "path": path.name})
    contacts.background = True
    yield contacts, path
    contacts.close()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Indexes are not made before this is set."""
    go, add = Event(), KeyIndex.add

    def waits(*args: object) -> None:
        assert go.wait(30)
        add(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(KeyIndex, "add", waits)
    yield go
    go.set()


def test_a_search_says_that_it_waits_and_then_finds(large: tuple[Contacts, Path], held: Event) -> None:
    contacts, _ = large
    made = set()
    for number in range(10):
        with pytest.raises(IndexingError) as told:
            contacts.find({"id": number})
        made.add(told.value.made)
    assert len(made) == 1  # one thread, for all of them
    held.set()
    assert made.pop().result(30) is not None
    for number in (0, LARGE // 40, LARGE // 20 - 1):
        row = contacts.find({"id": number})
        assert row is not None and row["email"] == f"{number}@example.com"
    assert contacts.find({"id": LARGE}) is None


def test_it_is_made_again_when_the_file_changed(large: tuple[Contacts, Path]) -> None:
    contacts, path = large
    assert waiting(contacts, 7) is not None
    format_ = path.suffix[1:]
    new = path.with_name("new")
    new.write_bytes(b"\n" + lines(format_, LARGE // 20) if format_ == "jsonl" else lines(format_, LARGE // 20 + 1))
    new.rename(path)
    for number in (7, 9):
        row = waiting(contacts, number)
        assert row is not None and row["email"] == f"{number}@example.com"
    assert contacts.find({"id": 8}) is not None  # by the index


def test_a_file_that_changes_before_it_is_indexed_is_scanned(large: tuple[Contacts, Path], held: Event) -> None:
    contacts, path = large
    with pytest.raises(IndexingError):
        contacts.find({"id": 1})
    settle()
    os.utime(path)
    settle()
    row = contacts.find({"id": 1})  # waits for nothing
    assert row is not None and row["email"] == "1@example.com"
    held.set()
    while not reads_little(contacts):
        time.sleep(0.01)
    os.utime(path)
    settle()
    with pytest.raises(IndexingError):  # one was made in time, so searches wait for the next one again
        contacts.find({"id": 1})


def test_a_file_that_cannot_be_indexed_is_refused_as_by_a_scan(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(lines("csv", LARGE // 20) + b'7,"never closed,,,,,,\n')
    contacts = opened({"format": "csv", "path": path.name})
    with pytest.raises(Refused) as scanned:
        contacts.find({"id": 1})
    contacts.background = True
    for _ in range(2):
        with pytest.raises(Refused) as told:
            waiting(contacts, 1)
        assert told.value.diagnostics == scanned.value.diagnostics


def test_closing_ends_the_thread_and_its_file(large: tuple[Contacts, Path]) -> None:
    contacts, _ = large
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(30):
        with pytest.raises(IndexingError):
            contacts.find({"id": 1})
        contacts.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
