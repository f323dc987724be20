"""What is read ahead comes in order, errors come where parts are taken, and nothing reads on after the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from offerkit.batch.counted_rows import prefetch
from offerkit.models.status import Status
from offerkit.store import CountFilter, PropositionRow, Store


def test_in_order_and_by_another_thread() -> None:
    readers = set()

    def parts() -> Iterator[int]:
        for number in range(50):
            readers.add(threading.current_thread())
            yield number

    assert list(prefetch(parts())) == list(range(50))
    assert len(readers) == 1 and threading.main_thread() not in readers


def test_an_error_comes_after_the_parts_before_it() -> None:
    def parts() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    taken = []
    with pytest.raises(OSError, match="the disk is gone"):
        for part in prefetch(parts()):
            taken.append(part)
    assert taken == [1]


def test_several_are_read_at_once_and_the_first_error_ends_it() -> None:
    meeting = threading.Barrier(2)

    def parts(name: str) -> Iterator[str]:
        meeting.wait(10)
        yield from (f"{name}{number}" for number in range(20))

    assert sorted(prefetch(parts("a"), parts("b"))) == sorted(f"{name}{n}" for name in "ab" for n in range(20))

    def failing() -> Iterator[str]:
        meeting.wait(10)
        yield "c0"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(prefetch(parts("a"), failing()))
    assert not [thread for thread in threading.enumerate() if thread.name == "offerkit-ahead"]


def test_nothing_reads_on_when_it_is_left() -> None:
    given = []

    def parts() -> Iterator[int]:
        for number in range(10_000):
            given.append(number)
            yield number

    with pytest.raises(KeyboardInterrupt), closing(prefetch(parts())) as read:
        for part in read:
            if part == 3:
                raise KeyboardInterrupt
    assert 4 <= len(given) <= 8
    assert not [thread for thread in threading.enumerate() if thread.name == "offerkit-ahead"]


def test_a_store_is_read_ahead_and_used_afterwards(tmp_path: Path) -> None:
    time = "2026-06-01T10:00:00.000000Z"
    rows = [
        PropositionRow(f"{number:05}", "people", f"c{number // 2}", "mail", "email", "loan", "bank", "call", 1, Decimal(1),
                       Status.PRESENTED, time, time, 1)
        for number in range(400)
    ]  # fmt: skip
    with Store.open(tmp_path / "store.db", create=True) as store:
        store.add_propositions(rows)
        with store.counting() as history:
            (parts,) = prefetch(*history.streams("people", [CountFilter(time, time)], ["offer"]))
        assert [part[0].split("\0")[:3] for part in parts] == [["c0", "c0", "c1"]]
        assert [set(part[1].split("\0")) for part in parts] == [{"loan"}]
        assert len(store.past("people", "c0", time)) == 2
