"""Pages for people at ``/ui``: stages, approvals, promotion, offers. Nothing is decided here."""

from __future__ import annotations

from fastapi import APIRouter

from offerkit.server.callers import Callers
from offerkit.server.desk import Desk
from offerkit.server.settings import Settings
from offerkit.server.ui import approvals, graph, history, login, offers, overview, promotion, stops
from offerkit.server.ui.pages import Pages


def routes(desk: Desk, settings: Settings, callers: Callers) -> APIRouter:
    """All pages; none when the settings turn them off."""
    router = APIRouter()
    if settings.ui == "off":
        return router
    pages = Pages(desk.session, settings, callers)
    for group in (overview, history, approvals, promotion, stops, offers, graph, login):
        router.include_router(group.routes(pages))
    return router
