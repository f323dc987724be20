"""Ids that cannot be guessed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from offerkit.usecases.random_ids import random_hex


def test_no_id_comes_twice_in_any_thread() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: random_hex(20), range(5_000)))
    assert len(set(found)) == len(found)
    assert {len(one) for one in found} == {20}
    assert set("".join(found)) == set("0123456789abcdef")


def test_a_forked_process_makes_others() -> None:
    random_hex(32)  # a portion is ready
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, "".join(random_hex(32) for _ in range(10)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 1_000).decode()
    ours = {random_hex(32) for _ in range(300)}
    assert len(theirs) == 320
    assert not ours & {theirs[at : at + 32] for at in range(0, 320, 32)}


def test_more_digits_than_a_piece_has_are_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        random_hex(33)
