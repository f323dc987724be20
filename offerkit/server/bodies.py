"""Bodies in JSON, read so that nobody can read them otherwise: UTF-8, and no name twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException


class UnreadableError(HTTPException):
    """A body that is not taken, and why: the sentence is for whoever sent it."""


class OneWay(APIRoute):
    """A route whose JSON bodies have one meaning, whoever reads them: a proxy before the service, or the service."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's own handler, with requests that are read with care."""
        handler = super().get_route_handler()

        async def careful(request: Request) -> Response:
            return await handler(_Careful(request.scope, request.receive))

        return careful


class _Careful(Request):
    async def json(self) -> Any:  # the framework's own name and type
        only_utf8(self.headers.get("content-type", ""))
        try:
            text = (await self.body()).decode()
        except UnicodeDecodeError:
            raise UnreadableError(400, "the body is not UTF-8") from None
        return _DECODER.decode(text)


def only_utf8(content_type: str) -> None:
    """Raises UnreadableError (415) when ``content_type`` names a charset that is not UTF-8."""
    _, marked, rest = content_type.lower().partition("charset")
    while marked:
        named = rest.lstrip().removeprefix("=").partition(";")[0].strip(" \t\"'")
        if named not in ("utf-8", "utf8"):
            raise UnreadableError(415, "bodies are written in UTF-8")
        _, marked, rest = rest.partition("charset")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise UnreadableError(400, "an object of the body has the same name twice")
    return made


def _no_number(named: str) -> float:
    raise UnreadableError(400, f"{named} is no number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
