"""Values of the rules → plain data for a template → text for a sink.

A template is given only text, whole numbers, floats, booleans, None and tuples of text. Whatever else it comes to
print (a method, say) is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import TypeAlias, assert_never
from urllib.parse import quote

from offerkit.rules.types import Value

Plain: TypeAlias = str | int | float | bool | tuple[str, ...] | None
"""A value that a template gets."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LONE = re.compile("[\ud800-\udfff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_SPECIAL = re.compile("[&<>\"']")
MARK = "\x00"
"""Marks the beginning of each value in a URL while it is built; values and plain text never contain it."""


class Sink(StrEnum):
    """Where a rendered text goes, which decides how values are escaped in it."""

    TEXT = "text"
    HTML = "html"
    XML = "xml"
    URL = "url"


def plain(value: Value) -> Plain:
    """A rule's value as a template sees it: dates as ISO text, decimals as numbers (some 15 digits)."""
    match value:
        case str():
            return value if value.isascii() else _LONE.sub("", value)
        case None | bool() | int():
            return value
        case tuple():
            return tuple(_LONE.sub("", item) for item in value)
        case Decimal():
            integer = int(value)
            return integer if integer == value else float(value)
        case date():
            return value.isoformat()
        case _:
            assert_never(value)


def without_controls(text: str) -> str:
    """``text`` without control characters (but tabs and line ends) and what no XML may hold."""
    return _CONTROL.sub("", text) if not text.isprintable() else text


def escape(text: str) -> str:
    """``text`` for HTML and XML, between tags and in quoted attributes."""
    text = without_controls(text)
    return _SPECIAL.sub(lambda match: _ESCAPES[match.group()], text) if _SPECIAL.search(text) else text


class NoTextError(TypeError):
    """A value that a template prints is neither text nor number nor a list of them."""


def shown(value: object) -> str:
    """How a value is written: unknown as nothing, numbers plainly, lists joined. Raises NoTextError for all else."""
    match value:
        case str():
            return value if type(value) is str else str.__str__(value)  # markup becomes text
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if not isfinite(value):
            raise ValueError("the number is too large")
        case float():
            # rounded to the six digits that decimals have: 0.1 + 0.2 is 0.3
            return (
                format(Decimal(repr(round(value, 6))), "f").removesuffix(".0") if abs(value) < 1e15 else f"{value:.0f}"
            )
        case list() | tuple():
            if all(isinstance(item, str | int | float | None) for item in value):
                return ", ".join(shown(item) for item in value)
        case _:
            pass
    raise NoTextError("a template can only print texts, numbers and lists of them")


def _component(text: str) -> str:
    return MARK + quote(without_controls(text), safe="")


ESCAPING: dict[Sink, Callable[[str], str]] = {
    Sink.TEXT: without_controls,
    Sink.HTML: escape,
    Sink.XML: escape,
    Sink.URL: _component,
}
