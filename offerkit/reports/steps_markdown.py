"""Steps as Markdown: a table to scan, and a folded diff for each resource that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from offerkit.plans.plan import Step
from offerkit.reports.escape import fenced
from offerkit.reports.facts import facts
from offerkit.reports.fields import step_diff
from offerkit.reports.groups import Bunch, KindGroup, Section, sections
from offerkit.reports.line_diff import DiffLine
from offerkit.reports.style import GITHUB_LIMIT, Layout, Presentation
from offerkit.reports.templating import call
from offerkit.reports.words import DONE, SIGNS, VERBS, count, count_kind, position, reason
from offerkit.state.changes import Action, Body

_TABLES = 0.6
"""The part of the room that tables may take when not everything fits."""
_LEAST = 300
"""Below this much room no diff is worth trying."""
_LABEL, _FACT, _PATHS = 48, 300, 4
CONCISE = Layout(names=5)
"""The default in a pull request."""
MARKDOWN = Presentation(layout=CONCISE)
"""The same as one comment."""


@dataclass(slots=True)
class Room:
    """The bytes that are left, and what was left out for lack of room."""

    left: int
    rows_left_out: int = 0
    details_left_out: int = 0

    def take(self, text: str, reserve: int = 0) -> bool:
        """Whether ``text`` fits with ``reserve`` bytes to spare; then its room is taken."""
        size = len(text.encode()) + 2
        if size > self.left - reserve:
            return False
        self.left -= size
        return True

    @property
    def note(self) -> str:
        """What was left out, in a sentence; empty when all is there."""
        parts = [count(self.rows_left_out, "table row")] if self.rows_left_out else []
        parts += [f"the fields of {count(self.details_left_out, 'resource')}"] if self.details_left_out else []
        if not parts:
            return ""
        return (
            f"> **Cut short**: {' and '.join(parts)} did not fit. "
            f"A GitHub comment takes {GITHUB_LIMIT:,} characters at most; the plan itself has everything."
        )


@dataclass(slots=True)
class _Page:
    """A section being written: its table, then what is folded below it."""

    table: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)


def steps_markdown(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    layout: Layout = CONCISE,
    *,
    by_stage: bool = True,
    across: tuple[str, str] | None = None,
    room: Room | None = None,
) -> str:
    """A table for each stage (in a diff: for each environment), and folded diffs below it."""
    room = room or Room(GITHUB_LIMIT)
    listed_sections = sections(steps, layout.limit, by_stage=by_stage, across=across)
    reserve = int(room.left * (1 - _TABLES))
    pages = [_Page(_table(section, layout, room, reserve, by_stage)) for section in listed_sections]
    for new in (False, True):  # what changes first, what is new with the room that is left
        for page, section in zip(pages, listed_sections, strict=True):
            for group in section.groups:
                page.details += _details(group, new, bodies, layout, room)
    parts = [part for page in pages for part in ("\n".join(page.table), *page.details) if part]
    return "\n\n".join(parts)


def _table(section: Section, layout: Layout, room: Room, reserve: int, reasons: bool) -> list[str]:
    rows = [table_head(section.title, reasons=reasons)]
    if not room.take(rows[0], reserve):
        room.rows_left_out += sum(len(bunch.steps) for group in section.groups for bunch in group.bunches)
        return []
    for group in section.groups:
        for bunch in group.bunches:
            for step in bunch.steps:
                row = step_row(step, layout, reasons=reasons)
                if room.rows_left_out == 0 and room.take(row, reserve):
                    rows.append(row)
                else:
                    room.rows_left_out += 1
            more = f"| {SIGNS[bunch.action]} | {bunch.more} | | |"
            if bunch.more and room.take(more):
                rows.append(more)
    return rows


def table_head(title: str, *, reasons: bool = True) -> str:
    """The heading of a stage's table, and the table's head."""
    return call("steps.md", "head", title, reasons)


def step_row(step: Step, layout: Layout, *, reasons: bool = True) -> str:
    """A row of the table: what happens to which resource, why, what that means, and where it is declared."""
    shown = step.changes[:_PATHS] if layout.concise else step.changes
    return call(
        "steps.md",
        "row",
        sign=SIGNS[step.action],
        verb=(VERBS if reasons else DONE)[step.action],
        address=step.address,
        label=layout.clipped(step.label, _LABEL),
        why=layout.clipped(reason(step, plan=reasons), _FACT),
        paths=[layout.clipped(change.path, _LABEL) for change in shown],
        more=len(step.changes) - len(shown),
        facts=[(label, layout.clipped(text, _FACT)) for label, text in facts(step, layout)],
        position=position(step),
    )


def _details(group: KindGroup, new: bool, bodies: Mapping[str, Body], layout: Layout, room: Room) -> list[str]:
    """The folded diffs of one kind: one for each changed resource, one for all new ones together."""
    texts = []
    for bunch in group.bunches:
        if (bunch.action is Action.CREATE) is not new or (new and bunch.total > layout.bodies):
            continue
        for steps in [bunch.steps] if new else [(step,) for step in bunch.steps]:
            text = _folded(steps, bunch, bodies, layout) if room.left > _LEAST else "?"
            if text and room.left > _LEAST and room.take(text):
                texts.append(text)
            elif text:
                room.details_left_out += len(steps)
    return texts


def _folded(steps: Sequence[Step], bunch: Bunch, bodies: Mapping[str, Body], layout: Layout) -> str:
    """One folded diff over ``steps``; empty when there is nothing to see in it."""
    rows: list[DiffLine] = []
    for step in steps:
        diff = step_diff(step, bodies, layout)
        if len(steps) > 1:
            rows.append(DiffLine("+", f"{step.address}:"))
            diff = [DiffLine(mark, f"  {text}") for mark, text in diff]
        rows += diff
    if len(rows) <= (len(steps) if len(steps) > 1 else 0):
        return ""
    many = len(steps) > 1
    title = f"{SIGNS[bunch.action]} {count_kind(len(steps), bunch.kind)}" if many else step_title(steps[0], layout)
    return folded(title, diff_block(rows))


def folded(title: str, content: str, *, opened: bool = False) -> str:
    """``content``, which is Markdown, below a ``title``, which is HTML."""
    return call("steps.md", "folded", title, content, opened)


def diff_block(rows: Sequence[DiffLine]) -> str:
    """A fenced block of changes."""
    lines = [f"@@ {text} @@" if mark == "@" else f"{mark} {text}".rstrip(" ") for mark, text in rows]
    return fenced("\n".join(lines), "diff")


def step_title(step: Step, layout: Layout) -> str:
    """What is folded, as HTML."""
    return call("steps.md", "title", SIGNS[step.action], step.address, layout.clipped(step.label, _LABEL))
