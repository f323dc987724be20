"""Numbers of a sample: intervals as published, closed when everybody is in it, and true as often as they say."""

from __future__ import annotations

from random import Random

import pytest

from offerkit.engine.estimate import Estimate, Sample, estimate, interval

HUGE = 10**12


@pytest.mark.parametrize(
    ("count", "size", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_the_literature(count: int, size: int, low: float, high: float) -> None:
    # R. G. Newcombe, “Two-sided confidence intervals for the single proportion”, 1998, table I, method 3
    assert interval(count, size, HUGE) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_all_counted_is_no_estimate() -> None:
    assert estimate(7, None) == Estimate(7, 7, 7)
    assert estimate(7, Sample(20, 20)) == Estimate(7, 7, 7)
    assert estimate(7, None).margin == 0


def test_what_was_seen_is_never_outside() -> None:
    assert estimate(0, Sample(500, 3021)) == Estimate(0, 0, 20)
    assert estimate(500, Sample(500, 3021)) == Estimate(3021, 3001, 3021)
    assert estimate(1, Sample(2, 3)).low == 1
    assert estimate(1, Sample(2, 3)).high == 2
    assert estimate(0, Sample(0, 0)) == Estimate(0, 0, 0)


@pytest.mark.parametrize(("size", "population", "share"), [(200, 1000, 0.02), (200, 1000, 0.5), (90, 100, 0.2)])
def test_they_hold_about_as_often_as_they_say(size: int, population: int, share: float) -> None:
    random, true = Random(7), round(population * share)
    everybody = [place < true for place in range(population)]
    held = 0
    for _ in range(1000):
        found = estimate(sum(random.sample(everybody, size)), Sample(size, population))
        held += found.low <= true <= found.high
    assert held >= 930
