"""Posting one event to a receiver that nobody trusts: it may be down, slow or hostile.

Only the status of an answer is read. One deadline covers everything after the name is resolved: a thread shuts the
connection down when it has passed, however slowly bytes arrive.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from offerkit import __version__
from offerkit.diagnostics import Code, Refused
from offerkit.proxy import pool_for
from offerkit.receivers.signing import signature

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

SECONDS = 10.0
"""How long posting one event may take."""
MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
_GONE = 410


@dataclass(frozen=True, slots=True)
class PostResult:
    """What a receiver said: ``failure`` is empty if it took the event.

    ``unreachable``: it gave no answer at all, so that other events need not be tried now. ``gone``: it wants no more.
    ``wait``: seconds that it asks to wait.
    """

    failure: str = ""
    unreachable: bool = False
    gone: bool = False
    wait: int = 0


class ForbiddenPeerError(Exception):
    """The receiver's name leads to an address that no receiver has."""


def post(
    url: str, id_: str, body: bytes, keys: Sequence[bytes], timestamp: int, *, seconds: float = SECONDS
) -> PostResult:
    """Post ``body`` to ``url``, signed with ``keys`` at ``timestamp`` (Unix seconds). Never raises for the receiver."""
    from urllib3 import Timeout
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    headers = {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": f"offerkit/{__version__}",
        "Connection": "close",
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(keys, id_, timestamp, body),
    }
    guard = Guard(seconds, plain=urlsplit(url).scheme == "http")
    try:
        pool = pool_for(url, Timeout(connect=seconds, read=seconds), Code.WEBHOOK_NOT_SENT)
        with guard:
            proxied = getattr(pool, "proxy", None) is not None
            connections = guard.watching(pool.connection_from_url(url), proxied=proxied)
            answer = connections.urlopen(
                "POST", target_of(url), body, headers, retries=False, redirect=False, preload_content=False
            )
            try:
                if guard.expired:  # headers that were cut off are none
                    raise TimeoutError
                return _judged(answer.status, answer.headers.get("retry-after", ""))
            finally:
                answer.close()
    except Refused as refused:
        return PostResult(refused.diagnostics[0].summary, unreachable=True)
    except ForbiddenPeerError as error:
        return PostResult(str(error), unreachable=True)
    except (HTTPError, OSError, ValueError) as error:
        if guard.expired or isinstance(error, (TimeoutError, ReadTimeoutError)):
            return PostResult(f"no answer within {seconds:g} seconds", unreachable=True)
        return PostResult(f"no usable answer ({type(error).__name__})", unreachable=True)


def target_of(url: str) -> str:
    """The path and the query of ``url``, as a request line has them."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _judged(status: int, retry_after: str) -> PostResult:
    if 200 <= status < 300:
        return PostResult()
    wait = int(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 7 else 0
    if 300 <= status < 400:
        return PostResult(f"it redirects (status {status}); redirects are not followed")
    return PostResult(f"it answered with status {status}", gone=status == _GONE, wait=wait)


class Guard:
    """Ends a connection at a deadline, and one to an address that is forbidden."""

    def __init__(self, seconds: float, *, plain: bool) -> None:
        """``plain``: without TLS, which is only for this machine."""
        self._deadline = time.monotonic() + seconds
        self._plain = plain
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self.expired = False

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _end(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def watching(self, pool: HTTPConnectionPool, *, proxied: bool) -> HTTPConnectionPool:
        """``pool``, whose connections this guard ends."""
        guard, base = self, pool.ConnectionCls

        class Guarded(base):  # type: ignore[misc, valid-type]
            def _new_conn(self) -> socket.socket:
                connected: socket.socket = super()._new_conn()
                guard.take(connected, proxied=proxied)
                return connected

        pool.ConnectionCls = Guarded
        return pool

    def take(self, connected: socket.socket, *, proxied: bool) -> None:
        """Watch over a new connection. Raises an error when it leads nowhere that it may, or comes too late."""
        with self._lock:
            self._socket = connected.dup()  # TLS takes the socket itself over
            if self.expired or time.monotonic() > self._deadline:
                self.expired = True
                raise TimeoutError
        if not proxied and (why := _forbidden(connected.getpeername()[0], plain=self._plain)):
            raise ForbiddenPeerError(why)


def _forbidden(address: Any, *, plain: bool) -> str:
    """Why no event is sent to an address: metadata services of clouds are link-local, and plain HTTP stays here."""
    peer = ip_address(str(address).partition("%")[0])
    mapped = getattr(peer, "ipv4_mapped", None)
    peer = mapped or peer
    if peer.is_link_local or peer.is_multicast or peer.is_unspecified:
        return "its name leads to a link-local address"
    if plain and not peer.is_loopback:
        return "http is only for this machine, and its name leads elsewhere"
    return ""
