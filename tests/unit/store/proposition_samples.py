"""Propositions that several tests of the store use."""

from __future__ import annotations

from decimal import Decimal

from offerkit.models.status import Status
from offerkit.store import PropositionRow

FIRST = PropositionRow(
    "p-1",
    "recipients",
    "42|fr",
    "web-home",
    "inbound-web",
    "canada",
    "travel/americas",
    "call-1",
    1,
    Decimal("12.5"),
    Status.PRESENTED,
    "2026-11-01T12:00:00.000000Z",
    "2026-11-01T12:00:01.000000Z",
    7,
    {"score": 3, "label": "été", "none": None, "tags": ["a", "b"]},
)


def at(second: int) -> str:
    return f"2026-11-01T12:{second // 60:02}:{second % 60:02}.000000Z"


def made(number: int, **given: object) -> PropositionRow:
    """The proposition of that number: one a second, each of its own call."""
    values = {"id": f"p-{number}", "interaction": f"call-{number}", "time": at(number), "proposed": {}, **given}
    return FIRST._replace(**values)  # type: ignore[arg-type]
