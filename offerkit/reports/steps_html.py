"""Steps as HTML: what a plan's and a diff's page have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offerkit.plans.plan import FieldChange, Step
from offerkit.reports.approvals import Reviewed
from offerkit.reports.escape import html
from offerkit.reports.facts import facts
from offerkit.reports.fields import FieldView, body_lines, field_views
from offerkit.reports.groups import Bunch, sections
from offerkit.reports.line_diff import DiffLine
from offerkit.reports.style import CONCISE, Layout
from offerkit.reports.words import DONE, SIGNS, VERBS, position, reason
from offerkit.state.changes import Action, Body

_LABEL = 120
_CLASSES = {"+": "come", "-": "gone", "@": "left-out", " ": "kept"}


def steps_html(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    layout: Layout = CONCISE,
    *,
    by_stage: bool = True,
    across: tuple[str, str] | None = None,
) -> str:
    """Every step, by stage (in a diff, without ``by_stage``: by environment, and without reasons)."""
    rows: list[str] = []
    for section in sections(steps, layout.limit, by_stage=by_stage, across=across):
        rows += ["<section>", f"<h2>{html(section.title)}</h2>"]
        for group in section.groups:
            rows.append(f"<h3>{html(group.title)}</h3>")
            for bunch in group.bunches:
                rows += _bunch(bunch, bodies, layout, by_stage)
        rows.append("</section>")
    return "\n".join(rows)


def _bunch(bunch: Bunch, bodies: Mapping[str, Body], layout: Layout, reasons: bool) -> list[str]:
    brief = bunch.action is Action.CREATE and bunch.total > layout.bodies
    rows = []
    for step in bunch.steps:
        lines = [] if brief else body_lines(step, bodies, layout)
        rows.append(_step(step, lines, layout, reasons))
    if bunch.more:
        rows.append(f'<p class="quiet">{SIGNS[bunch.action]} {html(bunch.more)}</p>')
    return rows


def _step(step: Step, lines: Sequence[str], layout: Layout, reasons: bool) -> str:
    origin = " · ".join(filter(None, [reason(step, plan=reasons), position(step)]))
    verbs = VERBS if reasons else DONE
    label = f"<span>{html(layout.clipped(step.label, _LABEL))}</span>" if step.label else ""
    rows = [
        f'<article class="{step.action.value}">',
        f'<header><b class="sign">{SIGNS[step.action]} {verbs[step.action]}</b>'
        f'<code>{html(step.address)}</code>{label}<span class="origin quiet">{html(origin)}</span></header>',
    ]
    rows += [f"<p><b>{html(name)}:</b> {html(text)}</p>" for name, text in facts(step, layout)]
    if lines:
        rows.append(f"<pre>{html(chr(10).join(lines), multiline=True)}</pre>")
    return "\n".join([*rows, *_changes(step.changes, layout), "</article>"])


def _changes(changes: Sequence[FieldChange], layout: Layout) -> list[str]:
    views = field_views(changes, layout)
    rows = ["<table>", *(_field(view) for view in views), "</table>"] if views else []
    if more := len(changes) - len(views):
        rows.append(f'<p class="quiet">… {more:,} more fields</p>')
    return rows


def reviewed_html(rows: Sequence[Reviewed], layout: Layout = CONCISE) -> str:
    """What is decided of one offer: each aspect with what it changes in live. Aspects of the same changes are one."""
    together: list[list[Reviewed]] = []
    for row in rows:
        same = next((group for group in together if (group[0].new, group[0].changes) == (row.new, row.changes)), None)
        if same is None:
            together.append([row])
        else:
            same.append(row)
    parts = []
    for group in together:
        aspects = ", ".join(row.what for row in group)
        parts += [f'<p><b>{html(aspects)}</b><span class="quiet">{group[0].beside_live}</span></p>']
        parts += _changes(group[0].changes, layout)
    return "\n".join(parts)


def _field(view: FieldView) -> str:
    """A changed field as a table row."""
    if view.lines:
        value = lines_html(view.lines)
    else:
        parts = [f"<del>{html(view.before)}</del>"] if view.before else []
        parts += [f"<ins>{html(view.after)}</ins>"] if view.after else []
        value = f"<code>{' → '.join(parts)}</code>"
        value += "".join(f'<br><span class="quiet">{html(note)}</span>' for note in view.notes)
    name = f'<th scope="row"><code>{view.mark}&nbsp;{html(view.path)}</code></th>'
    return f'<tr class="field">{name}<td>{value}</td></tr>'


def lines_html(lines: Sequence[DiffLine]) -> str:
    """A line diff as a block."""
    spans = (
        f'<span class="{_CLASSES[mark]}">{" " if mark == "@" else mark} {html(text, multiline=True)}</span>'
        for mark, text in lines
    )
    return f"<pre>{''.join(spans)}</pre>"
