"""What a rule “narrowing needs no approval” would decide. There is no such rule: nothing goes live because of a proof.

It would let an offer through that waits for the approval of its eligibility if nobody becomes eligible, at any moment
from now on, compared with the body that was approved and is live, and if nothing else changes: its weights, the
multipliers and themes of its categories and its own, its spaces, and its content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Code
from offerkit.governance.aspects import content_fingerprints
from offerkit.plans.plan import Aspect, Plan, PlanKind
from offerkit.prove.proofs import NarrowingOutcome
from offerkit.prove.result import Comparison, Existence
from offerkit.state.eligibility import eligibility
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.proof_answers import solve
from offerkit.usecases.renames import renames_of_live
from offerkit.usecases.requests import ProofRequest

_SAME = {
    "weights": "its weights change",
    "multiplier": "a multiplier changes",
    "themes": "its themes change",
    "history": "what it asks of the contact's history changes",
    "time_zone": "the time zone changes",
}
"""The parts of an eligibility that must be identical, and what is said where they are not."""


def narrowing(plan: Plan, stages: Stages, request: ProofRequest) -> tuple[NarrowingOutcome, ...]:
    """The outcomes for the offers of a promotion that are live and wait for the approval of their eligibility."""
    waiting = {
        item.address
        for item in plan.blocked
        if item.code == Code.NOT_APPROVED
        and item.live
        and item.address.kind is Kind.OFFER
        and any(key.aspect is Aspect.ELIGIBILITY for key in item.keys)
    }
    if plan.kind is not PlanKind.PROMOTE or not waiting or stages.store is None:
        return ()
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    renames = renames_of_live(stages.store, design, live)
    change = BeforeAfter(live, design, tuple(live.diff(design, Stage.LIVE, renames)))
    request = replace(request, only=waiting.__contains__, at="")  # an offer that is let through is live from now on
    solved = solve(change, sorted({address.environment for address in waiting}), request)
    doubts = dict(solved.notes)
    answers: dict[Address, list[Comparison]] = {}
    for question, answer in solved.answers:
        for offer in question.offers:
            answers.setdefault(offer, []).append(answer)
    return tuple(
        NarrowingOutcome(offer, _obstacle(change, offer, answers.get(offer, []), doubts.get(offer.environment, "")))
        for offer in sorted(waiting)
    )


def _obstacle(change: BeforeAfter, offer: Address, answers: list[Comparison], doubt: str) -> str:
    """Why the rule would keep an offer back; empty if it would let it through."""
    if offer not in change.after.entries or change.origins.get(offer, offer) not in change.before.entries:
        return "it was never live"
    changed = next(_other_changes(change, offer), "")
    if changed:
        return changed
    if doubt:
        return f"it is not decided: {doubt.rstrip('.')}"
    for answer in answers:
        gained = answer.later.gained
        if gained.answer is Existence.SOME:
            return "more become eligible"
        if gained.answer is Existence.UNDECIDED:
            return f"it is not decided: {gained.why}"
    return ""


def _other_changes(change: BeforeAfter, offer: Address) -> Iterator[str]:
    """What else changes than for whom, and when, the offer is eligible."""
    old = change.origins.get(offer, offer)
    was, will = _parts(change.before, old), _parts(change.after, offer)
    yield from (words for part, words in _SAME.items() if was.get(part) != will.get(part))
    spaces = change.before.entries[old].activation or ()
    if _new_names(change, offer, spaces) != set(change.after.offer(offer).shown_on):
        yield "it is shown on other spaces"
        return
    renamed = [(space, _new_name(change, offer, space)) for space in spaces]
    before = content_fingerprints(change.before, old, [space for space, _ in renamed])
    if before != content_fingerprints(change.after, offer, [space for _, space in renamed]):
        yield "its content changes"


def _parts(view: Snapshot, offer: Address) -> dict[str, list[object]]:
    """The values of the parts of an eligibility, from the outermost in."""
    parts: dict[str, list[object]] = {}
    for condition in eligibility(view, offer):
        parts.setdefault(condition.part, []).append(condition.value)
    return parts


def _new_names(change: BeforeAfter, offer: Address, spaces: tuple[str, ...]) -> set[str]:
    return {_new_name(change, offer, space) for space in spaces}


def _new_name(change: BeforeAfter, offer: Address, space: str) -> str:
    """What a space of live is called in design."""
    old = Address(offer.environment, Kind.SPACE, space)
    return next((new.name for new, former in change.origins.items() if former == old), space)
