"""A report: propositions by status, as plots and a table."""

from __future__ import annotations

import re

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from offerkit.reports.status_chart import status_chart
from offerkit.reports.status_report import MEANING, SHOWN, heads, notes, table, title, total_cells
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Pages, query_text
from offerkit.store.stage_snapshots import environments
from offerkit.usecases.requests import StatusReportRequest
from offerkit.usecases.session import Session
from offerkit.usecases.status_report import OF_OFFERS, STORED, status_report

_GROUPS = ("date", "space", "channel", "offer", "category", "theme", "delivery")
"""The groups that the form offers; its text takes all."""


def routes(pages: Pages) -> list[Operation]:
    """The report."""

    async def report(request: Request) -> Response:
        asked = {name: query_text(request, name).strip()[:300] for name in ("environment", "by", "since", "until")}
        narrowed = {name: query_text(request, name).strip()[:300] for name in ("space", "offer", "category")}
        async with pages.counting:
            return await pages.show(request, "report.html", lambda session: _report(session, asked, narrowed))

    return [Operation("GET", "/ui/report", report)]


def _report(session: Session, asked: dict[str, str], narrowed: dict[str, str]) -> Facts:
    with session.existing() as store:
        names = environments(store)
    by = asked["by"] or "date"
    lists = {name: tuple(filter(None, re.split(r"[,\s]+", text))) for name, text in narrowed.items()}
    request = StatusReportRequest(
        (by,),
        asked["since"],
        asked["until"],
        asked["environment"],
        lists["space"],
        lists["offer"],
        lists["category"],
    )
    made = status_report(session, request)
    groups, numbers = heads(made)
    return {
        **asked,
        **narrowed,
        "by": by,
        "names": names,
        "offered": [*_GROUPS, *(name for name in (*STORED, *OF_OFFERS) if name not in _GROUPS)],
        "title": title(made),
        "groups": groups,
        "numbers": numbers,
        "rows": list(table(made)),
        "total": total_cells(made),
        "empty": not made.total.proposed,
        "notes": [MEANING, *notes(made)],
        "picture": Markup(status_chart(made)),  # noqa: S704 - escaped there
        "most": SHOWN,
    }
