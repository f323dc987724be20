"""The results of decision cases as text, JSON, and JUnit XML for build servers."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from offerkit.engine.case_results import CaseOutcome, CaseResults
from offerkit.reports.escape import json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, indented


def cases_text(results: CaseResults, presentation: Presentation = PRESENTATION) -> str:
    """What failed, and a count; verbose: every case. Ends with a newline."""
    outcomes, style, width = results.outcomes, presentation.style, presentation.layout.width
    lines: list[str] = []
    for outcome in outcomes:
        if outcome.passed:
            lines += [f"{style.green('✓')} {visible(outcome.name)}"] if presentation.verbose else []
            continue
        lines.append(f"{style.red('✗')} {style.bold(visible(outcome.name))}  {style.dim(str(outcome.position))}")
        for message in (outcome.error,) if outcome.error else outcome.mismatches:
            lines += indented("    ", visible(message), width)
    failed = sum(not outcome.passed for outcome in outcomes)
    count = f"{len(outcomes):,} case{'s' if len(outcomes) != 1 else ''}"
    lines.append(style.red(f"{count}, {failed:,} failed.") if failed else style.green(f"{count}, all as expected."))
    return style.finish("\n".join(lines) + "\n")


def cases_json(results: CaseResults, _presentation: Presentation = PRESENTATION) -> str:
    """Every case, as JSON. Ends with a newline."""
    made = [
        {
            "case": outcome.name,
            "position": str(outcome.position),
            "passed": outcome.passed,
            "mismatches": list(outcome.mismatches),
            "error": outcome.error,
        }
        for outcome in results.outcomes
    ]
    return json_text(made)


def cases_junit(results: CaseResults, _presentation: Presentation = PRESENTATION) -> str:
    """JUnit XML: a suite for each file, in their order. Ends with a newline."""
    outcomes = results.outcomes
    by_file: dict[str, list[CaseOutcome]] = {}
    for outcome in outcomes:
        by_file.setdefault(outcome.position.file, []).append(outcome)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_counts(outcomes)}>"]
    for file, members in by_file.items():
        lines.append(f"  <testsuite name={_attribute(file)} {_counts(members)}>")
        for outcome in members:
            place = f'file={_attribute(file)} line="{outcome.position.line}" time="{outcome.seconds:.3f}"'
            head = f"    <testcase classname={_attribute(file)} name={_attribute(outcome.name)} {place}"
            if outcome.passed:
                lines.append(f"{head}/>")
                continue
            tag, said = ("error", (outcome.error,)) if outcome.error else ("failure", outcome.mismatches)
            text = escape(visible("\n".join(said), multiline=True))
            lines += [f"{head}>", f"      <{tag} message={_attribute(said[0])}>{text}</{tag}>", "    </testcase>"]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _counts(outcomes: Sequence[CaseOutcome]) -> str:
    failures = sum(bool(outcome.mismatches) and not outcome.error for outcome in outcomes)
    errors = sum(bool(outcome.error) for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    return f'tests="{len(outcomes)}" failures="{failures}" errors="{errors}" time="{seconds:.3f}"'


def _attribute(text: str) -> str:
    return quoteattr(visible(text, multiline=True))
