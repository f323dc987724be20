"""The space program: what of a slice can be proposed on a space on one day, ready to be asked for one contact.

Every offer is a bit (one for each weight that may win); each condition has the mask of the bits that need it. A
decision then is: evaluate, join the masks of what does not hold, and read the bits that are left from the highest
weight down. What is the same for every contact that day is worked out here once: dates, activation, multipliers.
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
from offerkit.engine.weights import standing, times
from offerkit.rules.types import Value

_FLAGS = bytes(1 if place == ord("1") else 0 for place in range(256))
_BUNDLE_FROM = 8
"""Fewer conditions than this are evaluated one by one."""


@dataclass(frozen=True, slots=True)
class ConditionBundle:
    """Conditions compiled into one function that gives all results at once."""

    conditions: tuple[BoundCondition, ...]
    place_of: dict[BoundCondition, int]
    evaluate: Callable[..., tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class ComputedOffer:
    """An offer whose weight depends on more than conditions: a formula, or a dynamic-offer hook."""

    bit: int
    offer: CompiledOffer
    weights: tuple[CompiledWeight, ...]
    factors: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class SpaceProgram:
    """See above. Bits go from the highest weight (most significant) down; those of ``computed`` are the lowest."""

    members: int
    """How many offers the slice has, eligible or not."""
    entries: tuple[RankedOffer, ...]
    computed: tuple[ComputedOffer, ...]
    repeats: bool
    """Whether an offer may have several entries."""
    bundle: ConditionBundle | None
    masks: tuple[int, ...]
    """For each condition of the bundle, the bits that need it."""
    conditions: tuple[tuple[BoundCondition, int], ...]
    """Conditions evaluated one by one, and only when a bit is left that needs them."""
    of_offer: dict[int, int]
    of_category: dict[str, int]
    about: tuple[int | None, ...]
    """For each presentation rule the bits it applies to; None: it depends on the clock."""

    @property
    def everything(self) -> int:
        """All bits."""
        return (1 << (len(self.entries) + len(self.computed))) - 1

    def alive(self, facts: CallFacts, known: dict[BoundCondition, Value]) -> int:
        """The bits of which every condition holds; what was evaluated is kept in ``known`` when it is needed."""
        dead = 0
        if self.bundle is not None:
            values = self.bundle.evaluate(facts.contact, facts.data, facts.now, facts.today)
            for mask in compress(self.masks, map(is_not, values, repeat(True))):
                dead |= mask
            if self.computed:
                known.update(zip(self.bundle.conditions, values, strict=True))
        left = self.everything & ~dead
        for condition, mask in self.conditions:
            if left & mask:
                value = known[condition] = condition.value(facts)
                if value is not True:
                    left &= ~mask
        return left

    def standing(self, alive: int) -> Iterator[RankedOffer]:
        """The entries of constant weight whose bit is in ``alive``, highest first, each offer once."""
        size = len(self.entries) + len(self.computed)
        flags = bin(alive | 1 << size)[3:].encode().translate(_FLAGS)
        found = compress(self.entries, flags)
        return _first(found) if self.repeats else found

    def constant(self, alive: int) -> int:
        """The bits of ``alive`` whose weight is constant."""
        return alive >> len(self.computed) << len(self.computed)

    def count(self, alive: int) -> int:
        """How many offers of constant weight have a bit in ``alive``."""
        return sum(1 for _ in self.standing(alive)) if self.repeats else (alive >> len(self.computed)).bit_count()


def _first(entries: Iterable[RankedOffer]) -> Iterator[RankedOffer]:
    seen: set[int] = set()
    for entry in entries:
        if entry.place not in seen:
            seen.add(entry.place)
            yield entry


@dataclass
class SpaceProgramBuilder:
    """Makes the space program of a space on one day. ``bundle`` gives the space's, which all its programs share."""

    offers: Sequence[CompiledOffer]
    rules: Sequence[PresentationRule]
    space: str
    today: date
    bundle: Callable[[str], ConditionBundle]
    constant: list[tuple[RankedOffer, CompiledWeight]] = field(default_factory=list)
    computed: list[tuple[CompiledOffer, list[CompiledWeight]]] = field(default_factory=list)

    def build(self, places: Sequence[int]) -> SpaceProgram:
        """The space program of the offers at ``places``."""
        for place in places:
            self._add(self.offers[place])
        self.constant.sort(key=lambda pair: (-pair[0].weight, pair[0].place))
        size = len(self.constant) + len(self.computed)
        bit_of = [1 << (size - 1 - place) for place in range(size)]
        masks: dict[BoundCondition, int] = {}
        of_offer: dict[int, int] = {}
        of_category: dict[str, int] = {}
        rows = [(self.offers[entry.place], weight) for entry, weight in self.constant]
        for bit, (offer, weight) in zip(bit_of, [*rows, *((offer, None) for offer, _ in self.computed)], strict=True):
            for condition in _conditions(offer, weight):
                masks[condition] = masks.get(condition, 0) | bit
            of_offer[offer.place] = of_offer.get(offer.place, 0) | bit
            of_category[offer.category] = of_category.get(offer.category, 0) | bit
        bundle, bundled = self._bundle(masks)
        return SpaceProgram(
            members=len(places),
            entries=tuple(entry for entry, _ in self.constant),
            computed=tuple(
                ComputedOffer(bit, offer, tuple(weights), offer.factors(self.today))
                for bit, (offer, weights) in zip(bit_of[len(rows) :], self.computed, strict=True)
            ),
            repeats=len({offer.place for offer, _ in rows}) < len(rows),
            bundle=bundle,
            masks=bundled,
            conditions=tuple(
                (condition, mask)
                for condition, mask in masks.items()
                if bundle is None or condition not in bundle.place_of
            ),
            of_offer=of_offer,
            of_category=of_category,
            about=tuple(None if rule.applies is None else bits_of(rule.applies, of_offer) for rule in self.rules),
        )

    def _add(self, offer: CompiledOffer) -> None:
        """Its entries, if it can be proposed today at all."""
        today = self.today
        if not (offer.enabled and self.space in offer.spaces and offer.days.hold(today)):
            return
        if not all(category.enabled and category.days.hold(today) for category in offer.chain):
            return
        weights = standing(offer, self.space, today)
        if any(weight.formula is not None or weight.dynamic for weight in weights):
            self.computed.append((offer, weights))
            return
        factors = offer.factors(today)
        for weight in sorted(weights, key=lambda weight: -(weight.number or 0)):
            value = times(weight.number or Decimal(0), factors)
            if value > 0:
                self.constant.append((RankedOffer(value, offer.place), weight))
            if weight.when is None:
                return  # what is lower never wins

    def _bundle(self, masks: dict[BoundCondition, int]) -> tuple[ConditionBundle | None, tuple[int, ...]]:
        """The space's bundle when it is worth it, with the mask of each of its conditions."""
        plain = sum(1 for condition in masks if _bundled(condition))
        if plain < _BUNDLE_FROM:
            return None, ()
        bundle = self.bundle(self.space)
        if plain * 4 < len(bundle.conditions):
            return None, ()
        return bundle, tuple(masks.get(condition, 0) for condition in bundle.conditions)


