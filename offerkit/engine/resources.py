"""The parts of a catalog: compiled categories, offers, weights, rules and spaces, all immutable.

Inheritance, category chains and conditions are already resolved (see compile.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

from offerkit.address import Address
from offerkit.engine.condition import BoundCondition, Path
from offerkit.rules.types import FieldType, Row, Value
from offerkit.state.effective import Layer, origin

NO_FIELDS: Row = MappingProxyType({})
"""Of offers in an environment that declares no ``offer_fields``."""


@dataclass(frozen=True, slots=True)
class Days:
    """A period of whole days in the environment's time zone, both ends included; None means no limit."""

    first: date | None = None
    last: date | None = None

    def hold(self, today: date) -> bool:
        """Whether ``today`` is in the period."""
        return (self.first is None or self.first <= today) and (self.last is None or today <= self.last)


ALWAYS = Days()


@dataclass(frozen=True, slots=True)
class LocatedCondition:
    """A condition with its location: the address of a resource, and the path inside it."""

    condition: BoundCondition
    address: Address
    path: Path
    name: str = ""
    """The filter's name, if it is a filter's condition."""
    used_at: tuple[Address, Path] | None = None
    """Of a filter's condition: where the filter is named."""


@dataclass(frozen=True, slots=True)
class CompiledMultiplier:
    """Multiplies the weights of offers in its category, on its days."""

    factor: Decimal
    days: Days


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCategory:
    """A category; ``themes`` and ``always`` (included in every slice) include inherited values."""

    path: str
    label: str
    address: Address
    enabled: bool
    days: Days
    requirements: tuple[LocatedCondition, ...]
    """Its filters in order, then its condition; without filters that read the offer, which each offer's chain has."""
    multiplier: CompiledMultiplier | None
    themes: frozenset[str]
    always: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledWeight:
    """A number or a formula; if ``spaces`` is empty, for all spaces. ``address`` can be a template's."""

    number: Decimal | None
    address: Address
    path: Path
    label: str = ""
    formula: BoundCondition | None = None
    computed: bool = False
    """Whether the formula reads the contact, the call or the clock: its value is not known yet."""
    value: Decimal | None = None
    """The number, or the value of a formula that is not computed; None if that does not hold."""
    requirements: tuple[LocatedCondition, ...] = ()
    days: Days = ALWAYS
    spaces: frozenset[str] = frozenset()
    dynamic: str = ""

    def stands(self, space: str, today: date) -> bool:
        """Whether it applies on this space and day, whatever its condition."""
        return (not self.spaces or space in self.spaces) and self.days.hold(today)


@dataclass(frozen=True, slots=True)
class CompiledOffer:
    """An offer with its inherited values, and its categories from the root (``chain``)."""

    position: int
    name: str
    address: Address
    category: str
    chain: tuple[CompiledCategory, ...]
    enabled: bool
    days: Days
    requirements: tuple[LocatedCondition, ...]
    """The offer's filters in order, then its condition."""
    weights: tuple[CompiledWeight, ...]
    themes: frozenset[str]
    spaces: frozenset[str]
    """The spaces that it is activated on."""
    row: Row
    """The values of ``offer.<field>``."""
    tie: int
    """A 31-bit hash of the name, to break ties (ranking.offer_tie)."""
    stopped: Mapping[str, str]
    """By space, who stopped the offer there, and why."""
    layers: tuple[Layer, ...]
    """The offer's body and those of its templates, nearest first, with their addresses."""
    fields: Row
    """The typed values of the environment's ``offer_fields``; ``row`` has them, too."""

    def where(self, path: Path) -> tuple[Address, Path]:
        """``path``, with the address of the offer or template that sets it; the offer's own address if none does."""
        return origin(self.layers, path) or self.address, path

    def factors(self, today: date) -> tuple[tuple[str, Decimal], ...]:
        """Today's multipliers as (category, factor), from the root."""
        return tuple(
            (category.path, category.multiplier.factor)
            for category in self.chain
            if category.multiplier is not None and category.multiplier.days.hold(today)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledSpace:
    """What the engine needs of a space; identification and storage are the caller's."""

    name: str
    address: Address
    channel: str
    unitary: bool
    categories: tuple[str, ...]
    themes: tuple[str, ...]
    target_loading: str
    post_processing: str


@dataclass(frozen=True)
class PresentationRule:
    """A rule of the typology. ``of``, ``statuses`` (empty: any) and ``when`` define which propositions count.

    ``applies``: the positions of the offers it applies to; None if that depends on the clock or on the offer's weight
    for the contact. ``offers`` (those with one of the rule's themes included) and ``categories`` name them;
    ``applies_when`` is a condition on offer and category.
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
    stored: Mapping[str, FieldType]
    """The types of the stored data that ``when`` reads."""
    daily: bool
    """Whether the day, but not the time of day, decides what it applies to."""

    @cached_property
    def steady(self) -> bool:
        """Whether the clock only decides which propositions are in the period."""
        return not any(when is not None and when.uses_clock for when in (self.applies_when, self.when))

    @cached_property
    def selects(self) -> bool:
        """Whether something else than channel and period decides which propositions count."""
        return bool(self.statuses) or self.of == "applies-to" or self.when is not None

    @cached_property
    def reads_time(self) -> bool:
        """Whether its condition reads when something was proposed."""
        return "time" in self.counts_by("proposition")

    def counts_by(self, namespace: str) -> tuple[str, ...]:
        """The names of ``namespace`` that the condition on propositions reads."""
        checked = self.when.expression.checked if self.when is not None else None
        return tuple(name for space, name in (checked.fields if checked is not None else ()) if space == namespace)

    @property
    def seldom_read(self) -> frozenset[tuple[str, str]]:
        """What its condition reads of propositions beyond what decisions usually need, by namespace and name."""
        checked = self.when.expression.checked if self.when is not None else None
        fields = checked.fields if checked is not None else ()
        return frozenset(field for field in fields if field[0] != "proposition" or field[1] in ("campaign", "delivery"))

    @cached_property
    def weighs(self) -> bool:
        """Whether it applies by the weight that an offer has for the contact."""
        checked = self.applies_when.expression.checked if self.applies_when is not None else None
        return checked is not None and ("offer", "weight") in checked.fields


@dataclass(frozen=True, slots=True)
class CallField:
    """A field of the call data; previews use ``sample``."""

    type: FieldType
    required: bool
    sample: Value


@dataclass(frozen=True, slots=True)
class CompiledDimension:
    """A dimension: its name (the namespace in rules), primary key and fields."""

    name: str
    key: tuple[str, ...]
    fields: Mapping[str, FieldType]
