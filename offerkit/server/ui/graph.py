"""What refers to what, as a picture and as a table."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from offerkit.address import Stage
from offerkit.diagnostics import Code, refuse
from offerkit.reports.graph_svg import graph_svg
from offerkit.server.ui.pages import Facts, Pages
from offerkit.store.views import environments
from offerkit.workflow.graph import stage_edges
from offerkit.workflow.session import Session

MOST = 250
"""Resources in one picture; more would be read by nobody."""


def routes(pages: Pages) -> APIRouter:
    """The graph."""
    router = APIRouter(prefix="/ui", include_in_schema=False)

    @router.get("/graph")
    async def graph(request: Request, around: str = "", stage: str = "design") -> Response:
        return await pages.show(request, "graph.html", lambda session: _graph(session, around.strip()[:300], stage))

    return router


def _graph(session: Session, around: str, stage: str) -> Facts:
    if stage not in tuple(Stage):
        raise refuse(Code.BAD_POINT, f"there is no stage {stage[:60]}", hint="design or live.")
    with session.existing() as store:
        names = environments(store)
        every = stage_edges(store, Stage(stage))
        around = around or (f"{names[0]}/*" if names else "")
        edges = stage_edges(store, Stage(stage), (around,)) if every and around else every
    drawn = graph_svg(edges, around) if 0 < len(edges) <= MOST else ""
    users: dict[str, list[str]] = {address: [] for address in edges}
    for address, targets in edges.items():
        for target in targets:
            users[target].append(address)
    return {
        "edges": edges, "users": users, "around": around, "stage": stage, "names": names, "known": sorted(every),
        "picture": Markup(drawn), "most": MOST,  # noqa: S704 - escaped there
    }  # fmt: skip
