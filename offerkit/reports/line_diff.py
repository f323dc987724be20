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


def capped(rows: Sequence[DiffLine], limit: int) -> tuple[DiffLine, ...]:
    """The first ``most`` rows, then how many more there are."""
    if len(rows) <= limit:
        return tuple(rows)
    return (*rows[:limit], DiffLine("@", f"… {len(rows) - limit:,} more lines"))


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
    compared = -head
    for group in groups:
        rows += _skipped(group[0][1] - compared)
        compared = group[-1][2]
        for tag, i1, i2, j1, j2 in group:
            rows += _rows_of(tag == "equal", middle_old[i1:i2], middle_new[j1:j2], layout)
    return rows + _skipped(len(middle_old) + tail - compared)


def _common(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many items (or characters) two sequences share at their beginning and at their end."""
    most = min(len(old), len(new))
    head = next((index for index in range(most) if old[index] != new[index]), most)
    rest = most - head
    tail = next((index for index in range(rest) if old[-1 - index] != new[-1 - index]), rest)
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
    for old_index, new_index in _counterparts(old, new):
        shown[old_index], others[new_index], note = told_apart(old[old_index], new[new_index])
        notes[note] = None
    if not any(notes) and [line.split() for line in old] == [line.split() for line in new]:
        shown, others = [_spaces_shown(line) for line in old], [_spaces_shown(line) for line in new]
    elif len(old) == len(new):
        pairs = [_narrowed(old_line, new_index, layout) for old_line, new_index in zip(shown, others, strict=True)]
        shown, others = [old_line for old_line, _ in pairs], [new_index for _, new_index in pairs]
    removed = [DiffLine("-", _shortened(s, layout) + host_note(line)) for s, line in zip(shown, old, strict=True)]
    added = [DiffLine("+", _shortened(s, layout) + host_note(line)) for s, line in zip(others, new, strict=True)]
    return [*removed, *added, *(DiffLine("@", f"differs: {note}") for note in notes if note)]


def _counterparts(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The lines of a block to compare with each other: lookalikes, or else lines at the same position.

    If only ASCII spaces differ, the block shows that by itself.
    """
    index_by_shape: dict[str, int] = {}
    if not all(line.isascii() for line in (*old, *new)):
        index_by_shape = {skeleton(line): index for index, line in enumerate(new)}
    counterparts = {
        index: index_by_shape[look]
        for index, line in enumerate(old)
        if index_by_shape and (look := skeleton(line)) in index_by_shape
    }
    paired = set(counterparts.values())
    if len(old) == len(new):
        counterparts |= {index: index for index in range(len(old)) if index not in counterparts and index not in paired}
    return [
        (i, j) for i, j in counterparts.items() if old[i].split() != new[j].split() or not (old[i] + new[j]).isascii()
    ]


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


def _word_start(text: str, position: int) -> int:
    """``place`` moved back to the beginning of its word, when that is near."""
    if position <= _AROUND // 2:
        return 0
    space = text.rfind(" ", position - _AROUND // 2, position)
    return space + 1 if space >= 0 else position


def _window(text: str, start: int, stop: int) -> str:
    """``text`` without its first ``start`` and last ``stop`` characters, which leave ellipses."""
    return ("…" if start else "") + text[start : len(text) - stop] + ("…" if stop else "")
