"""The types of hooks' arguments and results, for packages of hooks.

A hook is a plain function that a package registers as an entry point of the group ``offerkit.hooks`` (docs/hooks.md).
It needs no import from offerkit; these names are there to say its types. They are public: they stay, and nothing else
in offerkit is meant to be imported by hooks (docs/adr/0038-public-hooks.md).

A type checker compares a hook with its protocol where it is assigned to it::

    def of_the_day(contact: Row, data: Row) -> dict[str, object]: ...

    check: TargetLoading = of_the_day
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeAlias

from offerkit.rules.types import Row, Value

__all__ = ["Candidate", "DynamicOffer", "PostProcessing", "Product", "Row", "TargetLoading", "Value"]

Product: TypeAlias = Mapping[str, Value]
"""What a dynamic offer turned into: plain values by name, for rendering."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer (or one product of it) that may be proposed, as post-processing sees it.

    ``offer`` is the offer's name, ``category`` the path of its category, ``weight`` the final one,
    multipliers included. ``product`` is None unless a dynamic-offer hook made it.
    """

    offer: str
    category: str
    weight: Decimal
    product: Product | None = None


class TargetLoading(Protocol):
    """Adds call data once the contact's profile is loaded (step 1 of the decision)."""

    def __call__(self, contact: Row, data: Row, /) -> Mapping[str, object]:
        """Declared call data by name; what is returned replaces what the call passed."""


class DynamicOffer(Protocol):
    """Turns one offer into several products (step 7)."""

    def __call__(self, offer: str, contact: Row, data: Row, /) -> Sequence[tuple[Mapping[str, object], object]]:
        """(product, weight) pairs; weights are numbers of 0 or more. Without any pair, the offer is left out."""


class PostProcessing(Protocol):
    """Drops or reorders what would be proposed (step 10)."""

    def __call__(self, candidates: Sequence[Candidate], /) -> Sequence[Candidate]:
        """The candidates to propose, in order."""
