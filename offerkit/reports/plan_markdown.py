"""A plan as Markdown, for the comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.diagnostics import or_list
from offerkit.plans.plan import Blocked, Plan
from offerkit.reports.groups import BlockedGroup, BlockReason, blocked_groups
from offerkit.reports.plan_text import PlanReport
from offerkit.reports.renames import renames_markdown
from offerkit.reports.steps_markdown import CONCISE, MARKDOWN, Room, steps_markdown
from offerkit.reports.style import GITHUB_LIMIT, Layout, Presentation
from offerkit.reports.templating import call
from offerkit.reports.words import particulars, resets_sentence, summary, title

_TEXT = 500
"""Characters of one sentence in a comment."""


def plan_markdown(report: PlanReport, presentation: Presentation = MARKDOWN) -> str:
    """The plan, with its impact, in at most the limit's bytes, saying so if it is cut short. Ends with a newline."""
    if report.impact is not None:
        from offerkit.reports.impact_markdown import impact_markdown  # most plans are shown without

        limit = presentation.limit
        beside = impact_markdown(report.impact, presentation._replace(limit=limit // 3))
        alone = presentation._replace(limit=limit - len(beside.encode()) - 1)
        return plan_markdown(report._replace(impact=None), alone) + "\n" + beside
    plan, layout, limit = report.plan, presentation.layout, presentation.limit
    head = _head(plan, report.digest, layout)
    tail = [renames_markdown(plan, layout, limit // 8), blocked_markdown(plan.blocked, layout, limit // 4)]
    tail.append(_notes(plan, layout, limit // 8))
    room = Room(limit - sum(len(part.encode()) + 2 for part in [head, *tail]) - 400)
    proofs = ""
    if report.proofs is not None:
        from offerkit.reports.proofs import proofs_markdown

        proofs = proofs_markdown(report.proofs, layout, Room(room.left // 4))
        room.left -= len(proofs.encode()) + 2 if proofs else 0
    body = steps_markdown(plan.steps, plan.bodies, layout, room=room)
    return "\n\n".join(part for part in [head, room.note, body, proofs, *tail] if part) + "\n"


def _head(plan: Plan, digest: str, layout: Layout) -> str:
    rows = [
        (key, text if key == "plan" else layout.clipped(text, _TEXT)) for key, text in particulars(plan, digest, layout)
    ]
    heading = layout.clipped(title(plan), _TEXT)
    return call("plan.md", "head", heading, summary(plan), resets_sentence(plan.steps), rows)


def _notes(plan: Plan, layout: Layout, room: int) -> str:
    rows = [call("plan.md", "item", layout.clipped(note, _TEXT)) for note in plan.notes]
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
    row = call("plan.md", "blocked", *group.head(layout.names), group.outcome, group.position)
    return [row, *(_obstacle(obstacle, layout) for obstacle in group.obstacles)]


def _obstacle(obstacle: BlockReason, layout: Layout) -> str:
    who, why, how = (layout.clipped(text, _TEXT) for text in (or_list(obstacle.who), obstacle.why, obstacle.how))
    return call("plan.md", "obstacle", why, obstacle.code, who, how)
