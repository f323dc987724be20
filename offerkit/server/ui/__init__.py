"""The web pages at ``/ui``: stages, approvals, promotion, offers. They decide nothing themselves."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from offerkit.server.authentication import TokenLookup
from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.routing import Operation
from offerkit.server.ui import (
    approvals,
    graph,
    history,
    login,
    offers,
    overview,
    promotion,
    report,
    resource,
    scheduled,
    stops,
    weights,
)
from offerkit.server.ui.pages import Pages


def routes(service: DecisionService, config: ServerConfig, tokens: TokenLookup) -> list[Operation]:
    """All pages; none when the configuration turns them off."""
    if config.ui == "off":
        return []
    pages = Pages(service.session, config, tokens, service.counting)
    groups = (
        overview,
        history,
        approvals,
        promotion,
        scheduled,
        stops,
        offers,
        resource,
        weights,
        graph,
        report,
        login,
    )
    return [Operation("GET", "/ui/", _without_slash), *(page for group in groups for page in group.routes(pages))]


async def _without_slash(_: Request) -> Response:
    return Response(status_code=307, headers={"Location": "/ui"})
