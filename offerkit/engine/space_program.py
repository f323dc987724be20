"""Space programs: the offers of a slice that a space can propose on one day, compiled for fast decisions.

Every offer is a bit (one for each weight that can win). A decision finds the bits whose conditions hold
(predicate_index.py), and reads them from the highest weight down. What is the same for every contact that day is
computed here once: dates, activation, multipliers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import compress
from operator import itemgetter

from offerkit.engine.condition import BoundCondition
from offerkit.engine.predicate_index import PredicateIndex, SharedParts, mask_of
from offerkit.engine.ranking import RankedOffer
from offerkit.engine.resources import CompiledOffer, CompiledWeight, PresentationRule
from offerkit.engine.weights import applicable_weights, times

_FLAGS = bytes(1 if position == ord("1") else 0 for position in range(256))


@dataclass(frozen=True, slots=True)
class ComputedOffer:
    """An offer whose weight is computed for each contact, by a formula or a dynamic-offer hook."""

    bit: int
    offer: CompiledOffer
    weights: tuple[CompiledWeight, ...]
    factors: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class SpaceProgram:
    """Bits go from the highest weight (most significant) down; those of ``computed`` are the lowest."""

    members: int
    """The number of offers in the slice, eligible or not."""
    entries: tuple[RankedOffer, ...]
    computed: tuple[ComputedOffer, ...]
    repeats: bool
    """Whether an offer can have several entries."""
    needs: tuple[tuple[BoundCondition, ...], ...]
    """For each entry, then for each computed offer, the conditions that must all hold."""
    index: PredicateIndex
    """Which bits' conditions hold."""
    of_offer: dict[int, tuple[int, ...]]
    """By position, the numbers of an offer's bits: masks would grow with the square of the offers."""
    of_category: dict[str, int]
    about: tuple[int | None, ...]
    """For each presentation rule, the bits it applies to; None if that depends on the clock or on weights."""
    today: dict[int, int] = field(default_factory=dict, compare=False)
    """By the position of a rule that applies by the day only, the bits it applies to, once known."""
    weighed: dict[int, int] = field(default_factory=dict, compare=False)
    """By the position of a rule that applies by weight, the entries whose weight it applies to, once known."""

    @property
    def everything(self) -> int:
        """All bits."""
        return (1 << (len(self.entries) + len(self.computed))) - 1

    @property
    def size_bytes(self) -> int:
        """About what it takes: the masks of offers and categories, the index, and a little for each offer."""
        size = len(self.needs)
        return size * 600 + (len(self.of_category) + len(self.about)) * size // 8 + self.index.size_bytes

    def constant_entries(self, alive: int) -> Iterator[RankedOffer]:
        """The entries of constant weight with a bit in ``alive``, highest first, each offer once."""
        entries = compress(self.entries, self._flags(alive))
        return _first_of_each_offer(entries) if self.repeats else entries

    def constant_bits(self, alive: int) -> int:
        """The bits of ``alive`` with a constant weight."""
        return alive >> len(self.computed) << len(self.computed)

    def count(self, alive: int) -> int:
        """The number of offers of constant weight with a bit in ``alive``."""
        if self.repeats:
            return len(set(compress(map(_position, self.entries), self._flags(alive))))
        return (alive >> len(self.computed)).bit_count()

    def _flags(self, alive: int) -> bytes:
        """Whether each bit is in ``alive``, the highest first."""
        return bin(alive | 1 << len(self.needs))[3:].encode().translate(_FLAGS)


_position = itemgetter(RankedOffer._fields.index("position"))


def _first_of_each_offer(entries: Iterable[RankedOffer]) -> Iterator[RankedOffer]:
    positions: set[int] = set()
    for entry in entries:
        if entry.position not in positions:
            positions.add(entry.position)
            yield entry


@dataclass
class SpaceProgramBuilder:
    """Builds the program of a space on one day. ``parts``: those of the conditions, shared by all programs."""

    offers: Sequence[CompiledOffer]
    rules: Sequence[PresentationRule]
    space: str
    today: date
    parts: SharedParts
    constant: list[tuple[RankedOffer, CompiledWeight]] = field(default_factory=list)
    computed: list[tuple[CompiledOffer, list[CompiledWeight]]] = field(default_factory=list)

    def build(self, positions: Sequence[int]) -> SpaceProgram:
        """The program of the offers at ``positions``."""
        for position in positions:
            self._add(self.offers[position])
        self.constant.sort(key=lambda pair: (-pair[0].weight, pair[0].position))
        size = len(self.constant) + len(self.computed)
        of_offer: dict[int, tuple[int, ...]] = {}
        of_category: dict[str, list[int]] = {}
        rows = [(self.offers[entry.position], weight) for entry, weight in self.constant]
        every = [*rows, *((offer, None) for offer, _ in self.computed)]
        for number, (offer, _) in zip(range(size - 1, -1, -1), every, strict=True):
            of_offer[offer.position] = (*of_offer.get(offer.position, ()), number)
            of_category.setdefault(offer.category, []).append(number)
        needs = tuple(tuple(dict.fromkeys(_conditions(offer, weight))) for offer, weight in every)
        return SpaceProgram(
            members=len(positions),
            entries=tuple(entry for entry, _ in self.constant),
            computed=tuple(
                ComputedOffer(1 << number, offer, tuple(weights), offer.factors(self.today))
                for number, (offer, weights) in zip(range(size - len(rows) - 1, -1, -1), self.computed, strict=True)
            ),
            repeats=len({offer.position for offer, _ in rows}) < len(rows),
            needs=needs,
            index=PredicateIndex(needs, self.parts, self.today),
            of_offer=of_offer,
            of_category={path: mask_of(numbers) for path, numbers in of_category.items()},
            about=tuple(None if rule.applies is None else bits_of(rule.applies, of_offer) for rule in self.rules),
        )

    def _add(self, offer: CompiledOffer) -> None:
        """Add the entries of an offer, if it can be proposed today at all."""
        today = self.today
        if not (offer.enabled and self.space in offer.spaces and offer.days.hold(today)):
            return
        if not all(category.enabled and category.days.hold(today) for category in offer.chain):
            return
        weights = applicable_weights(offer, self.space, today)
        if any(weight.computed or weight.dynamic for weight in weights):
            self.computed.append((offer, weights))
            return
        factors = offer.factors(today)
        for number, weight in sorted(
            ((weight.value, weight) for weight in weights if weight.value is not None), key=lambda pair: -pair[0]
        ):
            value = times(number, factors)
            if value > 0:
                self.constant.append((RankedOffer(value, offer.position), weight))
            if not weight.requirements:
                return  # lower weights never win


def bits_of(positions: AbstractSet[int], of_offer: Mapping[int, Sequence[int]]) -> int:
    """The bits of the offers at ``positions``. Loops over the smaller of the two, because slices are often tiny."""
    if len(of_offer) < len(positions):
        positions = positions & of_offer.keys()
    return mask_of(number for position in positions for number in of_offer.get(position, ()))


def _conditions(offer: CompiledOffer, weight: CompiledWeight | None) -> Iterator[BoundCondition]:
    for category in offer.chain:
        for requirement in category.requirements:
            yield requirement.condition
    for requirement in offer.requirements:
        yield requirement.condition
    for requirement in weight.requirements if weight is not None else ():
        yield requirement.condition
