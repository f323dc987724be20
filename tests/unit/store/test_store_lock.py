"""One process at a time writes, and who waits is told for whom."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from offerkit.diagnostics import Code, Refused
from offerkit.store import Holder, write_lock
from offerkit.store.lock import lock_holder


def test_held_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.db"
    for _ in range(2):
        with write_lock(path, who="anna", timeout=0):
            held = lock_holder(path)
            assert (held.pid, held.who) == (os.getpid(), "anna")
            assert held.since.endswith("Z")
        assert lock_holder(path) == Holder(0, "", "")


def test_given_back_when_the_holder_fails(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with pytest.raises(KeyError), write_lock(path, who="anna", timeout=0):
        raise KeyError
    with write_lock(path, who="ben", timeout=0):
        pass


@pytest.mark.parametrize("timeout", [0, 0.1])
def test_refused_naming_the_holder(tmp_path: Path, timeout: float) -> None:
    path = tmp_path / "store.db"
    told: list[Holder] = []
    with (
        write_lock(path, who="anna", timeout=0),
        pytest.raises(Refused) as refused,
        write_lock(path, who="ben", timeout=timeout, waiting=told.append),
    ):
        pytest.fail("two held it")
    (found,) = refused.value.diagnostics
    assert found.code is Code.STORE_LOCKED
    assert f"anna (process {os.getpid()}), since 20" in found.summary
    assert "--lock-timeout" in found.hint
    assert [given.who for given in told] == (["anna"] if timeout else [])
    assert lock_holder(path) == Holder(0, "", ""), "the one that was refused does not remove the holder's note"


def test_the_note_is_only_for_people(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    for text in ("", "not json", "[]", '{"pid": "x"}', "[" * 100_000):
        (tmp_path / "store.db.holder").write_text(text)
        assert lock_holder(path) == Holder(0, "", "")
    (tmp_path / "store.db.holder").write_text('{"pid": 1, "who": "long gone", "since": "2001"}')
    with write_lock(path, who="ben", timeout=0):
        assert lock_holder(path).who == "ben"


def test_one_lock_however_the_store_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with (
        write_lock(tmp_path / "real" / "store.db", who="anna", timeout=0),
        pytest.raises(Refused),
        write_lock(tmp_path / "link" / "store.db", who="ben", timeout=0),
    ):
        pass


def test_a_lock_that_cannot_be_taken(tmp_path: Path) -> None:
    (tmp_path / "store.db.lock").mkdir()
    with pytest.raises(Refused) as refused, write_lock(tmp_path / "store.db", who="anna", timeout=0):
        pass
    assert refused.value.diagnostics[0].code is Code.UNREADABLE
    (tmp_path / "file").write_text("x")
    with pytest.raises(Refused), write_lock(tmp_path / "file" / "store.db", who="anna", timeout=0):
        pass
