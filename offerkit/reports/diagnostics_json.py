"""Diagnostics for programs, as JSON; what forges read has a module of its own."""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.diagnostics import Diagnostic, Position
from offerkit.fingerprint import Json
from offerkit.reports.escape import json_text


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
