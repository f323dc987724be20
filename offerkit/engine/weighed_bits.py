"""The offers that rules apply to by the weight that they have for one contact, as bits of a space program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import CallFacts
from offerkit.engine.presentation_rules import applies_at
from offerkit.engine.ranking import RankedOffer
from offerkit.engine.space_program import SpaceProgram


class WeighedBits(NamedTuple):
    """The eligible offers of one decision with their weights.

    ``alive``: the bits whose conditions hold. ``computed``: by bit, the entries of offers with a computed weight,
    highest first; those without an entry have none.
    """

    program: SpaceProgram
    alive: int
    computed: Mapping[int, tuple[RankedOffer, ...]]

    def applicable(self, catalog: Catalog, position: int, facts: CallFacts) -> int:
        """All bits of the offers that the rule at ``position`` applies to, with the weight that they have."""
        program, rule = self.program, catalog.rules[position]
        bits = sum(
            bit
            for bit, ranked in self.computed.items()
            if applies_at(catalog, rule, catalog.offers[ranked[0].position], ranked[0].weight, facts)
        )
        matching = self._matching(catalog, position, facts) & self.alive
        if not program.repeats:
            return bits | matching
        size = len(program.entries) + len(program.computed)
        while matching:
            bit = 1 << matching.bit_length() - 1
            matching ^= bit
            own = program.of_offer[program.entries[size - bit.bit_length()].position]
            if own & self.alive < bit << 1:  # the highest weight that holds
                bits |= own
        return bits

    def _matching(self, catalog: Catalog, position: int, facts: CallFacts) -> int:
        """The entries of constant weight whose own weight the rule applies to; the same all day without a clock."""
        program, rule = self.program, catalog.rules[position]
        known = program.weighed.get(position) if rule.steady else None
        if known is not None:
            return known
        bit, bits = program.everything + 1, 0
        for entry in program.entries:
            bit >>= 1
            if applies_at(catalog, rule, catalog.offers[entry.position], entry.weight, facts):
                bits |= bit
        if rule.steady:
            program.weighed[position] = bits
        return bits
