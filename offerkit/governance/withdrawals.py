"""Withdrawals from live: offers that were switched off, stopped or retired, and spaces that they left.

A withdrawal changes live's activation and needs no approval. To come back, an offer needs an approval given after the
withdrawal, whatever its name was meanwhile, and however often it was deleted, declared again or rolled back (domain.md
§7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from typing import NamedTuple

from offerkit.address import Address, Kind
from offerkit.fingerprint import JsonMap
from offerkit.governance.approvals import Approval, Decisions, rejected
from offerkit.governance.aspects import content_fingerprints, eligibility_fingerprint
from offerkit.governance.bound_reads import rules_read_last_day
from offerkit.plans.plan import ApprovalKey, Aspect, Reason, Step
from offerkit.state.changes import Delta, Entry
from offerkit.state.snapshot import BeforeAfter, Snapshot

_CARRIED = re.compile(r"carried over from \S+, \w+ in revision ([0-9]{1,18})")
_LAYERS = (Kind.OFFER, Kind.CATEGORY, Kind.TEMPLATE)


class Withdrawal(NamedTuple):
    """A change of live, not by rollback, that took an offer off spaces or (``ends-earlier``) shortened a period.

    ``address``: its address then. ``before`` and ``after``: the spaces.
    """

    serial: int
    address: Address
    before: tuple[str, ...]
    after: tuple[str, ...]
    reason: str


class Withdrawals:
    """The revisions after which approvals must be given again, because of withdrawals from live."""

    def __init__(
        self,
        losses: Iterable[Withdrawal] = (),
        moves: Iterable[tuple[Address, Address]] = (),
        disabled: Mapping[Address, int] | None = None,
        design: Snapshot | None = None,
    ) -> None:
        """``moves``: all renames of offers and spaces, in design and in live.

        ``disabled``: resources in live with ``enabled: false``, and the revision since which they are.
        """
        self._first: dict[Address, Address] = {}
        self._renamed: set[Address] = set()
        for old, new in moves:
            self._renamed |= {old, new}
            self._first[self._name(old)] = self._name(new)
        self._design, self._disabled = design, dict(disabled or {})
        self._offers: dict[Address, int] = {}
        self._spaces: dict[tuple[Address, Address], int] = {}
        self._ended: dict[Address, int] = {}
        for loss in losses:
            self._add(loss)

    def __bool__(self) -> bool:
        return bool(self._offers or self._spaces or self._ended or self._disabled)

    def _name(self, address: Address) -> Address:
        """One representative for all the names that a resource had."""
        passed = []
        while (further := self._first.get(address, address)) != address:
            passed.append(address)
            address = further
        self._first |= dict.fromkeys(passed, address)
        return address

    def _add(self, loss: Withdrawal) -> None:
        offer = self._name(loss.address)
        if loss.reason == Reason.ENDS_EARLIER:
            self._ended[offer] = max(loss.serial, self._ended.get(offer, 0))
        if loss.address.kind is not Kind.OFFER or not loss.before:
            return
        if not loss.after and loss.reason not in (Reason.REJECTED, Reason.REMOVED_FROM_DESIGN):
            self._offers[offer] = max(loss.serial, self._offers.get(offer, 0))
        if loss.reason == Reason.LEAVES_SPACE or (loss.after and loss.reason != Reason.REJECTED):
            kept_spaces = {self._space(loss.address, space) for space in loss.after}
            for left_space in {self._space(loss.address, space) for space in loss.before} - kept_spaces:
                self._spaces[offer, left_space] = max(loss.serial, self._spaces.get((offer, left_space), 0))

    def _space(self, offer: Address, space: str) -> Address:
        return self._name(offer.beside(Kind.SPACE, space))

    def since(self, offer: Address, aspect: Aspect, space: str = "") -> int:
        """The revision after which an approval must be given to count; 0: any counts."""
        name = self._name(offer)
        if aspect is Aspect.CONTENT:
            return self._spaces.get((name, self._space(offer, space)), 0)
        result = max(self._offers.get(name, 0), self._ended.get(name, 0))
        if (self._ended or self._disabled) and self._design is not None and offer in self._design.entries:
            layers = layers_of(self._design, offer)
            result = max([result, *(self._ended.get(self._name(layer), 0) for layer in layers)])
            if not switched_off_by(self._design, offer):
                result = max([result, *(self._disabled.get(layer, 0) for layer in layers)])
        return result

    def ended(self, address: Address) -> int:
        """The revision that ended the period of a resource earlier without approval; 0: none did."""
        return self._ended.get(self._name(address), 0)

    def names_in(self, view: Snapshot, address: Address) -> list[Address]:
        """The addresses in ``view`` that a resource called ``address`` ever had; ``address`` itself first."""
        name = self._name(address)
        if name == address and address not in self._renamed:
            return [address] if address in view.entries else []
        return [a for a in (address, *sorted(self._renamed)) if self._name(a) == name and a in view.entries]

    def lacks(self, key: ApprovalKey, approval: Approval) -> bool:
        """Whether ``approval`` of ``key`` was given before a withdrawal and so does not count."""
        return approval_revision(approval) <= self.since(key.address, key.aspect, key.space)


def approval_revision(approval: Approval) -> int:
    """The revision in which a decision was made; a decision carried over by a rename keeps its original revision."""
    carried = _CARRIED.match(approval.comment)
    return min(approval.revision, int(carried[1])) if carried else approval.revision


def layers_of(view: Snapshot, offer: Address) -> list[Address]:
    """The offer, its templates and its categories: each can switch it off."""
    known = view.offer(offer)
    return [layer.address for layer in (*known.layers, *known.categories)]


def only_leaves_spaces(before: Entry | None, after: Entry | None) -> bool:
    """Whether an offer keeps its body and leaves spaces; that needs no approval and is never held back."""
    if before is None or after is None or before.activation is None or after.activation is None:
        return False
    return before.fingerprint == after.fingerprint and set(after.activation) < set(before.activation)


def switched_off_by(view: Snapshot, offer: Address) -> list[Address]:
    """The addresses that switch an offer off: itself, a template, categories; empty if it is on."""
    known = view.offer(offer)
    result = [layer.address for layer in known.categories if layer.body.get("enabled") is False]
    if known.get("enabled") is False:
        result.append(known.origin(("enabled",)))
    return result


def spaces_left(view: Snapshot, offer: Address, active: Iterable[str]) -> set[str]:
    """Those of the spaces ``active`` that an offer left: it no longer names them, or they no longer exist.

    A space counts as not left if the offer only lacks a required field there: that is a mistake, not a withdrawal.
    """
    known = view.offer(offer)
    shown_on = known.shown_on if known.named_spaces else known.around.spaces
    return set(active) - set(shown_on)


def rejected_live_spaces(
    decisions: Decisions, live: Snapshot, offer: Address, former: Mapping[Address, Address], now: Address
) -> set[str]:
    """The spaces, by their names in design, where an offer is live although its live version was rejected.

    ``former``: addresses in live by those in design, where they differ. ``now``: the offer's address in design.
    """
    spaces = live.entries[offer].activation or ()
    if not spaces or not decisions.about(now):
        return set()
    spaces_of_environment = (new for new in former if new.kind is Kind.SPACE and new.environment == now.environment)
    names = {former[new].name: new.name for new in spaces_of_environment}
    if rejected(decisions, ApprovalKey(now, Aspect.ELIGIBILITY, "", eligibility_fingerprint(live, offer))):
        return {names.get(space, space) for space in spaces}
    prints = content_fingerprints(live, offer, spaces)
    keys = (
        ApprovalKey(now, Aspect.CONTENT, names.get(space, space), print_)
        for space, print_ in zip(spaces, prints, strict=True)
    )
    return {key.space for key in keys if rejected(decisions, key)}


def ended_earlier(before: Snapshot, after: Snapshot, addresses: Iterable[Address]) -> set[Address]:
    """Those of ``addresses`` (in both states) whose only difference is an earlier end of the period.

    Where a presentation rule reads the last day, an earlier one can take the offer out of the rule: that is more.
    """
    result = set()
    for address in addresses:
        if address.kind not in _LAYERS:
            continue
        if before.entries[address].fingerprint == after.entries[address].fingerprint:
            continue
        was, will = before(address) or {}, after(address) or {}
        (old_body, until), (new_body, new_until) = _split(was), _split(will)
        if old_body != new_body or not new_until or (until and new_until >= until):
            continue
        if not any(rules_read_last_day(view, address.environment) for view in (before, after)):
            result.add(address)
    return result


def _split(body: JsonMap) -> tuple[JsonMap, str]:
    """A body without the end of its period, and that end."""
    eligible = body.get("eligible")
    if not isinstance(eligible, dict):
        return {**body, "eligible": {}}, ""
    rest = {key: value for key, value in eligible.items() if key != "until"}
    return {**body, "eligible": rest}, str(eligible.get("until") or "")


def without_earlier_ends(after: Snapshot, before: Snapshot, ended: Iterable[Address]) -> Snapshot:
    """``after``, but with the former periods of the addresses in ``ended``."""
    restored: dict[Address, Entry] = {}
    for address in ended:
        entry = after.entries[address]
        restored[address] = Entry(before.entries[address].fingerprint, entry.activation)
    return after.with_entries({**after.entries, **restored}, before.bodies) if restored else after


def withdrawal_reason(
    design: Snapshot, after: Snapshot, address: Address, before: Entry, entry: Entry, names: Mapping[str, str]
) -> Reason | None:
    """Why an offer that keeps its body is taken off spaces in live; None if it is taken off none.

    ``after``: live after the change. ``names``: former names of spaces renamed at the same time.
    """
    lost = set(before.activation or ()) - {names.get(space, space) for space in entry.activation or ()}
    if not lost or before.fingerprint != entry.fingerprint:
        return None
    if address not in design.entries:
        return Reason.REMOVED_FROM_DESIGN
    if spaces_left(design, address, _newer(lost, names)):
        return Reason.LEAVES_SPACE
    if not entry.activation and _is_switched_off(design, after, address):
        return Reason.SWITCHED_OFF
    stays_behind = not entry.activation or design.entries[address].fingerprint != entry.fingerprint
    return Reason.REJECTED if stays_behind else Reason.APPROVED


def is_withdrawal(design: Snapshot, live: BeforeAfter, step: Step, decisions: Callable[[], Decisions]) -> bool:
    """Whether a step of a promotion keeps an offer's body and takes it off exactly the spaces that it must leave.

    These are the spaces that it left in design, or where its live version was rejected; all if it is switched off.
    """
    before, entry, address = step.before, step.after, step.address
    if before is None or entry is None or address not in design.entries or before.fingerprint != entry.fingerprint:
        return False
    spaces = [new for new in live.origins if new.kind is Kind.SPACE and new.environment == address.environment]
    names = {new.name: live.origins[new].name for new in spaces}
    old_spaces, new_spaces = set(before.activation or ()), {names.get(space, space) for space in entry.activation or ()}
    if not new_spaces < old_spaces:
        return False
    lost = _newer(old_spaces - new_spaces, names)
    stays = lost - spaces_left(design, address, lost)
    if not stays or (not new_spaces and _is_switched_off(design, live.after, address)):
        return True
    live_decisions = decisions().for_view(live.before, live.origins)
    return stays <= rejected_live_spaces(live_decisions, live.before, step.moved_from or address, live.origins, address)


def _newer(spaces: Iterable[str], names: Mapping[str, str]) -> set[str]:
    new_names = {old: new for new, old in names.items()}
    return {new_names.get(space, space) for space in spaces}


def _is_switched_off(design: Snapshot, after: Snapshot, address: Address) -> bool:
    return bool(switched_off_by(design, address) or (address in after.entries and switched_off_by(after, address)))


def promotion_reasons(
    deltas: Iterable[Delta], design: Snapshot, after: Snapshot, ended: Container[Address] = ()
) -> dict[Address, Reason]:
    """The reason of each change of a promotion. ``ended``: changes that only end a period earlier."""
    delta_list = list(deltas)
    names: dict[str, dict[str, str]] = {}
    for item in delta_list:
        if item.moved_from and item.address.kind is Kind.SPACE:
            names.setdefault(item.address.environment, {})[item.address.name] = item.moved_from.name
    reasons: dict[Address, Reason] = {}
    for item in delta_list:
        address = item.address
        reason: Reason | None = None
        if address.kind is Kind.OFFER and item.before is not None and item.after is not None:
            reason = withdrawal_reason(
                design, after, address, item.before, item.after, names.get(address.environment, {})
            )
        if reason is not None:
            reasons[address] = reason
        elif item.after is None or item.after.activation == ():
            reasons[address] = Reason.REJECTED if address in design.entries else Reason.REMOVED_FROM_DESIGN
        elif address in ended:
            reasons[address] = Reason.ENDS_EARLIER
        else:
            reasons[address] = Reason.APPROVED if address.kind is Kind.OFFER else Reason.RIDES_ALONG
    return reasons
