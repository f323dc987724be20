"""A plan as Markdown, for the comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.diagnostics import or_list
from offerkit.planning.plan import Blocked, Plan
from offerkit.reports.escape import clip, markdown, markdown_code
from offerkit.reports.groups import BlockedGroup, Obstacle, blocked_groups
from offerkit.reports.steps_markdown import GITHUB_LIMIT, Room, steps_markdown
from offerkit.reports.style import CONCISE, Layout
from offerkit.reports.words import names, particulars, resets_sentence, summary, title

_TEXT = 500
"""Characters of one sentence in a comment."""
_GROUPS = 40
"""Groups of blocked resources, and notes, in a comment."""


def plan_markdown(plan: Plan, digest: str, layout: Layout = CONCISE, *, limit: int = GITHUB_LIMIT) -> str:
    """The plan in at most ``limit`` bytes, saying so when it is cut short. Ends with a newline."""
    head = [f"### {markdown(clip(title(plan), _TEXT))}", _summary(plan), _particulars(plan, digest, layout)]
    tail = [blocked_markdown(plan.blocked, layout), _notes(plan)]
    room = Room(limit - sum(len(part.encode()) + 2 for part in head + tail) - 400)
    body = steps_markdown(plan.steps, plan.bodies, layout, room=room)
    return "\n\n".join(part for part in [*head, room.note, body, *tail] if part) + "\n"


def _summary(plan: Plan) -> str:
    resets = resets_sentence(plan.steps)
    return f"**{markdown(summary(plan))}**" + (f" {resets}" if resets else "")


def _particulars(plan: Plan, digest: str, layout: Layout) -> str:
    rows = [f"{key} {markdown(clip(text, _TEXT))}" for key, text in particulars(plan, digest, layout)]
    return f"<sub>{' · '.join(rows)}</sub>"


def _notes(plan: Plan) -> str:
    rows = [f"- {markdown(clip(note, _TEXT))}" for note in plan.notes[:_GROUPS]]
    if more := len(plan.notes) - len(rows):
        rows.append(f"- … and {more:,} more")
    return "\n".join(["#### Notes", "", *rows]) if rows else ""


def blocked_markdown(blocked: Sequence[Blocked], layout: Layout = CONCISE) -> str:
    """What stays behind, as a list."""
    groups = blocked_groups(blocked)
    if not groups:
        return ""
    rows = ["#### Blocked", ""]
    for group in groups[:_GROUPS]:
        rows += _blocked_group(group, layout)
    if more := sum(len(group.addresses) for group in groups[_GROUPS:]):
        rows.append(f"- … and {more:,} more")
    return "\n".join(rows)


def _blocked_group(group: BlockedGroup, layout: Layout) -> list[str]:
    outcome = markdown(group.outcome)
    if len(group.addresses) == 1:
        where = f", {markdown_code(group.position)}" if group.position else ""
        rows = [f"- {markdown_code(group.addresses[0])} {outcome}{where}"]
    else:
        word, _, listed = names(group.addresses, group.environment, layout.names).partition(" ")
        rows = [f"- **{len(group.addresses):,} {word}** {outcome}: {markdown(listed)}"]
    return rows + [_obstacle(obstacle) for obstacle in group.obstacles]


def _obstacle(obstacle: Obstacle) -> str:
    why, how = clip(obstacle.why, _TEXT), clip(obstacle.how, _TEXT)
    advice = markdown_code(how) if how.startswith("offerkit ") else markdown(how)
    code = f" ({markdown(obstacle.code)})" if obstacle.code else ""
    who = f"{markdown(clip(or_list(obstacle.who), _TEXT))} can lift it" if obstacle.who else ""
    lift = ": ".join(filter(None, [who or ("to lift it" if how else ""), advice]))
    return f"  - {markdown(why)}{code}" + (f"; {lift}" if lift else "")
