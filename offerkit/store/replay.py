"""One revision's changes of one stage, taken as a set: applied forwards or undone.

First everything that was leaves its place, then everything that will be takes its own, so that two
resources may swap their names in one revision.
"""

from __future__ import annotations

from collections.abc import Iterable

from offerkit.store.rows import NO_ENTRY, ChangeText, EntryText


def apply(entries: dict[str, EntryText], changes: Iterable[ChangeText]) -> list[str]:
    """Change ``entries`` in place; the addresses where something else stood than the changes say."""
    moves = [(c.source, c.before, c.address, c.after) for c in changes]
    return _replace(entries, moves)


def undo(entries: dict[str, EntryText], changes: Iterable[ChangeText]) -> list[str]:
    """Take the changes back, in place; the addresses where something else stood than the changes say."""
    moves = [(c.address, c.after, c.source, c.before) for c in changes]
    return _replace(entries, moves)


def _replace(entries: dict[str, EntryText], moves: list[tuple[str, EntryText, str, EntryText]]) -> list[str]:
    conflicts = []
    for source, was, _, _ in moves:
        if was != NO_ENTRY and entries.pop(source, NO_ENTRY) != was:
            conflicts.append(source)
    for _, _, target, becomes in moves:
        if becomes != NO_ENTRY:
            if target in entries:
                conflicts.append(target)
            entries[target] = becomes
    return conflicts
