"""Themes that nothing has, or that look misspelt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.diagnostics import Code, nearest, suggestion
from offerkit.fingerprint import JsonPath
from offerkit.specs.facts import COUNTED
from offerkit.specs.record import Index, Mistake, Record

_CARRIERS = (Kind.CATEGORY, Kind.TEMPLATE, Kind.OFFER)
_ASKING = (Kind.SPACE, Kind.RULE, Kind.CAMPAIGN)
_ALIKE = 0.74
"""Finds two swapped letters in words of four letters (city, ctiy) or more."""


def unknown_themes(index: Index, environment: str) -> Iterator[Mistake]:
    """Themes that a space, rule, delivery or ``eligible.history`` asks for and no offer, template or category has."""
    if not all(record.valid for kind in _CARRIERS for record in index.group(environment, kind).values()):
        return  # their themes are not known
    carried = {theme for _, theme, _ in _carried(index, environment)}
    for record, theme, path in _asked_for(index, environment):
        if theme not in carried:
            yield Mistake(
                record,
                path,
                Code.UNKNOWN_THEME,
                f"no offer, template or category has the theme “{theme}”",
                "Asking for a theme that no offer has finds nothing.",
                suggestion(theme, carried, "Add it to the themes of an offer or category."),
                named=theme if path[-1] != "theme" else "",
            )


def lonely_themes(index: Index) -> Iterator[Mistake]:
    """Themes that look misspelt: only one resource has it, nothing asks for it, and another theme is similar."""
    for environment in index.environments:
        carried = list(_carried(index, environment))
        asked_for = {theme for _, theme, _ in _asked_for(index, environment)}
        count = Counter(theme for _, theme, _ in carried)
        candidates = [theme for theme in count if count[theme] > 1 or theme in asked_for]
        for record, theme, path in carried:
            if count[theme] > 1 or theme in asked_for:
                continue
            near = nearest(theme, candidates, 1, _ALIKE)
            if near:
                yield Mistake(
                    record,
                    path,
                    Code.LONELY_THEME,
                    f"the theme “{theme}” is used only here, and nothing asks for it",
                    f"Other resources have or ask for “{near[0]}”.",
                    f"Did you mean {near[0]}? If not, ask for {theme} somewhere.",
                    named=theme,
                )


def _carried(index: Index, environment: str) -> Iterator[tuple[Record, str, JsonPath]]:
    return (each for each in _themes(index, environment, _CARRIERS) if each[2][: len(COUNTED)] != COUNTED)


def _asked_for(index: Index, environment: str) -> Iterator[tuple[Record, str, JsonPath]]:
    yield from _themes(index, environment, _ASKING)
    yield from (each for each in _themes(index, environment, _CARRIERS) if each[2][: len(COUNTED)] == COUNTED)


def _themes(index: Index, environment: str, kinds: tuple[Kind, ...]) -> Iterator[tuple[Record, str, JsonPath]]:
    for kind in kinds:
        for record in index.group(environment, kind).values():
            for theme, path in record.facts.themes:
                yield record, theme, path
