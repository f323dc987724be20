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
    """Something that can be proposed: an offer with one of its weights; if ``weight`` is None, it is computed for each
    contact."""

    position: int
    weight: Decimal | None
    conditions: tuple[int, ...]
    """The conditions that must all hold, by number."""


@dataclass(frozen=True)
class BatchProgram:
    """The decisions for a slice on a space and day. Each of ``conditions`` is evaluated once for each contact."""

    catalog: Catalog
    call: Call
    facts: CallFacts
    space_program: SpaceProgram
    items: tuple[Item, ...]
    conditions: tuple[BoundCondition, ...]
    deciding: int
    """How many of ``conditions`` decide; the others only explain why offers are left out."""
    row_data: frozenset[str] = frozenset()
    """The call data that each contact has for itself, in columns of the contacts' table."""

    def number(self, condition: BoundCondition) -> int:
        """The index of a condition in ``conditions``."""
        return self._numbers[condition]

    @cached_property
    def _numbers(self) -> dict[BoundCondition, int]:
        return {condition: number for number, condition in enumerate(self.conditions)}


def batch_program(catalog: Catalog, call: Call, *, reasons: bool = False) -> BatchProgram:
    """The program of ``call``, whose contact and key are ignored; with ``reasons`` it can also explain."""
    space = catalog.spaces[call.space]
    facts = facts_at(call.now, catalog.zone, catalog.nobody, call.data)
    requested = slice_of(space, call)
    space_program = catalog.space_program(space.name, facts.today, requested)
    conditions: dict[BoundCondition, int] = {}
    for need in space_program.needs:
        for condition in need:
            conditions.setdefault(condition, len(conditions))
    rows = [(entry.position, entry.weight) for entry in space_program.entries] + [
        (c.offer.position, None) for c in space_program.computed
    ]
    items = tuple(
        Item(position, weight, tuple(sorted(map(conditions.__getitem__, need))))
        for (position, weight), need in zip(rows, space_program.needs, strict=True)
    )
    deciding = dict.fromkeys((*conditions, *_further(catalog, space_program)))
    telling = (
        _telling((catalog.offers[position] for position in catalog.members(requested)), space, facts.today)
        if reasons
        else ()
    )
    every = dict.fromkeys((*deciding, *telling))
    return BatchProgram(catalog, call, facts, space_program, items, tuple(every), len(deciding))


def _further(catalog: Catalog, space_program: SpaceProgram) -> Iterator[BoundCondition]:
    """The environment's filters, and the conditions of presentation rules (``contacts``) and computed weights."""
    for requirement in catalog.requirements:
        yield requirement.condition
    for rule in catalog.rules:
        if rule.contacts is not None:
            yield rule.contacts.condition
    for weight in weights_of(space_program):
        for requirement in weight.requirements:
            yield requirement.condition


def _telling(offers: Iterable[CompiledOffer], space: CompiledSpace, today: date) -> Iterator[BoundCondition]:
    """The conditions of ``offers``, including offers that no contact can get, up to the check that nobody passes."""
    for offer in offers:
        offer_checks = list(checks(offer, space, today))
        requirements = [check.requirement for check in offer_checks]
        for weight in applicable_weights(offer, space.name, today):
            requirements += weight.requirements
        yield from (requirement.condition for requirement in requirements if requirement is not None)


def weights_of(space_program: SpaceProgram) -> Iterator[CompiledWeight]:
    """The weights of the items whose weight is computed for each contact."""
    for part in space_program.computed:
        yield from part.weights


def deciding_conditions(program: BatchProgram) -> Iterator[BoundCondition]:
    """Every condition and formula that takes part in deciding."""
    yield from program.conditions[: program.deciding]
    for weight in weights_of(program.space_program):
        if weight.formula is not None:
            yield weight.formula
