"""Receivers of webhooks on real sockets: one that takes what it gets, and ones that are down, slow or hostile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket], None]
"""What a receiver does with a connection once the request has been read."""


def answers(status: str, *headers: str, body: bytes = b"") -> Behaviour:
    """Answers with a status line, headers and a body."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return lambda client: client.sendall("\r\n".join(lines).encode() + body)


def says_nothing(client: socket.socket) -> None:
    """Holds the connection open for longer than anybody waits."""
    client.settimeout(60)
    client.recv(1)


def drips(client: socket.socket) -> None:
    """Sends a header that never ends, a byte at a time."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(6000):
        client.sendall(b"x")
        time.sleep(0.01)


def floods(client: socket.socket) -> None:
    """An answer without an end."""
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(4096):
        client.sendall(chunk)


def floods_headers(client: socket.socket) -> None:
    """More headers than there can be."""
    client.sendall(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(5000)) + b"\r\n")


def talks_nonsense(client: socket.socket) -> None:
    """Bytes that are no HTTP."""
    client.sendall(bytes(range(256)) * 50)


def hangs_up(client: socket.socket) -> None:
    """Ends the connection without an answer."""


@dataclass
class Receiver:
    """A listening socket. ``requests``: head and body of each request, in order."""

    behaviour: Behaviour = field(default_factory=lambda: answers("204 No Content"))
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def serve(self, listening: socket.socket) -> None:
        """Take connections until the socket is closed."""
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(client,), daemon=True).start()

    def _take(self, client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            client.settimeout(30)
            data = b""
            while b"\r\n\r\n" not in data:
                if not (more := client.recv(65536)):
                    return
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
            headers = {name.lower(): value for name, _, value in lines}
            while len(body) < int(headers["content-length"]):
                body += client.recv(65536)
            self.requests.append((headers, body))
            self.behaviour(client)


@contextmanager
def receiving(behaviour: Behaviour | None = None) -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver() if behaviour is None else Receiver(behaviour)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        receiver.url = f"http://127.0.0.1:{listening.getsockname()[1]}/events?to=offers"
        threading.Thread(target=receiver.serve, args=(listening,), daemon=True).start()
        yield receiver
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
