"""References between resources, as a picture and as a table."""

from __future__ import annotations

from collections.abc import Collection

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Code, refuse
from offerkit.reports.graph_svg import graph_svg
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Pages, query_text
from offerkit.store import Store
from offerkit.store.stage_snapshots import environments
from offerkit.usecases.graph import stage_edges
from offerkit.usecases.session import Session

MOST = 250
"""Resources in one picture; more would be read by nobody."""
LOOKED_AT = 20
"""Revisions among which the last change is looked for."""


def routes(pages: Pages) -> list[Operation]:
    """The graph."""

    async def graph(request: Request) -> Response:
        around, stage = query_text(request, "around"), query_text(request, "stage", "design")
        return await pages.show(request, "graph.html", lambda session: _graph(session, around.strip()[:300], stage))

    return [
        Operation("GET", "/ui/graph", graph),
    ]


def _newest(store: Store, stage: Stage, every: Collection[Address]) -> str:
    """What changed last and has neighbours, offers first: a picture of everything is read by nobody."""
    for revision in store.revisions(limit=LOOKED_AT):
        changed = [c.address for c in store.changes(revision.serial) if c.stage.stage is stage and c.address in every]
        if changed:
            return str(min(changed, key=_offers_first))
    return str(min(every, key=_offers_first, default=""))


def _offers_first(address: Address) -> tuple[bool, Address]:
    return address.kind is not Kind.OFFER, address


def _graph(session: Session, around: str, stage: str) -> Facts:
    if stage not in tuple(Stage):
        raise refuse(Code.BAD_POINT, f"there is no stage {stage[:60]}", hint="Use design or live.")
    with session.existing() as store:
        names = environments(store)
        every = stage_edges(store, Stage(stage))
        around = around or _newest(store, Stage(stage), every)
        edges = stage_edges(store, Stage(stage), (around,)) if every and around else every
    drawn = graph_svg(edges, around) if 0 < len(edges) <= MOST else ""
    users: dict[str, list[str]] = {address: [] for address in edges}
    for address, targets in edges.items():
        for target in targets:
            users[target].append(address)
    return {
        "edges": edges,
        "users": users,
        "around": around,
        "stage": stage,
        "names": names,
        "known": sorted(every),
        "picture": Markup(drawn),  # noqa: S704 - escaped there
        "most": MOST,
    }
