"""Which approvals stand: of several decisions on the same thing, the last counts."""

from __future__ import annotations

from collections.abc import Iterable

from offerkit.governance.approval import Approval, Decision
from offerkit.planning.plan import ApprovalKey
from offerkit.state.snapshot import Snapshot

Standing = dict[ApprovalKey, Approval]


def standing(approvals: Iterable[Approval]) -> Standing:
    """The decision that counts for each key; ``approvals`` oldest first."""
    return {approval.key: approval for approval in approvals}


def counting(decisions: Standing, design: Snapshot) -> Standing:
    """Without the approvals of those who are not, or no longer, among the reviewers that design names.

    Naming a reviewer is asking for their word, also on what somebody else approved before. Rejections stay.
    """
    return {
        key: approval
        for key, approval in decisions.items()
        if approval.decision is Decision.REJECTED
        or key.address not in design.entries
        or approval.operator in (design.offer(key.address).reviewers(key.aspect) or (approval.operator,))
    }


def approved(decisions: Standing, key: ApprovalKey) -> bool:
    """Whether exactly this was approved."""
    decision = decisions.get(key)
    return decision is not None and decision.decision is Decision.APPROVED


def rejected(decisions: Standing, key: ApprovalKey) -> Approval | None:
    """The rejection of exactly this, if that is the last word on it."""
    decision = decisions.get(key)
    return decision if decision is not None and decision.decision is Decision.REJECTED else None
