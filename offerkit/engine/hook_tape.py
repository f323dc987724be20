"""What hooks answered in one decision: noted while it is made, given back when it is repeated without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from offerkit.hooks import Candidate, Product

Products: TypeAlias = tuple[tuple[Product, Decimal], ...]


class KeptCandidate(NamedTuple):
    """What a post-processing hook kept: the offer, which of its products (from 0), and its new weight if any."""

    offer: str
    product: int
    weight: Decimal | None


@dataclass(slots=True)
class HookTape:
    """The answers of one decision's hooks, checked.

    ``replays``: whether it answers instead of the hooks. ``loaded``: the call data that target loading added, for a
    replay. ``products``: by offer, those of its dynamic-offer hook; None if that failed. ``kept``: what post-processing
    kept; None if it failed, or was not asked.
    """

    replays: bool = False
    loaded: Mapping[str, object] = field(default_factory=dict)
    products: dict[str, Products | None] = field(default_factory=dict)
    kept: tuple[KeptCandidate, ...] | None = None

    def note_kept(self, candidates: Sequence[Candidate], kept: Sequence[tuple[int, Decimal | None]] | None) -> None:
        """Note an answer by offers and products: positions depend on what else could be proposed."""
        places = _places(candidates)
        self.kept = None if kept is None else tuple(KeptCandidate(*places[at], weight) for at, weight in kept)

    def kept_of(self, candidates: Sequence[Candidate]) -> list[tuple[int, Decimal | None]] | None:
        """The noted answer for ``candidates``, without what is not among them."""
        if self.kept is None:
            return None
        positions = {place: position for position, place in enumerate(_places(candidates))}
        found = ((positions.get((kept.offer, kept.product)), kept.weight) for kept in self.kept)
        return [(position, weight) for position, weight in found if position is not None]


def _places(candidates: Sequence[Candidate]) -> list[tuple[str, int]]:
    """For each candidate its offer, and how many of that offer come before it."""
    seen: Counter[str] = Counter()
    places = []
    for candidate in candidates:
        places.append((candidate.offer, seen[candidate.offer]))
        seen[candidate.offer] += 1
    return places
