"""What a proof says: for whom an answer changes, in each direction and for each reading of the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from offerkit.rules.types import Value


class Existence(StrEnum):
    """Whether there can be a contact, of all contacts there can be."""

    NONE = "none"
    SOME = "some"
    UNDECIDED = "undecided"


class Extent(StrEnum):
    """For whom a condition is true."""

    NOBODY = "nobody"
    SOME = "some"
    EVERYBODY = "everybody"
    UNDECIDED = "undecided"


class Verdict(StrEnum):
    """What a change means for who is eligible."""

    SAME = "same"
    FEWER = "fewer"
    MORE = "more"
    BOTH = "both"
    NOBODY = "nobody"
    EVERYBODY = "everybody"
    NOT_DECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class Witness:
    """An invented contact (and call) that shows a difference: the fields that matter, and the moment.

    Replayed in Python, and in DuckDB where that is installed, before it is shown.
    """

    values: Mapping[tuple[str, str], Value]
    moment: datetime


@dataclass(frozen=True, slots=True)
class CommonFact:
    """What is true of everybody in a set: a field is one of ``among``, or in a range, or unknown."""

    field: tuple[str, str]
    among: tuple[Value, ...] = ()
    least: Value = None
    most: Value = None


@dataclass(frozen=True, slots=True)
class Side:
    """One direction of a change. ``facts`` are true of everybody concerned; ``exact``: and for no other contact.

    ``why``: why it is not decided.
    """

    answer: Existence
    witness: Witness | None = None
    facts: tuple[CommonFact, ...] = ()
    exact: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a change means at one moment, or at every moment from then on."""

    gained: Side
    lost: Side
    before: Extent = Extent.UNDECIDED
    after: Extent = Extent.UNDECIDED

    @property
    def verdict(self) -> Verdict:
        """The change in one word; that nothing changes comes before that nobody, or everybody, is eligible after it."""
        if self.gained.answer is Existence.NONE and self.lost.answer is Existence.NONE:
            return Verdict.SAME
        if self.after is Extent.NOBODY:
            return Verdict.NOBODY
        if self.after is Extent.EVERYBODY:
            return Verdict.EVERYBODY
        return {
            (Existence.SOME, Existence.NONE): Verdict.MORE,
            (Existence.NONE, Existence.SOME): Verdict.FEWER,
            (Existence.SOME, Existence.SOME): Verdict.BOTH,
        }.get((self.gained.answer, self.lost.answer), Verdict.NOT_DECIDED)

    @property
    def why(self) -> str:
        """Why it is not decided; empty if it is."""
        return self.gained.why or self.lost.why


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two formulas compared. ``at``: the moment of ``now``, on the wall clock of the environment's zone.

    ``later``: at every moment from ``at`` on; the same as ``now`` where no part reads the clock.
    """

    at: datetime
    now: Reading
    later: Reading
    opaque: tuple[str, ...] = field(default=())
    """The parts that have no encoding: about them nothing is known, so a verdict can be undecided."""


def undecided(why: str) -> Reading:
    """A reading that is not decided."""
    side = Side(Existence.UNDECIDED, why=why)
    return Reading(side, side)
