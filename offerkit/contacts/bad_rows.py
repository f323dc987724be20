"""Contacts that cannot be read: counted, the first ones named, and set aside in a file where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.engine.report import Report

NAMED = 10
"""Contacts that are named; the others are counted."""


class SetAside(Protocol):
    """A table that bad rows are written to: where each stands, the code, and the reason."""

    name: str

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Some rows. Raises Refused when they cannot be written."""

    def close(self) -> None:
        """There are no more."""


class BadRows:
    """Collects what is wrong with contacts. ``aside``: where they are set aside; None: they stop the run."""

    def __init__(self, aside: SetAside | None = None) -> None:
        """Nothing is written before the first bad row."""
        self.count = 0
        self._aside = aside
        self._first: list[Diagnostic] = []

    def add(self, found: Sequence[Diagnostic]) -> None:
        """One contact that cannot be read, and why."""
        self.count += 1
        if len(self._first) < NAMED:
            self._first += found
        if self._aside is not None:
            self._aside.write([(str(one.position or ""), one.code.value, one.summary) for one in found])

    def close(self) -> None:
        """Raises Refused when there are bad rows and they were not to be set aside."""
        if self._aside is not None:
            self._aside.close()
        elif self.count:
            more = self.count - NAMED
            told = list(self._first)
            if more > 0:
                told.append(
                    Diagnostic(
                        Code.CONTACT_ROW, f"{more:,} more contacts cannot be read",
                        hint="Mend them, or set them aside and go on: --set-aside FILE.csv",
                    )
                )  # fmt: skip
            raise Refused(told)

    def reports(self) -> tuple[Report, ...]:
        """What to tell when the run went on."""
        if not self.count or self._aside is None:
            return ()
        first = self._first[0]
        where = f"{first.position}: " if first.position is not None else ""
        return (
            Report(
                Code.CONTACT_ROW,
                f"{self.count:,} {'contact was' if self.count == 1 else 'contacts were'} set aside in"
                f" {self._aside.name}; the first: {where}{first.summary}.",
            ),
        )

    def refuse_empty(self, count: int, name: str) -> None:
        """Raises Refused when there is not one contact."""
        if not count:
            raise refuse(
                Code.NO_CONTACTS,
                f"there is no {name} to decide for: " + ("every row is bad" if self.count else "the source is empty"),
                hint="Look at the source that the dimension declares, or name another file with --contacts.",
            )
