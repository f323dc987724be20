"""What is wrong with a call, in our words: pydantic's own speak of its types and of our classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

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
"""Characters of a name that are told."""


def sentences(errors: Iterable[ErrorDetails | Mapping[str, Any]]) -> list[str]:
    """One sentence for each value that is wrong: where in the call, and what is expected there; never the value."""
    found: dict[str, str] = {}
    for error in errors:
        where = _where(error["loc"])
        found.setdefault(where, f"{where}: {_said(error)}"[:300])
    return list(found.values())


def _where(place: tuple[int | str, ...]) -> str:
    """Where in the call: ``divs[2].id``; the first part says only that it is the body, or the address."""
    written = ""
    for part in place[1:8]:
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
            return "is not known here; the calls and what they take are described at /openapi.json"
        case "literal_error":
            return f"must be {str(context['expected']).replace(chr(39), '')}"
        case "string_too_long" | "too_long":
            unit = "characters" if kind == "string_too_long" else "entries"
            return f"has more than {context['max_length']:,} {unit}"
        case "string_too_short" | "too_short":
            return "is empty" if context["min_length"] == 1 else f"has less than {context['min_length']:,} entries"
        case "greater_than" | "greater_than_equal":
            return f"must be at least {context['ge']:,}" if "ge" in context else f"must be more than {context['gt']:,}"
        case "less_than" | "less_than_equal":
            return f"must be at most {context['le']:,}" if "le" in context else f"must be less than {context['lt']:,}"
        case "string_pattern_mismatch":
            return "has characters that cannot stand there"
        case "json_invalid":
            return "it is not JSON"
        case _ if kind in _OURS:
            return str(error["msg"])
        case _:
            return "this value cannot stand there"
