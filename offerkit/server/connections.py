"""Connections that say nothing, dribble, never end or never read: given up, so that they hold no place for ever.

The server that we run on limits how many connections there are, and lets each take all the time and all the headers it
likes. What two readers of a request could read differently, a proxy and this server, is refused here as well.
"""

from __future__ import annotations

import asyncio
import re
from enum import Enum
from typing import Any, NoReturn, cast

from httptools import HttpParserError, HttpParserUpgrade
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from offerkit.diagnostics import Code, refuse
from offerkit.server.error_pages import ErrorPages
from offerkit.server.middleware import LARGE, LARGE_PATHS, SMALL, add_security_headers
from offerkit.server.problems import problem_response, refusal_response

PATIENCE, LONG_PATIENCE = 20.0, 600.0
"""Seconds that a request may take to arrive, and one of an operator with a plan."""
EVERY = 2.0
"""Seconds between two looks at a connection."""
HEAD, HEADERS, TARGET = 64 * 1024, 100, 8 * 1024
"""Bytes of a request's line and headers, how many headers there may be, and the bytes of path and query."""
_WRAPPED = 2
"""Bytes on the wire for one of the body, at worst."""
_PIECES, _PIECE = 256, 64
"""So many pieces of a body may be of any size; beyond, they have so many bytes on average."""
_UNWANTED = 0.03
"""Seconds between two looks at a body whose request was answered already."""
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]+")
NO_HTTP, NO_HOST = "this is no HTTP request", "a request has one Host header, with a host in it"
TOO_LARGE, TOO_LONG = (
    f"the headers have more than {HEAD:,} bytes, or are more than {HEADERS}",
    f"path and query have more than {TARGET:,} bytes",
)
_REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
}


class _RefusedError(Exception):
    """Tells the parser to stop."""


class _Stage(Enum):
    """How far a request has arrived."""

    NONE = 0
    HEAD = 1
    BODY = 2


