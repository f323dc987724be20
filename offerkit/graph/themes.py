"""Themes are declared by carrying them, so a misspelt one is told by what it is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.diagnostics import Code, nearest, suggestion
from offerkit.graph.record import Finding, Index, PathInside, Record

_CARRIERS = (Kind.CATEGORY, Kind.TEMPLATE, Kind.OFFER)
_ASKING = (Kind.SPACE, Kind.CAMPAIGN)
_ALIKE = 0.74
"""Two letters changed places in a word of four (city, ctiy), or in any longer one."""


def unknown_themes(index: Index, environment: str) -> Iterator[Finding]:
    """What a space or a delivery asks for and nothing carries: it would always get nothing."""
    if not all(record.valid for kind in _CARRIERS for record in index.group(environment, kind).values()):
        return  # what they carry is not known
    carried = {theme for _, theme, _ in _themes(index, environment, _CARRIERS)}
    for record, theme, path in _themes(index, environment, _ASKING):
        if theme not in carried:
            yield Finding(
                record, path, Code.UNKNOWN_THEME, f"no offer, template or category carries the theme “{theme}”",
                "A theme is what offers and categories carry; asking for another one finds nothing.",
                suggestion(theme, carried, "Add it to the themes of an offer or category."), named=theme,
            )  # fmt: skip


def lonely_themes(index: Index) -> Iterator[Finding]:
    """Themes that look misspelt: one resource carries it, nothing asks for it, and another theme is nearly the same."""
    for environment in index.environments:
        carried = list(_themes(index, environment, _CARRIERS))
        asked = {theme for _, theme, _ in _themes(index, environment, _ASKING)}
        count = Counter(theme for _, theme, _ in carried)
        others = [theme for theme in count if count[theme] > 1 or theme in asked]
        for record, theme, path in carried:
            if count[theme] > 1 or theme in asked:
                continue
            near = nearest(theme, others, 1, _ALIKE)
            if near:
                yield Finding(
                    record, path, Code.LONELY_THEME, f"the theme “{theme}” stands here only, and nothing asks for it",
                    f"Others carry or ask for “{near[0]}”.",
                    f"Did you mean {near[0]}? If not, ask for {theme} somewhere.", named=theme,
                )  # fmt: skip


def _themes(index: Index, environment: str, kinds: tuple[Kind, ...]) -> Iterator[tuple[Record, str, PathInside]]:
    for kind in kinds:
        for record in index.group(environment, kind).values():
            for theme, path in record.facts.themes:
                yield record, theme, path
