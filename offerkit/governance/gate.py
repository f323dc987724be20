"""The gate that no plan passes by: what a promotion would make live is approved, or was live like that before.

The plan was made with the same rule (:mod:`offerkit.governance.promotion`); here it is checked once more on
the steps themselves, because a plan file is only a file, and anyone can write one.
"""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.diagnostics import Code, Diagnostic
from offerkit.governance.aspects import content_fingerprint, eligibility_fingerprint
from offerkit.governance.resets import affecting
from offerkit.governance.standing import Standing, approved
from offerkit.planning.plan import ApprovalKey, Aspect
from offerkit.state.before_after import BeforeAfter


def unapproved(live: BeforeAfter, decisions: Standing) -> Iterator[Diagnostic]:
    """What would be live without approval after a promotion."""
    before, after = live.before, live.after
    for address in after.of_kind(Kind.OFFER):
        entry = after.entries[address]
        old = live.origins.get(address, address)
        relevant = affecting(after, address) | (affecting(before, old) if old in before.entries else set())
        if not entry.activation or not relevant & live.addresses:
            continue
        was = before.entries.get(old)
        active = frozenset((was.activation if was is not None else None) or ())
        eligibility = ApprovalKey(address, Aspect.ELIGIBILITY, "", eligibility_fingerprint(after, address))
        same = bool(active) and eligibility.fingerprint == eligibility_fingerprint(before, old)
        if not same and not approved(decisions, eligibility):
            yield _refusal(eligibility)
        for space in entry.activation:
            content = ApprovalKey(address, Aspect.CONTENT, space, content_fingerprint(after, address, space))
            same = space in active and content.fingerprint == content_fingerprint(before, old, space)
            if not content.fingerprint or (not same and not approved(decisions, content)):
                yield _refusal(content)


def _refusal(key: ApprovalKey) -> Diagnostic:
    where = f" on {key.space}" if key.space else ""
    return Diagnostic(
        Code.NOT_APPROVED,
        f"the plan would take the {key.aspect}{where} of {key.address} live, which is not approved as it is there",
        "What goes live is checked against the approvals once more when the plan is applied.",
        "Make the plan again with “offerkit promote --out FILE”.",
        key.address,
    )
