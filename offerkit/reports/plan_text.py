"""A plan as text: what happens, why, what it means, and what is held back."""

from __future__ import annotations

from offerkit.plans.plan import Plan
from offerkit.reports.escape import visible
from offerkit.reports.style import CONCISE, PLAIN, Layout, Style, indented
from offerkit.reports.words import particulars, resets_sentence, summary, title


def plan_text(plan: Plan, digest: str, style: Style = PLAIN, layout: Layout = CONCISE) -> str:
    """The whole plan; ``digest`` is the name of its canonical bytes. Ends with a newline."""
    parts = [_heading(plan, digest, style, layout)]
    if plan.steps:  # “No changes” is the plan people wait for most often: it loads nothing it does not need
        from offerkit.reports.renames import renames_text
        from offerkit.reports.steps_text import steps_text

        parts.append(steps_text(plan.steps, plan.bodies, style, layout))
        parts.append(renames_text(plan, style, layout))
    if plan.blocked:
        from offerkit.reports.blocked_text import blocked_text

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
