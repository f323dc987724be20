"""A plan as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from offerkit.plans.plan import Blocked
from offerkit.reports.escape import html
from offerkit.reports.groups import BlockedGroup, blocked_groups
from offerkit.reports.plan_text import PlanReport
from offerkit.reports.renames import renames_view
from offerkit.reports.steps_html import steps_view
from offerkit.reports.style import CONCISE, PRESENTATION, Layout, Presentation
from offerkit.reports.templating import call, fill
from offerkit.reports.words import particulars, resets_sentence, summary, title


def plan_html(report: PlanReport, presentation: Presentation = PRESENTATION) -> str:
    """The whole plan with its impact. Ends with a newline."""
    plan, layout = report.plan, presentation.layout
    impact = None
    if report.impact is not None:
        from offerkit.reports.impact import impact_view  # most plans are shown without

        impact = impact_view(report.impact)
    proofs = None
    if report.proofs is not None:
        from offerkit.reports.proofs import proofs_view

        proofs = proofs_view(report.proofs, layout)
    return fill(
        "plan.html",
        title=title(plan),
        summary=summary(plan),
        resets=resets_sentence(plan.steps),
        base=particulars(plan, report.digest, layout),
        found=steps_view(plan.steps, plan.bodies, layout),
        likely=renames_view(plan, layout),
        held=blocked_view(plan.blocked, layout),
        remarks=plan.notes,
        impact=impact,
        proofs=proofs,
        version=plan.offerkit,
        digest=report.digest,
    )


def command_html(how: str) -> str:
    """What helps, as it is typed."""
    return f"<code>{html(how)}</code>" if how.startswith("offerkit ") else html(how)


def blocked_html(
    blocked: Sequence[Blocked], layout: Layout = CONCISE, helping: Callable[[str], str] = command_html
) -> str:
    """What stays behind, why, and who can lift it; ``helping`` writes what helps as HTML, such as a link."""
    return call("sections.html", "blocked", *blocked_view(blocked, layout, helping))


def blocked_view(
    blocked: Sequence[Blocked], layout: Layout, helping: Callable[[str], str] = command_html
) -> tuple[Sequence[tuple[str, str, BlockedGroup]], int, Callable[[str], str]]:
    """What the template of :func:`blocked_html` takes: groups with their heads, how many more, and ``helping``."""
    groups = blocked_groups(blocked)
    more = sum(len(group.addresses) for group in groups[layout.limit :])
    return [(*group.head(layout.names), group) for group in groups[: layout.limit]], more, helping
