"""Sorting and tie-breaking (domain.md §3 steps 9 and 11).

Ties are ordered by a hash of day, seed and contact, mixed with a hash of the offer's name: every contact sees offers of
equal weight in a different order each day, a test can fix the order, and removing an offer does not reorder the rest.
Both hashes are MD5, which every SQL engine has, and the mixing fits into signed 64 bits, so batch decisions here and
in other engines break ties in the same way (docs/engine.md). The hash only shuffles; it protects nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from hashlib import md5
from typing import NamedTuple

from offerkit.engine.resources import CompiledOffer
from offerkit.hooks import Product

_MASK = (1 << 32) - 1
_ENOUGH = 8
"""Of many entries of equal weight, about so many times as many as are needed are sorted."""


class RankedOffer(NamedTuple):
    """An offer that can be proposed, by its position in the catalog; ``order``: its product's index."""

    weight: Decimal
    position: int
    product: Product | None = None
    order: int = 0


def offer_tie(name: str) -> int:
    """The hash of an offer's name: 31 bits."""
    return int(md5(name.encode(), usedforsecurity=False).hexdigest()[:8], 16) >> 1


def tie_text(seed: str, today: date) -> str:
    """The text before the contact's key in what is hashed to break the contact's ties of one day."""
    return f"{today.isoformat()}|{seed}|"


def mixing(text: str) -> tuple[int, int]:
    """Factor (odd) and shift, 32 bits each; ``text`` is :func:`tie_text` followed by the contact's key."""
    digest = md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return int.from_bytes(digest[4:8]) | 1, int.from_bytes(digest[:4])


class TieBreak(NamedTuple):
    """The order of entries of equal weight, for one contact and day; ``offers`` are the catalog's.

    Multiplies and adds the two hashes modulo 2³²: of any two offers, each wins equally often.
    """

    offers: Sequence[CompiledOffer]
    factor: int
    shift: int

    def key(self, entry: RankedOffer) -> tuple[int, int, int]:
        """The sort key of an entry."""
        mixed = (self.offers[entry.position].tie * self.factor + self.shift) & _MASK
        return mixed, entry.position, entry.order

    def first(self, entries: list[RankedOffer], n: int | None) -> list[RankedOffer]:
        """The first ``n`` (None: all) of ``entries``, which have one weight. Only those that may be are sorted."""
        if n is not None and len(entries) > 2 * _ENOUGH * n:
            offers, factor, shift, limit = *self, (_ENOUGH * n << 32) // len(entries)
            few = [entry for entry in entries if (offers[entry[1]].tie * factor + shift) & _MASK < limit]
            entries = few if len(few) >= n else entries
        return sorted(entries, key=self.key)[:n]


def tie_break(offers: Sequence[CompiledOffer], seed: str, key: str, today: date) -> TieBreak:
    """How ties are broken for a contact on a day."""
    return TieBreak(offers, *mixing(tie_text(seed, today) + key))


def ranked(entries: Iterable[RankedOffer], tie: Callable[[], TieBreak], n: int | None) -> list[RankedOffer]:
    """The first ``n`` (None: all) of ``entries``, which come by weight, highest first. Reads no more than it needs.

    ``tie`` is called when there are ties.
    """
    result: list[RankedOffer] = []
    group: list[RankedOffer] = []
    weight: Decimal | None = None
    for entry in entries:
        if weight is None:  # to compare a Decimal with None takes long
            weight = entry[0]
        elif entry[0] is not weight and entry[0] != weight:
            result += group if len(group) == 1 else tie().first(group, None if n is None else n - len(result))
            if n is not None and len(result) >= n:
                return result
            weight = entry[0]
            group = []
        group.append(entry)
    if group:
        result += group if len(group) == 1 else tie().first(group, None if n is None else n - len(result))
    return result


def first_entries(entries: Iterable[RankedOffer]) -> list[RankedOffer]:
    """The first entry of each offer."""
    positions: set[int] = set()
    return [entry for entry in entries if not (entry.position in positions or positions.add(entry.position))]  # type: ignore[func-returns-value]
