"""The impact of a plan on contacts as Markdown, for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offerkit.engine.impact import Impact, SpaceImpact
from offerkit.reports.escape import markdown
from offerkit.reports.impact import (
    NumberTable,
    caveats,
    changed_sentence,
    emptied_sentence,
    offer_table,
    quiet_sentences,
    segment_table,
)
from offerkit.reports.steps_markdown import MARKDOWN, Room
from offerkit.reports.style import Layout, Presentation
from offerkit.reports.templating import call

_TEXT, _EXAMPLE, _VALUE, _EXAMPLES = 1_000, 160, 60, 2
_TABLES = 0.25
"""The part of the room that is kept for the tables, when sentences alone would fill it."""


def impact_markdown(impact: Impact, presentation: Presentation = MARKDOWN) -> str:
    """A table for each space where something changes, in at most ``limit`` bytes, saying so when it is cut short.

    Ends with a newline.
    """
    layout, limit = presentation.layout, presentation.limit
    if not impact.spaces and not impact.silent:
        return "## Impact: no contact is affected\n"
    before, after = (layout.clipped(text, _VALUE * 2) for text in (impact.before, impact.after))
    head = f"## Impact: {impact.n} for each contact, {markdown(before)} → {markdown(after)}"
    notes = [f"> {_said(sentence, layout)}" for sentence in caveats(impact)]
    quiet = [_said(sentence, layout) for sentence in quiet_sentences(impact)]
    room = Room(limit - sum(len(part.encode()) + 2 for part in (head, *notes, *quiet)) - 400)
    changed = [space for space in impact.spaces if space.changed]
    reserve = int(room.left * _TABLES)
    shown = [_fitting([_title(space, layout)], room, reserve) for space in changed]
    # The offers of every space before the segments of any, so that what is left out is what tells less.
    for tables in (_offers, _segments):
        for page, space in zip(shown, changed, strict=True):
            for rows in tables(space, layout):
                page += ["", *_fitting(rows, room)] if page else _left_out(rows, room)
    parts = ["\n".join(page).strip("\n") for page in shown]
    return "\n\n".join(part for part in [head, *notes, room.note, *parts, *quiet] if part) + "\n"


def _said(text: str, layout: Layout) -> str:
    return markdown(layout.clipped(text, _TEXT))


def _fitting(rows: Sequence[str], room: Room, reserve: int = 0) -> list[str]:
    """The first of ``rows`` that fit, and no head of a table alone; the others are counted."""
    head = 2 if len(rows) > 1 else 0
    shown: list[str] = []
    for row in rows:
        if not room.take(row, reserve):
            break
        shown.append(row)
    if len(shown) <= head and len(shown) < len(rows):
        shown = []
    room.rows_left_out += len(rows) - max(len(shown), head)
    return shown


def _left_out(rows: Sequence[str], room: Room) -> list[str]:
    room.rows_left_out += len(rows) - 2
    return []


def _title(space: SpaceImpact, layout: Layout) -> str:
    sentences = "; ".join(filter(None, [changed_sentence(space), emptied_sentence(space)]))
    warning = "⚠ " if space.exceeds else ""
    return f"{warning}**{markdown(space.space)}**: {markdown(layout.clipped(sentences, _TEXT))}"


def _offers(space: SpaceImpact, layout: Layout) -> Iterator[list[str]]:
    yield _table(offer_table(space), layout)


def _segments(space: SpaceImpact, layout: Layout) -> Iterator[list[str]]:
    for axis, segments in space.segments:
        yield _table(segment_table(axis, segments, space.sample), layout)


def _table(table: NumberTable, layout: Layout) -> list[str]:
    """The head, its ruler, and the rows."""
    head = call("impact.md", "head", table.head, table.axis)
    rows = []
    for row in table.rows:
        name = layout.clipped(row.name, _VALUE) if table.axis else row.name
        examples = row.examples[: _EXAMPLES if layout.concise else None]
        examples = [layout.clipped(text, _EXAMPLE) for text in examples]
        rows.append(call("impact.md", "row", name, " | ".join(row.numbers), examples, table.axis))
    return [*head.split("\n"), *rows]
