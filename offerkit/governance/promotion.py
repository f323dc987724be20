"""What can go from design to live; and what stays behind, why, and who can unblock it.

Everything here serves one rule: after a promotion every live offer is, in content and eligibility, either exactly what
was approved or exactly what it was before. A change that rides along (a category, a filter, a space, …) goes live only
if the rule holds for every live offer it affects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from offerkit.address import ADMINISTRATIVE_KINDS, Address, Kind
from offerkit.diagnostics import Code
from offerkit.governance.approvals import approved, rejected, same_reviewers
from offerkit.governance.aspects import (
    affecting,
    content_fingerprint,
    counted,
)
from offerkit.governance.profiles import applied_profiles, right_to
from offerkit.governance.promotion_draft import PromotionDraft, PromotionRequest, same_offer
from offerkit.governance.promotion_offers import block_for_reviewers, offer_target, waiting_sentence, withdrawn_entry
from offerkit.governance.settings import is_setting, passed_on, same_settings, settings_key
from offerkit.governance.withdrawals import ended_earlier, layers_of, switched_off_by, without_earlier_ends
from offerkit.models.profiles import Verb
from offerkit.plans.plan import ApprovalKey, Aspect, Blocked
from offerkit.plans.sentences import still_off_note
from offerkit.state.changes import Entry
from offerkit.state.references import may_wait
from offerkit.state.snapshot import BeforeAfter, Snapshot


@dataclass
class PromotionOutcome:
    """The outcome: live after the promotion, what stays behind, and the approvals relied on."""

    after: Snapshot
    renamed: dict[Address, Address]
    blocked: list[Blocked]
    approvals: list[ApprovalKey]
    changed_offers: dict[Address, list[Address]]
    notes: list[str]
    ended: frozenset[Address] = frozenset()
    """What goes live without approval because only the end of its period is earlier."""


def decide_promotion(request: PromotionRequest) -> PromotionOutcome:
    """Decide the promotion. Pure: the same input gives the same outcome."""
    work = PromotionDraft(request)
    _gather(work)
    while _settle(work):
        pass
    after = work.hypothetical()
    changed = _changed_live_offers(work, after)
    work.notes += _still_off(work, after)
    relied_on = work.going_live.keys() | {offer for offers in changed.values() for offer in offers}
    needed = [key for address in sorted(relied_on) for key in work.keys.get(address, ())]
    return PromotionOutcome(
        after,
        {old: new for new, old in work.origin.items() if new in work.going_live},
        [b for a in sorted(work.blocked, key=attrgetter("sort_key")) for b in work.blocked[a]],
        needed,
        changed,
        work.notes,
        _ended(work, after),
    )


def _gather(work: PromotionDraft) -> None:
    """Collect the first candidates: everything requested that differs; offers only if approved."""
    selected = {a for a in work.design.entries if work.request.wanted(a)}
    for names in work.chains:
        if not selected.isdisjoint(names):  # chained renames go together; an excluded one then holds all of them back
            selected |= {name for name in names[1:] if not work.request.excluded(name)}
    if work.request.narrowed:
        selected |= _needed(work, selected)
        selected |= _switched_off_by(work, selected)
    for address in sorted(selected, key=attrgetter("sort_key")):
        target: Entry | None = work.design.entries[address]
        assert target is not None
        if address.kind is Kind.OFFER:
            target = offer_target(work, address)
        if target is None or (target == work.live_entry(address) and address not in work.origin):
            continue
        if address in work.request.holds and not work.stays(address, target):
            _block_held(work, address)
            target = withdrawn_entry(work, address) if address.kind is Kind.OFFER else None
        if target is not None:
            work.go(address, target)
    for address, entry in work.live.entries.items():
        kind = address.kind
        is_removed = address not in work.design.entries and address not in work.request.renames
        if not is_removed or kind in (Kind.CAMPAIGN, *ADMINISTRATIVE_KINDS) or not work.request.wanted(address):
            continue
        if address in work.request.holds and entry.activation != ():
            _block_held(work, address)
            continue
        if kind is Kind.OFFER:
            if entry.activation:
                work.go(address, Entry(entry.fingerprint, ()))
        else:
            work.go(address, None)
    _block_settings(work)


def _block_settings(work: PromotionDraft) -> None:
    """Block the settings that wait for reviewers, or that a reviewer rejected."""
    decisions = work.request.decisions
    for address in [address for address in work.going_live if is_setting(address, work.live, work.design)]:
        if same_settings(work.design, address, work.live, work.origin.get(address, address), work.request.renames):
            continue
        key = settings_key(work.design, address)
        turned_down = rejected(decisions, key)
        if turned_down is not None:
            subject, how = waiting_sentence(address, key.aspect, [key])
            work.block(address, Code.NOT_APPROVED, f"{subject} were rejected by {turned_down.operator}", how, (), [key])
        elif unmet := decisions.unmet(key):
            block_for_reviewers(work, address, [key], unmet, ())
        elif approved(decisions, key):
            work.keys[address] = [key]


def _block_held(work: PromotionDraft, address: Address) -> None:
    why = work.request.holds[address]
    work.block(address, Code.NOT_APPROVED, why, "Change it in design, or promote with --include-rolled-back.")


def _needed(work: PromotionDraft, selected: set[Address]) -> set[Address]:
    """What the requested resources need to go live correctly."""
    result: set[Address] = set()
    pending = sorted(selected)
    while pending:
        address = pending.pop()
        more = set(work.design.references(address))
        if address.kind is Kind.OFFER:
            more |= affecting(work.design, address) - {address}
        for target in (more & work.design.entries.keys()) - selected - result:
            kind = target.kind
            if (
                kind in (Kind.OFFER, *ADMINISTRATIVE_KINDS)
                or work.request.excluded(target)
                or (kind not in _AFFECTING and target in work.live.entries)
            ):
                continue
            result.add(target)
            pending.append(target)
    return result


def _switched_off_by(work: PromotionDraft, selected: set[Address]) -> set[Address]:
    """The live offers that the requested categories and templates switch off."""
    layers = {a for a in selected if a.kind in (Kind.CATEGORY, Kind.TEMPLATE)}
    layers = {a for a in layers if (work.design.read(a) or {}).get("enabled") is False}
    offers = work.design.of_kind(Kind.OFFER) if layers else ()
    return {
        a for a in offers if not work.request.excluded(a) and not layers.isdisjoint(switched_off_by(work.design, a))
    }


_AFFECTING = (Kind.CATEGORY, Kind.TEMPLATE, Kind.FILTER, Kind.SPACE, Kind.DIMENSION)


def _settle(work: PromotionDraft) -> bool:
    """Block what would break the rule of this module. True if anything was blocked: run it again."""
    after = work.hypothetical()
    before, switched = len(work.blocked), 0
    for address in sorted(after.by_kind.get(Kind.OFFER, ())):
        entry = after.entries[address]
        if not entry.activation:
            continue
        source = work.origin.get(address, address)
        changes = _changes_on(work, address, source, after)
        if not changes:
            continue
        if address in work.going_live and not work.stays(address, entry):
            if not same_offer(after, address, work.design, address, entry.activation):
                _block_needing(work, after, address)
            continue
        old = source if address in work.going_live else address
        if _as_it_was_or_approved(work, after, address, old, entry.activation):
            continue
        if switched_off_by(after, address) and not switched_off_by(work.live, old):
            work.go(address, Entry(work.live.entries[old].fingerprint, ()))
            switched += 1
        else:
            _block_riders(work, address, changes)
    _block_passed_on(work)
    _block_cases(work)
    _block_denied(work)
    _block_dangling(work)
    _block_chains(work)
    return switched > 0 or len(work.blocked) > before


def _block_passed_on(work: PromotionDraft) -> None:
    """Block offers and categories that get a name by which settings mean another one, such as a rule's."""
    for address in passed_on(work.effect()):
        why = "settings that stay name another one so, and would be about this one"
        work.block(address, Code.NOT_APPROVED, why, "Let the settings that name it follow the rename.")


