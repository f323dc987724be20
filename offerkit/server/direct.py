"""The shortest way to the calls that are asked most: straight to their function, past the framework's routing.

The framework knows and describes them as it does all others, and would call the same functions; finding a route and
reading its parameters takes it longer than many a decision (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeAlias, cast

from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Call(NamedTuple):
    """A call that is dispatched directly: its method, path and function."""

    method: str
    path: str
    endpoint: Endpoint


class Direct:
    """Wraps the framework's application."""

    def __init__(self, app: FastAPI, calls: list[Call]) -> None:
        """``calls`` are routes of ``app`` as well."""
        self._app = app
        self._calls: Mapping[str, Call] = {call.path: call for call in calls}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what goes wrong is answered by the handlers of the framework's application."""
        call = self._calls.get(scope["path"]) if scope["type"] == "http" else None
        if call is None or call.method != scope["method"]:
            await self._app(scope, receive, send)
            return
        scope["route"] = call
        request = Request(scope, receive)
        try:
            response = await call.endpoint(request)
        except Exception as error:
            response = await self._refused(request, error)
        await response(scope, receive, send)

    async def _refused(self, request: Request, error: Exception) -> Response:
        for kind in type(error).__mro__:
            handler = self._app.exception_handlers.get(kind) if kind is not Exception else None
            if handler is not None:
                answer: Response = await cast(Awaitable[Response], handler(request, error))
                return answer
        raise error
