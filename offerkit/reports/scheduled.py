"""Scheduled promotions, and the outcome of those that were due, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from offerkit.diagnostics import Diagnostic
from offerkit.fingerprint import Json
from offerkit.reports.escape import json_text, one_line, visible
from offerkit.reports.style import PRESENTATION, Presentation, Style
from offerkit.reports.words import count


@dataclass(frozen=True)
class ScheduledItem:
    """A scheduled promotion: ``state`` is ``waiting``, ``promoted``, ``refused`` or ``withdrawn``.

    ``due``, ``not_after`` and ``ended`` are UTC; ``due_shown`` and ``not_after_shown`` are on the environments' clocks.
    ``closed``: why it would be refused at its time, by the freezes and windows declared now.
    """

    serial: int
    state: str
    due: str
    due_shown: str
    not_after: str
    not_after_shown: str
    by: str
    time: str
    message: str
    environments: Sequence[str]
    steps: int
    plan: str
    closed: Sequence[str] = ()
    ended: str = ""
    ended_by: str = ""
    ended_in: int = 0
    ended_message: str = ""
    reasons: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True)
class ScheduledList:
    """Some scheduled promotions."""

    items: Sequence[ScheduledItem]


@dataclass(frozen=True)
class DueItem:
    """The outcome of a promotion that was due: the revision that records it, and why it was refused."""

    serial: int
    revision: int
    operator: str
    findings: Sequence[Diagnostic] = ()


@dataclass(frozen=True)
class DueReport:
    """The outcomes of all promotions that were due."""

    items: Sequence[DueItem]


def scheduled_text(report: ScheduledList, presentation: Presentation = PRESENTATION) -> str:
    """Each promotion with its time, its operator and how it stands. Ends with a newline."""
    style = presentation.style
    if not report.items:
        return style.finish("No promotion is scheduled.\n")
    return style.finish("\n".join(line for one in report.items for line in _lines(one, style)) + "\n")


def _lines(one: ScheduledItem, style: Style) -> Iterator[str]:
    where = ", ".join(map(visible, one.environments))
    what = f"{where}: {count(one.steps, 'change')}, {_state(one)}"
    yield f"{style.bold(str(one.serial))}  {visible(one.due_shown)}  {what}"
    said = f": {visible(one_line(one.message))}" if one.message else ""
    yield f"    scheduled by {visible(one.by)} at {one.time[:19]}Z, plan {one.plan[:12]}{said}"
    if one.not_after and one.state == "waiting":
        yield f"    not after {visible(one.not_after_shown)}"
    for why in one.closed:
        yield style.yellow(f"    would be refused then: {visible(one_line(why))}")
    if one.ended_message and one.state == "withdrawn":
        yield f"    {visible(one_line(one.ended_message))}"
    for code, summary, _ in one.reasons:
        yield f"    {visible(one_line(summary))}  [{visible(code)}]"


def _state(one: ScheduledItem) -> str:
    if not one.ended:
        return "waiting"
    by = f" by {visible(one.ended_by)}" if one.state == "withdrawn" else ""
    return f"{one.state}{by} at {one.ended[:19]}Z, revision {one.ended_in}"


def scheduled_json(report: ScheduledList, _presentation: Presentation = PRESENTATION) -> str:
    """The same for programs. Ends with a newline."""
    return json_text({"scheduled": [scheduled_row(one) for one in report.items]})


def scheduled_row(one: ScheduledItem) -> dict[str, Json]:
    """A scheduled promotion, as JSON has it."""
    row: dict[str, Json] = {
        "scheduled": one.serial,
        "state": one.state,
        "due": one.due,
        "not_after": one.not_after,
        "by": one.by,
        "time": one.time,
        "message": one.message,
        "environments": list(one.environments),
        "changes": one.steps,
        "plan": one.plan,
        "closed": list(one.closed),
    }
    if one.ended:
        reasons: list[Json] = [
            {"code": code, "summary": summary, "address": address} for code, summary, address in one.reasons
        ]
        row["ended"] = {"revision": one.ended_in, "time": one.ended, "by": one.ended_by, "message": one.ended_message}
        row["reasons"] = reasons
    return row


def due_text(report: DueReport, presentation: Presentation = PRESENTATION) -> str:
    """Each promotion with its outcome; the reasons of refusals are printed separately. Ends with a newline."""
    style = presentation.style
    if not report.items:
        return style.finish("Nothing is due.\n")
    return style.finish("\n".join(_due_line(one, style) for one in report.items) + "\n")


def _due_line(one: DueItem, style: Style) -> str:
    where = f"Revision {one.revision} for {visible(one.operator)}"
    if one.findings:
        return style.yellow(f"Not promoted: what revision {one.serial} scheduled. {where}.")
    return style.green(f"Live: what revision {one.serial} scheduled. {where}.")


def due_json(report: DueReport, _presentation: Presentation = PRESENTATION) -> str:
    """The same for programs, with the reasons. Ends with a newline."""
    rows: list[Json] = [
        {
            "scheduled": one.serial,
            "promoted": not one.findings,
            "revision": one.revision,
            "operator": one.operator,
            "reasons": [
                {"code": finding.code.value, "summary": finding.summary, "address": finding.address}
                for finding in one.findings
            ],
        }
        for one in report.items
    ]
    return json_text({"due": rows})
