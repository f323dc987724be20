"""A plan as text: what happens, why, what it means, and what is held back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from offerkit.plans.plan import Blocked, Plan, encode
from offerkit.reports.escape import visible
from offerkit.reports.style import CONCISE, PLAIN, PRESENTATION, Layout, Presentation, Style, display_width, indented
from offerkit.reports.words import count, particulars, resets_sentence, summary, title

if TYPE_CHECKING:
    from offerkit.engine.impact import Impact
    from offerkit.reports.groups import BlockedGroup, BlockReason
    from offerkit.reports.proof_words import StatedProofs


class PlanReport(NamedTuple):
    """A plan to be shown, by the ``digest`` of its canonical bytes, with its impact and proofs if there are any."""

    plan: Plan
    digest: str
    impact: Impact | None = None
    proofs: StatedProofs | None = None


def plan_json(report: PlanReport, _presentation: Presentation = PRESENTATION) -> str:
    """The plan's canonical bytes, and nothing of what is shown beside it. Ends with a newline."""
    return encode(report.plan).decode() + "\n"


def plan_text(report: PlanReport, presentation: Presentation = PRESENTATION) -> str:
    """The whole plan, then its impact. Ends with a newline."""
    plan, style, layout = report.plan, presentation.style, presentation.layout
    parts = [_heading(plan, report.digest, style, layout)]
    if plan.steps:  # “No changes” is the most frequent plan: it loads nothing that it does not need
        from offerkit.reports.renames import renames_text
        from offerkit.reports.steps_text import steps_text

        parts.append(steps_text(plan.steps, plan.bodies, style, layout))
        parts.append(renames_text(plan, style, layout))
    if report.proofs is not None:
        from offerkit.reports.proofs import proofs_text

        parts.append(proofs_text(report.proofs, style, layout))
    parts.append(blocked_text(plan.blocked, style, layout))
    parts.append(_notes(plan, style, layout))
    parts.append(_closing(plan, style))
    text = style.finish("\n\n".join(part.strip("\n") for part in parts if part) + "\n")
    if report.impact is None:
        return text
    from offerkit.reports.impact import impact_text

    return f"{text}\n{impact_text(report.impact, presentation)}"


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
    """The blocked resources, grouped by their reasons, and who can lift them."""
    if not blocked:
        return ""
    from offerkit.reports.groups import blocked_groups

    groups = blocked_groups(blocked)
    rows = [f"{style.bold('Blocked')} · {count(sum(len(g.addresses) for g in groups), 'resource')}", ""]
    for group in groups[: layout.limit]:
        rows += [*_blocked_group(group, style, layout), ""]
    if more := sum(len(group.addresses) for group in groups[layout.limit :]):
        rows += [style.dim(f"    … and {more:,} more"), ""]
    return "\n".join(rows)


def _blocked_group(group: BlockedGroup, style: Style, layout: Layout) -> list[str]:
    head, listed = group.head(layout.names)
    where = group.outcome if listed else f"{group.outcome}  {group.position}".strip()
    marked, after = f"  {style.red('!')} {style.bold(visible(head))}", visible(where)
    fits = display_width(f"  ! {visible(head)}  {after}") <= layout.width
    rows = (
        [f"{marked}  {style.dim(after)}"]
        if fits
        else [marked, *map(style.dim, indented("      ", after, layout.width))]
    )
    if listed:
        rows += indented("      ", visible(listed), layout.width)
    for obstacle in group.obstacles:
        rows += _obstacle(obstacle, style, layout)
    return rows


def _obstacle(obstacle: BlockReason, style: Style, layout: Layout) -> list[str]:
    code = f"[{visible(obstacle.code)}]" if obstacle.code else ""
    *rows, last = indented("      ", visible(obstacle.why), layout.width)
    fits = display_width(f"{last}  {code}") <= layout.width
    rows += [f"{last}  {style.dim(code)}".rstrip()] if fits else [last, f"      {style.dim(code)}"]
    advice = ": ".join(filter(None, [obstacle.lifted_by, obstacle.how]))
    return rows + (indented("        ", visible(advice), layout.width) if advice else [])
