"""The page of any resource, whole: the origin of every part, where it is live, who decided, what refers to it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from offerkit.address import Kind, Stage
from offerkit.reports.style import CONCISE
from offerkit.reports.whole_resource import whole_section
from offerkit.server.routing import Operation
from offerkit.server.ui.history import check_state
from offerkit.server.ui.pages import Facts, Pages, query_flag, query_text
from offerkit.store.stage_snapshots import stage_view
from offerkit.usecases.design_access import design_readable, visible
from offerkit.usecases.session import Session
from offerkit.usecases.show import whole_resource

MOST = 1_000
"""Addresses that the page suggests."""


def routes(pages: Pages) -> list[Operation]:
    """The page of a resource."""

    async def show(request: Request) -> Response:
        address, at = query_text(request, "address").strip()[:300], query_text(request, "at").strip()[:100]
        full = query_flag(request, "full")
        return await pages.show(request, "resource.html", lambda session: _resource(session, address, at, full=full))

    return [Operation("GET", "/ui/show", show)]


def _resource(session: Session, address: str, at: str, *, full: bool) -> Facts:
    if at:
        check_state(at)
    facts = {"known": _known(session), "address": address, "at": at, "full": full}
    if not address:
        return {**facts, "shown": None, "whole": "", "page": ""}
    shown = whole_resource(session, address, at, placed=False)
    layout = CONCISE.everything() if full else CONCISE
    offer = shown.address if shown.address.kind is Kind.OFFER else None
    return {
        **facts,
        "shown": shown,
        "whole": Markup(whole_section(shown, _link(at), layout)),  # noqa: S704 - escaped there
        "page": f"/ui/offers/{offer.environment}/{offer.name}" if offer is not None else "",
    }


def _link(at: str) -> str:
    """The page of a resource in the same state, without the resource's address."""
    return f"/ui/show?at={quote(at)}&address=" if at else "/ui/show?address="


def _known(session: Session) -> Sequence[str]:
    """The addresses that the viewer may know of."""
    with session.existing() as store:
        design, live = stage_view(store, Stage.DESIGN), stage_view(store, Stage.LIVE)
        to_them = visible(design, live, design_readable(session, store))
        return sorted(filter(to_them, {*design.entries, *live.entries}))[:MOST]
