"""The web page: the script, the call behind it, and the links that set a status (domain.md §5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files
from logging import getLogger
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, FailFast, Field
from starlette.requests import Request
from starlette.responses import Response

from offerkit.diagnostics import Refused
from offerkit.engine.answer import Answer, ProposedOffer
from offerkit.models.status import Status, parse_status
from offerkit.reports.answer import product_element, proposition_tag
from offerkit.server.cookies import Visitor
from offerkit.server.decision_service import DecisionService
from offerkit.server.inbound import InboundRules
from offerkit.server.json_bodies import read_body
from offerkit.server.problems import NOTHING_HERE, problem_response
from offerkit.server.rate_limit import CALL_PATH, environment_of, own_origin
from offerkit.server.routing import Description, Handler, Operation
from offerkit.server.schemas import CallData, JsonAnswer, Key, Names, RequestBody, call_data_name, refusals
from offerkit.server.thread_worker import now
from offerkit.store.proposition_rows import LONGEST_KEY
from offerkit.templates.urls import url_trouble
from offerkit.templates.xml_text import with_attribute, without_declaration
from offerkit.usecases.catalogs import Catalogs
from offerkit.usecases.requests import ProposeRequest, SpaceRequest
from offerkit.usecases.update_status import StatusUpdate

SCRIPT_PATH = "/nl/interactionProposal.js"
_LOG = getLogger("offerkit.web")
_CLICK = ("a", "p", "st", "r")
"""The query of a tracked link: action, proposition, status, and where to lead."""
_FROM_OUTSIDE = (Status.PRESENTED, Status.INTERESTED, Status.ACCEPTED, Status.REJECTED)
_NO_FURTHER = "<!doctype html><title>Thank you</title><p>Thank you. Your answer was received.</p>"


def routes(service: DecisionService, public_url: str, status_path: str) -> list[Operation]:
    """The routes on ``service``; ``public_url`` is how browsers reach the service, empty: as each request says."""
    script = (files("offerkit.server") / "static" / "interactionProposal.js").read_bytes()

    async def interaction_proposal(_: Request) -> Response:
        """The script that fills the places of a page; the same for everybody."""
        headers = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}
        return Response(script, 200, headers, "text/javascript; charset=utf-8")

    async def page(request: Request) -> Response:
        """All places of a page in one call. Visitors without a cookie get one, and whoever logs in a new one."""
        environment, served = environment_of(request), service.served  # another revision may be served before the end
        if environment not in served.catalogs:
            return problem_response(404, "Not taken", NOTHING_HERE, CALL_PATH)
        body = await read_body(request, PageBody)
        visitor = Visitor(request)
        page_call = PageCall(served.catalogs, environment, body)
        ask = page_call.ask(visitor, public_url + status_path)
        answer = (await service.propose(ask))[0] if ask is not None else None
        if body.xml:
            response = Response(page_call.xml(answer), media_type="application/xml")
        else:
            response = JsonAnswer({"divs": {**page_call.html(answer)}})
        secure = own_origin(request, public_url).startswith("https:")
        elsewhere = bool(served.inbound.environments[environment].origins)
        if answer is not None and answer.cookie:
            visitor.renew(answer.cookie)
        visitor.leave(response, secure=secure, elsewhere=elsewhere)
        return response

    async def click(request: Request) -> Response:
        """Set a proposition's status, then lead on to ``r`` where its host is declared.

        Visitors never see that an id is unknown or was used before: they are on their way to somewhere else.
        """
        if _ahead(request):  # nobody clicked yet; whoever then does comes again, as what failed is not kept
            return Response(status_code=503)
        action, proposition, status, r = (request.query_params.get(name, "") for name in _CLICK)
        if action == "UpdateStatus":
            await _set(service, proposition, status)
        target = redirect_target(r, own_origin(request, public_url), service.served.inbound)
        if target:
            return Response(status_code=303, headers={"Location": target})
        return Response(_NO_FURTHER, media_type="text/html; charset=utf-8") if r else Response(status_code=204)

    script_ = Description(
        id="script", tag="web", responses={200: {"content": {"text/javascript": {}}}, **refusals(401, 429)}
    )
    page_ = Description(
        id="page",
        tag="web",
        body=PageBody,
        answer=PageView,
        responses={
            200: {"content": {"application/xml": {}}},
            **refusals(400, 401, 403, 404, 413, 415, 422, 429, 503),
        },
    )
    click_ = Description(
        id="click",
        tag="web",
        query=_CLICK,
        responses={
            200: {"content": {"text/html": {}}},
            204: {"description": "The status is set; the link has no redirect."},
            303: {"description": "On to the redirect, whose host is declared."},
            **refusals(400, 401, 422, 429, 503),
        },
    )
    return [
        Operation("POST", CALL_PATH, page, page_),
        Operation("GET", status_path, click, click_),
        Operation("GET", SCRIPT_PATH, interaction_proposal, script_),
    ]


def _ahead(request: Request) -> bool:
    """Whether a browser only looks ahead: it says so in one of four headers, by its make and age."""
    purposes = (request.headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    return any("prefetch" in purpose or "prerender" in purpose or "preview" in purpose for purpose in purposes)


async def _set(service: DecisionService, proposition: str, status: str) -> None:
    try:
        new_status = parse_status(status)
    except ValueError:
        return
    if new_status not in _FROM_OUTSIDE or not 0 < len(proposition) <= LONGEST_KEY:
        return
    try:
        await service.update(StatusUpdate(proposition, new_status, {}, now()))
    except Refused as refused:
        _LOG.info("a click changed nothing", extra={"why": str(refused.diagnostics[0].code)})


_NTH = re.compile(r"(?P<space>.+)_(?P<rank>[1-9][0-9]?)")
_PRINTABLE = r"^[^\x00-\x1f\x7f\ufffe\uffff]*$"
"""What can stand in an attribute of XML."""


class PagePlace(RequestBody):
    """A place on the page: ``<div id="i_SPACE">``, or any that the page declared with a space of its own."""

    id: Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTABLE)]
    space: Annotated[str, Field(max_length=200)] = ""
    categories: Names = Field([])
    themes: Names = Field([])


class PageBody(RequestBody):
    """What the script of the page sends."""

    divs: Annotated[list[PagePlace], FailFast(), Field(min_length=1, max_length=50)]
    target: Key = Field("", description="The contact's key, as the environment takes it: raw or signed.")
    categories: Names = Field([], description="For all places that name none of their own.")
    themes: Names = Field([])
    data: CallData = Field({}, description="Call data; navigationLanguage stands for navigation_language.")
    xml: bool = Field(False, description="Answer the propositions as XML instead of HTML for each place.")


class PageView(BaseModel):
    """The answer for HTML: what to put into each place; a place without an offer is not there."""

    divs: dict[str, str]


class PageCall:
    """The places of one call, as the live catalogs understand them.

    Several places may be of one space, each with its own categories; no offer is proposed twice over the call.
    """

    def __init__(self, catalogs: Catalogs, environment: str, body: PageBody) -> None:
        """Places whose space is not live in ``environment`` get nothing; so does every place of an unknown one."""
        self._catalogs, self._environment, self._body = catalogs, environment, body
        self._places: dict[str, tuple[SpaceRequest, int]] = {}
        self._wanted: dict[SpaceRequest, int] = {}
        if environment in catalogs:
            for div in {div.id: div for div in body.divs}.values():  # a page has an id once
                self._add(div)

    def ask(self, visitor: Visitor, status_base: str) -> ProposeRequest | None:
        """All places in one question; None when none of them is live."""
        if not self._wanted:
            return None
        declared = self._catalogs[self._environment].call_data
        data = {name if name in declared else call_data_name(name): value for name, value in self._body.data.items()}
        return ProposeRequest(
            spaces=tuple(dict.fromkeys(place.space for place in self._wanted)),
            at=now(),
            contact=self._body.target,
            cookie=visitor.cookie,
            session=visitor.session,
            data=data,
            outputs=("xml" if self._body.xml else "html",),
            status_base=status_base,
            wanted=tuple(place._replace(n=n) for place, n in self._wanted.items()),
            hints=False,
        )

    def html(self, answer: Answer | None) -> dict[str, str]:
        """By place, what is to stand there."""
        return {div: proposed.rendered["html"] for div, _, proposed in self._filled(answer)}

    def xml(self, answer: Answer | None) -> str:
        """``<propositions>`` with one element for each place that has an offer (domain.md §5)."""
        return f"<propositions>{''.join(_element(*filled) for filled in self._filled(answer))}</propositions>"

    def _filled(self, answer: Answer | None) -> Iterable[tuple[str, str, ProposedOffer]]:
        shown = dict(zip(self._wanted, answer.spaces, strict=True)) if answer is not None else {}
        for div, (place, rank) in self._places.items():
            proposed_space = shown.get(place)
            if proposed_space is not None and len(proposed_space.proposed) >= rank:
                yield div, place.space.partition("/")[2], proposed_space.proposed[rank - 1]

    def _add(self, div: PagePlace) -> None:
        name, rank = self._space_of(div)
        if not name:
            return
        own, linked = self._split(name, div.categories or self._body.categories)
        themes = div.themes or self._body.themes
        # Places of one space with the same categories and themes share its best offers; others their own.
        place = SpaceRequest(f"{self._environment}/{name}", 0, *map(_distinct, (own, linked, themes)))
        self._places[div.id] = place, rank
        self._wanted[place] = max(self._wanted.get(place, 0), rank)

    def _space_of(self, div: PagePlace) -> tuple[str, int]:
        """The space's name and which of its offers; an empty name when there is no such live space to be asked."""
        spaces = self._catalogs[self._environment].spaces
        from_id = div.id.removeprefix("i_")
        name, rank = div.space or from_id, 1
        if name not in spaces or (div.space and _nth(from_id)[0] == name):
            name, rank = _nth(from_id if name in spaces else name)
        return (name, rank) if name in spaces and spaces[name].unitary else ("", 0)

    def _split(self, space: str, named: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The categories of a place: those for who is identified, and those of the linked anonymous environment.

        Pages name both in one list (``"Cat,CatAnonymous"``). When none of them is ours, they stay as they are:
        nothing is proposed then, rather than anything.
        """
        names = tuple(named)
        own = tuple(name for name in names if name in self._catalogs[self._environment].categories)
        linked = self._catalogs.space(self._environment, space).identification.fallback.partition("/")[0]
        theirs = self._catalogs[linked].categories if linked else {}
        return own or names, tuple(name for name in names if name in theirs)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _nth(written: str) -> tuple[str, int]:
    """``SPACE_2`` taken apart: the space, and which of its offers."""
    match = _NTH.fullmatch(written)
    return (match["space"], int(match["rank"])) if match else (written, 1)


def _element(div: str, space: str, proposed: ProposedOffer) -> str:
    if "proposition" in proposed.rendered:
        return with_attribute(proposed.rendered["proposition"], "div", div)
    view = without_declaration(proposed.rendered["xml"].strip()).strip()
    if not view.startswith("<xmlOfferView"):
        view = f"<xmlOfferView>{view}</xmlOfferView>"
    product = product_element(proposed) if proposed.product_fields else ""
    return f"{proposition_tag(proposed, space, div)}{view}{product}</proposition>"


_REDIRECT_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_KEPT_IN_URLS = "!#$%&'()*+,/:;=?@[]~"
"""What stays as it is in the address that a browser is sent to; everything else is written with %."""


def redirect_target(target: str, own: str, inbound: InboundRules) -> str:
    """The address to lead to; empty when ``wanted`` is not one of ``own`` (scheme and host) or of a declared host."""
    if len(target) <= 4_096 and _REDIRECT_PATH.fullmatch(target):
        return quote(target, safe=_KEPT_IN_URLS)
    if url_trouble(target):
        return ""
    parts = urlsplit(target)
    if f"{parts.scheme}://{parts.netloc}" == own:
        return quote(target, safe=_KEPT_IN_URLS)
    try:
        host, port = (parts.hostname or "").rstrip(".").encode("idna").decode().lower(), parts.port
    except ValueError:  # a port or a name that is none
        return ""
    if not inbound.may_lead_to(host):
        return ""
    return quote(parts._replace(netloc=f"{host}:{port}" if port else host).geturl(), safe=_KEPT_IN_URLS)


_DEMO_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_DEMO_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
}


def demo_routes() -> list[Operation]:
    """The page and what it is made of: files of the package, and nothing from elsewhere."""

    async def begin(_: Request) -> Response:
        """To the page."""
        return Response(status_code=307, headers={"Location": "/demo/"})

    operations = [Operation("GET", path, begin) for path in ("/", "/demo")]
    for file in (files("offerkit.server") / "static" / "demo").iterdir():
        name, _, ending = file.name.rpartition(".")
        path = "/demo/" if name == "index" else f"/demo/{file.name}"
        operations.append(Operation("GET", path, _file(file.read_bytes(), _DEMO_TYPES[ending])))
    return operations


def _file(body: bytes, media_type: str) -> Handler:
    async def file(_: Request) -> Response:
        return Response(body, 200, {"Content-Security-Policy": _DEMO_POLICY}, media_type)

    return file
