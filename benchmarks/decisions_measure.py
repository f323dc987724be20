"""Time small things well: one core, a warm-up, several rounds in turn, medians with the least and the most."""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds with the least and the most, in seconds."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Latency:
    """How long single decisions take, in seconds; ``rate``: decisions a second.

    ``p99`` is what a clock on the wall shows, with whatever else the machine did meanwhile; ``p99_cpu`` is the time
    that the decisions themselves had the core.
    """

    p50: Spread
    p99: Spread
    p99_cpu: Spread
    rate: Spread


def use_one_core() -> bool:
    """Stay on the last of the cores that we may use, where the system lets us choose; whether it does."""
    if sys.platform != "linux":
        return False
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return True


def peak_bytes() -> int:
    """The most memory that this process ever had resident."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@contextmanager
def quiet() -> Iterator[None]:
    """Collect garbage before what is timed; it is collected as usual while it runs."""
    gc.collect()
    yield


def spread(values: Sequence[float]) -> Spread:
    """What several rounds gave."""
    return Spread(statistics.median(values), min(values), max(values))


def per_item(ask: Callable[[], object], items: int) -> float:
    """Seconds for one of the ``items`` that one call of ``ask`` goes through."""
    with quiet():
        start = time.perf_counter()
        ask()
        return (time.perf_counter() - start) / items


def latency(asks: Sequence[Callable[[], object]], rounds: int, *, warm_up: int = 0) -> Latency:
    """Run every one of ``asks`` once a round, each timed by itself, after a round that is not counted.

    ``warm_up``: how many of them that round has (0: all).
    """
    for ask in asks[: warm_up or len(asks)]:
        ask()
    return latency_of(lambda: asks, rounds)


def latency_of(asks: Callable[[], Sequence[Callable[[], object]]], rounds: int) -> Latency:
    """Run everything that ``asks`` gives for each round once, each timed by itself."""
    p50, p99, p99_cpu, rate = [], [], [], []
    for _ in range(rounds):
        these = asks()
        with quiet():
            both = list(_timed(these))
        wall, cpu = (sorted(times) for times in zip(*both, strict=True))
        p50.append(quantile(wall, 0.5))
        p99.append(quantile(wall, 0.99))
        p99_cpu.append(quantile(cpu, 0.99))
        rate.append(len(wall) / sum(wall))
    return Latency(spread(p50), spread(p99), spread(p99_cpu), spread(rate))


def quantile(times: Sequence[float], part: float) -> float:
    """The time that this part of the sorted ``times`` does not exceed."""
    return times[min(len(times) - 1, int(part * len(times)))]


def _timed(asks: Sequence[Callable[[], object]]) -> Iterator[tuple[float, float]]:
    """Seconds on the wall and on the core, of each."""
    for ask in asks:
        core = time.thread_time()
        wall = time.perf_counter()
        ask()
        yield time.perf_counter() - wall, time.thread_time() - core
