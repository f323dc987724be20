"""What is proved of a change from one state to another: verdicts on conditions, and on the offers that it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from offerkit.address import Address, Kind
from offerkit.prove.result import Comparison

READ = (Kind.ENVIRONMENT, Kind.CATEGORY, Kind.FILTER, Kind.TEMPLATE, Kind.OFFER, Kind.RULE)
"""The kinds that state conditions on contacts."""
REACHING = frozenset({*READ, Kind.SPACE, Kind.DIMENSION})
"""The kinds whose changes can change who is eligible, or whom a rule limits."""
INTERRUPTED = "it was interrupted"


class ProvedAbout(StrEnum):
    """What a comparison is about, which decides its words."""

    ELIGIBLE = "eligible"
    """A condition on contacts, or the effective condition of offers."""
    LIMITED = "limited"
    """The contacts that a presentation rule applies to: more of them means fewer offers."""


@dataclass(frozen=True, slots=True)
class ProvedCondition:
    """A changed condition: the resource that states it now (or did), and its path, such as ``eligible.when``."""

    address: Address
    path: str


@dataclass(frozen=True, slots=True)
class ProvedOffer:
    """An offer and the spaces on which its effective condition changes; ``edited``: it is itself changed."""

    address: Address
    spaces: tuple[str, ...]
    edited: bool


@dataclass(frozen=True, slots=True)
class ProvedChange:
    """One answer, and everything that it holds for. ``example_of``: what the examples are of; empty: all of it."""

    environment: str
    about: ProvedAbout
    comparison: Comparison
    conditions: tuple[ProvedCondition, ...] = ()
    offers: tuple[ProvedOffer, ...] = ()
    example_of: str = ""


@dataclass(frozen=True, slots=True)
class ProofMoment:
    """The moment of an environment's proofs, on the wall clock of its time zone."""

    environment: str
    at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class NarrowingOutcome:
    """What a rule “narrowing needs no approval” would decide on an offer that waits for an approval.

    ``obstacle``: why it would keep the offer back; empty: it would let it through.
    """

    offer: Address
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class ChangeProofs:
    """All that is proved of a change; ``notes``: by environment, what was not tried, and why.

    ``missing``: why nothing was. ``narrowing``: of a promotion.
    """

    changes: tuple[ProvedChange, ...] = ()
    moments: tuple[ProofMoment, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    missing: str = ""
    narrowing: tuple[NarrowingOutcome, ...] = ()

    @property
    def tells(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.changes or self.notes or self.missing or self.narrowing)