def _block_cases(work: PromotionDraft) -> None:
    """Block changes of live's cases until a second person overrides that."""
    if not any(address.kind is Kind.CASES for address in work.going_live):
        return
    for change in work.request.withheld(work.effect()):
        writers = applied_profiles(work.design).allowing(right_to(Verb.WRITE, change.address.environment, Kind.CASES))
        work.block(change.address, Code.CASES_CHANGED, change.why, change.how, writers)


def _block_denied(work: PromotionDraft) -> None:
    """Block what policies deny: the resource itself, or the changes that affect it."""
    for denial in list(work.request.denied(work.effect())):
        for address in sorted({work.former.get(change, change) for change in denial.by}):
            if address in work.going_live:
                why = denial.why if address == denial.address else f"it would change {denial.address}: {denial.why}"
                work.block(address, Code.POLICY_DENIED, why, denial.how, denial.who)


def _block_chains(work: PromotionDraft) -> None:
    """Block chained renames (a → b, b → a) unless all of them go; otherwise two resources would share a name."""
    for names in work.chains:
        staying = [name for name in names[1:] if name not in work.going_live]
        for name in names[1:] if staying else ():
            if name in work.going_live:
                why = f"names are passed on ({' → '.join(names)}), and {staying[0]} stays behind"
                how = f"Unblock {staying[0]} first." if staying[0] in work.blocked else f"Promote {staying[0]} too."
                work.block(name, Code.NOT_APPROVED, why, how)


