"""Limits of a request that has begun: its headers, its ``Host``, its target, and the size and time of its body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from itertools import chain
from time import monotonic
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from offerkit.engine.bounded_cache import BoundedCache
from offerkit.server.connections import HEAD, PATIENCE, TOO_LARGE, TOO_LATE
from offerkit.server.problems import RequestError
from offerkit.server.routing import HEADERS_BY_NAME, note_headers

LONG_PATIENCE = 600.0
"""Seconds that the body of an operator's request may take."""
HEADERS, TARGET = 100, 8 * 1024
"""How many headers there may be, and the bytes of path and query."""
SMALL, LARGE = 64 * 1024, 32 * 1024 * 1024
"""Bytes of a call to the engine, and of what operators send (plans)."""
LARGE_PATHS = ("/api/v1/store/",)
HEADS, LONGEST_HEAD = 500, 1_000
"""How many heads of requests are remembered, and the bytes of the longest."""
IMPERSONAL = frozenset(
    (b"host", b"content-type", b"content-length", b"accept", b"accept-encoding", b"connection", b"user-agent")
)
"""The headers of heads that are remembered: none says who calls."""
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


class ArrivingBody:
    """The body of a request, within its limits of size and time."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """The clock runs from now on."""
        large = scope["path"].startswith(LARGE_PATHS)
        self._receive = receive
        self._left = self._limit = LARGE if large else SMALL
        self._until = monotonic() + (LONG_PATIENCE if large else PATIENCE)
        self.arrived = False

    async def receive(self) -> Message:
        """The next part. Raises TooLateError or TooLargeError."""
        if self.arrived:  # what comes now is that the caller left
            return await self._receive()
        try:
            async with asyncio.timeout(self._until - monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise TooLateError from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise TooLargeError(self._limit)
            self.arrived = not message.get("more_body", False)
        return message


async def content_of(request: Request) -> bytes:
    """The whole body of ``request``. Raises ClientDisconnect when the caller leaves before its end."""
    parts: list[bytes] = []
    while True:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


class RequestHeads:
    """Reads the heads of requests; one that is known to keep to the limits is not judged again."""

    def __init__(self) -> None:
        self._known: BoundedCache[tuple[Any, ...], Mapping[bytes, bytes]] = BoundedCache(HEADS)

    def read(self, scope: Scope) -> RequestError | None:
        """Note the headers of a request by name; the refusal if they are :func:`beyond_limits`."""
        key = scope["path"], scope.get("raw_path"), scope["http_version"], tuple(scope["headers"])
        known = None if scope["query_string"] else self._known.peek(key)
        if known is not None:
            scope["headers"], scope[HEADERS_BY_NAME] = key[-1], known
            return None
        note_headers(scope)
        wrong, names = beyond_limits(scope), scope[HEADERS_BY_NAME]
        if wrong is None and not scope["query_string"] and names.keys() <= IMPERSONAL:
            size = len(scope["path"]) + sum(map(len, chain.from_iterable(scope["headers"])))
            if size <= LONGEST_HEAD:
                self._known.put(key, names)
        return wrong


def arrived(scope: Scope, came: int) -> bool:
    """Whether the whole body of a request is there: it has none, or ``came`` bytes of it came with its head."""
    headers = scope[HEADERS_BY_NAME]
    length = headers.get(b"content-length", b"0")
    return b"transfer-encoding" not in headers and (length == b"0" or length == str(came).encode())


def beyond_limits(scope: Scope) -> RequestError | None:
    """Why a request is refused for its line, headers and length; nothing behind it on its connection is read then."""
    target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if target > TARGET:
        return RequestError(414, TOO_LONG, close=True)
    headers = scope["headers"]
    size = target + 4 * len(headers) + sum(map(len, chain.from_iterable(headers)))
    if size > HEAD or len(headers) > HEADERS:
        return RequestError(431, TOO_LARGE, close=True)
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or not (_HOST.fullmatch(hosts[0]) if hosts else scope["http_version"] == "1.0"):
        return RequestError(400, NO_HOST, close=True)
    first = scope[HEADERS_BY_NAME]
    if b"upgrade" in first and any(name == b"connection" and b"upgrade" in value.lower() for name, value in headers):
        return RequestError(400, NO_UPGRADE, close=True)  # its body would be taken for the next requests
    length, limit = first.get(b"content-length", b"0"), LARGE if scope["path"].startswith(LARGE_PATHS) else SMALL
    return TooLargeError(limit) if not length.isdigit() or len(length) > 20 or int(length) > limit else None
