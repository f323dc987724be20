"""The weights of some offers of a stage on one day, each with what changes it; no contact is considered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offerkit.address import Address


@dataclass(frozen=True, slots=True)
class ShownMultiplier:
    """A category's multiplier; ``holds``: on the day of the table. Dates are ISO 8601, empty without a limit."""

    category: str
    factor: str
    first: str
    last: str
    holds: bool


@dataclass(frozen=True, slots=True)
class ShownWeight:
    """One weight of an offer. ``origin``: the address of the offer or template that has it; ``number``: from 1.

    ``value``: a number as text, or a formula (``is_formula``). ``dynamic``: the hook that gives products. ``spaces``:
    empty for all. ``filters`` and ``when``: what a contact must meet. ``effective``: the value times the multipliers
    that hold that day; empty if the weight or its offer is not in force then, and ``why`` says so.
    """

    offer: Address
    label: str
    category: str
    number: int
    name: str
    origin: str
    value: str
    is_formula: bool
    dynamic: str
    first: str
    last: str
    spaces: tuple[str, ...]
    filters: tuple[str, ...]
    when: str
    multipliers: tuple[ShownMultiplier, ...]
    effective: str
    why: str

    @property
    def condition(self) -> str:
        """Its filters and its own condition, as one text."""
        return " and ".join([*(f"filter {name}" for name in self.filters), *([self.when] if self.when else [])])

    @property
    def period(self) -> str:
        """Its dates, as one text; empty without a limit."""
        return " ".join(f"{word} {day}" for word, day in (("from", self.first), ("until", self.last)) if day)

    @property
    def factors(self) -> tuple[str, ...]:
        """Its multipliers, one text each."""
        texts = []
        for multiplier in self.multipliers:
            days = [f"{w} {d}" for w, d in (("from", multiplier.first), ("until", multiplier.last)) if d]
            idle = [] if multiplier.holds else ["not on this day"]
            more = f" ({', '.join(filter(None, [' '.join(days), *idle]))})" if days or idle else ""
            texts.append(f"× {multiplier.factor} {multiplier.category}{more}")
        return tuple(texts)


@dataclass(frozen=True, slots=True)
class WeightTable:
    """The weights of offers in ``stage`` on ``day`` (by environment, as their time zones may differ)."""

    stage: str
    days: tuple[tuple[str, str], ...]
    weights: Sequence[ShownWeight]
