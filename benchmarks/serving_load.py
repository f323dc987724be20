"""A load at a steady rate from one thread: sockets and epoll, so that the server is measured and not the load."""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: (\d+)")
_CONNECTIONS = 64


@dataclass(slots=True)
class _Line:
    """A connection, when the call that it carries was due, and what came of its answer so far."""

    socket: socket.socket
    due: float = 0.0
    answer: bytearray = field(default_factory=bytearray)

    def is_complete(self) -> bool:
        """Whether the whole answer is there."""
        head = self.answer.find(b"\r\n\r\n")
        found = _LENGTH.search(self.answer, 0, head) if head >= 0 else None
        return found is not None and len(self.answer) >= head + 4 + int(found[1])


def paced(
    port: int, rate: float, seconds: float, body: Callable[[int], str], path: str = "/api/v1/propose"
) -> tuple[list[float], int, float]:
    """Calls at ``rate`` a second, whatever the server does: a call's time counts from when it was due.

    Returns the seconds of each call, sorted, how many were refused, and how long all of it took. Where every connection
    is taken, calls wait, and that counts as well.
    """
    poll = selectors.DefaultSelector()
    free: deque[_Line] = deque()
    for _ in range(_CONNECTIONS):
        made = socket.create_connection(("127.0.0.1", port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        free.append(_Line(made))
        poll.register(made, selectors.EVENT_READ, free[-1])
    bodies = [_request(body(number), path) for number in range(int(rate * seconds))]
    times: list[float] = []
    refused = sent = 0
    begin = time.perf_counter()
    while len(times) < len(bodies):
        now = time.perf_counter()
        while free and sent < len(bodies) and begin + sent / rate <= now:
            line = free.popleft()
            line.due, line.answer = begin + sent / rate, bytearray()
            line.socket.sendall(bodies[sent])
            sent += 1
        wait = max(begin + sent / rate - time.perf_counter(), 0.0) if free and sent < len(bodies) else 1.0
        for key, _ in poll.select(wait):
            line = key.data
            line.answer += line.socket.recv(65_536)
            if line.is_complete():
                times.append(time.perf_counter() - line.due)
                refused += not line.answer.startswith(b"HTTP/1.1 200")
                free.append(line)
    took = time.perf_counter() - begin
    for line in free:
        line.socket.close()
    return sorted(times), refused, took


def _request(body: str, path: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()
