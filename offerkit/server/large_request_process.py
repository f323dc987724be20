"""The process that answers one large request (:mod:`offerkit.server.large_requests`), and ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson
from starlette.types import Message

from offerkit.server.app import for_operators
from offerkit.server.config import ServerConfig
from offerkit.server.large_requests import NICE
from offerkit.server.logs import request_id
from offerkit.server.logs import set_up as set_up_logs
from offerkit.server.run import session_at
from offerkit.store.location import Location, PostgresAddress


def main() -> None:
    """Answer the one request that standard input and the body's file describe, on standard output."""
    with contextlib.suppress(OSError):
        os.nice(NICE)
    head = orjson.loads(sys.stdin.buffer.read())
    with os.fdopen(head["body"], "rb") as body:
        parts = list(_parts(body))
    first, content = asyncio.run(_answer(head, parts))
    sys.stdout.buffer.write(orjson.dumps(first) + b"\n" + content)


def _parts(body: IO[bytes]) -> Iterator[bytes]:
    while part := body.read(1024 * 1024):
        yield part


async def _answer(head: dict[str, Any], parts: list[bytes]) -> tuple[dict[str, Any], bytes]:
    config = ServerConfig(**head["config"])
    set_up_logs(config.log_level)
    request_id.set(head["id"])
    store: Location = PostgresAddress(**head["store"]) if isinstance(head["store"], dict) else Path(head["store"])
    answer = for_operators(session_at(config, store, head["project"]))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"]]
    scope = {"type": "http", "query_string": b"", "root_path": "", **head["scope"], "headers": headers, "state": {}}
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in reversed(parts)]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.request", "body": b"", "more_body": False}

    response = await answer(scope, receive)
    said = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
    return {"status": response.status_code, "headers": said}, bytes(response.body)


if __name__ == "__main__":
    main()
