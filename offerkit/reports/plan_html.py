"""A plan as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from offerkit.diagnostics import or_list
from offerkit.plans.plan import Blocked, Plan
from offerkit.reports.escape import html
from offerkit.reports.groups import BlockedGroup, Obstacle, blocked_groups
from offerkit.reports.impact import Impact
from offerkit.reports.impact_html import STYLE, impact_html
from offerkit.reports.page import page
from offerkit.reports.renames import renames_html
from offerkit.reports.steps_html import steps_html
from offerkit.reports.style import CONCISE, Layout
from offerkit.reports.words import names, particulars, resets_sentence, summary, title


def plan_html(plan: Plan, digest: str, layout: Layout = CONCISE, impact: Impact | None = None) -> str:
    """The whole plan with its ``impact``; ``digest`` is the name of its canonical bytes. Ends with a newline."""
    parts = [
        f"<h1>{html(title(plan))}</h1>",
        f'<p class="summary">{html(summary(plan))} {html(resets_sentence(plan.steps))}</p>',
        _particulars(plan, digest, layout),
        steps_html(plan.steps, plan.bodies, layout),
        renames_html(plan, layout),
        blocked_html(plan.blocked, layout),
        notes_html(plan),
        impact_html(impact) if impact is not None else "",
        f'<p class="quiet">offerkit {html(plan.offerkit)} · plan <code>{html(digest)}</code></p>',
    ]
    return page(title(plan), "\n".join(part for part in parts if part), STYLE if impact is not None else "")


def _particulars(plan: Plan, digest: str, layout: Layout) -> str:
    rows = (f"<dt>{html(key)}</dt><dd>{html(text)}</dd>" for key, text in particulars(plan, digest, layout))
    return f'<dl class="base">{"".join(rows)}</dl>'


def notes_html(plan: Plan) -> str:
    """What the plan says of itself as a whole."""
    rows = "".join(f"<li>{html(note)}</li>" for note in plan.notes)
    return f"<section><h2>Notes</h2><ul>{rows}</ul></section>" if rows else ""


def command_html(how: str) -> str:
    """What helps, as it is typed."""
    return f"<code>{html(how)}</code>" if how.startswith("offerkit ") else html(how)


def blocked_html(
    blocked: Sequence[Blocked], layout: Layout = CONCISE, helping: Callable[[str], str] = command_html
) -> str:
    """What stays behind, why, and who can lift it; ``helping`` writes what helps as HTML, such as a link."""
    groups = blocked_groups(blocked)
    if not groups:
        return ""
    rows = [_blocked_group(group, layout, helping) for group in groups[: layout.limit]]
    if more := sum(len(group.addresses) for group in groups[layout.limit :]):
        rows.append(f'<p class="quiet">… and {more:,} more</p>')
    return "\n".join(["<section><h2>Blocked</h2>", *rows, "</section>"])


def _blocked_group(group: BlockedGroup, layout: Layout, helping: Callable[[str], str]) -> str:
    listed = ""
    if len(group.addresses) == 1:
        head = f"<code>{html(group.addresses[0])}</code>"
    else:
        word, _, text = names(group.addresses, group.environment, layout.names).partition(" ")
        head = f"<b>{len(group.addresses):,} {html(word)}</b>"
        listed = f"<p>{html(text)}</p>"
    origin = f'<span class="origin quiet">{html(group.position)}</span>'
    items = "".join(_obstacle(obstacle, helping) for obstacle in group.obstacles)
    return (
        f'<article class="blocked"><header><b class="sign">! blocked</b>{head}'
        f"<span>{html(group.outcome)}</span>{origin}</header>\n{listed}<ul>{items}</ul></article>"
    )


def _obstacle(obstacle: Obstacle, helping: Callable[[str], str]) -> str:
    who = f"{html(or_list(obstacle.who))} can lift it" if obstacle.who else ""
    how = helping(obstacle.how)
    code = f' <span class="quiet">[{html(obstacle.code)}]</span>' if obstacle.code else ""
    advice = ": ".join(filter(None, [who, how]))
    return f"<li>{html(obstacle.why)}{code}" + (f"<br>{advice}" if advice else "") + "</li>"
