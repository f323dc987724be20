"""JSON bodies, read strictly: UTF-8, no name twice.

The cost of refusing a body grows only with its bytes: its values and their depth are counted before it is parsed, and
of many mistakes only a few are listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from offerkit.server.problems import RequestError
from offerkit.server.request_limits import SMALL, content_of
from offerkit.server.routing import HEADERS_BY_NAME
from offerkit.server.schemas import UNION_TAGS

B = TypeVar("B", bound=BaseModel)

MEMBERS, DEEPEST = 5_000, 16
"""Limits of a body: its values, and the depth of nested objects and lists."""
MOST_MEMBERS, BYTES_EACH = 50_000, 20
"""Limit of values in an operator's body, and the bytes it must have for each value beyond MEMBERS."""
LONGEST_NUMBER = 64
"""Characters of a number."""
_MARKS = re.compile(rb'[][{},]|"[^"\\]*+(?:\\.[^"\\]*+)*"?', re.DOTALL)
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LONG = re.compile(rb"[0-9]{16}")
"""What a number has that only the strict parser reads as it is written, and any that is longer than LONGEST_NUMBER."""
_OPEN, _CLOSED, _BETWEEN = b"[{", b"]}", b","
_TEXTS = 4
"""Texts for each value at most: itself and its name, and what belongs to none in something that is no JSON."""


class InvalidRequestError(Exception):
    """Values of a request that cannot stand there; ``errors`` as pydantic lists them, each with where it is."""

    def __init__(self, errors: Sequence[ErrorDetails | Mapping[str, Any]]) -> None:
        super().__init__()
        self.errors = errors


class UnreadableError(RequestError):
    """A body that cannot be read."""


async def read_body(request: Request, model: type[B]) -> B:
    """The body of ``request`` as ``model``.

    Raises UnreadableError, or InvalidRequestError with what is wrong.
    """
    return as_model(await read_json(request), model)


async def read_json(request: Request) -> Any:
    """The body of ``request`` as JSON values. Raises UnreadableError or InvalidRequestError."""
    kind = request.scope[HEADERS_BY_NAME].get(b"content-type", b"")
    if kind != b"application/json":
        if not kind.lower().startswith(b"application/json"):
            raise UnreadableError(415, "send JSON, as Content-Type: application/json")
        only_utf8(kind.decode("latin-1"))
    return as_values(await content_of(request))


def parse_body(content: bytes, model: type[B]) -> B:
    """``content`` as ``model``, as :func:`read_body` reads it. Raises as that does."""
    return as_model(as_values(content), model)


def as_values(content: bytes) -> Any:
    """The JSON values of ``content``, by a fast parser where that certainly reads the same."""
    _within_limits(content, min(max(MEMBERS, len(content) // BYTES_EACH), MOST_MEMBERS))
    try:
        if len(content) <= SMALL and not _LONG.search(content):
            values = orjson.loads(content)
            members = _members(values)
            if content.count(b":") == members or _TEXT.sub(b"", content).count(b":") == members:
                return values  # no member is missing: no name came twice
    except orjson.JSONDecodeError:
        pass
    try:
        return _DECODER.decode(content.decode())
    except UnicodeDecodeError:
        raise UnreadableError(400, "the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        wrong = {"type": "json_invalid", "loc": ("body", f"character {error.pos + 1}"), "msg": "is not valid JSON"}
        raise InvalidRequestError([wrong]) from None


def as_model(values: Any, model: type[B]) -> B:
    """``values`` of a body as ``model``. Raises InvalidRequestError with what is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise InvalidRequestError([{**fault, "loc": ("body", *fault["loc"])} for fault in errors]) from None


def body_description(model: type[BaseModel]) -> dict[str, Any]:
    """What the description of a route says of a body that :func:`read_body` reads."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": deepcopy(_schema(model))}}}}


@cache
def _schema(model: type[BaseModel]) -> Any:
    schema = model.model_json_schema()
    return _inlined(schema, schema.pop("$defs", {}))


