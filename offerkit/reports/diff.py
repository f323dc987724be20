"""The difference between two stages, in every form: steps that say what the second has against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from offerkit.address import Address
from offerkit.diagnostics import Position
from offerkit.fingerprint import Json
from offerkit.plans.plan import Step, renamed
from offerkit.reports.escape import html, json_text, markdown, visible
from offerkit.reports.groups import local_name
from offerkit.reports.page import page
from offerkit.reports.reached import (
    Lacking,
    behind_html,
    behind_markdown,
    behind_text,
    reached_data,
    reached_html,
    reached_markdown,
    reached_text,
)
from offerkit.reports.steps_html import steps_html
from offerkit.reports.steps_markdown import CONCISE as CONCISE_MARKDOWN
from offerkit.reports.steps_markdown import Room, steps_markdown
from offerkit.reports.steps_text import steps_text
from offerkit.reports.style import CONCISE, GITHUB_LIMIT, PLAIN, Layout, Style
from offerkit.reports.words import difference
from offerkit.state.changes import Body, Entry
from offerkit.state.eligibility import Reached

if TYPE_CHECKING:
    from offerkit.reports.impact import Impact

Titles: TypeAlias = tuple[str, str]
"""What is compared: the first, then the second, which ``+`` and the values after ``→`` belong to."""
Across: TypeAlias = "tuple[str, str] | None"
"""The two environments, where one is compared with another: resources then go by their names without it."""


class Places(NamedTuple):
    """Where what changed stands in each of the two states' specs; None where it does not, or these are no specs."""

    before: Position | None = None
    after: Position | None = None


@dataclass(frozen=True)
class Beside:
    """What a difference is shown with: places, whom it reaches, what is only an older checkout; as far as is known."""

    places: Mapping[Address, Places] = field(default_factory=dict)
    reached: Sequence[Reached] = ()
    lacking: Lacking = field(default_factory=Lacking)
    impact: Impact | None = None


def diff_text(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    titles: Titles,
    style: Style = PLAIN,
    layout: Layout = CONCISE,
    *,
    across: Across = None,
    beside: Beside | None = None,
) -> str:
    """The difference as text. Ends with a newline."""
    beside = beside or Beside()
    shown = _placed(steps, titles, beside)
    parts = [
        style.bold(visible(" → ".join(titles))),
        behind_text(beside.lacking, titles, style, layout),
        steps_text(shown, bodies, style, layout, by_stage=False, across=across).strip("\n"),
        reached_text(beside.reached, style, layout),
    ]
    if beside.impact is not None:
        from offerkit.reports.impact import impact_text  # most are shown without

        parts.append(impact_text(beside.impact, style, layout.width).rstrip("\n"))
    closing = style.bold(visible(_closing(steps, titles, beside)))
    return style.finish("\n\n".join(filter(None, [*parts, closing])) + "\n")


