"""The result of an expression, for one contact or counted over all contacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvaluatedExpression:
    """The result of an expression, as text: its type, and for one contact its value and the fields read; else counts.

    ``total``: the number of contacts counted; None for a single contact. ``condition``: whether the expression is a
    condition.
    """

    environment: str
    type: str
    condition: bool
    value: str = ""
    read: Sequence[tuple[str, str]] = ()
    counts: Sequence[tuple[str, int]] = ()
    total: int | None = None
