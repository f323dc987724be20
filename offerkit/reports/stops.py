"""Stops and resumes as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from offerkit.address import Address, Kind
from offerkit.diagnostics import Diagnostic, and_list
from offerkit.fingerprint import Json
from offerkit.governance.stopped import Stopped
from offerkit.reports.escape import json_text, one_line, visible
from offerkit.reports.style import PRESENTATION, Presentation, Style
from offerkit.reports.words import count

MOST = 30
"""Offers that are listed in text."""


@dataclass(frozen=True)
class StopReport:
    """What was stopped and is ``out`` of live for that; ``done`` says in which revision, empty when none was needed."""

    revision: int | None
    named: Sequence[Address]
    out: Sequence[str] = ()
    refused: Sequence[Diagnostic] = ()
    done: str = ""


@dataclass(frozen=True)
class ResumeReport(StopReport):
    """What was resumed."""


def stop_text(report: StopReport, presentation: Presentation = PRESENTATION) -> str:
    """What a stop took out of live. Ends with a newline."""
    named, out, done, style = report.named, report.out, report.done, presentation.style
    lines = [f"{'Stopped' if done else 'Stopped already'}: {visible(name)}" for name in named]
    if done:
        lines.append(f"Out of {_where(named)} at once: {_some(out)}." if out else "None of it was live.")
        lines.append(f"It stays out until it is approved again and resumed (offerkit resume {visible(named[0])}).")
    return style.finish("\n".join([*lines, *([style.green(done)] if done else [])]) + "\n")


def _where(named: Sequence[Address]) -> str:
    """What the offers are out of: all of live, or only spaces that were stopped."""
    spaces = [visible(one.name) for one in named if one.kind is Kind.SPACE]
    return and_list(spaces if len(spaces) == len(named) else ["live", *spaces])


def resume_text(report: ResumeReport, presentation: Presentation = PRESENTATION) -> str:
    """What may go live again. Ends with a newline."""
    style = presentation.style
    lines = [f"Resumed: {visible(name)}" for name in report.named]
    lines.append("Promote it again once it is approved after the stop (offerkit promote).")
    return style.finish("\n".join([*lines, style.green(report.done)]) + "\n")


def stop_json(report: StopReport, _presentation: Presentation = PRESENTATION) -> str:
    """What was stopped or resumed, for programs. Ends with a newline."""
    refused: list[Json] = [
        {"code": str(one.code), "address": str(one.address), "summary": one.summary, "hint": one.hint}
        for one in report.refused
    ]
    return json_text(
        {"revision": report.revision, "named": list(report.named), "out": list(report.out), "refused": refused}
    )


@dataclass(frozen=True)
class StopList:
    """All that is stopped."""

    stopped: Sequence[Stopped]


def stops_text(stops: StopList, presentation: Presentation = PRESENTATION) -> str:
    """Each stop with its operator, time and reason. Ends with a newline."""
    stopped, style = stops.stopped, presentation.style
    if not stopped:
        return style.finish("Nothing is stopped.\n")
    return style.finish("\n".join(line for one in stopped for line in _lines(one, style)) + "\n")


def _lines(one: Stopped, style: Style) -> Iterator[str]:
    gone = "" if one.declared else "  (not in design or live)"
    yield style.bold(visible(one.address)) + gone
    yield f"  by {visible(one.by)} since {one.since[:19]}Z, revision {one.revision}: {visible(one_line(one.reason))}"
    others = [offer for offer in one.offers if offer != one.address]
    if others:
        yield f"  keeps out: {_some(others)}"


def stops_json(stops: StopList, _presentation: Presentation = PRESENTATION) -> str:
    """What is stopped, for programs. Ends with a newline."""
    return json_text(stopped_rows(stops.stopped))


def stopped_rows(stopped: Sequence[Stopped]) -> list[Json]:
    """What is stopped, as JSON has it."""
    return [
        {
            "address": one.address,
            "by": one.by,
            "since": one.since,
            "reason": one.reason,
            "revision": one.revision,
            "offers": list(one.offers),
            "declared": one.declared,
        }
        for one in stopped
    ]


def _some(offers: Sequence[str]) -> str:
    more = f", and {count(len(offers) - MOST, 'offer')} more" if len(offers) > MOST else ""
    return ", ".join(map(visible, offers[:MOST])) + more
