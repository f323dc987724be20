"""Diagnostics as a compiler prints them: what, where (with the source line), why, how to fix it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from offerkit.diagnostics import Diagnostic, Position, Severity, and_list, masked, secret_spans
from offerkit.diagnostics.secret import MASK
from offerkit.reports.diagnostics_json import DiagnosticsReport, Sources
from offerkit.reports.escape import visible
from offerkit.reports.style import PRESENTATION, Presentation, Style, display_width, indented
from offerkit.reports.words import count

_TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^']|'')*'?|[^\s,\[\]{}#]+")
_BEFORE = 60
"""Characters shown before a mistake in a very long line."""
_AROUND = 4_000
"""Characters around a mistake that are looked at at all."""


def diagnostics_text(report: DiagnosticsReport, presentation: Presentation = PRESENTATION) -> str:
    """Every diagnostic with its source line, then how many there are; empty for none."""
    diagnostics, style, width = report.diagnostics, presentation.style, presentation.layout.width
    if not diagnostics:
        return ""
    known: dict[str, Sequence[str] | None] = {}

    def remembered(file: str) -> Sequence[str] | None:
        if file not in known:
            known[file] = report.sources(file)
        return known[file]

    parts = [diagnostic_text(diagnostic, remembered, style, width) for diagnostic in diagnostics]
    return style.finish("\n\n".join([*parts, style.bold(counted(diagnostics))]) + "\n")


def counted(diagnostics: Sequence[Diagnostic]) -> str:
    """``2 errors and 1 warning.``"""
    numbers = Counter(diagnostic.severity for diagnostic in diagnostics)
    return and_list([count(numbers[severity], severity.value) for severity in Severity if numbers[severity]]) + "."


def diagnostic_text(diagnostic: Diagnostic, sources: Sources, style: Style, width: int) -> str:
    """One diagnostic, without a newline at its end."""
    kind = _coloured(f"{diagnostic.severity.value}[{diagnostic.code.value}]", diagnostic.severity, style)
    rows = [f"{kind}: {style.bold(visible(diagnostic.summary))}"]
    if diagnostic.position:
        rows += _excerpt(diagnostic.position, sources, diagnostic.severity, style, width)
    for text, position in diagnostic.related:
        rows.append(f"  {style.cyan('note')}: {visible(text)}")
        rows += _excerpt(position, sources, Severity.NOTE, style, width)
    about = (("in", diagnostic.address), ("why", diagnostic.detail), ("hint", diagnostic.hint))
    for label, text in about:
        if text:
            first, *rest = indented(f"  = {label}: ", visible(" ".join(text.split("\n"))), width, whole=label == "hint")
            rows += [first.replace(f"= {label}:", style.cyan(f"= {label}:"), 1), *rest]
    return "\n".join(rows)


def _coloured(text: str, severity: Severity, style: Style) -> str:
    match severity:
        case Severity.ERROR:
            return style.paint("1;31", text)
        case Severity.WARNING:
            return style.paint("1;33", text)
        case Severity.NOTE:
            return style.paint("1;36", text)
        case _ as never:
            assert_never(never)


def _excerpt(position: Position, sources: Sources, severity: Severity, style: Style, width: int) -> list[str]:
    """``--> file:line:column`` and the source line with the mistake underlined."""
    lines = sources(position.file)
    number = str(position.line)
    gutter = " " * len(number)
    rows = [f"{gutter} {style.cyan('-->')} {visible(str(position))}"]
    if lines is None or not 1 <= position.line <= len(lines):
        return rows
    source, start, length = _window(*_masked(lines[position.line - 1].rstrip("\r\n"), position.column - 1), width)
    before = display_width(_shown(source[:start]))
    marks = "^" * max(1, display_width(_shown(source[start : start + length])))
    bar = style.cyan("|")
    rows += [f"{gutter} {bar}", f"{style.cyan(number)} {bar} {_shown(source)}".rstrip()]
    return [*rows, f"{gutter} {bar} {' ' * before}{_coloured(marks, severity, style)}"]


def _masked(source: str, start: int) -> tuple[str, int]:
    """A line with likely secrets masked, since excerpts end up in logs; and the new position of ``start``."""
    before = max(0, start - _AROUND)
    source, start = source[before : start + _AROUND], start - before
    shorter = 0
    for first, last in secret_spans(source):
        if last <= start:
            shorter += last - first - len(MASK)
    return masked(source), start - shorter


def _shown(source: str) -> str:
    return visible(source, multiline=True)


def _window(source: str, start: int, width: int) -> tuple[str, int, int]:
    """The part of a line around ``start``, the position of ``start`` in it, and the length of the token there."""
    start = max(0, min(start, len(source)))
    token = _TOKEN.match(source, start)
    length = len(token[0].rstrip(":")) if token else 1
    cut = start - _BEFORE if len(source) > width and start > _BEFORE else 0
    shown = source[cut : cut + width]
    if cut:
        shown, start = f"…{shown}", start - cut + 1
    if cut + width < len(source):
        shown += "…"
    return shown, start, min(length, len(shown) - start)
