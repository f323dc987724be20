"""A contact's earlier propositions, as presentation rules count them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar
from weakref import ref

from offerkit.fingerprint import Json
from offerkit.rules.types import Row
from offerkit.times import wall_clock

L = TypeVar("L")


class PastProposition(NamedTuple):
    """A stored proposition; ``time`` is the proposition date, in UTC.

    ``category`` is the offer's category when it was proposed; ``status`` is one of ``generated``, ``presented``,
    ``interested``, ``accepted``, ``scheduled``, ``rejected``. The last four are read only where a rule asks for them:
    the delivery that made it, the extra data that was stored with it, and its product; None if missing.
    """

    offer: str
    category: str
    space: str
    channel: str
    status: str
    time: datetime
    weight: Decimal
    rank: int
    campaign: str | None = None
    delivery: str | None = None
    stored: Mapping[str, Json] | None = None
    product: Mapping[str, Json] | None = None

    def row(self, zone: tzinfo) -> Row:
        """``proposition.<field>`` for rules and stored extra data, in an environment with time zone ``zone``."""
        return {
            "space": self.space,
            "channel": self.channel,
            "offer": self.offer,
            "category": self.category,
            "status": self.status,
            "weight": self.weight,
            "rank": self.rank,
            "time": wall_clock(self.time, zone),
            "campaign": self.campaign,
            "delivery": self.delivery,
        }


_COUNTED = {"any": frozenset[str](), "accepted-or-rejected": frozenset({"accepted", "rejected"})}


def counted_statuses(word: str) -> frozenset[str]:
    """The statuses that ``status`` of a rule or of ``eligible.history`` means; empty: any."""
    return _COUNTED.get(word, frozenset({word}))


class RuleTally(NamedTuple):
    """The offers that a rule excludes (bits of a space program) from ``since`` to ``until``, both included."""

    bits: int
    since: datetime
    until: datetime


class RememberedHistory(tuple[PastProposition, ...], Generic[L]):
    """A history that is used for many calls: from the second call on, what rules exclude because of it is known.

    ``tallies``: by space, the space program that the bits belong to, and tallies by the rule's position. ``matched``:
    by the rule's position, how many propositions were considered, and those that the rule counts if they are in its
    period; valid for the catalog ``owner``.
    """

    tallies: dict[str, tuple[ref[L], dict[int, RuleTally] | None]]
    owner: object
    matched: dict[int, tuple[int, list[PastProposition]]]

    def __new__(cls, pasts: Iterable[PastProposition]) -> RememberedHistory[L]:
        """The same propositions, with nothing counted yet."""
        result = super().__new__(cls, pasts)
        result.tallies, result.owner, result.matched = {}, None, {}
        return result

    def extended(self, pasts: Iterable[PastProposition]) -> RememberedHistory[L]:
        """This history followed by ``pasts``; what is already matched stays matched."""
        result: RememberedHistory[L] = RememberedHistory((*self, *pasts))
        result.owner, result.matched = self.owner, dict(self.matched)
        return result

    def matching(
        self, owner: object, position: int, matches: Callable[[Sequence[PastProposition]], list[PastProposition]]
    ) -> list[PastProposition]:
        """The propositions that ``matches`` selects for the rule at ``position`` in ``owner``; each is checked once."""
        if self.owner is not owner:
            self.owner, self.matched = owner, {}
        checked_count, matching = self.matched.get(position, (0, []))
        if checked_count < len(self):
            matching = matching + matches(self[checked_count:])
            self.matched[position] = len(self), matching
        return matching

    def tally(self, space: str, program: L) -> dict[int, RuleTally] | None:
        """The tallies for exactly this space program; None on the first call, which is often the only one."""
        known = self.tallies.get(space)
        if known is None or known[0]() is not program:
            self.tallies[space] = ref(program), None  # weak: the program may be dropped before this history
            return None
        if known[1] is None:
            known = self.tallies[space] = known[0], {}
        return known[1]
