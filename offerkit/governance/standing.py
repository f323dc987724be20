"""Which approvals stand: of several decisions on the same thing, the last counts."""

from __future__ import annotations

from collections.abc import Iterable

from offerkit.governance.approval import Approval, Decision
from offerkit.planning.plan import ApprovalKey

Standing = dict[ApprovalKey, Approval]


def standing(approvals: Iterable[Approval]) -> Standing:
    """The decision that counts for each key; ``approvals`` oldest first."""
    return {approval.key: approval for approval in approvals}


def approved(decisions: Standing, key: ApprovalKey) -> bool:
    """Whether exactly this was approved."""
    decision = decisions.get(key)
    return decision is not None and decision.decision is Decision.APPROVED


def rejected(decisions: Standing, key: ApprovalKey) -> Approval | None:
    """The rejection of exactly this, if that is the last word on it."""
    decision = decisions.get(key)
    return decision if decision is not None and decision.decision is Decision.REJECTED else None
