"""What every request gets: an id, security headers, a log line, metrics."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from logging import getLogger
from typing import TypeAlias

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from offerkit.server.connections import current_connection
from offerkit.server.error_pages import ErrorPages
from offerkit.server.logs import request_id
from offerkit.server.metrics import Metrics
from offerkit.server.problems import RequestError, error_response, problem_response
from offerkit.server.request_limits import ArrivingBody, RequestHeads, arrived
from offerkit.server.routing import HEADERS_BY_NAME, ROUTE, Answerer, add_security_headers
from offerkit.usecases.random_ids import random_hex

_LOG = getLogger("offerkit.request")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
Timer: TypeAlias = Callable[[], float]


class RequestMiddleware:
    """The application around its answers. An unhandled exception is logged with its trace, and answered without it."""

    def __init__(
        self,
        answer: Answerer,
        lifespan: ASGIApp,
        metrics: Metrics,
        pages: ErrorPages,
        timer: Timer = time.perf_counter,
    ):
        """``timer``: seconds, as a clock for measuring has them."""
        self._answer, self._lifespan, self._metrics, self._pages, self._timer = answer, lifespan, metrics, pages, timer
        self._heads = RequestHeads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._lifespan(scope, receive, send)
            return
        wrong = self._heads.read(scope)
        sent_id = scope[HEADERS_BY_NAME].get(b"x-request-id", b"").decode("latin-1")
        id_ = sent_id if sent_id and _ID.fullmatch(sent_id) else random_hex(16)
        request_id.set(id_)
        begin, status = self._timer(), 500
        connection = current_connection()
        whole = connection is not None and arrived(scope, connection.request_began())
        body = None if whole else ArrivingBody(scope, receive)
        try:
            response = await self._answered(scope, receive if body is None else body.receive, wrong)
            response.raw_headers.append((b"x-request-id", id_.encode()))
            add_security_headers(response)
            status = response.status_code
            await response(scope, receive, send)
        except Exception:
            _LOG.exception("unhandled error")
        finally:
            if connection is not None:
                connection.request_ended(body_arrived=body is None or body.arrived)
            self._tell(scope, status, self._timer() - begin)

    async def _answered(self, scope: Scope, receive: Receive, wrong: RequestError | None) -> Response:
        try:
            response = await self._answer(scope, receive) if wrong is None else error_response(wrong, scope["path"])
        except Exception:
            _LOG.exception("unhandled error")
            response = server_error(scope["path"])
        self._pages.write(scope, response)
        return response

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = str(scope.get(ROUTE, ""))
        method = scope["method"] if route else ""
        # callers may make up methods; each would be a measure of its own
        self._metrics.told(route, method if method in _METHODS else "", status, seconds)
        if _LOG.isEnabledFor(20) and not route.startswith("/health"):
            client = scope.get("client")
            _LOG.info(
                "request",
                extra={
                    "method": scope["method"],
                    "path": scope["path"][:200],
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 3),
                    "client": client[0] if client else "",
                },
            )


def server_error(path: str) -> Response:
    """The answer to an unhandled exception: it names the request as the log does."""
    return problem_response(
        500,
        "Internal error",
        f"internal error; the server's log knows it as {request_id.get()}",
        path,
    )
