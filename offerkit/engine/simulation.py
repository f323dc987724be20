"""The result of a simulation: the decisions for all contacts of an environment, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Loss:
    """What costs an offer contacts: the reason in words, the address of the rule, and how many contacts."""

    reason: str
    where: str
    contacts: int


@dataclass(frozen=True, slots=True)
class OfferResult:
    """How many contacts an offer reaches, by rank from 1, and what costs it the others, the largest loss first."""

    offer: str
    category: str
    contacts: int
    by_rank: Sequence[int]
    losses: Sequence[Loss] = ()

    @property
    def ranks(self) -> str:
        """``rank 1: 1,200 · rank 3: 80``."""
        return " · ".join(f"rank {rank}: {count:,}" for rank, count in enumerate(self.by_rank, 1) if count)


@dataclass(frozen=True, slots=True)
class AxisValue:
    """One value of an axis: the contacts with it, those who get nothing, and the offers that reach most of them."""

    value: str
    contacts: int
    nothing: int
    top: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class SpaceResult:
    """One space. ``by_count``: contacts by the number of offers they get, from 0 to the requested number."""

    space: str
    contacts: int
    by_count: Sequence[int]
    offers: Sequence[OfferResult]
    axes: Sequence[tuple[str, Sequence[AxisValue]]] = ()

    @property
    def given(self) -> list[OfferResult]:
        """The offers that at least one contact gets."""
        return [offer for offer in self.offers if offer.contacts]

    @property
    def never(self) -> list[OfferResult]:
        """The offers that no contact gets."""
        return [offer for offer in self.offers if not offer.contacts]


@dataclass(frozen=True, slots=True)
class Simulation:
    """All spaces of a simulation. ``at`` is in the environment's zone, ``n`` the requested number, ``data`` the assumed
    call data."""

    environment: str
    stage: str
    at: str
    n: int
    spaces: Sequence[SpaceResult]
    data: Mapping[str, str] = field(default_factory=dict)
