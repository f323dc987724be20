"""What a plan holds back, as text: why, how to lift it, and who can."""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.diagnostics import or_list
from offerkit.plans.plan import Blocked
from offerkit.reports.escape import visible
from offerkit.reports.groups import BlockedGroup, Obstacle, blocked_groups
from offerkit.reports.style import CONCISE, PLAIN, Layout, Style, indented
from offerkit.reports.words import count, names


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
    who = f"{or_list(obstacle.who)} can lift it" if obstacle.who else ""
    advice = ": ".join(filter(None, [who, obstacle.how]))
    return rows + (indented("        ", visible(advice), layout.width) if advice else [])