def _inlined(schema: Any, models: dict[str, Any]) -> Any:
    """``schema`` with other models written where they are named: a description has no place for them inside of it."""
    if isinstance(schema, list):
        return [_inlined(part, models) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(models[schema["$ref"].rpartition("/")[2]], models)
    return {name: _inlined(part, models) for name, part in schema.items()}


def only_utf8(content_type: str) -> None:
    """Raises UnreadableError (415) when ``content_type`` names a charset that is not UTF-8."""
    _, marked, rest = content_type.lower().partition("charset")
    while marked:
        named = rest.lstrip().removeprefix("=").partition(";")[0].strip(" \t\"'")
        if named not in ("utf-8", "utf8"):
            raise UnreadableError(415, "the body must be UTF-8")
        _, marked, rest = rest.partition("charset")


def _within_limits(content: bytes, members: int) -> None:
    """Raises UnreadableError for more than ``members`` values, or too many in each other; looks no further then."""
    opened = content.count(b"[") + content.count(b"{")
    if opened <= DEEPEST and opened + content.count(b",") <= members:
        return  # nearly all bodies; texts with such marks in them are looked at closely
    deep = values = texts = 0
    for match in _MARKS.finditer(content):
        mark = content[match.start()]
        if mark in _OPEN:
            deep += 1
            values += 1
        elif mark in _CLOSED:
            deep -= 1
        elif mark in _BETWEEN:
            values += 1
        else:
            texts += 1
        if deep > DEEPEST:
            raise UnreadableError(400, f"the body has more than {DEEPEST} nested objects and lists")
        if values > members or texts > _TEXTS * members:
            raise UnreadableError(400, f"the body has more than {members:,} values")


_COMPOUND = frozenset((dict, list))


def _members(value: Any) -> int:
    """How many members all objects in ``value`` have."""
    count = len(value) if isinstance(value, dict) else 0
    for one in value.values() if count else value if isinstance(value, list) else ():
        if type(one) in _COMPOUND:
            count += _members(one)
    return count


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise UnreadableError(400, "an object in the body has the same name twice")
    return members


def _no_number(named: str) -> float:
    raise UnreadableError(400, f"{named} is not a JSON number")


def _short(written: str) -> str:
    if len(written) > LONGEST_NUMBER:
        raise UnreadableError(400, f"a number in the body has more than {LONGEST_NUMBER} characters")
    return written


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once,
    parse_constant=_no_number,
    parse_int=lambda written: int(_short(written)),
    parse_float=lambda written: float(_short(written)),
)


_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object with names and values",
    "model_type": "an object with names and values",
    "model_attributes_type": "an object with names and values",
}
_OURS = frozenset({"call_data", "names"})
"""Types of errors whose sentence is our own."""
_NAMES = 60
"""Longest part of a name that a message shows, in characters."""


def error_sentences(errors: Iterable[ErrorDetails | Mapping[str, Any]]) -> list[str]:
    """One sentence for each value that is wrong: where in the call, and what is expected there; never the value."""
    sentences: dict[str, str] = {}
    for error in errors:
        where = _where(error["loc"])
        sentences.setdefault(where, f"{where}: {_said(error)}"[:300])
    return list(sentences.values())


def _where(location: tuple[int | str, ...]) -> str:
    """Where in the call: ``divs[2].id``; the first part says only that it is the body, or the address."""
    written = ""
    for part in [part for part in location[1:8] if part not in UNION_TAGS]:
        written += f"[{part}]" if isinstance(part, int) else f"{'.' if written else ''}{part[:_NAMES]}"
    return written or "the body"


def _said(error: Mapping[str, Any]) -> str:
    kind, context = str(error["type"]), error.get("ctx") or {}
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}"
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not a known field; /openapi.json describes all fields"
        case "literal_error":
            return f"must be {str(context['expected']).replace(chr(39), '')}"
        case "string_too_long" | "too_long":
            unit = "characters" if kind == "string_too_long" else "entries"
            return f"has more than {context['max_length']:,} {unit}"
        case "string_too_short" | "too_short":
            return "is empty" if context["min_length"] == 1 else f"has fewer than {context['min_length']:,} entries"
        case "greater_than" | "greater_than_equal":
            return f"must be at least {context['ge']:,}" if "ge" in context else f"must be more than {context['gt']:,}"
        case "less_than" | "less_than_equal":
            return f"must be at most {context['le']:,}" if "le" in context else f"must be less than {context['lt']:,}"
        case "string_pattern_mismatch":
            return "has invalid characters"
        case "json_invalid":
            return "is not valid JSON"
        case _ if kind in _OURS:
            return str(error["msg"])
        case _:
            return "is not a valid value"
