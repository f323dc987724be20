"""The slice of the catalog that a call is about (domain.md §3 step 3), by index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog, Space


class From(StrEnum):
    """Where the slice comes from."""

    CALL = "call"
    DEFAULTS = "defaults"
    WHOLE = "whole"


class Wanted(NamedTuple):
    """The categories and themes asked for, or the ``offers``; ``nowhere``: what was named does not exist."""

    source: From
    categories: tuple[str, ...]
    themes: tuple[str, ...]
    nowhere: bool = False
    offers: frozenset[str] | None = None


def wanted(space: Space, call: Call) -> Wanted:
    """What the call names (offers, or categories and themes); else the space's defaults; else the whole catalog."""
    if call.offers is not None:
        return Wanted(From.CALL, (), (), offers=call.offers)
    if call.nowhere or call.categories or call.themes:
        return Wanted(From.CALL, call.categories, call.themes, call.nowhere)
    if space.categories or space.themes:
        return Wanted(From.DEFAULTS, space.categories, space.themes)
    return Wanted(From.WHOLE, (), ())


def members(catalog: Catalog, wanted: Wanted) -> list[int]:
    """The places of the slice's offers: below a category or with a theme; both named: both must hold.

    Offers of categories that are always included are added, except when nothing that was named exists, or offers are
    named themselves.
    """
    if wanted.nowhere:
        return []
    if wanted.offers is not None:
        return sorted(catalog.place_of[name] for name in wanted.offers if name in catalog.place_of)
    if not wanted.categories and not wanted.themes:
        return list(range(len(catalog.offers)))
    found: set[int] | None = None
    for names, index in ((wanted.categories, catalog.by_category), (wanted.themes, catalog.by_theme)):
        if names:
            places = _union(names, index)
            found = places if found is None else found & places
    return sorted((found or set()) | catalog.always)


def _union(names: Iterable[str], index: Mapping[str, tuple[int, ...]]) -> set[int]:
    return {place for name in names for place in index.get(name, ())}
