"""The line diff of two texts, with long lines cut to the part that differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from offerkit.reports.escape import clip
from offerkit.reports.lookalike import host_note, skeleton, told_apart
from offerkit.reports.style import Layout

_CONTEXT = 2
_AROUND = 24
"""Characters kept on both sides of what differs within a long line."""
_EFFORT = 250_000
"""Above this product of line counts the lines are not compared one by one."""


class DiffLine(NamedTuple):
    """A line: ``mark`` is ``+``, ``-``, a space (unchanged) or ``@`` (says what is left out)."""

    mark: str
    text: str


def line_diff(before: str, after: str, layout: Layout) -> tuple[DiffLine, ...]:
    """The lines that differ between two texts, with two unchanged ones around them."""
    return capped(_compare(before.split("\n"), after.split("\n"), layout), layout.lines)


def all_lines(mark: str, lines: Sequence[str], layout: Layout) -> tuple[DiffLine, ...]:
    """All lines with the same mark: a text that was added or removed as a whole."""
    rows = [DiffLine(mark, _shortened(line, layout) + host_note(line)) for line in lines[: layout.lines]]
    rows += [DiffLine(mark, "")] * max(0, len(lines) - layout.lines)
    return capped(rows, layout.lines)


def capped(rows: Sequence[DiffLine], most: int) -> tuple[DiffLine, ...]:
    """The first ``most`` rows, then how many more there are."""
    if len(rows) <= most:
        return tuple(rows)
    return (*rows[:most], DiffLine("@", f"… {len(rows) - most:,} more lines"))


def _compare(old: list[str], new: list[str], layout: Layout) -> list[DiffLine]:
    from difflib import SequenceMatcher

    head, tail = _common(old, new)
    if (len(old) - head - tail) * (len(new) - head - tail) > _EFFORT:
        return [
            DiffLine("@", f"too many lines to compare: {len(old):,} before, {len(new):,} after"),
            *all_lines("-", old[head : len(old) - tail], layout)[: layout.lines // 2],
            *all_lines("+", new[head : len(new) - tail], layout)[: layout.lines // 2],
        ]
    head, tail = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    groups = SequenceMatcher(None, middle_old, middle_new, autojunk=False).get_grouped_opcodes(_CONTEXT)
    rows: list[DiffLine] = []
    seen = -head
    for group in groups:
        rows += _skipped(group[0][1] - seen)
        seen = group[-1][2]
        for tag, i1, i2, j1, j2 in group:
            rows += _rows_of(tag == "equal", middle_old[i1:i2], middle_new[j1:j2], layout)
    return rows + _skipped(len(middle_old) + tail - seen)


def _common(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many items (or characters) two sequences share at their beginning and at their end."""
    most = min(len(old), len(new))
    head = next((place for place in range(most) if old[place] != new[place]), most)
    rest = most - head
    tail = next((place for place in range(rest) if old[-1 - place] != new[-1 - place]), rest)
    return head, tail


def _skipped(number: int) -> list[DiffLine]:
    if number <= 0:
        return []
    return [DiffLine("@", f"… {number:,} unchanged line{'s' if number > 1 else ''}")]


def _rows_of(equal: bool, old: list[str], new: list[str], layout: Layout) -> list[DiffLine]:
    """One block of the comparison as rows."""
    if equal:
        return [DiffLine(" ", clip(line, layout.width)) for line in old]
    shown, others = list(old), list(new)
    notes: dict[str, None] = {}
    for place, other in _counterparts(old, new):
        shown[place], others[other], note = told_apart(old[place], new[other])
        notes[note] = None
    if not any(notes) and [line.split() for line in old] == [line.split() for line in new]:
        shown, others = [_spaces_shown(line) for line in old], [_spaces_shown(line) for line in new]
    elif len(old) == len(new):
        pairs = [_narrowed(one, other, layout) for one, other in zip(shown, others, strict=True)]
        shown, others = [one for one, _ in pairs], [other for _, other in pairs]
    gone = [DiffLine("-", _shortened(s, layout) + host_note(line)) for s, line in zip(shown, old, strict=True)]
    come = [DiffLine("+", _shortened(s, layout) + host_note(line)) for s, line in zip(others, new, strict=True)]
    return [*gone, *come, *(DiffLine("@", f"differs: {note}") for note in notes if note)]


def _counterparts(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The lines of a block to compare with each other: lookalikes, or else lines at the same position.

    If only ASCII spaces differ, the block shows that by itself.
    """
    looks: dict[str, int] = {}
    if not all(line.isascii() for line in (*old, *new)):
        looks = {skeleton(line): place for place, line in enumerate(new)}
    alike = {place: looks[look] for place, line in enumerate(old) if looks and (look := skeleton(line)) in looks}
    taken = set(alike.values())
    if len(old) == len(new):
        alike |= {place: place for place in range(len(old)) if place not in alike and place not in taken}
    return [(i, j) for i, j in alike.items() if old[i].split() != new[j].split() or not (old[i] + new[j]).isascii()]


def _spaces_shown(line: str) -> str:
    """A line whose spaces are all that changed: tabs spelled out, spaces at the end as dots."""
    bare = line.rstrip(" ")
    return (bare + "·" * (len(line) - len(bare))).replace("\t", "\\t")


def _shortened(line: str, layout: Layout) -> str:
    """A line; a very long one loses its middle."""
    room = layout.width * 3
    if len(line) <= room or not layout.concise:
        return line
    return f"{line[: room // 2]} … {len(line) - room:,} more characters … {line[-room // 2 :]}"


def _narrowed(old: str, new: str, layout: Layout) -> tuple[str, str]:
    """Two long lines cut down to what differs and a little around it; short ones as they are."""
    if max(len(old), len(new)) <= layout.width:
        return old, new
    head, tail = _common(old, new)
    start = _word_start(old, head - _AROUND)
    stop = _word_start(old[::-1], tail - _AROUND)
    return _window(old, start, stop), _window(new, start, stop)


def _word_start(text: str, place: int) -> int:
    """``place`` moved back to the beginning of its word, when that is near."""
    if place <= _AROUND // 2:
        return 0
    space = text.rfind(" ", place - _AROUND // 2, place)
    return space + 1 if space >= 0 else place


def _window(text: str, start: int, stop: int) -> str:
    """``text`` without its first ``start`` and last ``stop`` characters, which leave ellipses."""
    return ("…" if start else "") + text[start : len(text) - stop] + ("…" if stop else "")