def _block_needing(work: PromotionDraft, after: Snapshot, offer: Address) -> None:
    """Block an offer that would go live without something that was approved with it."""
    held = [a for a in affecting(work.design, offer) - {offer} if after.entries.get(a) != work.design.entries.get(a)]
    held.sort(key=lambda a: (a not in work.blocked, a))
    why = f"it needs {held[0]}, which stays behind" if held else "what it inherits stays behind"
    how = "" if not held else f"Unblock {held[0]} first." if held[0] in work.blocked else f"Promote {held[0]} too."
    work.block(offer, Code.NOT_APPROVED, why, how)
    target = withdrawn_entry(work, offer)
    if target is not None:
        work.go(offer, target)


def _as_it_was_or_approved(
    work: PromotionDraft, after: Snapshot, address: Address, old: Address, spaces: tuple[str, ...]
) -> bool:
    """Whether a live offer whose own body stays is unchanged, or becomes what was approved in design.

    An offer whose period only ends earlier counts as unchanged.
    """
    if not same_reviewers(after, address, work.live, old, work.request.decisions):
        return address in work.keys and same_offer(after, address, work.design, address, spaces)
    if same_offer(after, address, work.live, old, spaces):
        return True
    if address in work.keys and same_offer(after, address, work.design, address, spaces):
        return True
    restored, ended = work.lengthened(after)
    return bool(ended) and same_offer(restored, address, work.live, old, spaces)


def _ended(work: PromotionDraft, after: Snapshot) -> frozenset[Address]:
    """What goes live although not all of it is approved, because it only ends the period of live offers earlier."""
    ended = work.lengthened(after)[1]
    result: set[Address] = set()
    for address in work.live.of_kind(Kind.OFFER) if ended else ():
        entry = after.entries.get(address)
        if entry is None or not entry.activation or address in work.origin:
            continue
        layers = ended.intersection(layers_of(after, address))
        if not layers or same_offer(after, address, work.live, address, entry.activation):
            continue
        if address not in work.keys or not same_offer(after, address, work.design, address, entry.activation):
            result |= layers
    return frozenset(result)


def _changes_on(work: PromotionDraft, address: Address, source: Address, after: Snapshot) -> set[Address]:
    """The changed addresses, going live or blocked, among those that can affect the offer."""
    relevant = affecting(after, address)
    for view, name in ((work.live, source), (work.design, address)):
        if name in view.entries:
            relevant |= affecting(view, name)
            relevant |= {a for a in counted(view, name) if a in work.former or a in work.origin}  # renames
    return {a for a in relevant if a in work.going_live or a in work.blocked or a in work.former}


def _block_riders(work: PromotionDraft, offer: Address, changes: set[Address]) -> None:
    for rider in sorted({work.former.get(change, change) for change in changes}):
        if rider in work.going_live and rider != offer:
            design_address = work.request.renames.get(offer, offer)
            own_block = next(iter(work.blocked.get(design_address, ())), None)
            why = f"it would change {offer}, which is live" + (
                f" and is itself blocked: {own_block.why}" if own_block else ""
            )
            how = own_block.how if own_block else f"Promote {design_address} too."
            work.block(rider, Code.NOT_APPROVED, why, how, own_block.who if own_block else ())