def bits_of(places: AbstractSet[int], of_offer: dict[int, int]) -> int:
    """The bits of the offers at ``places``; as quick as the smaller of both, for a slice is often a sliver."""
    if len(of_offer) < len(places):
        places = places & of_offer.keys()
    bits = 0
    for place in places:
        bits |= of_offer.get(place, 0)
    return bits


def _conditions(offer: CompiledOffer, weight: CompiledWeight | None) -> Iterator[BoundCondition]:
    for category in offer.chain:
        if category.when is not None:
            yield category.when.condition
    for requirement in offer.requirements:
        yield requirement.condition
    if weight is not None and weight.when is not None:
        yield weight.when.condition


def _bundled(condition: BoundCondition) -> bool:
    return not condition.bound and condition.expression.checked is not None


def bundle_of(offers: Iterable[CompiledOffer], space: str, dimension: str) -> ConditionBundle:
    """Every ordinary condition that offers of a space need on any day, as one function."""
    from offerkit.rules.python import compile_many

    found: dict[BoundCondition, None] = {}
    for offer in offers:
        if space in offer.spaces:
            for weight in (None, *offer.weights):
                found.update(
                    dict.fromkeys(condition for condition in _conditions(offer, weight) if _bundled(condition))
                )
    conditions = tuple(found)
    checked = [condition.expression.checked for condition in conditions if condition.expression.checked is not None]
    evaluate = compile_many(checked, (dimension, "interaction"), exact=False)
    return ConditionBundle(conditions, {condition: place for place, condition in enumerate(conditions)}, evaluate)
