"""The engine's answer: the chosen offers and, if requested, why each other offer is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from offerkit.engine.condition import CallFacts, Path
from offerkit.engine.reasons import ExclusionReason, Finding
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledWeight
from offerkit.engine.slice import SliceSource
from offerkit.hooks import Product
from offerkit.rules.types import Row


class ChosenOffer(NamedTuple):
    """An offer to propose; ``rank`` counts from 1; ``product`` is the product of a dynamic offer."""

    offer: str
    category: str
    weight: Decimal
    rank: int
    product: Product | None = None


@dataclass(frozen=True, slots=True)
class OfferTrace:
    """One offer of the slice. ``out`` is None if it is proposed, at ``rank``; an offer beyond the requested number
    has the ``rank`` that it would have had.

    ``weight`` is final, ``number`` the weight before ``multipliers`` (category, factor); ``source`` is the address
    and path of that weight. ``notes``: the weights that do not hold, and why. ``weight_before``: the final weight
    before post-processing gave it a new one.
    """

    offer: str
    category: str
    out: Finding | None
    weight: Decimal | None = None
    number: Decimal | None = None
    multipliers: tuple[tuple[str, Decimal], ...] = ()
    source: tuple[str, Path] = ("", ())
    rank: int | None = None
    notes: tuple[str, ...] = ()
    weight_before: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SliceTrace:
    """The part of the catalog that was considered; ``always``: the categories that every slice includes."""

    source: SliceSource
    categories: tuple[str, ...]
    themes: tuple[str, ...]
    always: tuple[str, ...]
    size: int
    others: Finding
    """Why offers outside the slice are left out."""


@dataclass(frozen=True, slots=True)
class DecisionTrace:
    """The explanation: the environment's filter if it failed; the slice; every offer of it, by name."""

    environment: Finding | None
    slice: SliceTrace | None
    offers: tuple[OfferTrace, ...]


@dataclass(slots=True)
class DecisionNotes:
    """What counting reasons over many contacts needs from a decision without an explanation.

    Bits of the space program: ``eligible`` after step 7, ``presentable`` after step 8, ``ordered`` the offers that the
    space's post-processing hook kept, if it has one. ``productless``: positions of offers that are not eligible
    because the dynamic-offer hook of the weight that holds found no product.
    """

    facts: CallFacts | None = None
    eligible: int = 0
    presentable: int = 0
    ordered: int = 0
    productless: list[tuple[int, CompiledWeight]] = field(default_factory=list)


class SpaceDecision(NamedTuple):
    """The decision for one space. ``because``: why no offer was considered, if so.

    ``considered`` counts offers: ``slice`` (step 3), ``eligible`` (after step 7), ``presentable`` (after step 8),
    ``chosen``.
    """

    chosen: tuple[ChosenOffer, ...]
    reports: tuple[Report, ...]
    considered: Mapping[str, int]
    because: ExclusionReason | None = None
    trace: DecisionTrace | None = None
    data: Row = MappingProxyType({})
    """The call data of the decision, including what target loading added; personalisation uses the same."""
