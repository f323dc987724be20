"""An approval or a rejection, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from offerkit.planning.plan import ApprovalKey


class Decision(StrEnum):
    """What a reviewer decided, or that an earlier decision was withdrawn."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Approval:
    """A decision on exactly one thing (:class:`ApprovalKey`), by an operator, with a comment.

    Of several decisions on one key the last one counts. ``revision`` is 0 until it is stored.
    """

    key: ApprovalKey
    decision: Decision
    operator: str
    comment: str = ""
    revision: int = 0
    time: str = ""
