"""What a catalog is made of: categories, offers, weights, rules and spaces as the engine asks them, immutable.

Templates are laid under offers, category chains and conditions are worked out (compile.py makes them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from offerkit.address import Address
from offerkit.engine.condition import BoundCondition, Path
from offerkit.rules.types import FieldType, Row, Value
from offerkit.state.effective import Layer, origin


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of the environment's zone, both ends included; None is open."""

    first: date | None = None
    last: date | None = None

    def hold(self, today: date) -> bool:
        """Whether ``today`` is among them."""
        return (self.first is None or self.first <= today) and (self.last is None or today <= self.last)


ALWAYS = Days()


@dataclass(frozen=True, slots=True)
class LocatedCondition:
    """A condition with the place it stands at: the address of a resource, and the path inside it."""

    condition: BoundCondition
    address: Address
    path: Path
    name: str = ""
    """A filter's name."""


@dataclass(frozen=True, slots=True)
class CompiledMultiplier:
    """Multiplies the weights below its category, on its own days."""

    factor: Decimal
    days: Days


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCategory:
    """A category; ``themes`` and ``always`` include what is inherited."""

    path: str
    label: str
    address: Address
    enabled: bool
    days: Days
    when: LocatedCondition | None
    multiplier: CompiledMultiplier | None
    themes: frozenset[str]
    always: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledWeight:
    """A number or a formula; ``spaces`` empty: on all. ``address`` may be a template's."""

    number: Decimal | None
    address: Address
    path: Path
    label: str = ""
    formula: BoundCondition | None = None
    when: LocatedCondition | None = None
    days: Days = ALWAYS
    spaces: frozenset[str] = frozenset()
    dynamic: str = ""

    def stands(self, space: str, today: date) -> bool:
        """Whether it counts on this space and day, its condition aside."""
        return (not self.spaces or space in self.spaces) and self.days.hold(today)


@dataclass(frozen=True, slots=True)
class CompiledOffer:
    """An offer with its template's defaults and its categories from the root to its own."""

    place: int
    name: str
    address: Address
    category: str
    chain: tuple[CompiledCategory, ...]
    enabled: bool
    days: Days
    requirements: tuple[LocatedCondition, ...]
    """Its filters in order, then its condition."""
    weights: tuple[CompiledWeight, ...]
    themes: frozenset[str]
    spaces: frozenset[str]
    """Where it is activated."""
    row: Row
    """``offer.<field>``."""
    tie: int
    """A hash of its name for ties, 31 bits (ranking.offer_tie)."""
    stopped: Mapping[str, str]
    """By space, who stopped it there, and why."""
    layers: tuple[Layer, ...]
    """Its body and those of its templates, nearest first, with their addresses: who says what."""

    def where(self, path: Path) -> tuple[Address, Path]:
        """The address of the offer or template that says what stands at ``path``; the offer's own if none does."""
        return origin(self.layers, path) or self.address, path

    def factors(self, today: date) -> tuple[tuple[str, Decimal], ...]:
        """The multipliers that hold today, with their categories, from the root."""
        return tuple(
            (category.path, category.multiplier.factor)
            for category in self.chain
            if category.multiplier is not None and category.multiplier.days.hold(today)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledSpace:
    """A space as the engine needs it; how it identifies and stores is its caller's."""

    name: str
    address: Address
    channel: str
    unitary: bool
    categories: tuple[str, ...]
    themes: tuple[str, ...]
    target_loading: str
    post_processing: str


@dataclass(frozen=True, slots=True)
class PresentationRule:
    """A rule of the typology. ``of``, ``statuses`` (empty: any) and ``when`` say which propositions count.

    ``applies`` are the places of the offers it is about; None when that depends on the clock. ``offers`` and
    ``categories`` name them, ``applies_when`` is a condition on offer and category.
    """

    name: str
    address: Address
    channel: str
    everything: bool
    offers: frozenset[str]
    categories: tuple[str, ...]
    applies_when: BoundCondition | None
    applies: frozenset[int] | None
    contacts: LocatedCondition | None
    of: str
    statuses: frozenset[str]
    same_channel: bool
    when: BoundCondition | None
    before: timedelta
    after: timedelta
    maximum: int

    @property
    def steady(self) -> bool:
        """Whether the clock decides nothing but which propositions are within the period."""
        return self.applies is not None and not (self.when is not None and self.when.uses_clock)


@dataclass(frozen=True, slots=True)
class CallField:
    """A field of the call data; ``sample`` is what previews use."""

    type: FieldType
    required: bool
    sample: Value


@dataclass(frozen=True, slots=True)
class CompiledDimension:
    """The contacts' side: name (the namespace in rules), primary key, fields."""

    name: str
    key: tuple[str, ...]
    fields: Mapping[str, FieldType]
