"""Between a socket and the HTTP server: connections that say nothing, dribble, never end or never read are given up.

uvicorn limits how many connections there are, but lets each take all the time and all the headers it likes. The
protocol here stands before its own and sets limits with what asyncio offers to every protocol. Once a request has
begun, :mod:`offerkit.server.request_limits` judges it. docs/serving.md says what is left to a proxy.
"""

from __future__ import annotations

import asyncio
import re
from contextvars import ContextVar, copy_context
from http import HTTPStatus
from typing import Any

from starlette.responses import Response
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from offerkit.diagnostics import Code, refuse
from offerkit.server.problems import problem_response, refusal_response
from offerkit.server.routing import add_security_headers

PATIENCE = 20.0
"""Seconds for the line and the headers of a request to arrive, for an unread answer, and for a body nobody reads."""
EVERY = 2.0
"""Seconds between two looks at a connection."""
HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
UNREAD = 4 * 1024 * 1024
"""Bytes of a body that are read and dropped after its request was answered: closing at once could lose the answer."""
NOT_HTTP = "this is not an HTTP request"
TOO_LARGE = f"the headers have more than {HEAD:,} bytes, or are more than 100"
TOO_LATE = "the request took too long to arrive"
_END = b"\r\n\r\n"
_BY_SERVER = (b"HTTP/1.1 400 ", b"HTTP/1.1 503 ")
_UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:[^\r\n]*", re.IGNORECASE)
_CURRENT: ContextVar[Connection | None] = ContextVar("offerkit-connection", default=None)


def current_connection() -> Connection | None:
    """The connection of the request that is being answered; None under another server, as in tests."""
    return _CURRENT.get()


