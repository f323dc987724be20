"""What all pages share: the viewer, the session they read with, the frame, refusals as pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TypeAlias, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.engine.counts import said
from offerkit.reports.escape import visible
from offerkit.server.authentication import GuessedTooOftenError, TokenLookup, acting
from offerkit.server.client_address import client_of, is_local
from offerkit.server.config import ServerConfig
from offerkit.server.json_bodies import InvalidRequestError
from offerkit.server.problems import status_of
from offerkit.server.redaction import redacted
from offerkit.server.request_limits import content_of
from offerkit.server.route_scopes import check_scope
from offerkit.server.routing import ROUTE
from offerkit.server.thread_worker import now
from offerkit.server.ui.access import Viewer, forget, same_origin, sealed, token_of
from offerkit.templates.urls import url_trouble
from offerkit.usecases.design_access import check_design_reader
from offerkit.usecases.session import Session
from offerkit.usecases.tokens import NOBODY, Bearer

T = TypeVar("T")
Facts: TypeAlias = Mapping[str, object]
Maker: TypeAlias = Callable[[Session], Facts]
"""What a page shows, read in a thread with a session of its own."""
Form: TypeAlias = dict[str, list[str]]

LOCK_SECONDS = 5.0
"""How long a page waits for another run to give the store back."""
FIELDS = 1_000
_FLAG = TypeAdapter(bool)
_POLICY = "Content-Security-Policy"
_HEADERS = {
    _POLICY: (
        "default-src 'none'; style-src 'self'{previews}; img-src {images}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would not say where a form was sent from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOWHERE = (Code.NO_MATCH, Code.PLAN_EMPTY_TARGET, Code.BAD_ADDRESS, Code.BAD_POINT)
"""What is wrong with an address that leads to nothing."""
_OF_LIVE = ("/ui/report", "/ui/show", "/ui/explain", "/ui/stops", "/ui/stop", "/ui/resume", "/ui/logout")
"""Pages and forms that show nothing of design to those who may not read it."""
_OFFER = "/ui/offers/{environment}/{name}"
"""The page of one environment alone."""
_PREVIEWS = "; style-src-attr 'unsafe-inline'; script-src 'self'"
"""For the page that shows offers: what they carry in ``style`` is seen as it will be, and frames get their height.

In the frames nothing runs: their sandbox allows no scripts.
"""


class Pages:
    """Makes pages. Reading the store and rendering happen in threads, and never block the event loop."""

    def __init__(self, session: Session, config: ServerConfig, tokens: TokenLookup, counting: asyncio.Lock) -> None:
        """``session``: the server's own; pages get copies with the signed-in operator. ``counting``: of its reports."""
        self.counting = counting
        self._session, self._config, self._tokens = session, config, tokens
        self._public = urlsplit(config.public_url).netloc
        self._templates = _templates()

    def session(self, viewer: Viewer, message: str = "") -> Session:
        """A session of the viewer, at the current time."""
        return acting(self._session, Bearer(viewer.operator, viewer.scopes), LOCK_SECONDS, message)

    async def viewer(self, request: Request) -> Viewer | None:
        """The viewer; None: they must log in first."""
        token = token_of(request)
        bearer = await self.named(request, token) if token else NOBODY
        if bearer.operator:
            return Viewer(bearer.operator, token, bearer.scopes)
        return Viewer() if self._config.ui == "local" and is_local(request) else None

    async def named(self, request: Request, token: str) -> Bearer:
        """The token's operator; nobody's if it is not valid, or after too many wrong tokens."""
        try:
            return await self._tokens.by_token(token, client_of(request))
        except GuessedTooOftenError:
            return NOBODY

    async def show(self, request: Request, template: str, make: Maker) -> Response:
        """The page rendered from ``template`` with the facts of ``make``."""
        viewer: Viewer | None = None
        try:
            viewer = await self.viewer(request)
            if viewer is None:
                return to_login(request)
            _check_scope(request, viewer)
            return await asyncio.to_thread(self._made, request, template, make, viewer)
        except Refused as refused:
            return self.refusal(request, viewer, refused)

    def _made(self, request: Request, template: str, make: Maker, viewer: Viewer) -> Response:
        session, path = self.session(viewer), str(request.scope[ROUTE])
        if path not in _OF_LIVE:
            environment = request.path_params.get("environment", "") if path == _OFFER else ""
            check_design_reader(session, environment)
        return self.written(request, template, make(session), viewer, 200)

    async def form(self, request: Request) -> tuple[Viewer, Form]:
        """The sender of a form, and its fields. Raises Refused unless an operator sent it from our page."""
        viewer = await self.viewer(request)
        if viewer is None or not viewer.operator:
            raise refuse(
                Code.NO_OPERATOR, "you are not logged in", hint="Log in with your token; then send the form again."
            )
        _check_scope(request, viewer)
        fields = await self.fields(request)
        if not sealed(viewer, first(fields, "seal")):
            raise _foreign()
        if str(request.scope[ROUTE]) not in _OF_LIVE:
            await asyncio.to_thread(check_design_reader, self.session(viewer))
        return viewer, fields

    async def fields(self, request: Request) -> Form:
        """The fields of a form. Raises Refused if it was sent from another site, or is not a form."""
        if not same_origin(request, self._public):
            raise _foreign()
        try:
            text = (await content_of(request)).decode()
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
        except ValueError:  # UnicodeError as well
            raise refuse(Code.BAD_REQUEST, "the form cannot be read") from None
        form: Form = {}
        for name, value in pairs:
            form.setdefault(name, []).append(value)
        return form

    def written(self, request: Request, template: str, facts: Facts, viewer: Viewer | None, status: int) -> Response:
        """A page as a response."""
        text = self._templates.get_template(template).render(
            viewer=viewer, path=request.url.path, place=_place(request), moment=f"{now():%Y-%m-%d %H:%M:%S}", **facts
        )
        shows_offers = template == "offer.html"
        images = " ".join(("https:", "data:", *image_hosts(facts.get("assets")))) if shows_offers else "data:"
        policy = _HEADERS[_POLICY].replace("{previews}", _PREVIEWS if shows_offers else "").replace("{images}", images)
        headers = {**_HEADERS, _POLICY: policy}
        return Response(text, status, headers, "text/html; charset=utf-8")

    async def form_refused(self, request: Request, refused: Refused) -> Response:
        """The refusal of a form, as a page."""
        try:
            viewer = await self.viewer(request)
        except Refused:  # the store is lost: the page says so
            viewer = None
        return self.refusal(request, viewer, refused)

    def refusal(
        self, request: Request, viewer: Viewer | None, refused: Refused, *, revision: int | None = None
    ) -> Response:
        """The page for a refusal; ``revision`` made the part that was accepted (None: nothing was)."""
        posted = request.method == "POST"
        facts = {
            "findings": self.told(refused),
            "title": ("Refused" if revision is None else "Refused in part") if posted else "This cannot be shown",
            "posted": posted,
            "revision": revision,
        }
        status = status_of(refused) if revision is None else 200
        if not posted and any(diagnostic.code in _NOWHERE for diagnostic in refused.diagnostics):
            status = 404
        return self.written(request, "refused.html", facts, viewer, status)

    def told(self, refused: Refused) -> tuple[Diagnostic, ...]:
        """The diagnostics of a refusal, without this machine's paths."""
        return redacted(refused, self._session).diagnostics


