"""What a contact was offered before, as presentation rules count it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar
from weakref import ref

from offerkit.rules.types import Row
from offerkit.times import wall_clock

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

    def row(self, zone: tzinfo) -> Row:
        """``proposition.<field>`` of rules and of what spaces store, in an environment of time zone ``zone``."""
        return {
            "space": self.space,
            "channel": self.channel,
            "offer": self.offer,
            "category": self.category,
            "status": self.status,
            "weight": self.weight,
            "rank": self.rank,
            "time": wall_clock(self.time, zone),
        }


class Tally(NamedTuple):
    """Which offers a presentation rule excludes, as bits of a lineup, from one moment to another (both included)."""

    bits: int
    since: datetime
    until: datetime


class Remembered(tuple[Past, ...], Generic[L]):
    """A history that is asked again and again; from the second time on, what rules exclude by it is known.

    ``tallies`` are by space the lineup that the bits are of, and a tally for each rule's place. ``matched`` are by a
    rule's place those that it would count if they were in its period, of how many that were looked at; they are for
    the catalog of ``owner``.
    """

    tallies: dict[str, tuple[ref[L], dict[int, Tally] | None]]
    owner: object
    matched: dict[int, tuple[int, list[Past]]]

    def __new__(cls, pasts: Iterable[Past]) -> Remembered[L]:
        """The same propositions, none counted yet."""
        made = super().__new__(cls, pasts)
        made.tallies, made.owner, made.matched = {}, None, {}
        return made

    def extended(self, pasts: Iterable[Past]) -> Remembered[L]:
        """With these behind: what was matched stays so."""
        made: Remembered[L] = Remembered((*self, *pasts))
        made.owner, made.matched = self.owner, dict(self.matched)
        return made

    def matching(self, owner: object, place: int, matches: Callable[[Sequence[Past]], list[Past]]) -> list[Past]:
        """Those that ``matches`` gives for the rule at ``place`` of the catalog ``owner``; each is asked for once."""
        if self.owner is not owner:
            self.owner, self.matched = owner, {}
        looked, found = self.matched.get(place, (0, []))
        if looked < len(self):
            found = found + matches(self[looked:])
            self.matched[place] = len(self), found
        return found

    def tally(self, space: str, line: L) -> dict[int, Tally] | None:
        """What was counted for this very lineup; None at the first time, which may well be the last."""
        known = self.tallies.get(space)
        if known is None or known[0]() is not line:
            self.tallies[space] = ref(line), None  # it may well be gone before this history
            return None
        if known[1] is None:
            known = self.tallies[space] = known[0], {}
        return known[1]
