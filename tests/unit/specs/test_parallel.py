"""Work that is spread over processes: nobody waits for a reader, and what a child does not do is done here."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from offerkit.specs.parallel import Child, spread

LARGE = "x" * 500_000
"""More than a pipe holds by itself, less than it holds here."""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a pipe keeps its size")
def test_a_child_hands_over_a_portion_before_anybody_reads() -> None:
    child = Child.start(lambda: [LARGE])
    for _ in range(1_000):
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.01)
    else:
        pytest.fail("the child waits for a reader")
    assert [len(line) for line in child.results()] == [len(LARGE) + 3]


def test_results_come_back_in_order() -> None:
    items = list(range(1_000))
    assert spread(
        items, lambda portion: [2 * item for item in portion], lambda portion: [2 * item for item in portion], 2
    ) == [2 * item for item in items]


def test_what_a_killed_child_did_not_finish_is_left_out() -> None:
    def work() -> Iterator[str]:
        yield "done"
        os.kill(os.getpid(), signal.SIGKILL)

    assert list(Child.start(work).results()) == [b'"done"\n']
