"""Contacts that cannot be read: counted, the first ones named, and set aside in a file where that is asked for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.engine.report import Report

NAMED = 10
"""Contacts that are named; the others are counted."""


class BadRows:
    """Collects what is wrong with contacts. ``target``: the CSV file they are set aside in; None: they stop the run."""

    def __init__(self, target: Path | None = None) -> None:
        """Nothing is written before the first bad row."""
        self.target = target
        self.count = 0
        self._first: list[Diagnostic] = []
        self._file: TextIO | None = None

    def add(self, found: Sequence[Diagnostic]) -> None:
        """One contact that cannot be read, and why."""
        self.count += 1
        if len(self._first) < NAMED:
            self._first += found
        if self.target is not None:
            self._write(self.target, found)

    def close(self) -> None:
        """Raises Refused when there are bad rows and they were not to be set aside."""
        if self._file is not None:
            self._file.close()
        if self.count and self.target is None:
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
        if not self.count:
            return ()
        first = self._first[0]
        where = f"{first.position}: " if first.position is not None else ""
        return (
            Report(
                Code.CONTACT_ROW,
                f"{self.count:,} {'contact was' if self.count == 1 else 'contacts were'} set aside in {self.target};"
                f" the first: {where}{first.summary}.",
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

    def _write(self, target: Path, found: Sequence[Diagnostic]) -> None:
        try:
            if self._file is None:
                self._file = target.open("w", newline="", encoding="utf-8")
                csv.writer(self._file).writerow(("where", "code", "reason"))
            csv.writer(self._file).writerows((str(one.position or ""), one.code.value, one.summary) for one in found)
        except OSError as error:
            raise refuse(
                Code.UNREADABLE, f"contacts cannot be set aside in {target}: {error.strerror or error}"
            ) from error
