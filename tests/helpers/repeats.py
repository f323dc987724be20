"""How often the slow tests repeat what depends on chance: kills, races, and examples that are made up."""

from __future__ import annotations

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
