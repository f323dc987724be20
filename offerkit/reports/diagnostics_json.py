"""Diagnostics as a report, and as JSON; text and what forges read have modules of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from offerkit.diagnostics import Diagnostic, Position
from offerkit.fingerprint import Json
from offerkit.reports.escape import json_text
from offerkit.reports.style import PRESENTATION, Presentation

Sources: TypeAlias = Callable[[str], "Sequence[str] | None"]
"""Gives the lines of a file, or None when it cannot be shown."""


def no_sources(file: str) -> None:
    """No line of any file is shown."""


@dataclass(frozen=True, slots=True)
class DiagnosticsReport:
    """Diagnostics, with the lines that they are about, and the project's ``folder`` in its repository (``shop/``)."""

    diagnostics: Sequence[Diagnostic]
    sources: Sources = no_sources
    folder: str = ""


def diagnostics_json(report: DiagnosticsReport, _presentation: Presentation = PRESENTATION) -> str:
    """A JSON list of :func:`diagnostic_dict`, indented. Ends with a newline."""
    return json_text([diagnostic_dict(diagnostic) for diagnostic in report.diagnostics])


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
