"""Diagnostics as forges read them: GitHub's annotations, SARIF for code scanning, GitLab's code quality.

A finding is identified by its code and address, not by its line: one that only moves within a file is not new.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from offerkit import __version__
from offerkit.diagnostics import CODES, Diagnostic, Position, Severity
from offerkit.fingerprint import Json
from offerkit.reports.diagnostics_json import DiagnosticsReport
from offerkit.reports.escape import clip, json_text, one_line, visible, workflow_message, workflow_property
from offerkit.reports.style import PRESENTATION, Presentation

_ANNOTATIONS = 10
"""GitHub shows this many annotations of one kind for a step, and drops the others."""
_TEXT = 2_000
_RESULTS = 5_000
"""GitHub shows this many results of a SARIF file, and refuses files with more than 25,000."""
_NOWHERE = "specs"
"""The path of findings without a file, since forges require one."""
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_SARIF_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_GITLAB_LEVELS = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def diagnostics_github(report: DiagnosticsReport, _presentation: Presentation = PRESENTATION) -> str:
    """GitHub workflow commands, one a line, which become annotations; of more than ten of a kind the last counts them.

    Ends with a newline, or is empty.
    """
    diagnostics, folder = report.diagnostics, report.folder
    rows: list[str] = []
    for severity, level in _LEVELS.items():
        of_severity = [diagnostic for diagnostic in diagnostics if diagnostic.severity is severity]
        fits = len(of_severity) <= _ANNOTATIONS
        rows += [
            _annotation(diagnostic, level, folder)
            for diagnostic in (of_severity if fits else of_severity[: _ANNOTATIONS - 1])
        ]
        if not fits:
            rows.append(f"::{level} title=offerkit::and {len(of_severity) - _ANNOTATIONS + 1:,} more")
    return "".join(f"{row}\n" for row in rows)


def _annotation(diagnostic: Diagnostic, level: str, folder: str) -> str:
    properties = []
    if position := diagnostic.position:
        properties = [
            ("file", visible(_path(folder, position))),
            ("line", str(position.line)),
            ("col", str(position.column)),
        ]
    properties.append(("title", diagnostic.code.value))
    about = ",".join(f"{key}={workflow_property(value)}" for key, value in properties)
    return f"::{level} {about}::{workflow_message(_text(diagnostic))}"


def _text(diagnostic: Diagnostic, between: str = "\n") -> str:
    """What is wrong, why, and how to fix it."""
    parts = [text.removesuffix(between.strip()) for text in (diagnostic.summary, diagnostic.detail, diagnostic.hint)]
    return clip(visible(between.join(filter(None, parts)), multiline=True), _TEXT)


def _fingerprints(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    """The identity of each finding: its code, address (or else file), and its number among equal ones."""
    numbers: Counter[tuple[str, str]] = Counter()
    for diagnostic in diagnostics:
        key = (diagnostic.code.value, diagnostic.address or (diagnostic.position.file if diagnostic.position else ""))
        numbers[key] += 1
        yield hashlib.sha256("\0".join((*key, str(numbers[key]))).encode("utf-8", "surrogatepass")).hexdigest()


def diagnostics_gitlab(report: DiagnosticsReport, _presentation: Presentation = PRESENTATION) -> str:
    """A code quality report of GitLab: a JSON list. Ends with a newline."""
    diagnostics, folder = report.diagnostics, report.folder
    issues: list[Json] = [
        {
            "description": one_line(_text(diagnostic, ". ")),
            "check_name": diagnostic.code.value,
            "fingerprint": fingerprint,
            "severity": _GITLAB_LEVELS[diagnostic.severity],
            "location": {
                "path": visible(_path(folder, diagnostic.position or Position(_NOWHERE, 1, 1))),
                "lines": {"begin": diagnostic.position.line if diagnostic.position else 1},
            },
        }
        for diagnostic, fingerprint in zip(diagnostics, _fingerprints(diagnostics), strict=True)
    ]
    return json_text(issues)


def diagnostics_sarif(report: DiagnosticsReport, _presentation: Presentation = PRESENTATION) -> str:
    """A SARIF 2.1.0 log with one run, of at most 5,000 results. Ends with a newline."""
    diagnostics, folder = report.diagnostics, report.folder
    codes = list(dict.fromkeys(diagnostic.code for diagnostic in diagnostics))
    rules: list[Json] = [
        {"id": code.value, "shortDescription": {"text": CODES[code]}, "help": {"text": CODES[code]}} for code in codes
    ]
    rule_indexes = {code: index for index, code in enumerate(codes)}
    results: list[Json] = [
        _result(diagnostic, rule_indexes[diagnostic.code], fingerprint, folder)
        for diagnostic, fingerprint in zip(diagnostics[:_RESULTS], _fingerprints(diagnostics), strict=False)
    ]
    run: dict[str, Json] = {
        "tool": {"driver": {"name": "offerkit", "version": __version__, "rules": rules}},
        "automationDetails": {"id": f"offerkit/{folder}"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    if more := len(diagnostics) - len(results):
        notification: Json = {"level": "warning", "message": {"text": f"and {more:,} more"}}
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [notification]}]
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(diagnostic: Diagnostic, rule: int, fingerprint: str, folder: str) -> dict[str, Json]:
    result: dict[str, Json] = {
        "ruleId": diagnostic.code.value,
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[diagnostic.severity],
        "message": {"text": _plain(_text(diagnostic))},
        "locations": [_location(diagnostic, folder)],
        # GitHub knows an alert again by the first and looks at no other; the second says what it is made of.
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint[:16]}:1", "codeAndAddress/v1": fingerprint},
    }
    related: list[Json] = [
        {**_physical(folder, position), "id": number, "message": {"text": _plain(visible(text))}}
        for number, (text, position) in enumerate(diagnostic.related, 1)
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _location(diagnostic: Diagnostic, folder: str) -> dict[str, Json]:
    location = _physical(folder, diagnostic.position or Position(_NOWHERE, 1, 1))
    if diagnostic.address:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(diagnostic.address), "kind": "resource"}]
    return location


def _physical(folder: str, position: Position) -> dict[str, Json]:
    uri = quote(_path(folder, position).encode("utf-8", "surrogateescape"), safe="/-._~")
    region: dict[str, Json] = {"startLine": max(1, position.line), "startColumn": max(1, position.column)}
    return {"physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}, "region": region}}


def _path(folder: str, position: Position) -> str:
    """The file from the repository's top."""
    return posixpath.normpath(posixpath.join(folder, position.file))


def _plain(text: str) -> str:
    """``text`` for a SARIF message, in which ``[…](…)`` would be a link (SARIF 2.1.0, §3.11.6)."""
    return re.sub(r"[\[\]\\]", r"\\\g<0>", text) if "](" in text else text
