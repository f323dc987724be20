"""The slice of the catalog that a call is about (domain.md §3 step 3)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from offerkit.engine.call import Call
from offerkit.engine.resources import CompiledSpace


class SliceSource(StrEnum):
    """Where the slice comes from."""

    CALL = "call"
    DEFAULTS = "defaults"
    WHOLE = "whole"


class Slice(NamedTuple):
    """The categories and themes asked for, or the ``offers``; ``nowhere``: what was named does not exist."""

    source: SliceSource
    categories: tuple[str, ...]
    themes: tuple[str, ...]
    nowhere: bool = False
    offers: frozenset[str] | None = None


def slice_of(space: CompiledSpace, call: Call) -> Slice:
    """What the call names (offers, or categories and themes); else the space's defaults; else the whole catalog."""
    if call.offers is not None:
        return Slice(SliceSource.CALL, (), (), offers=call.offers)
    if call.nowhere or call.categories or call.themes:
        return Slice(SliceSource.CALL, call.categories, call.themes, call.nowhere)
    if space.categories or space.themes:
        return Slice(SliceSource.DEFAULTS, space.categories, space.themes)
    return Slice(SliceSource.WHOLE, (), ())
