"""How much is done, counted: the same figure on every machine, however busy it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any


@contextmanager
def at_most(lines: int) -> Iterator[None]:
    """Fail as soon as more lines of Python are run in this thread than that; an honest run needs far fewer.

    What C does within a line is not counted. Where that is what may grow, the test never ends.
    """
    done = 0

    def traced(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal done
        if event == "line":
            done += 1
            assert done <= lines, f"more than {lines} lines were run, the last of them in {frame.f_code.co_qualname}"
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        yield
    finally:
        sys.settrace(before)
    assert done <= lines  # whatever became of the failure in between


def bytes_read() -> int:
    """How many bytes this process has read from files so far."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"])
