"""The file of contacts that cannot be read (``--set-aside FILE``)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from offerkit.contacts.bad_rows import BadRows
from offerkit.loader.output import SET_ASIDE, check_output, writing
from offerkit.reports.csv_file import CsvWriter


class _SetAside:
    """Made with the first contact; it has its name when all of them are in it."""

    def __init__(self, target: Path, stack: ExitStack) -> None:
        self.name = str(target)
        self._target = target
        self._stack = stack
        self._rows: CsvWriter | None = None

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Some contacts: where each stands, the code, and the reason."""
        if self._rows is None:
            file = self._stack.enter_context(writing(self._target, SET_ASIDE))
            text = self._stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
            self._rows = CsvWriter(text, ("where", "code", "reason"))
        self._rows.write(rows)

    def close(self) -> None:
        """All of them are written."""
        self._stack.close()


@contextmanager
def bad_rows(target: Path | None) -> Iterator[BadRows]:
    """Collects the contacts that cannot be read; without a ``target`` they stop the run.

    Raises Refused at once when ``target`` is there and is something else.
    """
    if target is None:
        yield BadRows()
        return
    check_output(target, SET_ASIDE)
    with ExitStack() as stack:
        yield BadRows(_SetAside(target, stack))
