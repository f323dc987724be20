"""What every request gets: an id, security headers, a log line, metrics."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from logging import getLogger
from typing import TypeAlias

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offerkit.server.logs import request_id
from offerkit.server.metrics import Metrics
from offerkit.server.problems import problem_response
from offerkit.server.routing import ROUTE
from offerkit.usecases.random_ids import random_hex

_LOG = getLogger("offerkit.request")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CAREFUL = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}
"""Headers of every answer, unless its route sets others."""
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
Timer: TypeAlias = Callable[[], float]


class RequestMiddleware:
    """Wraps the application. An unhandled exception is logged with its trace, and answered without it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, timer: Timer = time.perf_counter):
        """``timer``: seconds, as a clock for measuring has them."""
        self._app, self._metrics, self._timer = app, metrics, timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent_id = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        id_ = sent_id if _ID.fullmatch(sent_id) else random_hex(16)
        request_id.set(id_)
        begin, status = self._timer(), 500
        begun = False

        async def sending(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                header_names = {name for name, _ in message["headers"]}
                added = [pair for pair in _CAREFUL.items() if pair[0] not in header_names]
                message["headers"] = [*message["headers"], (b"x-request-id", id_.encode()), *added]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            _LOG.exception("unhandled error")
            if not begun:
                await server_error(scope["path"])(scope, receive, sending)
        finally:
            self._tell(scope, status, self._timer() - begin)

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


def add_security_headers(answer: Response) -> None:
    """Let an answer say what :class:`RequestMiddleware` lets all others say, where it comes before that."""
    for name, value in _CAREFUL.items():
        answer.headers.setdefault(name.decode(), value.decode())


def server_error(path: str) -> Response:
    """The answer to an unhandled exception: it names the request as the log does."""
    return problem_response(
        500,
        "Internal error",
        f"internal error; the server's log knows it as {request_id.get()}",
        path,
    )
