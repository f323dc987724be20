"""The full report of a pull request as one HTML page, linked from its comment."""

from __future__ import annotations

from offerkit.reports.impact import impact_view
from offerkit.reports.plan_html import blocked_view
from offerkit.reports.proofs import proofs_view
from offerkit.reports.pull_request import BOUND, PullRequest, alerts, needed, resets, verdict
from offerkit.reports.reached import reached_view
from offerkit.reports.renames import renames_view
from offerkit.reports.steps_html import steps_view
from offerkit.reports.style import CONCISE, PRESENTATION, Presentation
from offerkit.reports.templating import fill


def pull_request_html(request: PullRequest, _presentation: Presentation = PRESENTATION) -> str:
    """The full report as one self-contained page. Ends with a newline."""
    layout = CONCISE.everything()
    plan = request.plan
    name = _name(request)
    return fill(
        "pull_request.html",
        title=f"{name}: {verdict(request)}",
        name=name,
        verdict=verdict(request),
        request=request,
        alerts=alerts(request),
        resets=resets(request),
        needed=needed(request),
        impact=impact_view(request.impact) if request.impact is not None else None,
        found=steps_view(plan.steps, plan.bodies, layout),
        elsewhere=reached_view(request.reached, layout),
        proofs=proofs_view(request.proofs, layout),
        likely=renames_view(plan, layout),
        held=blocked_view(plan.blocked, layout),
        bound=BOUND,
    )


def _name(request: PullRequest) -> str:
    number = f"Pull request {request.number}" if request.number else "Pull request"
    return f"{number}, {request.environment}" if request.environment else number
