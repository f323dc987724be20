"""Pages for people at ``/ui``: stages, approvals, promotion, offers. Nothing is decided here."""

from __future__ import annotations

from fastapi import APIRouter

from offerkit.server.authentication import TokenLookup
from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.ui import approvals, graph, history, login, offers, overview, promotion, stops
from offerkit.server.ui.pages import Pages


def routes(service: DecisionService, config: ServerConfig, tokens: TokenLookup) -> APIRouter:
    """All pages; none when the config turn them off."""
    router = APIRouter()
    if config.ui == "off":
        return router
    pages = Pages(service.session, config, tokens)
    for group in (overview, history, approvals, promotion, stops, offers, graph, login):
        router.include_router(group.routes(pages))
    return router
