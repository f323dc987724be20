"""The whole of what is said of a pull request, as one page to be kept beside its comment."""

from __future__ import annotations

from offerkit.reports.escape import html
from offerkit.reports.impact_html import STYLE as IMPACT_STYLE
from offerkit.reports.impact_html import impact_html
from offerkit.reports.page import page
from offerkit.reports.plan_html import blocked_html, notes_html
from offerkit.reports.pull_request import BOUND, PullRequest, alerts, needed, resets, verdict
from offerkit.reports.reached import reached_html
from offerkit.reports.renames import renames_html
from offerkit.reports.steps_html import steps_html
from offerkit.reports.style import CONCISE

_STYLE = """
ul.alerts { list-style: none; padding: 0 } ul.alerts li { border-left: 4px solid var(--amber); padding: .1rem .75rem;
  margin: .4rem 0; overflow-wrap: anywhere } ul.alerts li.grave { border-color: var(--red) }
"""


def pull_request_html(request: PullRequest) -> str:
    """The whole, with nothing left out, as one self-contained page. Ends with a newline."""
    layout = CONCISE.everything()
    plan = request.plan
    parts = [
        f"<h1>{html(verdict(request))}</h1>",
        _particulars(request),
        _alerts(request),
        _approvals(request),
        impact_html(request.impact) if request.impact is not None else "<p>The impact was not measured.</p>",
        steps_html(plan.steps, plan.bodies, layout),
        reached_html(request.reached, layout),
        renames_html(plan, layout),
        blocked_html(plan.blocked, layout),
        notes_html(plan),
        f'<p class="quiet">{html(BOUND)}</p>' if not request.empty else "",
    ]
    style = f"{IMPACT_STYLE}\n{_STYLE.strip()}"
    return page(f"{_named(request)}: {verdict(request)}", "\n".join(part for part in parts if part), style)


def _named(request: PullRequest) -> str:
    number = f"Pull request {request.number}" if request.number else "Pull request"
    return f"{number}, {request.environment}" if request.environment else number


def _particulars(request: PullRequest) -> str:
    rows = [
        ("of", html(_named(request))),
        ("against", html(request.base)),
        ("head", f"<code>{html(request.head)}</code>" if request.head else ""),
        ("meaning", f"<code>{html(request.meaning)}</code>" if request.meaning else ""),
        ("repeat it", f"<code>{html(request.command)}</code>" if request.command else ""),
    ]
    cells = "".join(f"<dt>{key}</dt><dd>{text}</dd>" for key, text in rows if text)
    return f'<dl class="base">{cells}</dl>'


def _alerts(request: PullRequest) -> str:
    rows = [
        f'<li class="{"grave" if one.grave else "alert"}"><b>{html(one.title)}</b>: {html(one.text)}</li>'
        for one in alerts(request)
    ]
    return f'<ul class="alerts">{"".join(rows)}</ul>' if rows else ""


def _approvals(request: PullRequest) -> str:
    if request.approvals is None or request.empty:
        return ""
    lost = resets(request)
    said = f"<p>{html(lost)}.</p>" if lost else ""
    rows = [f"<li><b>{html(one.by)}</b>: {html(one.sentence)}</li>" for one in needed(request)]
    listed = f"<ul>{''.join(rows)}</ul>" if rows else "<p>None are needed.</p>"
    return f"<section><h2>Approvals needed</h2>{said}{listed}</section>"
