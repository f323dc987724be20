"""A plan as text: what happens, why, what it means, and what is held back."""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.diagnostics import or_list
from offerkit.planning.plan import Blocked, Plan
from offerkit.reports.escape import visible
from offerkit.reports.groups import BlockedGroup, Obstacle, blocked_groups
from offerkit.reports.steps_text import steps_text
from offerkit.reports.style import CONCISE, PLAIN, Layout, Style, indented
from offerkit.reports.words import count, names, particulars, resets_sentence, summary, title


def plan_text(plan: Plan, digest: str, style: Style = PLAIN, layout: Layout = CONCISE) -> str:
    """The whole plan; ``digest`` is the name of its canonical bytes. Ends with a newline."""
    parts = [_heading(plan, digest, style, layout)]
    parts.append(steps_text(plan.steps, plan.bodies, style, layout))
    parts.append(blocked_text(plan.blocked, style, layout))
    parts.append(_notes(plan, style, layout))
    parts.append(_closing(plan, style))
    return style.finish("\n\n".join(part.strip("\n") for part in parts if part) + "\n")


def _heading(plan: Plan, digest: str, style: Style, layout: Layout) -> str:
    rows = [style.bold(visible(title(plan)))]
    for key, text in particulars(plan, digest, layout):
        rows += [style.dim(row) for row in indented(f"  {key}  ", visible(text), layout.width)]
    return "\n".join(rows)


def _notes(plan: Plan, style: Style, layout: Layout) -> str:
    rows = [row for note in plan.notes for row in indented("  · ", visible(note), layout.width)]
    return "\n".join([style.bold("Notes"), "", *rows]) if rows else ""


def _closing(plan: Plan, style: Style) -> str:
    resets = resets_sentence(plan.steps)
    return "\n".join(filter(None, [style.bold(visible(summary(plan))), resets]))


def blocked_text(blocked: Sequence[Blocked], style: Style = PLAIN, layout: Layout = CONCISE) -> str:
    """What stays behind, why, and who can lift it; resources with the same reasons together."""
    groups = blocked_groups(blocked)
    if not groups:
        return ""
    rows = [f"{style.bold('Blocked')} · {count(sum(len(g.addresses) for g in groups), 'resource')}", ""]
    for group in groups[: layout.limit]:
        rows += [*_blocked_group(group, style, layout), ""]
    if more := sum(len(group.addresses) for group in groups[layout.limit :]):
        rows += [style.dim(f"    … and {more:,} more"), ""]
    return "\n".join(rows)


def _blocked_group(group: BlockedGroup, style: Style, layout: Layout) -> list[str]:
    sign = style.red("!")
    whose = visible(names(group.addresses, group.environment, layout.names))
    if len(group.addresses) == 1:
        where = f"{group.outcome}  {group.position}".strip()
        rows = [f"  {sign} {style.bold(visible(group.addresses[0]))}  {style.dim(visible(where))}"]
    else:
        word, _, listed = whose.partition(" ")
        head = f"{len(group.addresses):,} {word}"
        rows = [f"  {sign} {style.bold(head)}  {style.dim(visible(group.outcome))}"]
        rows += indented("      ", listed, layout.width)
    for obstacle in group.obstacles:
        rows += _obstacle(obstacle, style, layout)
    return rows


def _obstacle(obstacle: Obstacle, style: Style, layout: Layout) -> list[str]:
    code = f"  {style.dim(f'[{visible(obstacle.code)}]')}" if obstacle.code else ""
    *rows, last = indented("      ", visible(obstacle.why), layout.width)
    rows.append(last + code)
    who = f"{or_list(obstacle.who)} can lift it" if obstacle.who else "to lift it" if obstacle.how else ""
    advice = ": ".join(filter(None, [who, obstacle.how]))
    return rows + (indented("        ", visible(advice), layout.width) if advice else [])
