"""The page of stops, and the forms to stop and resume."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.governance.rights import TokenScope, missing_scopes
from offerkit.governance.stops import Stops, stopping_addresses
from offerkit.server.background import anchored
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Pages, first, query_text
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.usecases.design_access import design_readable
from offerkit.usecases.requests import StopOutcome, StopRequest
from offerkit.usecases.session import Session
from offerkit.usecases.stop import list_stops, resume, stop

MOST = 300


def routes(pages: Pages) -> list[Operation]:
    """Stops, to see, to make and to lift."""

    async def stops(request: Request) -> Response:
        done = query_text(request, "done")
        return await pages.show(request, "stops.html", lambda session: _stops(session, done))

    async def stopping(request: Request) -> Response:
        try:
            viewer, fields = await pages.form(request)
            if first(fields, "sure") != "yes":
                raise refuse(
                    Code.BAD_REQUEST,
                    "the stop was not confirmed",
                    hint="Select “Take it out of live now”, and send the form again.",
                )
            wish = StopRequest(tuple(fields.get("address", ())), first(fields, "reason"))
            outcome = await asyncio.to_thread(_stopped, pages.session(viewer), wish)
        except Refused as refused:
            return await pages.form_refused(request, refused)
        return RedirectResponse(f"/ui/stops?done={outcome.revision.serial if outcome.revision is not None else 0}", 303)

    async def resuming(request: Request) -> Response:
        try:
            viewer, fields = await pages.form(request)
            wish = StopRequest(tuple(fields.get("address", ())), first(fields, "reason"))
            outcome = await asyncio.to_thread(resume, pages.session(viewer), wish)
        except Refused as refused:
            return await pages.form_refused(request, refused)
        assert outcome.revision is not None
        if outcome.refused:
            return pages.refusal(request, viewer, Refused(outcome.refused), revision=outcome.revision.serial)
        return RedirectResponse(f"/ui/stops?done={outcome.revision.serial}", 303)

    return [
        Operation("GET", "/ui/stops", stops),
        Operation("POST", "/ui/stop", stopping),
        Operation("POST", "/ui/resume", resuming),
    ]


def _stopped(session: Session, wish: StopRequest) -> StopOutcome:
    outcome = stop(session, wish)
    if outcome.out and outcome.revision is not None:
        anchored(session, outcome.revision)
    return outcome


def _stops(session: Session, done: str) -> Facts:
    with session.existing() as store:
        stops = list_stops(store, design_readable(session, store))
    return {
        "stops": stops[:MOST],
        "left": max(0, len(stops) - MOST),
        "done": done if done.isdecimal() else "",
        "may_resume": may(session, TokenScope.PROMOTE),
    }


def may(session: Session, scope: TokenScope) -> bool:
    """Whether somebody is logged in whose token is for this."""
    return bool(session.operator) and not missing_scopes(session.scopes, (scope,), session.operator)


def stop_facts(session: Session, store: Store, address: Address, design: Snapshot, live: Snapshot) -> Facts:
    """What the page of an offer says of stops: those that it is under, and what can be stopped from there."""
    stops = Stops(store.stops())
    view = design if address in design.entries else live
    categories = [
        each_address for each_address in stopping_addresses(view, address) if each_address.kind is Kind.CATEGORY
    ]
    spaces = [address.beside(Kind.SPACE, name) for name in view.offer(address).shown_on]
    rows = [row for each_address in (address, *categories, *spaces) if (row := stops.named(each_address)) is not None]
    return {"stops": rows, "stoppable": [address, *categories], "may_stop": may(session, TokenScope.STOP)}
