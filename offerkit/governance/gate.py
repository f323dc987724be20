"""The gate of a promotion: what a plan would make live without approval, whoever made the plan."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.diagnostics import Code, Diagnostic
from offerkit.governance.approvals import Decisions, approved, same_reviewers
from offerkit.governance.aspects import (
    affecting,
    content_fingerprint,
    content_fingerprints,
    counted,
    eligibility_fingerprint,
)
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.snapshot import BeforeAfter, Snapshot


def unapproved(live: BeforeAfter, decisions: Decisions, lengthened: Snapshot | None = None) -> Iterator[Diagnostic]:
    """What a promotion would make live without approval: the gate that every plan must pass.

    The planner applies the same rule (:mod:`offerkit.governance.promotion`). It is checked again on the steps because
    anyone can write a plan file. ``lengthened``: live after the promotion, but with no period ending earlier; an
    earlier end alone needs no approval.
    """
    before, after = live.before, live.after
    decisions, lengthened = decisions.for_view(after), lengthened or after
    for address in after.of_kind(Kind.OFFER):
        entry = after.entries[address]
        old = live.origins.get(address, address)
        relevant = affecting(after, address) | counted(after, address)
        if old in before.entries:
            relevant |= affecting(before, old) | counted(before, old)
        if not entry.activation or not relevant & live.addresses:
            continue
        was = before.entries.get(old)
        active = frozenset((was.activation if was is not None else None) or ())
        eligibility = ApprovalKey(address, Aspect.ELIGIBILITY, "", eligibility_fingerprint(after, address))
        same_list = bool(active) and same_reviewers(after, address, before, old, decisions)
        unchanged = same_list and eligibility_fingerprint(lengthened, address) == eligibility_fingerprint(before, old)
        if not unchanged and not approved(decisions, eligibility):
            yield _refusal(eligibility)
        prints = content_fingerprints(after, address, entry.activation)
        for space, print_ in zip(entry.activation, prints, strict=True):
            content = ApprovalKey(address, Aspect.CONTENT, space, print_)
            unchanged = same_list and space in active and print_ == content_fingerprint(before, old, space)
            if not content.fingerprint or (not unchanged and not approved(decisions, content)):
                yield _refusal(content)


def _refusal(key: ApprovalKey) -> Diagnostic:
    where = f" on {key.space}" if key.space else ""
    return Diagnostic(
        Code.NOT_APPROVED,
        f"the plan would make the {key.aspect}{where} of {key.address} live without approval",
        "Approvals are checked again when a plan is applied.",
        "Make the plan again with “offerkit promote --out FILE”.",
        key.address,
    )