class Connection(asyncio.Protocol):
    """Hands what arrives on to the server's own protocol, as long as it keeps to the limits.

    It waits for a request until one begins (:meth:`request_began`), and again from the end of its answer on.
    """

    def __init__(self, **given: Any) -> None:
        """``given``: what the server passes to its own protocol."""
        self._server: asyncio.Protocol = AutoHTTPProtocol(**given)
        self._context = copy_context()
        self._context.run(_CURRENT.set, self)
        self._under_way = self._room = self._arrived = 0
        self._came = -1
        self._tail = b""
        self._head_arrived = False
        self._held: list[bytes] = []
        self._wait(HEAD)
        self._unsent = 0
        self._unsent_for = self._waited = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of sockets, always
        """Begin to look after it."""
        self._loop = asyncio.get_running_loop()
        self._transport = _Outgoing(transport, self._loop)
        self._timer = self._loop.call_later(EVERY, self._look)
        self._server.connection_made(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to look after."""
        self._timer.cancel()
        self._server.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """The other side sends no more."""
        return self._server.eof_received()

    def pause_writing(self) -> None:
        """The other side reads more slowly than it is answered."""
        self._server.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._server.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Hand on what came, unless it is more of a head, or of a body that nobody reads, than there may be."""
        if self._held:
            self._held.append(data)
            return
        if self._under_way or self._head_arrived:
            self._came = -1
            self._feed(data)
        elif self._room == HEAD:
            self._head(data)
        else:
            self._arrived += len(data)
            if self._arrived > self._room:
                self._transport.close()
            else:
                self._feed(data)

    def _head(self, data: bytes) -> None:
        """Take a part of a head, or its end and what follows it."""
        begun = self._arrived
        if begun == 0 and data[:1] in (b"\r", b"\n"):
            self._feed(b"\r\n")  # empty lines before a request mean nothing
            data = data.lstrip(b"\r\n")
        received = self._tail + data
        end = received.find(_END)
        behind = end + len(_END) - len(self._tail) if end >= 0 else len(data)
        self._arrived += behind
        if self._arrived > HEAD:
            self._refuse(431, TOO_LARGE)
            return
        if end < 0:
            self._tail = received[-3:]
            self._feed(data)
            return
        self._head_arrived = True
        if not begun and b"pgrade" not in data and b"hunked" not in data:
            self._came = len(data) - behind
            self._feed(data)
            return
        head, body = data[:behind], data[behind:]
        if not begun:
            # without the header, as the parser would take what follows for another protocol; a server may ignore a
            # client's request to switch (RFC 9110 §7.8)
            head = _UPGRADE.sub(b"", head)
        if body and (begun or b"hunked" in head):
            self._held.append(body)  # until the request has begun: headers after its body are not part of its head
            self._feed(head)
            self._loop.call_soon(self._release)
        else:
            self._feed(head + body)

    def request_began(self) -> int:
        """A request is being answered; its own time limit covers its body.

        Returns how many bytes came with its head; -1: not known.
        """
        self._under_way += 1
        self._head_arrived = False
        came, self._came = self._came, -1
        return came

    def request_ended(self, *, body_arrived: bool) -> None:
        """The request is answered; another can follow once the rest of its body has arrived."""
        self._under_way -= 1
        self._wait(HEAD if body_arrived else UNREAD)

    def _wait(self, room: int) -> None:
        """Wait for a request; it must begin within ``room`` bytes."""
        self._room, self._arrived, self._tail, self._head_arrived = room, 0, b"", False
        self._waited = 0.0

    def _feed(self, data: bytes) -> None:
        self._context.run(self._server.data_received, data)  # tasks of the server know their connection by it

    def _release(self) -> None:
        held, self._held = self._held, []
        for data in held:
            if not self._transport.is_closing():
                self._feed(data)

    def _look(self) -> None:
        """Count how long nothing has happened; give the connection up when that is too long."""
        unsent = self._transport.get_write_buffer_size()
        self._unsent_for = self._unsent_for + EVERY if unsent and unsent == self._unsent else 0.0
        self._unsent = unsent
        self._waited = 0.0 if self._under_way else self._waited + EVERY
        self._timer = self._loop.call_later(EVERY, self._look)
        if self._unsent_for >= PATIENCE:
            self._transport.abort()
        elif self._waited < PATIENCE or self._transport.is_closing():
            return
        elif self._arrived and self._room == HEAD:
            self._refuse(408, TOO_LATE)
        else:
            self._transport.close()

    def _refuse(self, status: int, message: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(_written(problem_response(status, "Not taken", message)))
        self._transport.close()


class _Outgoing(asyncio.Transport):
    """Sends what is written within one round of the loop together: head and body of an answer are one packet."""

    def __init__(self, socket: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._socket, self._loop = socket, loop
        self._parts: list[bytes] = []
        self._ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._ended:
            return
        if not self._parts:
            self._loop.call_soon(self._send)
        part = bytes(data)
        if part.startswith(_BY_SERVER) and b"text/plain" in part[:300]:
            self._ended = True  # it closes the connection
            part = _refused_by_server(part)
        self._parts.append(part)

    def close(self) -> None:
        self._send()
        self._socket.close()

    def abort(self) -> None:
        self._socket.abort()

    def is_closing(self) -> bool:
        return self._socket.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._socket.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        self._socket.resume_reading()

    def is_reading(self) -> bool:
        return self._socket.is_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._socket.set_write_buffer_limits(high, low)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._socket.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._socket.get_protocol()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._socket.is_closing():
            self._socket.write(b"".join(parts))


def _refused_by_server(data: bytes) -> bytes:
    """What the server itself answers in plain text, as a problem document like all refusals."""
    if data.startswith(_BY_SERVER[0]):
        return _written(problem_response(400, "Not taken", NOT_HTTP))
    busy = refuse(Code.BUSY, "the service has more calls than it can answer")
    return _written(refusal_response(busy, insider=False))


def _written(answer: Response) -> bytes:
    """An answer that closes its connection, as it is sent."""
    add_security_headers(answer)
    lines = [f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}", "connection: close"]
    lines += [f"{name.decode()}: {value.decode()}" for name, value in answer.raw_headers]
    return "\r\n".join((*lines, "", "")).encode() + bytes(answer.body)
