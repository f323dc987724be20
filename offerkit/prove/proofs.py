"""What is proved of a change from one state to another: verdicts on conditions, and on the offers that it reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from offerkit.address import Address
from offerkit.prove.result import Answer, Comparison, Reading


class ProvedAbout(StrEnum):
    """What a comparison is about, which decides its words."""

    ELIGIBLE = "eligible"
    """Who meets a condition, and who is eligible."""
    LIMITED = "limited"
    """To whom a presentation rule applies: more of them is no more offers, but fewer."""


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
    """One answer, and everything that it holds for."""

    environment: str
    about: ProvedAbout
    comparison: Comparison
    conditions: tuple[ProvedCondition, ...] = ()
    offers: tuple[ProvedOffer, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofMoment:
    """The moment of an environment's proofs, on the wall clock of its time zone."""

    environment: str
    at: str
    zone: str


@dataclass(frozen=True, slots=True)
class Proofs:
    """All that is proved of a change; ``notes``: what was not tried, and why. ``missing``: why nothing was."""

    changes: tuple[ProvedChange, ...] = ()
    moments: tuple[ProofMoment, ...] = ()
    notes: tuple[str, ...] = ()
    missing: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing is to be told."""
        return not (self.changes or self.notes or self.missing)


def readings(change: ProvedChange) -> Iterator[Reading]:
    """Both readings of the clock."""
    yield change.comparison.now
    yield change.comparison.later


def narrows(change: Comparison) -> bool | None:
    """Whether nobody gains, at any moment from then on; None where that is not decided."""
    answer = change.later.gained.answer
    return None if answer is Answer.UNDECIDED else answer is Answer.NONE
