"""The table of routes, for dispatching requests and for ``/openapi.json`` (docs/adr/0054-plain-asgi.md)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from offerkit.server.problems import NOTHING_HERE, problem_response

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
Answerer: TypeAlias = Callable[[Scope, Receive], Awaitable[Response]]
"""Makes the answer to one request; what sends it is the outermost middleware."""
ErrorAnswer: TypeAlias = Callable[[Request, Exception], Response | None]
"""The answer to an exception of a handler; None when it is a bug, which the outermost middleware logs and answers."""
ROUTE = "offerkit.route"
"""The key of a request's scope that holds its route's path, with parameters as declared."""
HEADERS_BY_NAME = "offerkit.headers"
"""The key of a request's scope that holds its headers by name: of those that came several times, the first."""


_CAREFUL = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""Headers of every answer, unless its route sets others."""
_CAREFUL_NAMES = frozenset(dict(_CAREFUL))


def note_headers(scope: Scope) -> None:
    """Keep a request's headers as they are now: what the server adds later stood behind the body."""
    scope["headers"] = headers = tuple(scope["headers"])
    scope[HEADERS_BY_NAME] = dict(reversed(headers))


def add_security_headers(answer: Response) -> None:
    """Let an answer say what all of them say, where its route does not say otherwise."""
    names = dict(answer.raw_headers)
    answer.raw_headers += _CAREFUL if _CAREFUL_NAMES.isdisjoint(names) else [p for p in _CAREFUL if p[0] not in names]


@dataclass(frozen=True, kw_only=True)
class Description:
    """What the OpenAPI document says about an operation; its summary is its id in words, its description the handler's.

    ``query`` names its query parameters, all optional strings. ``answer`` is the model of a JSON answer;
    ``responses`` has all other answers by status and may add media types to status 200.
    """

    id: str
    tag: str
    query: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    responses: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One method of one path, and the function that answers it; without a description, ``/openapi.json`` omits it."""

    method: str
    path: str
    handler: Handler
    description: Description | None = None


class Routes:
    """All operations by their paths."""

    def __init__(self, operations: Iterable[Operation], answer_error: ErrorAnswer) -> None:
        """Paths with parameters (``{name}``: one part of the path) are tried last, in the order of ``operations``."""
        self._answer_error = answer_error
        handlers: dict[str, dict[str, Handler]] = {}
        for operation in operations:
            handlers.setdefault(operation.path, {})[operation.method] = operation.handler
        self._plain = {path: (path, methods) for path, methods in handlers.items() if "{" not in path}
        self._patterns = [(_pattern(path), (path, methods)) for path, methods in handlers.items() if "{" in path]

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """The answer of the operation that a request is for."""
        path = scope["path"]
        found = self._plain.get(path) or self._matching(scope)
        if found is None:
            return problem_response(404, "Not taken", NOTHING_HERE, path)
        scope[ROUTE], methods = found
        handler = methods.get(scope["method"])
        if handler is None:
            response = problem_response(405, "Not taken", "this path does not take this method", path)
            response.headers["Allow"] = ", ".join(methods)
            return response
        request = Request(scope, receive)
        try:
            return await handler(request)
        except Exception as error:
            answer = self._answer_error(request, error)
            if answer is None:
                raise
            return answer

    def _matching(self, scope: Scope) -> tuple[str, dict[str, Handler]] | None:
        """The path with parameters that the request's matches; their values are noted in ``scope``."""
        for pattern, found in self._patterns:
            match = pattern.fullmatch(scope["path"])
            if match is not None:
                scope["path_params"] = match.groupdict()
                return found
        return None


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))
