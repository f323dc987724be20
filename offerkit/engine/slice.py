"""The slice of the catalog that a call considers (domain.md §3 step 3)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from offerkit.engine.call import Call
from offerkit.engine.resources import CompiledSpace


class SliceSource(StrEnum):
    """What determines the slice."""

    CALL = "call"
    DEFAULTS = "defaults"
    WHOLE = "whole"


class Slice(NamedTuple):
    """The requested categories and themes, or ``offers``; ``nowhere``: those that were requested do not exist."""

    source: SliceSource
    categories: tuple[str, ...]
    themes: tuple[str, ...]
    nowhere: bool = False
    offers: frozenset[str] | None = None


_WHOLE = Slice(SliceSource.WHOLE, (), ())


def slice_of(space: CompiledSpace, call: Call) -> Slice:
    """The offers, or categories and themes, of the call; else the space's defaults; else the whole catalog."""
    if call.offers is not None:
        return Slice(SliceSource.CALL, (), (), offers=call.offers)
    if call.nowhere or call.categories or call.themes:
        return Slice(SliceSource.CALL, call.categories, call.themes, call.nowhere)
    if space.categories or space.themes:
        return Slice(SliceSource.DEFAULTS, space.categories, space.themes)
    return _WHOLE
