"""The items that rules apply to by the weight that an offer has for each contact of a chunk (domain.md §3 step 8)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from offerkit.batch.program import BatchProgram
from offerkit.engine.presentation_rules import applies_at
from offerkit.engine.resources import PresentationRule
from offerkit.engine.weights import in_units

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Flags = NDArray[numpy.bool_]
    Weights = NDArray[numpy.generic]


class WeighedItems:
    """The eligible items of a chunk with their weights.

    ``weights``: by item and contact, in whole numbers, ``unit`` for a weight of 1; None if no weight is computed.
    """

    def __init__(self, program: BatchProgram, eligible: Flags, weights: Weights | None, unit: Decimal) -> None:
        self._program, self._eligible, self._weights, self._unit = program, eligible, weights, unit
        self._items_of: dict[int, list[int]] = {}
        for number, item in enumerate(program.items):
            self._items_of.setdefault(item.position, []).append(number)

    def applicable(self, rule: PresentationRule) -> Flags:
        """By item and contact, whether ``rule`` applies to the item's offer with the weight it has for the contact."""
        import numpy

        applies = numpy.zeros_like(self._eligible)
        for items in self._items_of.values():
            undecided = numpy.ones(self._eligible.shape[1], dtype=bool)
            of_offer = numpy.zeros_like(undecided)
            for item in items:  # the highest weight first
                winners = numpy.flatnonzero(undecided & self._eligible[item])
                of_offer[winners] = self._matching(rule, item, winners)
                undecided[winners] = False
            applies[items] = of_offer
        return applies

    def _matching(self, rule: PresentationRule, item: int, contacts: NDArray[numpy.intp]) -> Flags | bool:
        """Whether the rule applies with the weight of ``item``, for these contacts."""
        import numpy

        catalog, facts = self._program.catalog, self._program.facts
        offer, weight = catalog.offers[self._program.items[item].position], self._program.items[item].weight
        if weight is not None:
            return len(contacts) > 0 and applies_at(catalog, rule, offer, weight, facts)
        assert self._weights is not None
        numbers, place_of = numpy.unique(self._weights[item][contacts], return_inverse=True)
        known = [applies_at(catalog, rule, offer, in_units(int(number), self._unit), facts) for number in numbers]
        return numpy.array(known, dtype=bool)[place_of]
