"""Of several decisions on one thing the last counts."""

from __future__ import annotations

from offerkit.governance.approvals import Approval, Decision, Decisions, approved, rejected
from offerkit.plans.plan import ApprovalKey, Aspect

KEY = ApprovalKey("s/offer.o", Aspect.CONTENT, "web", "1")
YES = Approval(KEY, Decision.APPROVED, "brand", revision=1)
NO = Approval(KEY, Decision.REJECTED, "risk", revision=2)


def test_nothing_decided() -> None:
    assert not approved(Decisions(), KEY)
    assert rejected(Decisions(), KEY) is None


def test_the_last_one_counts() -> None:
    assert approved(Decisions([NO, YES]), KEY)
    assert rejected(Decisions([NO, YES]), KEY) is None
    assert not approved(Decisions([YES, NO]), KEY)
    assert rejected(Decisions([YES, NO]), KEY) is NO


def test_a_decision_is_on_exactly_one_thing() -> None:
    decisions = Decisions([YES])
    for other in (
        ApprovalKey("s/offer.p", Aspect.CONTENT, "web", "1"),
        ApprovalKey("s/offer.o", Aspect.ELIGIBILITY, "", "1"),
        ApprovalKey("s/offer.o", Aspect.CONTENT, "mail", "1"),
        ApprovalKey("s/offer.o", Aspect.CONTENT, "web", "2"),
    ):
        assert not approved(decisions, other)
