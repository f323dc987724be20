"""Large requests of operators, each handled by a process of its own.

A plan can have 32 MB. Parsing and checking it takes seconds, and calls would wait, since only one thread of a process
runs at a time. So a request that is larger than a call is written to a file as it arrives and handed to a process of
lower priority, which answers it and ends.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from logging import getLogger
from typing import IO

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.server.authentication import CALLER
from offerkit.server.config import ServerConfig
from offerkit.server.logs import request_id
from offerkit.server.problems import LEFT, RequestError, error_response, refusal_response
from offerkit.server.request_limits import SMALL
from offerkit.server.route_scopes import check_scope
from offerkit.server.routing import HEADERS_BY_NAME, ROUTE, Operation
from offerkit.store.location import PostgresAddress
from offerkit.usecases.session import Session
from offerkit.usecases.tokens import NOBODY, Bearer

_LOG = getLogger("offerkit.request")
EACH = 4
"""Limit of concurrent large requests of one operator; each is a file of up to 32 MB."""
PACE = 8 * 1024 * 1024
"""Bytes a second that are read of all large requests together: reading takes time of the thread that decides."""
LONGEST = 600.0
"""Seconds that one request can take; the others wait for it."""
NICE = 10
_PROCESS = "offerkit.server.large_request_process"


class LargeRequests:
    """Answers what is larger than a call. Requests come with their operator already known."""

    def __init__(self, operations: Iterable[Operation], session: Session, config: ServerConfig) -> None:
        """``operations``: those that may be large."""
        self._session, self._config = session, config
        self._paths = {operation.path for operation in operations if operation.method == "POST"}
        self._alone = asyncio.Lock()
        self._under_way: Counter[str] = Counter()
        self._free = 0.0

    async def answer(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer to one request; None if it is none of these."""
        caller: Bearer = scope.get(CALLER, NOBODY)
        operator, path = caller.operator, scope["path"]
        if not operator or scope["method"] != "POST" or path not in self._paths or not _is_large(scope):
            return None
        scope[ROUTE] = path
        try:
            check_scope(caller, "POST", path)  # before anything of it is read
        except Refused as refused:
            return refusal_response(refused, insider=True, instance=path)
        if self._under_way[operator] >= EACH:
            under_way = f"{operator} already has {EACH} large requests in progress"
            busy = refuse(Code.BUSY, under_way, hint="Try again in a moment.")
            return refusal_response(busy, insider=True, instance=path)
        self._under_way[operator] += 1
        try:
            return await self._answered(scope, receive)
        except RequestError as error:
            return error_response(error, path)
        finally:
            self._under_way[operator] -= 1
            self._under_way += Counter()  # forgets those who have none

    async def _answered(self, scope: Scope, receive: Receive) -> Response:
        """The answer of the other process. Raises RequestError, too when the caller left."""
        with tempfile.TemporaryFile() as body:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise RequestError(400, LEFT)
                part = message.get("body", b"")
                body.write(part)
                if not message.get("more_body", False):
                    break
                await self._paced(len(part))
            body.flush()
            async with self._alone:
                return await asyncio.to_thread(self._run, scope, body)

    async def _paced(self, size: int) -> None:
        """Wait until as much more may be read."""
        loop = asyncio.get_running_loop()
        self._free = max(self._free, loop.time()) + size / PACE
        await asyncio.sleep(self._free - loop.time())

    def _run(self, scope: Scope, body: IO[bytes]) -> Response:
        store = self._session.store
        head = {
            "config": asdict(self._config),
            "store": asdict(store) if isinstance(store, PostgresAddress) else str(store),
            "project": self._session.store_project,
            "body": body.fileno(),
            "id": request_id.get(),
            "scope": {name: scope[name] for name in ("method", "path", "http_version", "scheme", "client")},
            "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
        }
        body.seek(0)
        try:
            process = subprocess.run(  # noqa: S603 - our own module, in this Python
                [sys.executable, "-P", "-m", _PROCESS],
                input=orjson.dumps(head),
                stdout=subprocess.PIPE,
                pass_fds=[body.fileno()],
                check=True,
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            return _given_up(f"took longer than {LONGEST:.0f} seconds", scope["path"])
        except subprocess.CalledProcessError as error:
            if error.returncode >= 0:  # it failed by itself: a mistake of ours
                raise
            return _given_up("was killed", scope["path"])  # by somebody, or because the memory did not suffice
        first, _, content = process.stdout.partition(b"\n")
        response_head = orjson.loads(first)
        answer = Response(content, response_head["status"])
        answer.raw_headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in response_head["headers"]
        ]
        return answer


def _is_large(scope: Scope) -> bool:
    length = scope[HEADERS_BY_NAME].get(b"content-length", b"")
    return not length.isdigit() or int(length) > SMALL


def _given_up(why: str, path: str) -> Response:
    refused = refuse(
        Code.BUSY,
        f"the process that handled the request {why}",
        detail="It is unknown how far it got. Its change was made completely, or not at all.",
        hint="Check the history before you try again: offerkit history.",
    )
    _LOG.error("a large request was abandoned", extra={"why": why, "path": path})
    return refusal_response(refused, insider=True, instance=path)
