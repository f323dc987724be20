"""Numbers counted in a sample, taken to all contacts with their 95 % interval.

The interval is Wilson's (E. B. Wilson, “Probable inference, the law of succession, and statistical inference”, JASA 22,
1927, 209–212), which holds for rare things and for none at all; with the correction for a finite population (W. G.
Cochran, “Sampling Techniques”, 3rd edition, 1977, §2.6 and §3.2), so that it closes when everybody is in the sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, sqrt

Z = 1.959964
"""The two-sided 95 % quantile of the normal distribution."""
MAX_SAMPLE = 200_000
"""Contacts in a sample at most: they are held in memory."""


@dataclass(frozen=True, slots=True)
class Sample:
    """``contacts`` of ``population``, drawn by a hash of their key."""

    contacts: int
    population: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of contacts, and between what it lies (with 95 % confidence)."""

    value: int
    low: int
    high: int

    @property
    def margin(self) -> int:
        """The larger distance to an end of the interval."""
        return max(self.value - self.low, self.high - self.value)


def estimate(count: int, sample: Sample | None) -> Estimate:
    """How many of all contacts, when ``count`` of the sample are; no sample: all were counted."""
    if sample is None or not sample.contacts:
        return Estimate(count, count, count)
    low, high = interval(count, sample.contacts, sample.population)
    others = sample.contacts - count
    return Estimate(
        round(count * sample.population / sample.contacts),
        max(count, floor(low * sample.population)),
        min(sample.population - others, ceil(high * sample.population)),
    )


def percent(count: int, size: int, sample: Sample | None) -> str:
    """``count`` as a share of ``size``: ``12.5%``, with its error ``12.5% ±1.3 points``; ``–`` if ``size`` is 0.

    ``size`` can be a part of the sample: the contacts that had an offer before.
    """
    if not size:
        return "–"
    share = f"{count / size:.1%}"
    if sample is None:
        return share
    low, high = interval(count, size, estimate(size, sample).value)
    return f"{share} ±{100 * max(high - count / size, count / size - low):.1f} points"


def interval(count: int, size: int, population: int) -> tuple[float, float]:
    """The bounds, from 0 to 1, of a population's share if ``count`` of ``size`` contacts drawn from it are counted."""
    if size <= 0:
        return 0.0, 1.0
    share = count / size
    if size >= population:
        return share, share
    effective = size * (population - 1) / (population - size)
    square = Z * Z / effective
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * sqrt(share * (1 - share) / effective + square / (4 * effective))
    return (0.0 if not count else max(0.0, middle - half)), (1.0 if count == size else min(1.0, middle + half))
