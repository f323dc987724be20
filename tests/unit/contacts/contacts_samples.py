"""What the tests of contacts share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.rules.types import Value

FIELDS = {
    "id": {"type": "integer"},
    "email": {"type": "string"},
    "born": {"type": "date"},
    "tier": {"type": "enumeration", "values": ["none", "gold"]},
    "balance": {"type": "decimal"},
    "consent": {"type": "boolean"},
    "tags": {"type": "list"},
    "seen": {"type": "timestamp"},
}

ANA_ROW: dict[str, Value] = {
    "id": 1,
    "email": "ana@example.com",
    "born": date(1984, 2, 29),
    "tier": "gold",
    "balance": Decimal("12.50"),
    "consent": True,
    "tags": ("city", "snow"),
    "seen": datetime(2026, 11, 20, 9, 0),
}
"""The first contact of the samples; it was seen at eight o'clock UTC, which is nine in Paris."""


def only(run: Callable[[], object], code: Code, count: int = 1) -> tuple[Diagnostic, ...]:
    """The diagnostics that ``run`` is refused with: so many, all of this code."""
    with pytest.raises(Refused) as caught:
        run()
    found = caught.value.diagnostics
    assert [problem.code for problem in found] == [code] * count, found
    return found
