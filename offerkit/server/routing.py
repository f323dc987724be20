"""The table of routes, for dispatching requests and for ``/openapi.json`` (docs/adr/0054-plain-asgi.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from offerkit.server.problems import NOTHING_HERE, problem_response

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
ErrorAnswer: TypeAlias = Callable[[Request, Exception], Response | None]
"""The answer to an exception of a handler; None when it is a bug, which the outermost middleware logs and answers."""
Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[None]]
ROUTE = "offerkit.route"
"""The key of a request's scope that holds its route's path, with parameters as declared."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What the OpenAPI document says about an operation; summary and description come from the handler.

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


class PathOperations:
    """All operations of one path, as an ASGI application."""

    def __init__(self, path: str, operations: Iterable[Operation], answer_error: ErrorAnswer) -> None:
        self._path, self._answer_error = path, answer_error
        self._handlers = {operation.method: operation.handler for operation in operations}

    @property
    def methods(self) -> Collection[str]:
        """The methods that the path accepts."""
        return self._handlers.keys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope[ROUTE] = self._path
        handler = self._handlers.get(scope["method"])
        response: Response | None
        if handler is None:
            response = problem_response(405, "Not taken", "this path does not take this method", scope["path"])
            response.headers["Allow"] = ", ".join(self._handlers)
        else:
            request = Request(scope, receive)
            try:
                response = await handler(request)
            except Exception as error:
                response = self._answer_error(request, error)
                if response is None:
                    raise
        await response(scope, receive, send)


def router(operations: Iterable[Operation], answer_error: ErrorAnswer, lifespan: Lifespan | None = None) -> Router:
    """Return the application of ``operations``. It tries paths in their order, so put those called most first."""
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    return Router(
        [Route(path, PathOperations(path, declared, answer_error)) for path, declared in by_path.items()],
        redirect_slashes=False,  # a redirect would lead to any Host that a caller sends
        default=_not_found,
        lifespan=lifespan,
    )


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await problem_response(404, "Not taken", NOTHING_HERE, scope["path"])(scope, receive, send)
