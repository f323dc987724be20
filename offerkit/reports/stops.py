"""What was stopped or resumed, and what is stopped, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from offerkit.fingerprint import Json
from offerkit.reports.escape import json_text, one_line, visible
from offerkit.reports.style import Style
from offerkit.reports.words import count

if TYPE_CHECKING:
    from offerkit.workflow.requests import StopOutcome
    from offerkit.workflow.stop import Stopped

MOST = 30
"""Offers that are listed in text."""


def outcome_text(made: StopOutcome, style: Style, *, resumed: bool = False) -> str:
    """What a stop took out of live, or what may go there again. Ends with a newline."""
    if made.revision is None:
        return style.finish(f"Stopped already: {', '.join(made.named)}.\n")
    lines = [f"{'Resumed' if resumed else 'Stopped'}: {visible(name)}" for name in made.named]
    if resumed:
        lines.append("It can be promoted again as far as it was approved since it was stopped (offerkit promote).")
    else:
        lines.append(f"Out of live at once: {_some(made.out)}." if made.out else "Nothing of it was live.")
        lines.append(f"It stays out until it is approved anew and resumed (offerkit resume {made.named[0]}).")
    revision = made.revision
    done = f"Revision {revision.serial} by {visible(revision.actor)}, {revision.digest[:12]}."
    return style.finish("\n".join([*lines, style.green(done)]) + "\n")


def outcome_json(made: StopOutcome) -> str:
    """What was stopped or resumed, for programs. Ends with a newline."""
    revision = made.revision
    refused: list[Json] = [
        {"code": str(found.code), "address": str(found.address), "summary": found.summary, "hint": found.hint}
        for found in made.refused
    ]
    return json_text(
        {
            "revision": revision.serial if revision is not None else None,
            "named": list(made.named),
            "out": list(made.out),
            "refused": refused,
        }
    )


def stops_text(stopped: Sequence[Stopped], style: Style) -> str:
    """What is stopped, each with who, since when and why. Ends with a newline."""
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


def stops_json(stopped: Sequence[Stopped]) -> str:
    """What is stopped, for programs. Ends with a newline."""
    return json_text(stopped_rows(stopped))


def stopped_rows(stopped: Sequence[Stopped]) -> list[Json]:
    """What is stopped, as JSON has it."""
    return [
        {
            "address": one.address, "by": one.by, "since": one.since, "reason": one.reason, "revision": one.revision,
            "offers": list(one.offers), "declared": one.declared,
        }
        for one in stopped
    ]  # fmt: skip


def _some(offers: Sequence[str]) -> str:
    more = f", and {count(len(offers) - MOST, 'offer')} more" if len(offers) > MOST else ""
    return ", ".join(map(visible, offers[:MOST])) + more
