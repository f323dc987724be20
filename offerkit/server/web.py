"""The web page: the script, the call behind it, and the links that set a status (domain.md §5)."""

from __future__ import annotations

from importlib.resources import files
from logging import getLogger

from fastapi import APIRouter, Request, Response

from offerkit.diagnostics import Refused
from offerkit.models.status import Status, parse
from offerkit.server.bodies import described, read
from offerkit.server.cookies import Visitor
from offerkit.server.desk import Desk
from offerkit.server.gate import CALL_PATH, environment_of, own_origin
from offerkit.server.page import Page, PageBody, PageView
from offerkit.server.problems import NOTHING_HERE, trouble
from offerkit.server.redirects import target_of
from offerkit.server.seat import now
from offerkit.server.wire import json_answer, refusals
from offerkit.store.proposition_rows import LONGEST_KEY
from offerkit.usecases.update_status import StatusUpdate

SCRIPT_PATH = "/nl/interactionProposal.js"
_LOG = getLogger("offerkit.web")
_FROM_OUTSIDE = (Status.PRESENTED, Status.INTERESTED, Status.ACCEPTED, Status.REJECTED)
_NO_FURTHER = "<!doctype html><title>Thank you</title><p>Thank you. Your answer was received.</p>"


def routes(desk: Desk, public_url: str, status_path: str) -> APIRouter:
    """The routes on ``desk``; ``public_url`` is how browsers reach the service, empty: as each request says."""
    router = APIRouter(tags=["web"])
    script = (files("offerkit.server") / "static" / "interactionProposal.js").read_bytes()

    @router.get(
        SCRIPT_PATH,
        operation_id="script",
        response_class=Response,
        responses={200: {"content": {"text/javascript": {}}}, **refusals(401, 429)},
    )
    async def interaction_proposal() -> Response:
        """The script that fills the places of a page; the same for everybody."""
        headers = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}
        return Response(script, 200, headers, "text/javascript; charset=utf-8")

    @router.post(
        CALL_PATH,
        operation_id="page",
        openapi_extra=described(PageBody),
        responses={
            200: {"model": PageView, "content": {"application/xml": {}}},
            **refusals(400, 401, 403, 404, 413, 415, 422, 429, 503),
        },
    )
    async def page(request: Request) -> Response:
        """All places of a page in one call. Visitors without a cookie get one, and whoever logs in a new one."""
        environment, served = environment_of(request), desk.served  # another revision may be served before the end
        if environment not in served.catalogs:
            return trouble(404, "Not taken", NOTHING_HERE, CALL_PATH)
        body = await read(request, PageBody)
        visitor = Visitor(request)
        asked = Page(served.catalogs, environment, body)
        ask = asked.ask(visitor.cookie, public_url + status_path)
        answer = (await desk.propose(ask))[0] if ask is not None else None
        if body.xml:
            response = Response(asked.xml(answer), media_type="application/xml")
        else:
            response = json_answer({"divs": {**asked.html(answer)}})
        secure = own_origin(request, public_url).startswith("https:")
        elsewhere = bool(served.declared.environments[environment].origins)
        if answer is not None and answer.cookie:
            visitor.renew(answer.cookie)
        visitor.leave(response, secure=secure, elsewhere=elsewhere)
        return response

    @router.get(
        status_path,
        operation_id="click",
        response_class=Response,
        responses={
            200: {"content": {"text/html": {}}},
            204: {"description": "The status is set; there is nowhere to go on to."},
            303: {"description": "On to the redirect, whose host is declared."},
            **refusals(400, 401, 422, 429, 503),
        },
    )
    async def click(request: Request, a: str = "", p: str = "", st: str = "", r: str = "") -> Response:
        """Set a proposition's status, then lead on to ``r`` where its host is declared.

        Visitors never see that an id is unknown or was used before: they are on their way to somewhere else.
        """
        if _ahead(request):  # nobody clicked yet; whoever then does comes again, as what failed is not kept
            return Response(status_code=503)
        if a == "UpdateStatus":
            await _set(desk, p, st)
        target = target_of(r, own_origin(request, public_url), desk.served.declared)
        if target:
            return Response(status_code=303, headers={"Location": target})
        return Response(_NO_FURTHER, media_type="text/html; charset=utf-8") if r else Response(status_code=204)

    return router


def _ahead(request: Request) -> bool:
    """Whether a browser only looks ahead: it says so in one of four headers, by its make and age."""
    said = (request.headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    return any("prefetch" in one or "prerender" in one or "preview" in one for one in said)


async def _set(desk: Desk, proposition: str, status: str) -> None:
    try:
        wanted = parse(status)
    except ValueError:
        return
    if wanted not in _FROM_OUTSIDE or not 0 < len(proposition) <= LONGEST_KEY:
        return
    try:
        await desk.update(StatusUpdate(proposition, wanted, {}, now()))
    except Refused as refused:
        _LOG.info("a click changed nothing", extra={"why": str(refused.diagnostics[0].code)})
