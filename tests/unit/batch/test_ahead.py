"""What is read ahead comes in order, errors come where parts are taken, and nothing reads on after the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from offerkit.batch.exclusions import prefetch
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
        found = [
            row for part in prefetch(store.counted("people", [CountFilter(time, time)], ["offer"])) for row in part
        ]
        assert len(found) == 200 and found[0] == ("c0", "loan 1\nloan 1")
        assert len(store.past("people", "c0", time)) == 2