def diff_markdown(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    titles: Titles,
    layout: Layout = CONCISE_MARKDOWN,
    *,
    limit: int = GITHUB_LIMIT,
    across: Across = None,
    beside: Beside | None = None,
) -> str:
    """The difference as Markdown of at most ``limit`` bytes. Ends with a newline."""
    beside = beside or Beside()
    impact = ""
    if beside.impact is not None:
        from offerkit.reports.impact_markdown import impact_markdown

        impact = impact_markdown(beside.impact, layout, limit=limit // 3).rstrip("\n")
    heading = f"### {markdown(layout.clipped(' → '.join(titles), 500))}"
    summary = f"**{markdown(layout.clipped(_closing(steps, titles, beside), 500))}**"
    behind = behind_markdown(beside.lacking, titles, layout)
    room = Room(limit - len(f"{heading}{summary}{behind}{impact}".encode()) - 400)
    elsewhere = reached_markdown(beside.reached, layout, Room(room.left // 4))
    room.left -= len(elsewhere.encode())
    body = steps_markdown(_placed(steps, titles, beside), bodies, layout, by_stage=False, across=across, room=room)
    return "\n\n".join(filter(None, [heading, summary, behind, room.note, body, elsewhere, impact])) + "\n"


def diff_html(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    titles: Titles,
    layout: Layout = CONCISE,
    *,
    across: Across = None,
    beside: Beside | None = None,
) -> str:
    """The difference as one self-contained HTML page."""
    beside = beside or Beside()
    title = " → ".join(titles)
    parts = [
        f"<h1>{html(title)}</h1>",
        f'<p class="summary">{html(_closing(steps, titles, beside))}</p>',
        behind_html(beside.lacking, titles, layout),
        steps_html(_placed(steps, titles, beside), bodies, layout, by_stage=False, across=across),
        reached_html(beside.reached, layout),
    ]
    style = ""
    if beside.impact is not None:
        from offerkit.reports.impact_html import STYLE, impact_html

        parts, style = [*parts, impact_html(beside.impact)], STYLE
    return page(title, "\n".join(part for place, part in enumerate(parts) if part or place == _STEPS), style)


_STEPS = 3
"""The part of a page that stands there also when it is empty."""


def diff_json(steps: Sequence[Step], titles: Titles, *, across: Across = None, beside: Beside | None = None) -> str:
    """The difference as JSON, with every field change. Ends with a newline.

    With ``beside`` also the place of each step on both sides, what is only ``behind``, the ``effective`` eligibility
    of what is reached elsewhere, and the ``impact`` if it was asked for.
    """
    first, second = titles
    shown = steps if across is None else [renamed(step, local_name(step.address)) for step in steps]
    rows = [step_dict(step) for step in shown]
    document: dict[str, object] = {"from": first, "to": second, "steps": rows}
    if beside is not None:
        for step, row in zip(steps, rows, strict=True):
            places = beside.places.get(step.address, Places())
            row["places"] = {"before": _position(places.before), "after": _position(places.after)}
        document |= {"behind": beside.lacking.data(), "effective": reached_data(beside.reached)}
        if beside.impact is not None:
            from offerkit.reports.impact import impact_data

            document["impact"] = impact_data(beside.impact)
    return json_text(document)


def _placed(steps: Sequence[Step], titles: Titles, beside: Beside) -> list[Step]:
    """``steps`` as people read them: what is gone has the place where it stood, as git writes it."""
    found = []
    for step in steps:
        was = beside.places.get(step.address, Places()).before
        if step.source is None and was is not None:
            revision = titles[0].removeprefix("git:") if titles[0].startswith("git:") else ""
            step = replace(step, source=was._replace(file=f"{revision[:60]}:{was.file}") if revision else was)
        found.append(step)
    return found


def _closing(steps: Sequence[Step], titles: Titles, beside: Beside) -> str:
    """How much differs, in one line."""
    if not steps and beside.lacking.steps:
        return f"No change: {titles[1]} only lacks what {titles[0]} has since."
    return difference(steps, titles)


def _position(found: Position | None) -> dict[str, Json] | None:
    return None if found is None else {"file": found.file, "line": found.line, "column": found.column}


def step_dict(step: Step) -> dict[str, Json]:
    """What differs at one address; absent entries and positions are null."""
    changes: list[Json] = [
        {"op": change.op.value, "path": change.path, "before": change.before, "after": change.after}
        for change in step.changes
    ]
    return {
        "address": step.address,
        "action": step.action.value,
        "label": step.label,
        "moved_from": step.moved_from or None,
        "before": _entry(step.before),
        "after": _entry(step.after),
        "changes": changes,
        "source": _position(step.source),
    }


def _entry(entry: Entry | None) -> dict[str, Json] | None:
    if entry is None:
        return None
    return {
        "fingerprint": entry.fingerprint,
        "live_on": None if entry.activation is None else list(entry.activation),
    }
