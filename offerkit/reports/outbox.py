"""Events of webhooks with their status, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from offerkit.fingerprint import Json
from offerkit.governance.notices import OutboxRow, OutboxState
from offerkit.reports.escape import json_text, one_line, visible
from offerkit.reports.style import PRESENTATION, Presentation


@dataclass(frozen=True)
class OutboxReport:
    """Some events, newest first."""

    rows: Sequence[OutboxRow]


def outbox_text(report: OutboxReport, presentation: Presentation = PRESENTATION) -> str:
    """Each event with its state, and why it was not sent. Ends with a newline."""
    style = presentation.style
    lines: list[str] = []
    for row in report.rows:
        head = f"{row.id}  {row.created[:19]}Z  {visible(row.type)} to {visible(row.receiver)}"
        lines.append(f"{head}: {_standing(row)}")
        if row.failure:
            lines.append(style.dim(f"    {visible(one_line(row.failure))}"))
    return style.finish("\n".join(lines or ["No events."]) + "\n")


def _standing(row: OutboxRow) -> str:
    match row.state:
        case OutboxState.SENT:
            return f"sent at {row.finished[:19]}Z"
        case OutboxState.DEAD:
            return f"given up at {row.finished[:19]}Z, after {row.attempts} attempts"
        case _ if row.attempts:
            return f"waits, attempt {row.attempts + 1} at {row.due[:19]}Z"
        case _:
            return "waits"


def outbox_json(report: OutboxReport, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON, with the events themselves."""
    rows: list[Json] = [
        {
            "id": row.id,
            "webhook": row.receiver,
            "type": row.type,
            "state": row.state,
            "created": row.created,
            "due": row.due,
            "attempts": row.attempts,
            "failure": row.failure,
            "finished": row.finished,
            "event": orjson.loads(row.body),
        }
        for row in report.rows
    ]
    return json_text({"events": rows})
