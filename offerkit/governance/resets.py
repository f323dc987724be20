"""Which approvals a change of design makes void."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from offerkit.address import Kind, parse_address
from offerkit.governance.aspects import keys_of
from offerkit.governance.standing import Standing, approved
from offerkit.planning.plan import ApprovalReset
from offerkit.state.changes import Delta
from offerkit.state.snapshot import Snapshot


def affecting(view: Snapshot, offer: str) -> set[str]:
    """The addresses whose content can change what was approved of ``offer``, itself included.

    It may be live on spaces that it does not name any more.
    """
    place = parse_address(offer)
    active = view.entries[offer].activation or ()
    return {offer, *view.offer(offer).relies_on, *(place.beside(Kind.SPACE, space) for space in active)}


def resets(
    deltas: list[Delta], before: Snapshot, after: Snapshot, decisions: Standing
) -> dict[str, tuple[ApprovalReset, ...]]:
    """The approvals that stop counting, by the address of the change that does it.

    Only offers that have a standing approval are looked at.
    """
    changed = {d.address for d in deltas} | {d.moved_from for d in deltas if d.moved_from}
    new_name = {d.moved_from: d.address for d in deltas if d.moved_from}
    places = _places(deltas)
    found: dict[str, list[ApprovalReset]] = {}
    for offer in sorted({key.address for key in decisions if key.address in before.entries}):
        now = new_name.get(offer, offer)
        causes = (affecting(before, offer) | (affecting(after, now) if now in after.entries else set())) & changed
        if not causes:
            continue
        kept = {(k.aspect, k.space, k.fingerprint) for k in keys_of(after, now)} if now in after.entries else set()
        lost = [
            ApprovalReset(now, key.aspect, key.space, decisions[key].operator)
            for key in keys_of(before, offer)
            if approved(decisions, key) and (key.aspect, key.space, key.fingerprint) not in kept
        ]
        if lost:
            found.setdefault(_cause(offer, now, causes, places), []).extend(lost)
    return {address: tuple(items) for address, items in found.items()}


def _places(deltas: list[Delta]) -> dict[str, tuple[int, str]]:
    """For each address that a change takes or gives up: where the first such change is in the plan, and its address."""
    found: dict[str, tuple[int, str]] = {}
    for place, item in enumerate(deltas):
        for address in (item.address, item.moved_from):
            if address:
                found.setdefault(address, (place, item.address))
    return found


def _cause(offer: str, now: str, causes: Collection[str], places: Mapping[str, tuple[int, str]]) -> str:
    """The change to blame: the offer's own, else the first in the order of the plan."""
    if offer in causes or now in causes:
        return now
    return min(places[cause] for cause in causes)[1]