class Together:
    """A transport that sends what is written at once together: head and body of an answer are one packet."""

    __slots__ = ("_loop", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Wrap ``transport``; ``loop`` is its own."""
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send ``data`` at the end of this round of the loop."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)

    def close(self) -> None:
        """Close, once everything is sent."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))


async def crowded(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse one request of too many that are under way, and close its connection."""
    answer = refusal_response(
        refuse(Code.BUSY, "the service has more calls than it can answer"), insider=False, instance=scope["path"]
    )
    answer.headers["Connection"] = "close"
    add_security_headers(answer)
    await ErrorPages(answer, ())(scope, receive, send)


def refusing(status: int, message: str) -> ASGIApp:
    """Refuses one request in its turn, and closes its connection."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem_response(status, "Not taken", message)
        answer.headers["Connection"] = "close"
        add_security_headers(answer)
        await ErrorPages(answer, ())(scope, receive, send)

    return answering


class Patient(HttpToolsProtocol):
    """A connection whose patience has an end. What it costs a request is a few assignments."""

    _most: int | None = None
    _stage = _Stage.NONE
    _number = _got = _seen = _unsent = _pieces = _bytes = 0
    _refused = False
    _instead: bytes | None = None
    _why = 400, NO_HTTP
    _waited = 0.0
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, *given: Any, **more: Any) -> None:
        """As the base is made; the limit on connections is kept here, since the base would answer with a text."""
        super().__init__(*given, **more)
        self._most, self.limit_concurrency = self.limit_concurrency, None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in its base
        """Begin to look after it."""
        super().connection_made(cast(asyncio.Transport, Together(transport, self.loop)))
        self._timer = self.loop.call_later(EVERY, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to look after."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand on what came; end the connection when it is more than any request has.

        Headers are parsed no further than their limit. Afterwards nobody could tell how many blanks were in them.
        """
        while data and not self.transport.is_closing():
            begun, idle = self._number, self._stage is _Stage.NONE
            room = len(data) if self._stage is _Stage.BODY else HEAD + 1 - (0 if idle else self._got)
            part, data = data[:room], data[room:]
            self._parse(part)
            # where a request begins behind the end of another one is not known: that part counts for neither
            self._count(len(part) if self._number == begun + idle else 0)

    def _parse(self, data: bytes) -> None:
        """Parse ``data``. Who asks for another protocol is answered in this one, as if they had not (RFC 9110 §7.8).

        Behind such headers the parser reads no body, but takes it for the next requests: it gets them anew without.
        """
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as found:
            head, self._instead = self._instead or b"", None
            self._number -= 1
            self._parse(head + data[found.args[0] :])
        except HttpParserError:
            self.send_400_response(NO_HTTP)

    def _count(self, size: int) -> None:
        """So many more bytes of a request came; it is ended when they are more than any has."""
        if self._stage is _Stage.NONE:
            return
        self._got += size
        if self._stage is _Stage.HEAD and self._got > HEAD:
            self._end(431, TOO_LARGE)
        elif self._stage is _Stage.BODY and self._got > HEAD + _WRAPPED * (LARGE if self._large() else SMALL):
            self.transport.close()  # the body's own limit was passed long ago
        elif self._stage is _Stage.BODY and self.cycle.response_complete:
            self.flow.pause_reading()  # nobody wants the rest: it is read, or the answer would be lost, but slowly
            self.loop.call_later(_UNWANTED, self._go_on)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._refused:  # what stands behind a refused request is no request: its body, maybe
            raise _RefusedError
        self._stage, self._got = _Stage.HEAD, 0
        self._pieces = self._bytes = 0
        self._number += 1
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one more, unless it comes behind a body: whoever looked at the headers before did not see it."""
        if self._stage is not _Stage.HEAD:
            return
        if len(self.headers) == HEADERS:
            self._stop(431, TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its body begins."""
        app = self.app
        wrong = self._wrong()
        if wrong is None and self.parser.should_upgrade():
            self._instead = self._without_upgrade()
            return
        if wrong is not None:
            self.app, self._refused = cast(Any, refusing(*wrong)), True
            self.url = b"/"  # nothing is done with what it was
        elif self._most is not None and (len(self.connections) >= self._most or len(self.tasks) >= self._most):
            self.app = cast(Any, crowded)
        try:
            super().on_headers_complete()  # raises when the address is none
        finally:
            self.app = app
        self._stage = _Stage.BODY

    def on_body(self, body: bytes) -> None:
        """A piece of it came; to take a great many small ones would be more work than a large body is."""
        self._pieces += 1
        self._bytes += len(body)
        if self._pieces > _PIECES and self._bytes < self._pieces * _PIECE:
            self._stop(400, "the body comes in too many small pieces")
        super().on_body(body)

    def on_message_complete(self) -> None:
        """It has arrived."""
        if self._instead is not None:
            return
        self._stage = _Stage.NONE
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as everything else is refused."""
        if not self._refused:  # else the answer is on its way, and closes the connection
            self._end(*self._why)

    def _without_upgrade(self) -> bytes:
        """The request whose headers are complete, as it would be without asking for another protocol."""
        if self.parser.get_method() == b"CONNECT":
            self._stop(400, NO_HTTP)
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    def _stop(self, status: int, message: str) -> NoReturn:
        self._why = status, message
        raise _RefusedError

    def _wrong(self) -> tuple[int, str] | None:
        """Why the request whose headers are complete is not taken: a status and a sentence."""
        size = len(self.url)
        hosts: list[bytes] = []
        if size > TARGET:
            return 414, TOO_LONG
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                hosts.append(value)
        if size > HEAD:
            return 431, TOO_LARGE
        if len(hosts) > 1 or not all(map(_HOST.fullmatch, hosts)):
            return 400, NO_HOST
        return (400, NO_HOST) if not hosts and self.parser.get_http_version() != "1.0" else None

    def _look(self) -> None:
        """Count how long the connection has been waiting for the same thing; give it up when that is too long."""
        unsent = self.transport.get_write_buffer_size()
        unread = unsent > 0 and unsent == self._unsent
        waits = self._number == self._seen and (self._stage is not _Stage.NONE or self._idle())
        self._waited = self._waited + EVERY if unread or waits else 0.0
        self._unsent, self._seen = unsent, self._number
        if self._waited < (LONG_PATIENCE if self._large() else PATIENCE):
            self._timer = self.loop.call_later(EVERY, self._look)
        elif unread:
            self.transport.abort()
        elif self._stage is _Stage.NONE:
            self.transport.close()
        else:
            self._end(408, "the request took too long to arrive")

    def _idle(self) -> bool:
        """Whether no request is under way, and nothing else ends the connection."""
        return self.timeout_keep_alive_task is None and (self.cycle is None or self.cycle.response_complete)

    def _large(self) -> bool:
        return self._stage is _Stage.BODY and str(self.scope["path"]).startswith(LARGE_PATHS)

    def _end(self, status: int, message: str) -> None:
        """Close the connection, with a refusal where an answer is due; requests before this one are answered first."""
        cycle = self.cycle
        if self._stage is not _Stage.BODY and cycle is not None and not cycle.response_complete:
            self._refused, cycle.keep_alive = True, False
            return
        due = not self.pipeline and (cycle is None or cycle.response_complete or not cycle.response_started)
        if due and self._stage is _Stage.BODY and cycle.response_complete:
            due = False  # that request was answered before all of it was there
        if due and not self.transport.is_closing():
            answer = problem_response(status, "Not taken", message)
            head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nconnection: close\r\n"
            for name, value in answer.raw_headers:
                head += f"{name.decode()}: {value.decode()}\r\n"
            self.transport.write(f"{head}\r\n".encode() + bytes(answer.body))
        self.transport.close()
