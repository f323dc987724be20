"""Limits of a request that has begun: its headers, its ``Host``, its target, and the size and time of its body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offerkit.server.connections import HEAD, PATIENCE, TOO_LARGE, TOO_LATE, current_connection
from offerkit.server.problems import RequestError, error_response

LONG_PATIENCE = 600.0
"""Seconds that the body of an operator's request may take."""
HEADERS, TARGET = 100, 8 * 1024
"""How many headers there may be, and the bytes of path and query."""
SMALL, LARGE = 64 * 1024, 32 * 1024 * 1024
"""Bytes of a call to the engine, and of what operators send (plans)."""
LARGE_PATHS = ("/api/v1/store/",)
NO_HOST = "a request has one Host header, with a host in it"
TOO_LONG = f"path and query have more than {TARGET:,} bytes"
NO_UPGRADE = "this service speaks HTTP/1.1; send the request without Upgrade"
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]+")


class TooLargeError(RequestError):
    """The body is larger than its path takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the body has more than {limit:,} bytes", "Too large")


class TooLateError(RequestError):
    """The body took too long to arrive."""

    def __init__(self) -> None:
        super().__init__(408, TOO_LATE, close=True)


class RequestLimits:
    """Middleware that refuses what breaks a limit, and tells the connection when requests begin and end."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["headers"] = headers = list(scope["headers"])  # what the server adds later stood behind the body
        connection = current_connection()
        if connection is not None:
            connection.request_began()
        length, chunked = b"0", False
        for name, value in headers:
            if name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                chunked = True
        arrived = length == b"0" and not chunked

        def body_arrived() -> None:
            nonlocal arrived
            arrived = True

        try:
            large = scope["path"].startswith(LARGE_PATHS)
            wrong = _wrong_head(scope, headers) or _wrong_length(length, LARGE if large else SMALL)
            if wrong is not None:
                await error_response(wrong, scope["path"])(scope, receive, send)
            else:
                await self._app(scope, _limited(receive, large=large, done=body_arrived), send)
        finally:
            if connection is not None:
                connection.request_ended(body_arrived=arrived)


def _wrong_head(scope: Scope, headers: list[tuple[bytes, bytes]]) -> RequestError | None:
    """Why a request is refused for its line and headers; nothing behind it on its connection is read then."""
    target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if target > TARGET:
        return RequestError(414, TOO_LONG, close=True)
    size, hosts, upgrade, closing = target, 0, False, False
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name == b"host":
            hosts += 1 if _HOST.fullmatch(value) else 2
        elif name == b"upgrade":
            upgrade = True
        elif name == b"connection" and b"upgrade" in value.lower():
            closing = True
    if size > HEAD or len(headers) > HEADERS:
        return RequestError(431, TOO_LARGE, close=True)
    if hosts > 1 or (hosts == 0 and scope["http_version"] != "1.0"):
        return RequestError(400, NO_HOST, close=True)
    if upgrade and closing:  # its body would be taken for the next requests
        return RequestError(400, NO_UPGRADE, close=True)
    return None


def _wrong_length(length: bytes, limit: int) -> RequestError | None:
    return TooLargeError(limit) if not length.isdigit() or len(length) > 20 or int(length) > limit else None


def _limited(receive: Receive, *, large: bool, done: Callable[[], None]) -> Receive:
    left = limit = LARGE if large else SMALL
    until = monotonic() + (LONG_PATIENCE if large else PATIENCE)
    arrived = False

    async def receiving() -> Message:
        nonlocal left, arrived
        if arrived:  # what comes now is that the caller left
            return await receive()
        try:
            async with asyncio.timeout(until - monotonic()):
                message = await receive()
        except TimeoutError:
            raise TooLateError from None
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLargeError(limit)
            if not message.get("more_body", False):
                arrived = True
                done()
        return message

    return receiving
