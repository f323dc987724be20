"""A space program as arrays: the conditions that each item needs, and the items of equal weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import BoundCondition, CallFacts, facts_at
from offerkit.engine.reasons import checks
from offerkit.engine.resources import CompiledOffer, CompiledSpace, CompiledWeight
from offerkit.engine.slice import slice_of
from offerkit.engine.space_program import SpaceProgram
from offerkit.engine.weights import applicable_weights


@dataclass(frozen=True)
class Item:
    """What may be proposed: an offer with one of its weights; ``weight`` None: it is worked out for each contact."""

    position: int
    weight: Decimal | None
    conditions: tuple[int, ...]
    """The conditions that must all hold, by number."""


@dataclass(frozen=True)
class BatchProgram:
    """A slice on a space on a day. ``conditions``: every condition, asked once for each contact."""

    catalog: Catalog
    call: Call
    facts: CallFacts
    space_program: SpaceProgram
    items: tuple[Item, ...]
    conditions: tuple[BoundCondition, ...]
    deciding: int
    """How many of them decide; the others only tell why not."""

    def number(self, condition: BoundCondition) -> int:
        """The number of a condition among ``conditions``."""
        return self._numbers[condition]

    @cached_property
    def _numbers(self) -> dict[BoundCondition, int]:
        return {condition: number for number, condition in enumerate(self.conditions)}


def batch_program(catalog: Catalog, call: Call, *, reasons: bool = False) -> BatchProgram:
    """The program of ``call``, whose contact and key count for nothing; with ``reasons`` it can tell why not, too."""
    space = catalog.spaces[call.space]
    facts = facts_at(call.now, catalog.zone, catalog.nobody, call.data)
    asked = slice_of(space, call)
    space_program = catalog.space_program(space.name, facts.today, asked)
    pairs = [
        *(
            zip(space_program.bundle.conditions, space_program.masks, strict=True)
            if space_program.bundle is not None
            else ()
        ),
        *space_program.conditions,
    ]
    size = len(space_program.entries) + len(space_program.computed)
    needs: list[list[int]] = [[] for _ in range(size)]
    conditions: list[BoundCondition] = []
    for condition, mask in pairs:
        if mask:
            for bit in _bits(mask):
                needs[size - 1 - bit].append(len(conditions))
            conditions.append(condition)
    rows = [(entry.position, entry.weight) for entry in space_program.entries] + [
        (c.offer.position, None) for c in space_program.computed
    ]
    items = tuple(Item(position, weight, tuple(need)) for (position, weight), need in zip(rows, needs, strict=True))
    deciding = dict.fromkeys((*conditions, *_further(catalog, space_program)))
    telling = (
        _telling((catalog.offers[position] for position in catalog.members(asked)), space, facts.today)
        if reasons
        else ()
    )
    every = dict.fromkeys((*deciding, *telling))
    return BatchProgram(catalog, call, facts, space_program, items, tuple(every), len(deciding))


def _further(catalog: Catalog, space_program: SpaceProgram) -> Iterator[BoundCondition]:
    """The environment's filter, whom presentation rules are about, and when a computed weight holds."""
    if catalog.when is not None:
        yield catalog.when.condition
    for rule in catalog.rules:
        if rule.contacts is not None:
            yield rule.contacts.condition
    for weight in weights_of(space_program):
        if weight.when is not None:
            yield weight.when.condition


def _telling(offers: Iterable[CompiledOffer], space: CompiledSpace, today: date) -> Iterator[BoundCondition]:
    """What is asked of ``offers`` before they are out for everybody, those that nobody can get included."""
    for offer in offers:
        asked = list(checks(offer, space, today))
        requirements = [check.requirement for check in asked]
        requirements += [weight.when for weight in applicable_weights(offer, space.name, today)]
        yield from (requirement.condition for requirement in requirements if requirement is not None)


def weights_of(space_program: SpaceProgram) -> Iterator[CompiledWeight]:
    """The weights of the items whose weight is worked out for each contact."""
    for part in space_program.computed:
        yield from part.weights


def deciding_conditions(made: BatchProgram) -> Iterator[BoundCondition]:
    """Every condition and formula that decides."""
    yield from made.conditions[: made.deciding]
    for weight in weights_of(made.space_program):
        if weight.formula is not None:
            yield weight.formula


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
