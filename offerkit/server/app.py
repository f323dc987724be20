"""The application: its routes and the middleware around them, for one decision service."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import Json
from offerkit.server import api, contact_api, operator_api, report_api, schedule_api, soap, ui, web
from offerkit.server.authentication import INSIDER, TokenLookup, authenticated, operator_of
from offerkit.server.client_address import is_local
from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.error_pages import ErrorPages, Start
from offerkit.server.json_bodies import InvalidRequestError, error_sentences
from offerkit.server.large_requests import LargeRequests
from offerkit.server.metrics import Metrics
from offerkit.server.middleware import RequestMiddleware
from offerkit.server.openapi import openapi_operations
from offerkit.server.problems import LEFT, RequestError, error_response, problem_response, refusal_response
from offerkit.server.rate_limit import STATUS_PATH, RateLimitAndCors, allow_origin
from offerkit.server.redaction import redacted
from offerkit.server.routing import HEADERS_BY_NAME, Answerer, Description, ErrorAnswer, Operation, Routes, note_headers
from offerkit.server.schemas import JsonAnswer, refusals
from offerkit.usecases.session import Session


def application(session: Session, config: ServerConfig) -> ASGIApp:
    """The whole application. Raises Refused when the store cannot be opened."""
    metrics = Metrics(shared=bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR")))
    service = DecisionService(session, config, metrics)
    tokens = TokenLookup(service.session)
    service.presence.listen(tokens.forget)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        await service.open()
        yield
        await service.close()
        tokens.close()

    public = config.public_url.rstrip("/")
    operators = [*operator_api.routes(service), *schedule_api.routes(service)]
    operations = [
        *api.routes(service, public + STATUS_PATH),
        *web.routes(service, public, STATUS_PATH),
        *soap.routes(service, public + STATUS_PATH, public),
        *_health_routes(service, metrics),
        *operators,
        *operator_api.stop_routes(service),
        *report_api.routes(service),
        *contact_api.routes(service),
        *(web.demo_routes() if config.demo else ()),
        *ui.routes(service, config, tokens),
    ]
    routes = Routes([*operations, *openapi_operations(operations)], _error_answer(service.session))
    gate, large = RateLimitAndCors(service, public), LargeRequests(operators, service.session, config)

    async def answer(scope: Scope, receive: Receive) -> Response:
        response = (
            gate.refusal(scope)
            if b"authorization" not in scope[HEADERS_BY_NAME]
            else (await authenticated(scope, tokens) or gate.refusal(scope) or await large.answer(scope, receive))
        )
        response = response or await routes.answer(scope, receive)
        allow_origin(scope, response)
        return response

    starts = [Start("/ui", "Overview", "/ui/style.css")] if config.ui != "off" else []
    starts += [Start("/demo/", "The demonstration", "/demo/demo.css")] if config.demo else []
    return RequestMiddleware(answer, Router(lifespan=lifespan), metrics, ErrorPages(starts))


def _health_routes(service: DecisionService, metrics: Metrics) -> list[Operation]:
    """Health, readiness and metrics, for operating the server."""

    async def live(_: Request) -> Response:
        """The process answers."""
        return JsonAnswer({"status": "alive"})

    async def ready(_: Request) -> Response:
        """Calls can be answered and stored: what is live is compiled, contacts indexed, and the store can be read."""
        reason = service.trouble()
        body: dict[str, Json] = {"status": "not ready" if reason else "ready", "revision": service.served.serial}
        if told := service.presence.reason or service.preparing:
            body["reason"] = told
        return JsonAnswer(body, 503 if reason else 200)

    async def measures(request: Request) -> Response:
        """Metrics in Prometheus's text format, for callers on this machine and for operators."""
        if not (is_local(request) or operator_of(request)):
            return problem_response(403, "Not allowed", "only callers on this machine and operators may read metrics")
        metrics.revision.set(service.served.serial)
        metrics.stopped.set(service.served.stopped)
        metrics.waiting.set(service.writer.waiting)
        exposition, media_type = metrics.exposed()
        return Response(exposition, headers={"Content-Type": media_type})

    described = partial(Description, tag="operations")
    text = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    return [
        Operation("GET", "/health/live", live, described(id="live", responses=refusals(401, 429))),
        Operation("GET", "/health/ready", ready, described(id="ready", responses=refusals(401, 429, 503))),
        Operation(
            "GET", "/metrics", measures, described(id="metrics", responses={200: text, **refusals(401, 403, 429)})
        ),
    ]


def for_operators(session: Session) -> Answerer:
    """The calls on the store alone, for a process that answers one of them (:mod:`offerkit.server.large_requests`)."""
    stored, tokens = _Stored(session), TokenLookup(session)
    routes = Routes([*operator_api.routes(stored), *schedule_api.routes(stored)], _error_answer(session))

    async def answer(scope: Scope, receive: Receive) -> Response:
        note_headers(scope)
        return await authenticated(scope, tokens) or await routes.answer(scope, receive)

    return answer


@dataclass(frozen=True)
class _Stored:
    session: Session


def _error_answer(session: Session) -> ErrorAnswer:
    """How handlers' exceptions are answered; what ``session`` knows of places on this machine is not told."""

    def answer(request: Request, error: Exception) -> Response | None:
        path = str(request.scope["path"])
        match error:
            case Refused():
                insider = bool(request.scope.get(INSIDER, operator_of(request)))
                shown = redacted(error, session) if insider else error
                return refusal_response(shown, insider=insider, instance=path)
            case InvalidRequestError():
                diagnostics = [
                    Diagnostic(Code.BAD_REQUEST, sentence) for sentence in error_sentences(error.errors)[:50]
                ]
                return refusal_response(Refused(diagnostics), insider=True, instance=path)
            case RequestError():
                return error_response(error, path)
            case ClientDisconnect():
                return problem_response(400, "Not taken", LEFT, path)
            case _:
                return None

    return answer
