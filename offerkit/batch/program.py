"""A lineup (offerkit.engine.lineup) as arrays: which conditions each item needs, which items are equal in weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import Facts, Gate, facts_at
from offerkit.engine.lineup import Lineup
from offerkit.engine.reasons import checks
from offerkit.engine.resources import Offer, Space, Weight
from offerkit.engine.slice import wanted
from offerkit.engine.weights import standing


@dataclass(frozen=True)
class Item:
    """What may be proposed: an offer with one of its weights; ``weight`` None: it is worked out for each contact."""

    place: int
    weight: Decimal | None
    gates: tuple[int, ...]
    """The conditions that must all hold, by number."""


@dataclass(frozen=True)
class Program:
    """A slice on a space on a day. ``gates``: every condition, asked once for each contact."""

    catalog: Catalog
    call: Call
    facts: Facts
    line: Lineup
    items: tuple[Item, ...]
    gates: tuple[Gate, ...]
    deciding: int
    """How many of them decide; the others only tell why not."""

    def number(self, gate: Gate) -> int:
        """The number of a condition among ``gates``."""
        return self._numbers[gate]

    @cached_property
    def _numbers(self) -> dict[Gate, int]:
        return {gate: number for number, gate in enumerate(self.gates)}


def program(catalog: Catalog, call: Call, *, reasons: bool = False) -> Program:
    """The program of ``call``, whose contact and key count for nothing; with ``reasons`` it can tell why not, too."""
    space = catalog.spaces[call.space]
    facts = facts_at(call.now, catalog.zone, catalog.nobody, call.data)
    asked = wanted(space, call)
    line = catalog.lineup(space.name, facts.today, asked)
    pairs = [*(zip(line.bundle.gates, line.masks, strict=True) if line.bundle is not None else ()), *line.gates]
    size = len(line.entries) + len(line.computed)
    needs: list[list[int]] = [[] for _ in range(size)]
    gates: list[Gate] = []
    for gate, mask in pairs:
        if mask:
            for bit in _bits(mask):
                needs[size - 1 - bit].append(len(gates))
            gates.append(gate)
    rows = [(entry.place, entry.weight) for entry in line.entries] + [(c.offer.place, None) for c in line.computed]
    items = tuple(Item(place, weight, tuple(need)) for (place, weight), need in zip(rows, needs, strict=True))
    deciding = dict.fromkeys((*gates, *_further(catalog, line)))
    telling = (
        _telling((catalog.offers[place] for place in catalog.members(asked)), space, facts.today) if reasons else ()
    )
    every = dict.fromkeys((*deciding, *telling))
    return Program(catalog, call, facts, line, items, tuple(every), len(deciding))


def _further(catalog: Catalog, line: Lineup) -> Iterator[Gate]:
    """The environment's filter, whom presentation rules are about, and when a computed weight holds."""
    if catalog.when is not None:
        yield catalog.when.gate
    for rule in catalog.rules:
        if rule.contacts is not None:
            yield rule.contacts.gate
    for weight in weights_of(line):
        if weight.when is not None:
            yield weight.when.gate


def _telling(offers: Iterable[Offer], space: Space, today: date) -> Iterator[Gate]:
    """What is asked of ``offers`` before they are out for everybody, those that nobody can get included."""
    for offer in offers:
        asked = list(checks(offer, space, today))
        requirements = [check.requirement for check in asked]
        requirements += [weight.when for weight in standing(offer, space.name, today)]
        yield from (requirement.gate for requirement in requirements if requirement is not None)


def weights_of(line: Lineup) -> Iterator[Weight]:
    """The weights of the items whose weight is worked out for each contact."""
    for part in line.computed:
        yield from part.weights


def conditions(made: Program) -> Iterator[Gate]:
    """Every condition and formula that decides."""
    yield from made.gates[: made.deciding]
    for weight in weights_of(made.line):
        if weight.formula is not None:
            yield weight.formula


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
