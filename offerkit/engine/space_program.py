"""Space programs: the offers of a slice that a space can propose on one day, compiled for fast decisions.

Every offer is a bit (one for each weight that can win); each condition has a mask of the bits that depend on it. A
decision evaluates the conditions, joins the masks of those that do not hold, and reads the remaining bits from the
highest weight down. What is the same for every contact that day is computed here once: dates, activation, multipliers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import compress, repeat
from operator import is_not

from offerkit.engine.condition import BoundCondition, CallFacts
from offerkit.engine.ranking import RankedOffer
from offerkit.engine.resources import CompiledOffer, CompiledWeight, PresentationRule
from offerkit.engine.weights import applicable_weights, times
from offerkit.rules.types import Value

_FLAGS = bytes(1 if position == ord("1") else 0 for position in range(256))
_BUNDLE_FROM = 8
"""With fewer conditions than this, they are evaluated one by one."""


@dataclass(frozen=True, slots=True)
class ConditionBundle:
    """Conditions compiled into one function that returns all results at once."""

    conditions: tuple[BoundCondition, ...]
    position_of: dict[BoundCondition, int]
    evaluate: Callable[..., tuple[Value, ...]]


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
    bundle: ConditionBundle | None
    masks: tuple[int, ...]
    """For each condition of the bundle, the bits that depend on it."""
    conditions: tuple[tuple[BoundCondition, int], ...]
    """Conditions evaluated one by one, and only while a bit that depends on them is left."""
    of_offer: dict[int, int]
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

    def alive(self, facts: CallFacts, known: dict[BoundCondition, Value]) -> int:
        """The bits whose conditions all hold. Values that are needed later are added to ``known``."""
        failed = 0
        if self.bundle is not None:
            values = self.bundle.evaluate(facts.contact, facts.data, facts.now, facts.today)
            for mask in compress(self.masks, map(is_not, values, repeat(True))):
                failed |= mask
            if self.computed:
                known.update(zip(self.bundle.conditions, values, strict=True))
        remaining = self.everything & ~failed
        for condition, mask in self.conditions:
            if remaining & mask:
                value = known[condition] = condition.value(facts)
                if value is not True:
                    remaining &= ~mask
        return remaining

    def constant_entries(self, alive: int) -> Iterator[RankedOffer]:
        """The entries of constant weight with a bit in ``alive``, highest first, each offer once."""
        size = len(self.entries) + len(self.computed)
        flags = bin(alive | 1 << size)[3:].encode().translate(_FLAGS)
        entries = compress(self.entries, flags)
        return _first_of_each_offer(entries) if self.repeats else entries

    def constant_bits(self, alive: int) -> int:
        """The bits of ``alive`` with a constant weight."""
        return alive >> len(self.computed) << len(self.computed)

    def count(self, alive: int) -> int:
        """The number of offers of constant weight with a bit in ``alive``."""
        return (
            sum(1 for _ in self.constant_entries(alive)) if self.repeats else (alive >> len(self.computed)).bit_count()
        )


def _first_of_each_offer(entries: Iterable[RankedOffer]) -> Iterator[RankedOffer]:
    positions: set[int] = set()
    for entry in entries:
        if entry.position not in positions:
            positions.add(entry.position)
            yield entry


@dataclass
class SpaceProgramBuilder:
    """Builds the program of a space on one day. ``bundle`` returns the space's bundle, shared by all its programs."""

    offers: Sequence[CompiledOffer]
    rules: Sequence[PresentationRule]
    space: str
    today: date
    bundle: Callable[[str], ConditionBundle]
    constant: list[tuple[RankedOffer, CompiledWeight]] = field(default_factory=list)
    computed: list[tuple[CompiledOffer, list[CompiledWeight]]] = field(default_factory=list)

    def build(self, positions: Sequence[int]) -> SpaceProgram:
        """The program of the offers at ``positions``."""
        for position in positions:
            self._add(self.offers[position])
        self.constant.sort(key=lambda pair: (-pair[0].weight, pair[0].position))
        size = len(self.constant) + len(self.computed)
        bit_of = [1 << (size - 1 - position) for position in range(size)]
        masks: dict[BoundCondition, int] = {}
        of_offer: dict[int, int] = {}
        of_category: dict[str, int] = {}
        rows = [(self.offers[entry.position], weight) for entry, weight in self.constant]
        for bit, (offer, weight) in zip(bit_of, [*rows, *((offer, None) for offer, _ in self.computed)], strict=True):
            for condition in _conditions(offer, weight):
                masks[condition] = masks.get(condition, 0) | bit
            of_offer[offer.position] = of_offer.get(offer.position, 0) | bit
            of_category[offer.category] = of_category.get(offer.category, 0) | bit
        bundle, bundled = self._bundle(masks)
        return SpaceProgram(
            members=len(positions),
            entries=tuple(entry for entry, _ in self.constant),
            computed=tuple(
                ComputedOffer(bit, offer, tuple(weights), offer.factors(self.today))
                for bit, (offer, weights) in zip(bit_of[len(rows) :], self.computed, strict=True)
            ),
            repeats=len({offer.position for offer, _ in rows}) < len(rows),
            bundle=bundle,
            masks=bundled,
            conditions=tuple(
                (condition, mask)
                for condition, mask in masks.items()
                if bundle is None or condition not in bundle.position_of
            ),
            of_offer=of_offer,
            of_category=of_category,
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

    def _bundle(self, masks: dict[BoundCondition, int]) -> tuple[ConditionBundle | None, tuple[int, ...]]:
        """The space's bundle, if evaluating all of it pays off, with the mask of each of its conditions."""
        plain = sum(1 for condition in masks if _bundled(condition))
        if plain < _BUNDLE_FROM:
            return None, ()
        bundle = self.bundle(self.space)
        if plain * 4 < len(bundle.conditions):
            return None, ()
        return bundle, tuple(masks.get(condition, 0) for condition in bundle.conditions)


def bits_of(positions: AbstractSet[int], of_offer: dict[int, int]) -> int:
    """The bits of the offers at ``positions``. Loops over the smaller of the two, because slices are often tiny."""
    if len(of_offer) < len(positions):
        positions = positions & of_offer.keys()
    bits = 0
    for position in positions:
        bits |= of_offer.get(position, 0)
    return bits


def _conditions(offer: CompiledOffer, weight: CompiledWeight | None) -> Iterator[BoundCondition]:
    for category in offer.chain:
        for requirement in category.requirements:
            yield requirement.condition
    for requirement in offer.requirements:
        yield requirement.condition
    for requirement in weight.requirements if weight is not None else ():
        yield requirement.condition


def _bundled(condition: BoundCondition) -> bool:
    return not condition.bound and condition.expression.checked is not None


def bundle_of(offers: Iterable[CompiledOffer], space: str, dimension: str) -> ConditionBundle:
    """All conditions without bound rows that offers of a space depend on, on any day, as one function."""
    from offerkit.rules.python import compile_many

    unique: dict[BoundCondition, None] = {}
    for offer in offers:
        if space in offer.spaces:
            for weight in (None, *offer.weights):
                unique.update(
                    dict.fromkeys(condition for condition in _conditions(offer, weight) if _bundled(condition))
                )
    conditions = tuple(unique)
    checked = [condition.expression.checked for condition in conditions if condition.expression.checked is not None]
    evaluate = compile_many(checked, (dimension, "interaction"), exact=False)
    return ConditionBundle(conditions, {condition: position for position, condition in enumerate(conditions)}, evaluate)
