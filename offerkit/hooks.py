"""The types of hooks' arguments and results, for packages of hooks.

A hook is a plain function that a package registers as an entry point of the group ``offerkit.hooks`` (docs/hooks.md).
It needs no import from offerkit; these names are there to say its types. They are public: they stay, and nothing else
in offerkit is meant to be imported by hooks (docs/adr/0038-public-hooks.md).

A type checker compares a hook with its protocol where it is assigned to it::

    def of_the_day(contact: Row, data: Row, call: HookCall) -> dict[str, object]: ...

    check: TargetLoadingHook = of_the_day

Hooks that take no ``call`` are called as they always were (docs/adr/0063-what-hooks-receive.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol, TypeAlias

from offerkit.rules.types import Row, Value

__all__ = [
    "Candidate",
    "DynamicOffer",
    "DynamicOfferHook",
    "HookCall",
    "HookOffer",
    "PostProcessing",
    "PostProcessingHook",
    "Product",
    "Row",
    "TargetLoading",
    "TargetLoadingHook",
    "Value",
]

Product: TypeAlias = Mapping[str, Value]
"""What a dynamic offer turned into: plain values by name, for rendering."""


@dataclass(frozen=True, slots=True)
class HookCall:
    """The call that a hook takes part in.

    ``space`` is ``ENVIRONMENT/SPACE``, ``now`` the proposition date in the environment's time zone, ``n`` the number of
    offers wanted. ``contact`` and ``data`` have every declared field; ``data`` includes what target loading added.
    ``key`` is the contact's key, composite ones joined by ``|``; ``permanent`` and ``session`` are the ids of the
    visitor's browser, as the caller sent them. Each is empty if unknown; in batches only ``key`` is known.
    """

    space: str
    channel: str
    now: datetime
    n: int
    contact: Row
    data: Row
    key: str = ""
    permanent: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class HookOffer:
    """The offer that a dynamic-offer hook turns into products.

    ``weight`` is the weight that holds, before multipliers, as the weights that the hook returns. ``fields`` are the
    values of the environment's ``offer_fields``; an unknown value is None.
    """

    name: str
    code: str
    label: str
    category: str
    themes: tuple[str, ...]
    weight: Decimal
    fields: Row


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer (or one product of it) that may be proposed, as post-processing sees it.

    ``offer`` is the offer's name, ``category`` the path of its category, ``weight`` the final one,
    multipliers included. ``product`` is None unless a dynamic-offer hook made it. ``fields`` are the values of the
    environment's ``offer_fields``.
    """

    offer: str
    category: str
    weight: Decimal
    product: Product | None = None
    code: str = field(default="", compare=False)
    label: str = field(default="", compare=False)
    themes: tuple[str, ...] = field(default=(), compare=False)
    fields: Row = field(default_factory=lambda: MappingProxyType({}), compare=False)


class TargetLoadingHook(Protocol):
    """Adds call data once the contact's profile is loaded (step 1 of the decision)."""

    def __call__(self, contact: Row, data: Row, call: HookCall, /) -> Mapping[str, object]:
        """Declared call data by name; what is returned replaces what the call passed."""


class DynamicOfferHook(Protocol):
    """Turns one offer into several products (step 7)."""

    def __call__(
        self, offer: HookOffer, contact: Row, data: Row, call: HookCall, /
    ) -> Sequence[tuple[Mapping[str, object], object]]:
        """(product, weight) pairs; weights are numbers of 0 or more. Without any pair, the offer is left out."""


class PostProcessingHook(Protocol):
    """Drops or reorders what would be proposed, or gives it new weights (step 10)."""

    def __call__(
        self, candidates: Sequence[Candidate], call: HookCall, /
    ) -> Sequence[Candidate | tuple[Candidate, object]]:
        """The candidates to propose, in order; one with a new weight as a pair (candidate, weight)."""


class TargetLoading(Protocol):
    """A target-loading hook that takes no call."""

    def __call__(self, contact: Row, data: Row, /) -> Mapping[str, object]:
        """As :class:`TargetLoadingHook`."""


class DynamicOffer(Protocol):
    """A dynamic-offer hook that takes the offer's name, and no call."""

    def __call__(self, offer: str, contact: Row, data: Row, /) -> Sequence[tuple[Mapping[str, object], object]]:
        """As :class:`DynamicOfferHook`."""


class PostProcessing(Protocol):
    """A post-processing hook that takes no call."""

    def __call__(self, candidates: Sequence[Candidate], /) -> Sequence[Candidate]:
        """As :class:`PostProcessingHook`."""
