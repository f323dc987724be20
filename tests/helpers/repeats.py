"""How often the slow tests repeat what depends on chance: kills, races, and examples that are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


class _Run:
    thorough = False


def announce_repeats(thorough: bool) -> None:
    """Say whether this run is thorough; called once, before any module of tests is imported."""
    _Run.thorough = thorough


def often(usual: T, thorough: T) -> T:
    """How often this run repeats something, or with how much: ``usual`` in CI, ``thorough`` with --thorough."""
    return thorough if _Run.thorough else usual


def kills(least: int, enough: Callable[[], bool]) -> Iterator[int]:
    """``least`` turns, and more, up to ten times as many, until ``enough``: where a kill falls depends on the machine.

    A turn is the factor for how long it waits before the kill: a busy machine takes longer for what is to be hit.
    """
    for number in range(10 * least):
        if number >= least and enough():
            return
        yield max(1, number // least)
