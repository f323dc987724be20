"""pydantic's errors → diagnostics: our words (models/mistakes.py) at the exact place."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from offerkit.diagnostics import Diagnostic, Position
from offerkit.models.validation_errors import WANTED, words
from offerkit.specs.sections import Raw
from offerkit.specs.yaml_events import YamlMap, locate, unpack

_BELOW = {
    "period": ("until",),
    "key": ("key",),
    "fallback": ("fallback",),
    "sample": ("sample",),
    "default": ("default",),
    "outline": ("deliveries", "{delivery}", "outline"),
}
"""Where a mistake is that pydantic places at the whole: the path below."""


def diagnose(file: str, document: YamlMap, raw: Raw, model: type[BaseModel], error: ErrorDetails) -> Diagnostic:
    """The diagnostic for one of pydantic's errors on the resource ``raw`` of ``document``."""
    loc = tuple(part for part in error["loc"] if part != "[key]")
    on_key = "[key]" in error["loc"] or error["type"] in ("extra_forbidden", "missing")
    path = _path(document, (*raw.path, *loc))
    code, summary, hint = words(model, error, loc or (raw.address.name,))
    if error["type"] == "missing":
        path = path[: len(raw.path) + len(loc) - 1]
    elif error["type"] in _BELOW:
        path = (*path, *(part.format(**error.get("ctx", {})) for part in _BELOW[error["type"]]))
        on_key = error["type"] == "period"
    elif not loc and error["type"] not in WANTED:
        on_key = True
    return Diagnostic(
        code, summary, hint=hint, address=str(raw.address), position=_place(file, document, path, on_key=on_key)
    )


def _path(document: YamlMap, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """``path`` without the parts pydantic adds for unions, which name no key of the document."""
    value: Any = document
    kept: list[str | int] = []
    for part in path:
        if isinstance(value, YamlMap) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif part != path[-1]:
            continue
        kept.append(part)
    return tuple(kept)


def _place(file: str, document: YamlMap, path: tuple[str | int, ...], *, on_key: bool) -> Position:
    return unpack(file, locate(document, path, on_key=on_key))
