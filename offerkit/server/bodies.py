"""Bodies in JSON, read so that nobody can read them otherwise: UTF-8, and no name twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

B = TypeVar("B", bound=BaseModel)


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
        return await _parsed(self)


async def read(request: Request, model: type[B]) -> B:
    """The body of ``request`` as ``model``, read as a :class:`OneWay` route reads it, without the framework's detours.

    Raises UnreadableError, or RequestValidationError with everything that is wrong, as the framework does.
    """
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise UnreadableError(415, "send JSON, as Content-Type: application/json")
    try:
        return model.model_validate(await _parsed(request))
    except json.JSONDecodeError as error:
        wrong = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}
        raise RequestValidationError([wrong]) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or brackets within brackets within brackets
        raise UnreadableError(400, "the body cannot be read") from None


def described(model: type[BaseModel]) -> dict[str, Any]:
    """What the description of a route says of a body that :func:`read` reads."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def _parsed(request: Request) -> Any:
    only_utf8(request.headers.get("content-type", ""))
    try:
        text = (await request.body()).decode()
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
