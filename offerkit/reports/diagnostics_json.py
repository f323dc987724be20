"""Diagnostics for programs: JSON, and the annotations that GitHub shows in a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from offerkit.diagnostics import Diagnostic, Position, Severity
from offerkit.fingerprint import Json
from offerkit.reports.escape import json_text, visible, workflow_message, workflow_property


def diagnostics_json(diagnostics: Sequence[Diagnostic]) -> str:
    """A JSON list of :func:`diagnostic_dict`, indented. Ends with a newline."""
    found = [diagnostic_dict(diagnostic) for diagnostic in diagnostics]
    return json_text(found)


def diagnostic_dict(diagnostic: Diagnostic) -> dict[str, Json]:
    """One diagnostic; ``file``, ``line`` and ``column`` are null where it has no place."""
    related: list[Json] = [{"message": text, **_place(position)} for text, position in diagnostic.related]
    return {
        "code": diagnostic.code.value,
        "severity": diagnostic.severity.value,
        "address": diagnostic.address,
        **_place(diagnostic.position),
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
        "hint": diagnostic.hint,
        "related": related,
    }


def _place(position: Position | None) -> dict[str, Json]:
    if position is None:
        return {"file": None, "line": None, "column": None}
    return {"file": position.file, "line": position.line, "column": position.column}


def diagnostics_github(diagnostics: Sequence[Diagnostic]) -> str:
    """GitHub workflow commands, one a line, which become annotations of the changed files."""
    return "".join(f"{_annotation(diagnostic)}\n" for diagnostic in diagnostics)


def _annotation(diagnostic: Diagnostic) -> str:
    properties = []
    if place := diagnostic.position:
        properties = [("file", place.file), ("line", str(place.line)), ("col", str(place.column))]
    properties.append(("title", diagnostic.code.value))
    about = ",".join(f"{key}={workflow_property(value)}" for key, value in properties)
    text = "\n".join(filter(None, [diagnostic.summary, diagnostic.detail, diagnostic.hint]))
    return f"::{_level(diagnostic.severity)} {about}::{workflow_message(visible(text, multiline=True))}"


def _level(severity: Severity) -> str:
    match severity:
        case Severity.ERROR:
            return "error"
        case Severity.WARNING:
            return "warning"
        case Severity.NOTE:
            return "notice"
        case _ as never:
            assert_never(never)
