"""Suggestions: the known names that the user most likely meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def nearest(name: str, known: Iterable[str], count: int = 3, alike: float = 0.6) -> list[str]:
    """Up to ``count`` of ``known`` most similar to ``name``, best first. ``alike``: the least similarity, 0 to 1."""
    from difflib import get_close_matches

    if len(name) > 200:
        return []
    by_fold = {candidate.casefold(): candidate for candidate in sorted(known, reverse=True)}
    return [by_fold[fold] for fold in get_close_matches(name.casefold(), by_fold, n=count, cutoff=alike)]


def or_list(names: Iterable[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    items = list(names)
    return " or ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def and_list(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def suggestion(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint with the names most similar to ``name``; else ``otherwise``, or all known names if there are few."""
    names = sorted(known)
    close = nearest(name, names)
    if close:
        return f"Did you mean {or_list(close)}?"
    if otherwise:
        return otherwise
    if 0 < len(names) <= 12:
        return f"Known: {', '.join(names)}."
    return ""