def image_hosts(assets: object) -> tuple[str, ...]:
    """What a page's policy must name for images below these addresses: hosts without https, which is allowed anyway.

    The addresses are those of stages, which are not always checked as specs are: what is no URL names no host.
    """
    urls = [str(url) for url in assets] if isinstance(assets, Iterable) else []
    parts = [urlsplit(url) for url in urls if url.startswith("http://") and not url_trouble(url)]
    return tuple(sorted({f"http://{part.netloc}" for part in parts if part.netloc.isascii()}))


def _check_scope(request: Request, viewer: Viewer) -> None:
    """Raise Refused if the viewer's token is not for this page; viewers on this machine may read all pages."""
    if viewer.operator:
        check_scope(Bearer(viewer.operator, viewer.scopes), request.method, str(request.scope[ROUTE]))


def query_text(request: Request, name: str, default: str = "") -> str:
    """A parameter of the page's address."""
    return request.query_params.get(name, default)


def query_flag(request: Request, name: str) -> bool:
    """A boolean parameter of the page's address, false by default. Raises InvalidRequestError for another value."""
    try:
        return _FLAG.validate_python(request.query_params.get(name, "false"))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise InvalidRequestError([{**fault, "loc": ("query", name)} for fault in errors]) from None


def first(fields: Form, name: str) -> str:
    """The first value of a field; empty without one."""
    return fields.get(name, [""])[0]


@cache
def _templates() -> Environment:
    """All templates, read once: an upgrade beneath a running server must not mix new pages with old code."""
    templates = Environment(
        loader=PackageLoader("offerkit.server.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_spelled,
        auto_reload=False,
    )
    templates.filters["people"] = said
    templates.filters["breakable"] = _breakable
    templates.filters["path"] = lambda text: quote(str(text), safe="/")
    for name in templates.list_templates():
        templates.get_template(name)
    return templates


def _breakable(address: str) -> Markup:
    """An address that may break after its punctuation, never within a word."""
    return Markup(re.sub(r"([/.@-])(?=\w)", r"\1<wbr>", str(escape(visible(address)))))  # noqa: S704 - escaped before


def _place(request: Request) -> str:
    """The page's address, for printing: paper has no address bar."""
    return request.url.path + (f"?{unquote(request.url.query)[:300]}" if request.url.query else "")


def to_login(request: Request) -> Response:
    """Redirect to the login, and from there back."""
    response = RedirectResponse(f"/ui/login?to={quote(request.url.path, safe='/')}", 303)
    if token_of(request):  # it is no longer valid
        forget(response, request)
    return response


def _foreign() -> Refused:
    return refuse(
        Code.NOT_ALLOWED,
        "the form was not sent from a page of this service",
        detail="Another site could have sent it in your name.",
        hint="Open the page here, and send the form again.",
    )


def _spelled(value: object) -> object:
    """Text with invisible and reordering characters spelled out, before it is escaped."""
    return visible(value, multiline=True) if isinstance(value, str) and not isinstance(value, Markup) else value
