"""The results of decision cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offerkit.diagnostics import Position


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """The result of a case: its position, and the differences from ``expect``. ``error``: why it could not be run."""

    name: str
    position: Position
    mismatches: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.mismatches and not self.error


@dataclass(frozen=True, slots=True)
class CaseResults:
    """The results of all cases that were run."""

    outcomes: Sequence[CaseOutcome]
