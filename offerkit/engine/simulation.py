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


class Ranked:
    """Counts by rank, from 1: the least, greatest and mean rank of what was given."""

    __slots__ = ()
    by_rank: Sequence[int]

    @property
    def first_rank(self) -> int | None:
        """The best rank; None if nothing was given."""
        return next((rank for rank, count in enumerate(self.by_rank, 1) if count), None)

    @property
    def last_rank(self) -> int | None:
        """The worst rank; None if nothing was given."""
        return max((rank for rank, count in enumerate(self.by_rank, 1) if count), default=None)

    @property
    def mean_rank(self) -> float | None:
        """The mean rank; None if nothing was given."""
        total = sum(self.by_rank)
        return sum(rank * count for rank, count in enumerate(self.by_rank, 1)) / total if total else None


@dataclass(frozen=True, slots=True)
class OfferResult(Ranked):
    """How many contacts an offer reaches, by rank from 1, and what costs it the others, the largest loss first."""

    offer: str
    category: str
    contacts: int
    by_rank: Sequence[int]
    losses: Sequence[Loss] = ()

    @property
    def ranks(self) -> str:
        """``rank 1: 1,200 · rank 3: 80 · mean 1.1``."""
        counts = [f"rank {rank}: {count:,}" for rank, count in enumerate(self.by_rank, 1) if count]
        return " · ".join([*counts, f"mean {self.mean_rank:.2f}"] if self.mean_rank is not None else counts)


@dataclass(frozen=True, slots=True)
class AxisValue:
    """One value of an axis: the contacts with it, those who get nothing, and the offers that reach most of them."""

    value: str
    contacts: int
    nothing: int
    top: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class GroupResult(Ranked):
    """The offers of one value of an axis on offers: how many contacts get at least one, and how many are given by rank.

    ``values``: one for each part of the axis. ``whole``: the contacts among which these are counted: all, or those with
    the value of a contact's field that is a part of the axis.
    """

    values: Sequence[str]
    contacts: int
    whole: int
    by_rank: Sequence[int]


@dataclass(frozen=True, slots=True)
class SpaceResult:
    """One space. ``by_count``: contacts by the number of offers they get, from 0 to the requested number.

    ``groups``: by axes on offers, alone or combined with a field of contacts, which names both (``a, b``).
    """

    space: str
    contacts: int
    by_count: Sequence[int]
    offers: Sequence[OfferResult]
    axes: Sequence[tuple[str, Sequence[AxisValue]]] = ()
    groups: Sequence[tuple[str, Sequence[GroupResult]]] = ()

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
    call data. ``population`` and ``only``: the conditions on contacts and on offers; empty for all.
    """

    environment: str
    stage: str
    at: str
    n: int
    spaces: Sequence[SpaceResult]
    data: Mapping[str, str] = field(default_factory=dict)
    population: str = ""
    only: str = ""
