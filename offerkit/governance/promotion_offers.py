"""One offer in a promotion: the spaces it goes live on, the body it has there, or why it stays behind."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from offerkit.address import Address
from offerkit.diagnostics import Code, or_list
from offerkit.governance.approvals import Approval, ReviewDemand, approved, rejected, same_reviewers
from offerkit.governance.aspects import (
    approval_keys,
    content_fingerprint,
    eligibility_fingerprint,
)
from offerkit.governance.profiles import ADMINISTRATOR, applied_profiles
from offerkit.governance.promotion_draft import PromotionDraft, renamed_space, same_offer
from offerkit.governance.rights import approvers
from offerkit.governance.stops import stop_sentence, stopped_root
from offerkit.governance.withdrawals import spaces_left
from offerkit.plans.plan import ApprovalKey, Aspect, Blocked
from offerkit.state.changes import Entry


def offer_target(work: PromotionDraft, address: Address) -> Entry | None:
    """The offer's new entry in live, on its approved spaces; None if it stays as it is or is blocked.

    A switched-off offer keeps its live body and is deactivated. A blocked offer still leaves the spaces it must leave.
    """
    entry = work.live_entry(address)
    stop = _stop_of(work, address)
    if stop is not None:
        _block_stopped(work, address, stop)
        return None
    if entry is not None and not entry.activation and work.off(address):
        return entry
    if entry is not None and entry.activation and work.switched_off(address):
        return Entry(entry.fingerprint, ())
    target = _approved_target(work, address, entry)
    if target is None and entry is not None and entry.activation:
        return withdrawn_entry(work, address)
    return target


def withdrawn_entry(work: PromotionDraft, address: Address) -> Entry | None:
    """The entry of an offer that keeps its live body but leaves spaces; None if it leaves none.

    It leaves the spaces that it left in design, and those where its live version was rejected; an edit cannot delay
    that.
    """
    entry = work.live_entry(address)
    if entry is None or not entry.activation:
        return None
    names = {space: renamed_space(work.request.renames, address, space) for space in entry.activation}
    lost_spaces = spaces_left(work.design, address, names.values()) | work.rejected_spaces(address)
    kept_spaces = tuple(space for space, name in names.items() if name not in lost_spaces)
    return Entry(entry.fingerprint, kept_spaces) if kept_spaces != entry.activation else None


def _approved_target(work: PromotionDraft, address: Address, entry: Entry | None) -> Entry | None:
    decisions, design = work.request.decisions, work.design
    active = {
        renamed_space(work.request.renames, address, space) for space in (entry.activation if entry else None) or ()
    }
    eligibility, *contents_keys = approval_keys(design, address)
    unstopped_spaces = set(work.request.stops.left(design, address, [key.space for key in contents_keys]))
    contents = [key for key in contents_keys if key.space in unstopped_spaces]
    turned_down = rejected(decisions, eligibility)
    if turned_down is not None and entry is not None and is_live(work, eligibility):
        return Entry(entry.fingerprint, ()) if active else None
    if _lacks_required(work, address, contents, active):
        return None
    if not approved(decisions, eligibility):
        if entry is not None and turned_down is None and _ends_earlier(work, address, entry.activation or ()):
            lost_spaces = work.rejected_spaces(address)
            kept_spaces = tuple(
                s for s in entry.activation or () if renamed_space(work.request.renames, address, s) not in lost_spaces
            )
            if kept_spaces:
                return Entry(design.entries[address].fingerprint, kept_spaces)
        _block_unapproved(work, address, [eligibility], turned_down.operator if turned_down else "")
    if contents_keys and not contents:
        stopped = work.request.stops.on(design, address, contents_keys[0].space)
        assert stopped is not None
        _block_stopped(work, address, stopped)
    approved_spaces = {key.space for key in contents if approved(decisions, key)}
    pending = [key for key in contents if decisions.on(key) is None]
    withdrawn = sorted((key for key in pending if key.space in active), key=attrgetter("space"))
    if withdrawn or (pending and not approved_spaces):
        _block_unapproved(work, address, withdrawn or pending, "", lost=bool(withdrawn))
    elif not approved_spaces and (
        not active or any(key.space in active and not is_live(work, key) for key in contents)
    ):
        rejected_by = next((d.operator for key in contents if (d := rejected(decisions, key)) is not None), "")
        _block_unapproved(work, address, contents, rejected_by)
    if address in work.blocked:
        return None
    if not approved_spaces:
        return Entry(design.entries[address].fingerprint, ())
    work.keys[address] = [eligibility, *(key for key in contents if key.space in approved_spaces)]
    target = Entry(design.entries[address].fingerprint, tuple(sorted(approved_spaces)))
    if pending and target != entry:
        waiting = ", ".join(key.space for key in pending)
        work.notes.append(
            f"{address} goes live on {', '.join(sorted(approved_spaces))}; content on {waiting} waits for approval."
        )
    if target == entry and not _differs(work, address):
        return entry
    return target


def _stop_of(work: PromotionDraft, address: Address) -> Approval | None:
    """The stop that takes an offer out of live everywhere, by its name in design or in live; None if not stopped."""
    stops, old = work.request.stops, work.origin.get(address, address)
    if not stops:
        return None
    return stops.of(work.design, address) or (stops.of(work.live, old) if old in work.live.entries else None)


def _block_stopped(work: PromotionDraft, address: Address, stop: Approval) -> None:
    how = f"Let it be approved, then: offerkit resume {stopped_root(stop)}"
    work.block(address, Code.STOPPED, stop_sentence(stop), how)


def _ends_earlier(work: PromotionDraft, address: Address, active: tuple[str, ...]) -> bool:
    """Whether an earlier end of its period is the only difference between an offer in design and in live."""
    if not active or address in work.origin or address not in work.live.entries:
        return False
    if not same_reviewers(work.design, address, work.live, address, work.request.decisions):
        return False
    restored, ended = work.design_lengthened
    changed = work.design.entries[address].fingerprint != work.live.entries[address].fingerprint
    return (address in ended or not changed) and same_offer(restored, address, work.live, address, active)


def is_live(work: PromotionDraft, key: ApprovalKey) -> bool:
    """Whether live has exactly what ``key`` identifies, so that a rejection takes it out of live."""
    old = work.origin.get(key.address, key.address)
    if key.aspect is Aspect.ELIGIBILITY:
        return eligibility_fingerprint(work.live, old) == key.fingerprint
    return content_fingerprint(work.live, old, renamed_space(work.origin, old, key.space)) == key.fingerprint


def _differs(work: PromotionDraft, address: Address) -> bool:
    return address in work.origin


def _lacks_required(work: PromotionDraft, address: Address, contents: list[ApprovalKey], active: set[str]) -> bool:
    """Block an offer that lacks a required field on a space where it is or would be live."""
    offer = work.design.offer(address)
    if offer.named_spaces:
        active = set()  # it leaves a space that it no longer names
    for space in sorted(active | {key.space for key in contents if key.space}):
        missing = offer.missing(space)
        if missing:
            work.block(
                address,
                Code.REQUIRED_FIELD,
                f"space {space} requires {or_list(missing)}, which the offer does not give",
                f"Give {or_list(missing)} in content or in representations.{space}.",
            )
            return True
    return False


def _block_unapproved(
    work: PromotionDraft, address: Address, keys: list[ApprovalKey], rejected_by: str, *, lost: bool = False
) -> None:
    """Block an offer for lack of approval of ``keys``, all of one aspect; no keys: it is shown on no space."""
    aspect = keys[0].aspect if keys else Aspect.CONTENT
    subject, how = waiting_sentence(address, aspect, keys)
    named = work.design.offer(address).reviewers(aspect)
    who = approvers(named, applied_profiles(work.design), address.environment)
    unmet = next((demands for key in keys if (demands := work.request.decisions.unmet(key))), ())
    if rejected_by:
        why = f"{subject} was rejected by {rejected_by}"
    elif unmet:
        block_for_reviewers(work, address, keys, unmet, who)
        return
    elif lost:
        why = f"{subject}, where it is live now, is not approved as it is in design"
    elif unsigned := next((row for key in keys if (row := work.request.decisions.unsigned(key))), None):
        why = f"{subject} was approved by {unsigned.operator} without a signature that counts"
    else:
        why = f"{subject} is not approved"
    work.block(address, Code.NOT_APPROVED, why, how, who, keys)


def waiting_sentence(address: Address, aspect: Aspect, keys: Sequence[ApprovalKey]) -> tuple[str, str]:
    """The subject of the sentence that says what waits, and the command that approves it."""
    spaces = [key.space for key in keys if key.space]
    where = f" on {', '.join(spaces)}" if spaces else ""
    return f"its {aspect}{where}", f"offerkit approve {address} --{aspect}" + "".join(f" --space {s}" for s in spaces)


def waits_for_its_keys(blocked: Blocked) -> bool:
    """Whether the text of ``blocked`` agrees with its keys; anyone can edit a plan file."""
    keys = blocked.keys
    if not keys or {(key.address, key.aspect) for key in keys} != {(blocked.address, keys[0].aspect)}:
        return False
    subject, how = waiting_sentence(blocked.address, keys[0].aspect, keys)
    return blocked.how == how and (blocked.why + " ").startswith((f"{subject} ", f"{subject}, "))


def block_for_reviewers(
    work: PromotionDraft, address: Address, keys: list[ApprovalKey], unmet: Sequence[ReviewDemand], who: tuple[str, ...]
) -> None:
    """Block what reviewers besides those named in design must approve."""
    subject, how_to_approve = waiting_sentence(address, keys[0].aspect, keys)
    need = "need" if keys[0].aspect is Aspect.SETTINGS else "needs"
    for demand in unmet:
        why = f"{subject} {need} the word of {or_list(demand.names)}: {demand.where}"
        how, code, whom = how_to_approve, Code.NOT_APPROVED, demand.names
        if work.request.decisions.gone(demand):
            code, whom = Code.REVIEWERS_GONE, (ADMINISTRATOR,)
            why += ", and none of them is an enabled operator any more"
            how = f"offerkit override {address} --reviewers --message TEXT, by somebody who did not change it"
            work.block(address, code, why, how, whom)
            continue
        if who and not any(_decided(work, key, demand) for key in keys):
            why += f"; and that of {or_list(who)}"
            whom = tuple(dict.fromkeys((*whom, *who)))
        work.block(address, code, why, how, whom, keys)


def _decided(work: PromotionDraft, key: ApprovalKey, demand: ReviewDemand) -> bool:
    """Whether somebody not named in ``demand`` has approved already."""
    return any(row.operator not in demand.names for row in work.request.decisions.each(key))
