"""Contacts that cannot be read: counted, the first ones named, and listed in a file if one is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.engine.report import Report
from offerkit.rules.types import Row

T = TypeVar("T")
NAMED = 10
"""Contacts that messages name, at most; the others are only counted."""


class SetAside(Protocol):
    """The file that bad rows are listed in: the place of each, the code, and the reason."""

    name: str

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Write some rows. Raises Refused when they cannot be written."""

    def close(self) -> None:
        """Finish the file."""


class BadRows:
    """Collects contacts that cannot be read. ``aside`` lists them; without it, they stop the run at its end."""

    def __init__(self, aside: SetAside | None = None) -> None:
        self.count = 0
        self._aside = aside
        self._first: list[Diagnostic] = []

    def add(self, problems: Sequence[Diagnostic]) -> None:
        """Add one contact, with the reasons why it cannot be read."""
        self.count += 1
        if len(self._first) < NAMED:
            self._first += problems
        if self._aside is not None:
            self._aside.write(
                [(str(problem.position or ""), problem.code.value, problem.summary) for problem in problems]
            )

    def close(self) -> None:
        """Raises Refused when there are bad rows and no file to list them in."""
        if self._aside is not None:
            self._aside.close()
        elif self.count:
            unnamed = self.count - NAMED
            problems = list(self._first)
            if unnamed > 0:
                problems.append(
                    Diagnostic(
                        Code.CONTACT_ROW,
                        f"{unnamed:,} more contacts cannot be read",
                        hint="Correct them, or skip and list them: --set-aside FILE.csv",
                    )
                )
            raise Refused(problems)

    def reports(self) -> tuple[Report, ...]:
        """A report on the skipped contacts, when the run continued without them."""
        if not self.count or self._aside is None:
            return ()
        first = self._first[0]
        position = f"{first.position}: " if first.position is not None else ""
        return (
            Report(
                Code.CONTACT_ROW,
                f"{self.count:,} {'contact was' if self.count == 1 else 'contacts were'} set aside in"
                f" {self._aside.name}; the first: {position}{first.summary}.",
            ),
        )

    def refuse_empty(self, count: int, name: str) -> None:
        """Raises Refused when ``count`` is 0; ``name`` is the dimension's."""
        if not count:
            raise refuse(
                Code.NO_CONTACTS,
                f"there is no {name} to decide for: "
                + ("every row is invalid" if self.count else "the source is empty"),
                hint="Check the source that the dimension declares, or name another file with --contacts.",
            )


def readable(items: Iterable[T], read: Callable[[T], Row], bad: BadRows | None) -> Iterator[Row]:
    """The rows that ``read`` makes of ``items``. One that it refuses goes to ``bad``; without that, it is raised."""
    for item in items:
        try:
            row = read(item)
        except Refused as refused:
            if bad is None:
                raise
            bad.add(refused.diagnostics)
        else:
            yield row