def _block_dangling(work: PromotionDraft) -> None:
    """Block resources whose references would be missing in live, and removals of what live still references."""
    after = work.hypothetical()
    for address in sorted(work.going_live):
        entry = work.going_live[address]
        if entry is None or entry.activation == ():
            continue
        as_designed = address in work.design.entries and entry.fingerprint == work.design.entries[address].fingerprint
        for target in after.references(address):
            unnamed = as_designed and target in work.origin and target not in work.going_live
            if not unnamed and (target in after.entries or may_wait(address, target)):
                continue
            if target in work.blocked or target in work.design.entries:
                work.block(
                    address, Code.NOT_APPROVED, f"it needs {target}, which stays behind", f"Promote {target} too."
                )
                break
    _block_named(work)


def _block_named(work: PromotionDraft) -> None:
    """Block removals and renames of addresses that something in any environment still references."""
    after = work.hypothetical()
    removed = work.live.entries.keys() - after.entries.keys()
    for address, entry in sorted(after.entries.items()) if removed else ():
        kind = address.kind
        if entry.activation == () or kind in ADMINISTRATIVE_KINDS:
            continue
        for target in removed.intersection(after.references(address)):
            leaving_address = work.former.get(target, target)
            # A campaign that references a renamed resource cannot go first: the new name is not live yet.
            if leaving_address not in work.going_live or (kind is Kind.CAMPAIGN and leaving_address != target):
                continue
            how = "Promote that too." if address in work.design.entries else ""
            named = "it" if leaving_address == target else target
            work.block(leaving_address, Code.NOT_APPROVED, f"{address}, which stays as it is, still names {named}", how)


def _still_off(work: PromotionDraft, after: Snapshot) -> Iterator[str]:
    """A note for each resumed space whose stop took live offers off it that still wait for a new approval."""
    decisions, design = work.request.decisions, work.design
    for space in work.request.stops.resumed_spaces:
        if space not in design.entries:
            continue
        offers_off: list[str] = []
        for offer in design.of_kind(Kind.OFFER, space.environment):
            entry = after.entries.get(offer)
            if offer in work.blocked or entry is None or not entry.activation or space.name in entry.activation:
                continue
            if space.name in design.offer(offer).shown_on:
                key = ApprovalKey(offer, Aspect.CONTENT, space.name, content_fingerprint(design, offer, space.name))
                if decisions.on(key) is None and decisions.each(key):
                    offers_off.append(offer.name)
        if offers_off:
            yield still_off_note(space, sorted(offers_off))


def _changed_live_offers(work: PromotionDraft, after: Snapshot) -> dict[Address, list[Address]]:
    """For each change that rides along, the live offers whose content or eligibility it changes."""
    result: dict[Address, list[Address]] = {}
    for address in work.live.by_kind.get(Kind.OFFER, ()):
        entry = work.live.entries[address]
        new_address = work.request.renames.get(address, address)
        if not entry.activation or new_address not in after.entries:
            continue
        riders = {
            a for a in _changes_on(work, new_address, address, after) if a in work.going_live and a != new_address
        }
        if riders and not same_offer(after, new_address, work.live, address, entry.activation):
            for rider in riders:
                result.setdefault(rider, []).append(new_address)
    return result


def only_withdraws(live: BeforeAfter) -> bool:
    """Whether the changes only switch offers off, take them off spaces, or end periods earlier."""
    if any(address.kind not in (Kind.OFFER, Kind.CATEGORY, Kind.TEMPLATE, Kind.FILTER) for address in live.addresses):
        return False
    before, after = live.pair
    in_both = (a for a in live.addresses if a in before.entries and a in after.entries)
    lengthened = without_earlier_ends(after, before, ended_earlier(before, after, in_both))
    for offer in after.of_kind(Kind.OFFER):
        spaces = after.entries[offer].activation or ()
        if not spaces or (affecting(after, offer) | counted(after, offer)).isdisjoint(live.addresses):
            continue
        old = live.origins.get(offer, offer)
        was = before.entries.get(old)
        if was is None or not set(spaces) <= set(was.activation or ()):
            return False
        if not same_offer(lengthened, offer, before, old, spaces):
            return False
    return True
