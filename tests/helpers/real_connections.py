"""A server on a real socket in a thread, and what a caller sends and gets."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import uvicorn

from helpers.workspace import Workspace
from offerkit.server import connections
from offerkit.server.app import application
from offerkit.server.config import ServerConfig
from offerkit.server.connections import Connection

BODY = b'{"spaces":["shop/web"],"contact":"ann@example.com"}'
POST = b"POST /api/v1/propose HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
ORDINARY = connections.PATIENCE
LONGEST = 10
"""Seconds after which a test says that something hangs."""


class Running:
    """A server in a thread, at a port of its own."""

    def __init__(self, shop: Workspace, most: int | None = None) -> None:
        made = application(shop.session(environ={}), ServerConfig(str(shop.root)))
        config = uvicorn.Config(
            made, port=0, http=Connection, ws="none", log_config=None, access_log=False, limit_concurrency=most
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        end = time.monotonic() + LONGEST
        while not self.server.started:
            assert time.monotonic() < end and self.thread.is_alive()
            time.sleep(0.01)
        self.address = self.server.servers[0].sockets[0].getsockname()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=LONGEST)

    def held(self) -> int:
        return len(self.server.server_state.connections) + len(self.server.server_state.tasks)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes; fails when it never does."""
    found = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionError:
            return found
        if not piece:
            return found
        found += piece


def problem(answer: bytes, status: int) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert b"content-type: application/problem+json" in head.lower()
    document: dict[str, Any] = json.loads(body)
    assert document["status"] == status
    return str(document["errors"][0]["message"])


def nothing_is_held(running: Running) -> None:
    end = time.monotonic() + LONGEST
    while running.held():
        assert time.monotonic() < end, "a connection or a task is held"
        time.sleep(0.01)
