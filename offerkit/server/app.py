"""The application: its routes put together, around one service."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Scope

from offerkit import __version__
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.server import api, health, operator_api, soap, ui, web
from offerkit.server.authentication import INSIDER, Authentication, TokenLookup, operator_of
from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.direct import Call, Direct
from offerkit.server.error_pages import ErrorPages, Start
from offerkit.server.json_bodies import UnreadableError, error_sentences
from offerkit.server.large_requests import LargeRequests
from offerkit.server.metrics import Metrics
from offerkit.server.middleware import RequestMiddleware, TooLargeError, server_error
from offerkit.server.problems import NOTHING_HERE, problem_response, refusal_response
from offerkit.server.rate_limit import STATUS_PATH, RateLimitAndCors, TooOftenError
from offerkit.server.redaction import redacted
from offerkit.usecases.session import Session

_OWN = (TooLargeError, TooOftenError, UnreadableError)
"""Those whose sentence is for whoever called."""


def application(session: Session, config: ServerConfig) -> ASGIApp:
    """The whole application. Raises Refused when the store cannot be opened."""
    metrics = Metrics(shared=bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR")))
    service = DecisionService(session, config, metrics)
    tokens = TokenLookup(service.session)
    service.presence.listen(tokens.forget)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.open()
        yield
        await service.close()
        tokens.close()

    app = FastAPI(
        title="offerkit",
        version=__version__,
        description="Which offer does this contact get, here, now? Answers come from what is live, always.",
        lifespan=lifespan,
        docs_url=None,  # they load programs from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # they would lead to whatever Host a caller made up
    )
    public = config.public_url.rstrip("/")
    decisions, calls = api.routes(service, public + STATUS_PATH)
    app.include_router(decisions)
    operators = operator_api.routes(service)
    app.include_router(operators)
    app.include_router(operator_api.stop_routes(service))
    app.include_router(soap.routes(service, public + STATUS_PATH, public))
    app.include_router(health.routes(service, metrics))
    app.include_router(web.routes(service, public, STATUS_PATH))
    if config.demo:
        app.include_router(web.demo_routes())
    app.include_router(ui.routes(service, config, tokens))
    if config.ui != "off":
        app.add_api_route("/ui/", _to_ui, include_in_schema=False)
    _problems(app, service.session)
    large = LargeRequests(Direct(app, calls), _posts(operators), service.session, config)
    starts = [Start("/ui", "Overview", "/ui/style.css")] if config.ui != "off" else []
    starts += [Start("/demo/", "The demonstration", "/demo/demo.css")] if config.demo else []
    return ErrorPages(
        RequestMiddleware(Authentication(RateLimitAndCors(large, service, public), tokens), metrics, _route), starts
    )


def for_operators(session: Session) -> ASGIApp:
    """The calls on the store alone, for a process that answers one of them (:mod:`offerkit.server.large_requests`)."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(operator_api.routes(_Stored(session)))
    _problems(app, session)
    return Authentication(app, TokenLookup(session))


@dataclass(frozen=True)
class _Stored:
    session: Session


def _posts(router: APIRouter) -> list[Call]:
    routes = [route for route in router.routes if isinstance(route, APIRoute) and "POST" in (route.methods or ())]
    return [Call("POST", route.path, route.endpoint) for route in routes]


def _route(scope: Scope) -> str:
    """The pattern of the route that answered; empty for a path that is none."""
    route = scope.get("route")
    return str(getattr(route, "path", "")) if route is not None else ""


async def _to_ui() -> Response:
    """From the address with a slash too many."""
    return Response(status_code=307, headers={"Location": "/ui"})


def _problems(app: FastAPI, session: Session) -> None:
    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        insider = bool(request.scope.get(INSIDER, operator_of(request)))
        error = redacted(error, session) if insider else error
        return refusal_response(error, insider=insider, instance=request.scope["path"])

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        found = [Diagnostic(Code.BAD_REQUEST, sentence) for sentence in error_sentences(error.errors())[:50]]
        return refusal_response(Refused(found), insider=True, instance=request.scope["path"])

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        titles = {404: NOTHING_HERE, 405: "this path does not take this method"}
        said = (
            error.detail
            if isinstance(error, TooLargeError | UnreadableError | TooOftenError)
            else "the request cannot be read"
        )
        title = "Too many calls" if isinstance(error, TooOftenError) else "Not taken"
        response = problem_response(
            error.status_code, title, titles.get(error.status_code, said), request.scope["path"]
        )
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(ClientDisconnect)
    async def left(request: Request, _: ClientDisconnect) -> Response:
        return problem_response(400, "Not taken", "the request ended before its body did", request.scope["path"])

    @app.exception_handler(Exception)  # the framework would answer with a text of its own before Outermost can
    async def ours(request: Request, _: Exception) -> Response:
        return server_error(request.scope["path"])
