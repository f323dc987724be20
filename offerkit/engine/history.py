"""What a contact was offered before, as presentation rules count it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar

L = TypeVar("L")


class Past(NamedTuple):
    """A stored proposition; ``time`` is the proposition date: an aware datetime in UTC.

    ``category`` is the one the offer had when it was proposed; ``status`` one of ``generated presented
    interested accepted scheduled rejected``.
    """

    offer: str
    category: str
    space: str
    channel: str
    status: str
    time: datetime
    weight: Decimal
    rank: int


class Tally(NamedTuple):
    """Which offers a presentation rule excludes, as bits of a lineup, from one moment to another (both included)."""

    bits: int
    since: datetime
    until: datetime


class Remembered(tuple[Past, ...], Generic[L]):
    """A history that is asked again and again: from the second time on, what rules make of it is counted once.

    ``tallies`` are by space the lineup that the bits are of, and a tally for each rule's place.
    """

    tallies: dict[str, tuple[L, dict[int, Tally] | None]]

    def __new__(cls, pasts: Iterable[Past]) -> Remembered[L]:
        """The same propositions, none counted yet."""
        made = super().__new__(cls, pasts)
        made.tallies = {}
        return made

    def tally(self, space: str, line: L) -> dict[int, Tally] | None:
        """What was counted for this very lineup; None at the first time, which may well be the last."""
        known = self.tallies.get(space)
        if known is None or known[0] is not line:
            self.tallies[space] = line, None
            return None
        if known[1] is None:
            known = self.tallies[space] = line, {}
        return known[1]
