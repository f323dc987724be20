"""A plan as Markdown, for the comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from offerkit.diagnostics import or_list
from offerkit.plans.plan import Blocked, Plan
from offerkit.reports.escape import markdown, markdown_code
from offerkit.reports.groups import BlockedGroup, Obstacle, blocked_groups
from offerkit.reports.renames import renames_markdown
from offerkit.reports.steps_markdown import CONCISE, Room, steps_markdown
from offerkit.reports.style import GITHUB_LIMIT, Layout
from offerkit.reports.words import names, particulars, resets_sentence, summary, title

if TYPE_CHECKING:
    from offerkit.reports.impact import Impact

_TEXT = 500
"""Characters of one sentence in a comment."""


def plan_markdown(
    plan: Plan,
    digest: str,
    layout: Layout = CONCISE,
    *,
    limit: int = GITHUB_LIMIT,
    impact: Impact | None = None,
) -> str:
    """The plan, with its ``impact``, in at most ``limit`` bytes, saying so if it is cut short. Ends with a newline."""
    if impact is not None:
        from offerkit.reports.impact_markdown import impact_markdown  # most plans are shown without

        beside = impact_markdown(impact, layout, limit=limit // 3)
        return plan_markdown(plan, digest, layout, limit=limit - len(beside.encode()) - 1) + "\n" + beside
    head = [f"### {markdown(layout.clipped(title(plan), _TEXT))}", _summary(plan), _particulars(plan, digest, layout)]
    tail = [renames_markdown(plan, layout, limit // 8), blocked_markdown(plan.blocked, layout, limit // 4)]
    tail.append(_notes(plan, layout, limit // 8))
    room = Room(limit - sum(len(part.encode()) + 2 for part in head + tail) - 400)
    body = steps_markdown(plan.steps, plan.bodies, layout, room=room)
    return "\n\n".join(part for part in [*head, room.note, body, *tail] if part) + "\n"


def _summary(plan: Plan) -> str:
    resets = resets_sentence(plan.steps)
    return f"**{markdown(summary(plan))}**" + (f" {resets}" if resets else "")


def _particulars(plan: Plan, digest: str, layout: Layout) -> str:
    rows = [f"{key} {_particular(key, text, layout)}" for key, text in particulars(plan, digest, layout)]
    return f"<sub>{' · '.join(rows)}</sub>"


def _particular(key: str, text: str, layout: Layout) -> str:
    return markdown_code(text) if key == "plan" else markdown(layout.clipped(text, _TEXT))


def _notes(plan: Plan, layout: Layout, room: int) -> str:
    rows = [f"- {markdown(layout.clipped(note, _TEXT))}" for note in plan.notes]
    return "\n".join(["#### Notes", "", *_fitting(rows, room)]) if rows else ""


def blocked_markdown(blocked: Sequence[Blocked], layout: Layout = CONCISE, room: int = GITHUB_LIMIT) -> str:
    """What stays behind, as a list of at most ``room`` bytes."""
    groups = blocked_groups(blocked)
    rows = [row for group in groups[: layout.limit] for row in _blocked_group(group, layout)]
    rows += [""] * sum(len(group.addresses) for group in groups[layout.limit :])
    return "\n".join(["#### Blocked", "", *_fitting(rows, room)]) if rows else ""


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    """The rows of a list that fit into ``room`` bytes, then how many did not."""
    shown: list[str] = []
    for row in rows:
        room -= len(row.encode()) + 1
        if room < 0 or not row:
            return [*shown, f"- … and {len(rows) - len(shown):,} more"]
        shown.append(row)
    return shown


def _blocked_group(group: BlockedGroup, layout: Layout) -> list[str]:
    outcome = markdown(group.outcome)
    if len(group.addresses) == 1:
        where = f", {markdown_code(group.position)}" if group.position else ""
        rows = [f"- {markdown_code(group.addresses[0])} {outcome}{where}"]
    else:
        word, _, listed = names(group.addresses, group.environment, layout.names).partition(" ")
        rows = [f"- **{len(group.addresses):,} {word}** {outcome}: {markdown(listed)}"]
    return rows + [_obstacle(obstacle, layout) for obstacle in group.obstacles]


def _obstacle(obstacle: Obstacle, layout: Layout) -> str:
    why, how = layout.clipped(obstacle.why, _TEXT), layout.clipped(obstacle.how, _TEXT)
    advice = markdown_code(how) if how.startswith("offerkit ") else markdown(how)
    code = f" ({markdown(obstacle.code)})" if obstacle.code else ""
    who = f"{markdown(layout.clipped(or_list(obstacle.who), _TEXT))} can lift it" if obstacle.who else ""
    lift = ": ".join(filter(None, [who, advice]))
    return f"  - {markdown(why)}{code}" + (f"; {lift}" if lift else "")
