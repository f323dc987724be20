"""The difference between two stages, in every form: steps that say what the second has against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from offerkit.fingerprint import Json
from offerkit.planning.plan import Step, renamed
from offerkit.reports.escape import html, json_text, markdown, visible
from offerkit.reports.groups import local_name
from offerkit.reports.page import page
from offerkit.reports.steps_html import steps_html
from offerkit.reports.steps_markdown import CONCISE as CONCISE_MARKDOWN
from offerkit.reports.steps_markdown import GITHUB_LIMIT, Room, steps_markdown
from offerkit.reports.steps_text import steps_text
from offerkit.reports.style import CONCISE, PLAIN, Layout, Style
from offerkit.reports.words import difference
from offerkit.state.changes import Body, Entry

Titles: TypeAlias = tuple[str, str]
"""What is compared: the first, then the second, which ``+`` and the values after ``→`` belong to."""
Across: TypeAlias = "tuple[str, str] | None"
"""The two environments, where one is compared with another: resources then go by their names without it."""


def diff_text(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    titles: Titles,
    style: Style = PLAIN,
    layout: Layout = CONCISE,
    *,
    across: Across = None,
) -> str:
    """The difference as text. Ends with a newline."""
    heading = style.bold(visible(" → ".join(titles)))
    parts = [heading, steps_text(steps, bodies, style, layout, by_stage=False, across=across).strip("\n")]
    closing = style.bold(visible(difference(steps, titles)))
    return style.finish("\n\n".join(filter(None, [*parts, closing])) + "\n")


def diff_markdown(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    titles: Titles,
    layout: Layout = CONCISE_MARKDOWN,
    *,
    limit: int = GITHUB_LIMIT,
    across: Across = None,
) -> str:
    """The difference as Markdown of at most ``limit`` bytes. Ends with a newline."""
    heading = f"### {markdown(layout.clipped(' → '.join(titles), 500))}"
    summary = f"**{markdown(layout.clipped(difference(steps, titles), 500))}**"
    room = Room(limit - len(f"{heading}{summary}".encode()) - 400)
    body = steps_markdown(steps, bodies, layout, by_stage=False, across=across, room=room)
    return "\n\n".join(filter(None, [heading, summary, room.note, body])) + "\n"


def diff_html(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    titles: Titles,
    layout: Layout = CONCISE,
    *,
    across: Across = None,
) -> str:
    """The difference as one self-contained HTML page."""
    title = " → ".join(titles)
    summary = f'<p class="summary">{html(difference(steps, titles))}</p>'
    body = steps_html(steps, bodies, layout, by_stage=False, across=across)
    return page(title, f"<h1>{html(title)}</h1>\n{summary}\n{body}")


def diff_json(steps: Sequence[Step], titles: Titles, *, across: Across = None) -> str:
    """The difference as JSON, with every field change. Ends with a newline."""
    first, second = titles
    shown = steps if across is None else [renamed(step, local_name(step.address)) for step in steps]
    document = {"from": first, "to": second, "steps": [step_dict(step) for step in shown]}
    return json_text(document)


def step_dict(step: Step) -> dict[str, Json]:
    """What differs at one address; absent entries and positions are null."""
    changes: list[Json] = [
        {"op": change.op.value, "path": change.path, "before": change.before, "after": change.after}
        for change in step.changes
    ]
    source: dict[str, Json] | None = None
    if step.source:
        source = {"file": step.source.file, "line": step.source.line, "column": step.source.column}
    return {
        "address": step.address,
        "action": step.action.value,
        "label": step.label,
        "moved_from": step.moved_from or None,
        "before": _entry(step.before),
        "after": _entry(step.after),
        "changes": changes,
        "source": source,
    }


def _entry(entry: Entry | None) -> dict[str, Json] | None:
    if entry is None:
        return None
    return {
        "fingerprint": entry.fingerprint,
        "live_on": None if entry.activation is None else list(entry.activation),
    }
