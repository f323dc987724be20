"""Steps as text, for plans and diffs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offerkit.plans.plan import Step
from offerkit.reports.escape import visible
from offerkit.reports.facts import facts
from offerkit.reports.fields import FieldView, body_lines, field_views
from offerkit.reports.groups import Bunch, sections
from offerkit.reports.line_diff import DiffLine
from offerkit.reports.style import CONCISE, PLAIN, Layout, Style, display_width, indented, pad
from offerkit.reports.words import SIGNS, position, reason
from offerkit.state.changes import Action, Body

_LABEL = 48
_PATH = 40


def steps_text(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    style: Style = PLAIN,
    layout: Layout = CONCISE,
    *,
    by_stage: bool = True,
    across: tuple[str, str] | None = None,
) -> str:
    """Every step, by stage (in a diff, without ``by_stage``: by environment, and without reasons)."""
    rows: list[str] = []
    for section in sections(steps, layout.limit, by_stage=by_stage, across=across):
        for group in section.groups:
            rows += [f"{style.bold(visible(section.title))} · {group.title}", ""]
            for bunch in group.bunches:
                rows += _bunch(bunch, bodies, style, layout, by_stage)
    return "\n".join(rows)


def _bunch(bunch: Bunch, bodies: Mapping[str, Body], style: Style, layout: Layout, reasons: bool) -> list[str]:
    """The steps of one action: one by one with their details, or a table when they are many and have none."""
    heads = _heads(bunch, style, layout, reasons)
    brief = bunch.action is Action.CREATE and bunch.total > layout.bodies
    rows: list[str] = []
    apart = False
    for step, head in zip(bunch.steps, heads, strict=True):
        details = _facts(step, style, layout)
        details += _changes(step, style, layout)
        if not brief:
            details += [f"      {visible(line)}" for line in body_lines(step, bodies, layout)]
        rows += [head, *details] + ([""] if details else [])
        apart = bool(details)
    if bunch.more:
        rows.append(f"  {style.action(bunch.action, SIGNS[bunch.action])} {style.dim(bunch.more)}")
        apart = False
    if brief:
        rows.append(f"    {style.dim('(listed without fields; --full shows them)')}")
    return rows if apart else [*rows, ""]


def _heads(bunch: Bunch, style: Style, layout: Layout, reasons: bool) -> list[str]:
    """``+ address  label  reason at file:line`` for each step, in straight columns."""
    addresses = [visible(step.address) for step in bunch.steps]
    labels = [visible(layout.clipped(step.label, _LABEL)) for step in bunch.steps]
    wide, wide_label = (max(map(display_width, column), default=0) for column in (addresses, labels))
    sign = style.action(bunch.action, SIGNS[bunch.action])
    rows = []
    for step, address, label in zip(bunch.steps, addresses, labels, strict=True):
        why = " · ".join(filter(None, [reason(step, plan=reasons), position(step)]))
        cells = f"{style.bold(address)}{' ' * (wide - display_width(address))}"
        cells += f"  {pad(label, wide_label)}" if wide_label else ""
        rows.append(f"  {sign} {cells}  {style.dim(visible(why))}".rstrip())
    return rows


def _facts(step: Step, style: Style, layout: Layout) -> list[str]:
    rows: list[str] = []
    for label, text in facts(step, layout):
        first, *rest = indented(f"      {label}: ", visible(text), layout.width)
        rows += [first.replace(f"{label}:", style.cyan(f"{label}:"), 1), *rest]
    return rows


def _changes(step: Step, style: Style, layout: Layout) -> list[str]:
    views = field_views(step.changes, layout)
    short = [len(view.path) for view in views if not view.lines and len(view.path) <= _PATH]
    rows: list[str] = []
    for view in views:
        rows += change_rows(view, max(short, default=0), style)
    if more := len(step.changes) - len(views):
        rows.append(style.dim(f"      … {more:,} more fields"))
    return rows


def change_rows(view: FieldView, wide: int, style: Style) -> list[str]:
    """A changed field: ``~ title: "old" → "new"``, or its name and a line diff below."""
    mark = style.mark(view.mark, view.mark)
    path = visible(view.path)
    if view.lines:
        return [f"      {mark} {path}:", *diff_rows(view.lines, style)]
    before, after = style.red(visible(view.before)), style.green(visible(view.after))
    value = f"{before} → {after}" if before and after else before or after
    notes = [style.dim(f"        {visible(note)}") for note in view.notes]
    return [f"      {mark} {path}: {' ' * (wide - len(path))}{value}", *notes]


def diff_rows(lines: Sequence[DiffLine], style: Style) -> list[str]:
    """The lines of a changed text, below its field's name."""
    rows = []
    for mark, text in lines:
        row = f"{' ' if mark == '@' else mark} {visible(text, multiline=True)}".rstrip()
        rows.append(f"        {style.mark(mark, row)}".rstrip())
    return rows
