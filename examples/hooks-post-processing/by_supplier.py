"""Post-processing: limits, reorders and weighs anew what would be proposed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from offerkit.hooks import Candidate, HookCall, PostProcessingHook

PARTNERS = {"Meridian": Decimal("1.5")}
"""Suppliers whose offers weigh more this season, and by how much."""


def by_supplier(candidates: Sequence[Candidate], call: HookCall) -> list[tuple[Candidate, Decimal]]:
    """The best offer of each supplier, partners with a higher weight; others only if these are fewer than wanted."""
    weighed = [(candidate, _weight(candidate)) for candidate in candidates]
    weighed.sort(key=lambda pair: pair[1], reverse=True)
    first: dict[object, tuple[Candidate, Decimal]] = {}
    rest: list[tuple[Candidate, Decimal]] = []
    for candidate, weight in weighed:
        supplier = candidate.fields["supplier"] or candidate.offer
        if supplier in first:
            rest.append((candidate, weight))
        else:
            first[supplier] = candidate, weight
    best = list(first.values())
    return best if len(best) >= call.n else [*best, *rest]


def _weight(candidate: Candidate) -> Decimal:
    return candidate.weight * PARTNERS.get(str(candidate.fields["supplier"]), Decimal(1))


check: PostProcessingHook = by_supplier
