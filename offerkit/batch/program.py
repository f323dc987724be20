"""A lineup (offerkit.engine.lineup) as arrays: which conditions each item needs, which items are equal in weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import Facts, Gate, facts_at
from offerkit.engine.lineup import Lineup
from offerkit.engine.resources import Weight
from offerkit.engine.slice import wanted


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

    def number(self, gate: Gate) -> int:
        """The number of a condition among ``gates``."""
        return self._numbers[gate]

    @cached_property
    def _numbers(self) -> dict[Gate, int]:
        return {gate: number for number, gate in enumerate(self.gates)}


def program(catalog: Catalog, call: Call) -> Program:
    """The program of ``call``, whose contact and key count for nothing."""
    space = catalog.spaces[call.space]
    facts = facts_at(call.now, catalog.zone, catalog.nobody, call.data)
    line = catalog.lineup(space.name, facts.today, wanted(space, call))
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
    known = set(gates)
    for gate in _further(catalog, line):
        if gate not in known:
            known.add(gate)
            gates.append(gate)
    return Program(catalog, call, facts, line, items, tuple(gates))


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


def weights_of(line: Lineup) -> Iterator[Weight]:
    """The weights of the items whose weight is worked out for each contact."""
    for part in line.computed:
        yield from part.weights


def conditions(made: Program) -> Iterator[Gate]:
    """Every condition and formula that the program may ask."""
    yield from made.gates
    for weight in weights_of(made.line):
        if weight.formula is not None:
            yield weight.formula


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
