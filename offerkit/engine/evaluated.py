"""The result of an expression, for one contact or counted over all contacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvaluatedExpression:
    """What an expression gives, as text: its type, and for one contact its value and what it read; else counts.

    ``total`` is the number of contacts counted, None when it was asked for one. ``condition``: it is one, and only
    true counts.
    """

    environment: str
    type: str
    condition: bool
    value: str = ""
    read: Sequence[tuple[str, str]] = ()
    counts: Sequence[tuple[str, int]] = ()
    total: int | None = None
