"""The interface of progress bars for long work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol


class Progress(Protocol):
    """A progress bar: called with what is done and how many steps it has; gives a function to advance it."""

    def __call__(self, label: str, length: int) -> contextlib.AbstractContextManager[Callable[[int], None]]:
        """A bar of ``length`` steps."""


@contextlib.contextmanager
def no_progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """The progress bar of a run that nobody watches."""
    yield lambda count: None
