"""Connections that say nothing, dribble, never end or never read: given up, so that they hold no place for ever.

The server that we run on limits how many connections there are, and lets each take all the time it likes.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from offerkit.diagnostics import Code, refuse
from offerkit.server.middleware import LARGE, LARGE_PATHS, SMALL, careful
from offerkit.server.problems import problem, trouble

PATIENCE, LONG_PATIENCE = 20.0, 600.0
"""Seconds that a request may take to arrive, and one of an operator with a plan."""
EVERY = 2.0
"""Seconds between two looks at a connection."""
HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
_WRAPPED = 8
"""Bytes on the wire for one of the body, at worst: a chunk for each, and its length."""
_SAID = {
    400: ("Bad Request", "this is no HTTP request"),
    408: ("Request Timeout", "the request took too long to arrive"),
    431: ("Request Header Fields Too Large", f"the headers have more than {HEAD:,} bytes"),
}


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
    answer = problem(
        refuse(Code.BUSY, "the service has more calls than it can answer"), insider=False, instance=scope["path"]
    )
    answer.headers["Connection"] = "close"
    careful(answer)
    await answer(scope, receive, send)


class Patient(HttpToolsProtocol):
    """A connection whose patience has an end. What it costs a request is a few assignments."""

    _most: int | None = None
    _stage = _Stage.NONE
    _number = _got = _seen = _unsent = 0
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
        """Hand on what came; end the connection when it is more than any request has."""
        super().data_received(data)
        if self._stage is _Stage.NONE:
            return
        self._got += len(data)
        if self._stage is _Stage.HEAD and self._got > HEAD:
            self._end(431)
        elif self._stage is _Stage.BODY and self._got > HEAD + _WRAPPED * (LARGE if self._large() else SMALL):
            self.transport.close()  # the body's own limit was passed long ago

    def on_message_begin(self) -> None:
        """A request begins."""
        self._stage, self._got = _Stage.HEAD, 0
        self._number += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its body begins."""
        app = self.app
        if self._most is not None and (len(self.connections) >= self._most or len(self.tasks) >= self._most):
            self.app = cast(Any, crowded)
        try:
            super().on_headers_complete()  # raises when the address is none
        finally:
            self.app = app
        self._stage = _Stage.BODY

    def on_message_complete(self) -> None:
        """It has arrived."""
        self._stage = _Stage.NONE
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as everything else is refused."""
        self._end(400)

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
            self._end(408)

    def _idle(self) -> bool:
        """Whether no request is under way, and nothing else ends the connection."""
        return self.timeout_keep_alive_task is None and (self.cycle is None or self.cycle.response_complete)

    def _large(self) -> bool:
        return self._stage is _Stage.BODY and str(self.scope["path"]).startswith(LARGE_PATHS)

    def _end(self, status: int) -> None:
        """Close the connection, with a refusal where an answer is due."""
        cycle = self.cycle
        due = not self.pipeline and (cycle is None or cycle.response_complete or not cycle.response_started)
        if due and self._stage is _Stage.BODY and cycle.response_complete:
            due = False  # that request was answered before all of it was there
        if due and not self.transport.is_closing():
            reason, message = _SAID[status]
            answer = trouble(status, "Not taken", message)
            head = f"HTTP/1.1 {status} {reason}\r\nconnection: close\r\n"
            for name, value in answer.raw_headers:
                head += f"{name.decode()}: {value.decode()}\r\n"
            self.transport.write(f"{head}\r\n".encode() + bytes(answer.body))
        self.transport.close()
