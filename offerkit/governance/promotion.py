"""What may go from design to live, and what stays behind, why, and who can lift it.

The rule that everything here serves: after a promotion every live offer is, in content and eligibility,
either exactly what was approved or exactly what it was before. A change that rides along (a category, a
filter, a space, …) goes only if that holds for every live offer it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Code, or_list
from offerkit.governance.approvals import Approval, Decisions, Demand, approved, rejected, same_reviewers
from offerkit.governance.aspects import (
    affecting,
    content_fingerprint,
    content_fingerprints,
    eligibility_fingerprint,
    keys_of,
)
from offerkit.governance.cases import Withheld
from offerkit.governance.rights import ADMINISTRATOR, WRITERS, approvers
from offerkit.governance.settings import KINDS, same_settings, settings_key
from offerkit.governance.stops import Stops, root_of, said
from offerkit.governance.withdrawals import ended_earlier, layers_of, left, lengthened, off_by, takes_off
from offerkit.planning.plan import ApprovalKey, Aspect, Blocked
from offerkit.state.changes import Entry, Former, chains
from offerkit.state.references import may_wait
from offerkit.state.snapshot import BeforeAfter, Snapshot


@dataclass
class Promotion:
    """The outcome: live as it would be, what stays behind, and what was relied on."""

    after: Snapshot
    renamed: dict[Address, Address]
    blocked: list[Blocked]
    approvals: list[ApprovalKey]
    changed_offers: dict[Address, list[Address]]
    notes: list[str]
    ended: frozenset[Address] = frozenset()
    """What goes without an approval since nothing differs but that its period ends earlier."""


@dataclass
class Candidates:
    """What is asked for: design and live, the decisions, and how far to go.

    ``renames``: old live addresses → their names in design. ``holds``: what a rollback took back, with the
    sentence that says so. ``wanted``: whether an address is asked for by itself; if that is ``narrowed`` to
    patterns, what the chosen need comes along. ``withheld``: cases of live that an effect may not change.
    """

    design: Snapshot
    live: Snapshot
    decisions: Decisions
    renames: Mapping[Address, Address] = field(default_factory=dict)
    holds: Mapping[Address, str] = field(default_factory=dict)
    wanted: Callable[[Address], bool] = lambda address: True
    narrowed: bool = False
    excluded: Callable[[Address], bool] = lambda address: False
    stops: Stops = field(default_factory=lambda: Stops(()))
    withheld: Callable[[BeforeAfter], Iterable[Withheld]] = lambda effect: ()


class _Going(NamedTuple):
    """What becomes of an address in live."""

    address: Address
    moved_from: Former
    after: Entry | None


class _Work:
    def __init__(self, asked: Candidates) -> None:
        self.asked = asked
        self.design, self.live = asked.design, asked.live
        self.origin = {new: old for old, new in asked.renames.items() if old in self.live.entries}
        self.chains = [names for names in chains(asked.renames) if len(names) > 2]
        self.former = {old: new for new, old in self.origin.items()}
        self.going: dict[Address, Entry | None] = {}
        self.blocked: dict[Address, list[Blocked]] = {}
        self.notes: list[str] = []
        self.keys: dict[Address, list[ApprovalKey]] = {}
        self._after: Snapshot | None = None
        self._lengthened: tuple[Snapshot, frozenset[Address], Snapshot] | None = None

    def live_entry(self, address: Address) -> Entry | None:
        return self.live.entries.get(self.origin.get(address, address))

    def block(
        self,
        address: Address,
        code: Code,
        why: str,
        how: str = "",
        who: tuple[str, ...] = (),
        keys: Iterable[ApprovalKey] = (),
    ) -> None:
        entry = self.live_entry(address)
        live = entry is not None and entry.activation != ()
        self.stay(address)
        self.blocked.setdefault(address, []).append(
            Blocked(address, address.stage(Stage.LIVE), code, why, how, who, live, keys=tuple(keys))
        )

    def go(self, address: Address, target: Entry | None) -> None:
        self.going[address] = target
        self._after = None

    def stay(self, address: Address) -> None:
        if address in self.going:
            del self.going[address]
            self._after = None

    def hypothetical(self) -> Snapshot:
        """Live as it would be if all that is still going went."""
        if self._after is None:
            going = [_Going(address, self.origin.get(address, ""), entry) for address, entry in self.going.items()]
            self._after = self.live.apply(going, self.design.bodies)
        return self._after

    def off(self, address: Address) -> bool:
        """Whether design switches an offer off, by itself or by what is not left out of this promotion."""
        by = off_by(self.design, address)
        return any(layer == address or not self.asked.excluded(layer) for layer in by)

    def switched_off(self, address: Address) -> bool:
        """Whether that is a change: what is off in live already by its own body has nothing to lose."""
        return self.off(address) and not off_by(self.live, self.origin.get(address, address))

    def stays(self, address: Address, entry: Entry) -> bool:
        """Whether ``entry`` leaves an offer the body that it has in live, and takes it off spaces."""
        return takes_off(self.live_entry(address), entry)

    @cached_property
    def design_lengthened(self) -> tuple[Snapshot, frozenset[Address]]:
        """Design if no period ended earlier than it does in live, and which of them do."""
        ended = frozenset(ended_earlier(self.live, self.design, self.live.entries.keys() & self.design.entries.keys()))
        return lengthened(self.design, self.live, ended), ended

    def lengthened(self, after: Snapshot) -> tuple[Snapshot, frozenset[Address]]:
        """The same of ``after``."""
        known = self._lengthened
        if known is None or known[0] is not after:
            there = [a for a in self.going if a in self.live.entries and a in after.entries and a not in self.origin]
            ended = frozenset(ended_earlier(self.live, after, there))
            known = self._lengthened = after, ended, lengthened(after, self.live, ended)
        return known[2], known[1]


def promotion(asked: Candidates) -> Promotion:
    """Decide the promotion. Pure; stable for the same input."""
    work = _Work(asked)
    _gather(work)
    while _settle(work):
        pass
    after = work.hypothetical()
    changed = _changed_live_offers(work, after)
    relied_on = work.going.keys() | {offer for offers in changed.values() for offer in offers}
    needed = [key for address in sorted(relied_on) for key in work.keys.get(address, ())]
    return Promotion(
        after,
        {old: new for new, old in work.origin.items() if new in work.going},
        [b for a in sorted(work.blocked, key=attrgetter("sort_key")) for b in work.blocked[a]],
        needed,
        changed,
        work.notes,
        _ended(work, after),
    )


def _gather(work: _Work) -> None:
    """The first guess: everything that differs and is asked for, offers only if approved."""
    wanted = {a for a in work.design.entries if work.asked.wanted(a)}
    for names in work.chains:
        if not wanted.isdisjoint(names):  # names are passed on together; what is excluded then holds all of them back
            wanted |= {name for name in names[1:] if not work.asked.excluded(name)}
    if work.asked.narrowed:
        wanted |= _needed(work, wanted)
        wanted |= _switched_off_by(work, wanted)
    for address in sorted(wanted, key=attrgetter("sort_key")):
        target: Entry | None = work.design.entries[address]
        assert target is not None
        if address.kind is Kind.OFFER:
            target = _offer_target(work, address)
        if target is None or (target == work.live_entry(address) and address not in work.origin):
            continue
        if address in work.asked.holds and not work.stays(address, target):
            _block_held(work, address)
            continue
        work.go(address, target)
    for address, entry in work.live.entries.items():
        kind = address.kind
        gone = address not in work.design.entries and address not in work.asked.renames
        if not gone or kind in (Kind.CAMPAIGN, Kind.OPERATOR) or not work.asked.wanted(address):
            continue
        if address in work.asked.holds and entry.activation != ():
            _block_held(work, address)
            continue
        if kind is Kind.OFFER:
            if entry.activation:
                work.go(address, Entry(entry.fingerprint, ()))
        else:
            work.go(address, None)
    _block_settings(work)


def _block_settings(work: _Work) -> None:
    """Block the settings that wait for reviewers, or that one of them has rejected."""
    decisions = work.asked.decisions
    for address in [address for address in work.going if address.kind in KINDS]:
        if same_settings(work.design, address, work.live, work.origin.get(address, address), work.asked.renames):
            continue
        key = settings_key(work.design, address)
        turned_down = rejected(decisions, key)
        if turned_down is not None:
            subject, how = _waiting(address, key.aspect, [key])
            work.block(address, Code.NOT_APPROVED, f"{subject} were rejected by {turned_down.operator}", how, (), [key])
        elif unmet := decisions.unmet(key):
            _block_unagreed(work, address, [key], unmet, ())
        elif approved(decisions, key):
            work.keys[address] = [key]


def _block_held(work: _Work, address: Address) -> None:
    why = work.asked.holds[address]
    work.block(address, Code.NOT_APPROVED, why, "Change it in design, or promote with --include-rolled-back.")


def _needed(work: _Work, wanted: set[Address]) -> set[Address]:
    """What the asked-for cannot go live without, or would go live wrongly without."""
    found: set[Address] = set()
    pending = sorted(wanted)
    while pending:
        address = pending.pop()
        more = set(work.design.references(address))
        if address.kind is Kind.OFFER:
            more |= affecting(work.design, address) - {address}
        for target in (more & work.design.entries.keys()) - wanted - found:
            kind = target.kind
            if (
                kind in (Kind.OFFER, Kind.OPERATOR)
                or work.asked.excluded(target)
                or (kind not in _AFFECTING and target in work.live.entries)
            ):
                continue
            found.add(target)
            pending.append(target)
    return found


def _switched_off_by(work: _Work, wanted: set[Address]) -> set[Address]:
    """The live offers that the categories and templates asked for switch off."""
    layers = {a for a in wanted if a.kind in (Kind.CATEGORY, Kind.TEMPLATE)}
    layers = {a for a in layers if (work.design.read(a) or {}).get("enabled") is False}
    offers = work.design.of_kind(Kind.OFFER) if layers else ()
    return {a for a in offers if not work.asked.excluded(a) and not layers.isdisjoint(off_by(work.design, a))}


_AFFECTING = (Kind.CATEGORY, Kind.TEMPLATE, Kind.FILTER, Kind.SPACE, Kind.DIMENSION)


def _offer_target(work: _Work, address: Address) -> Entry | None:
    """The offer's entry in live if it may go: on its approved spaces. None: it stays as it is, or is blocked.

    Switched off, it goes off with the body that it has there; blocked, off the spaces that it left.
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
        return _withdrawn(work, address, entry)
    return target


def _withdrawn(work: _Work, address: Address, entry: Entry) -> Entry | None:
    """The entry of an offer whose new body stays behind, off the spaces that it left; None if it left none."""
    names = {space: _renamed(work.asked.renames, address, space) for space in entry.activation or ()}
    gone = left(work.design, address, names.values())
    kept = tuple(space for space, name in names.items() if name not in gone)
    return Entry(entry.fingerprint, kept) if kept != entry.activation else None


def _approved_target(work: _Work, address: Address, entry: Entry | None) -> Entry | None:
    decisions, design = work.asked.decisions, work.design
    active = {_renamed(work.asked.renames, address, space) for space in (entry.activation if entry else None) or ()}
    eligibility, *every = keys_of(design, address)
    open_ = work.asked.stops.left(design, address, [key.space for key in every])
    contents = [key for key in every if key.space in open_]
    turned_down = rejected(decisions, eligibility)
    if turned_down is not None and entry is not None and _is_live(work, eligibility):
        return Entry(entry.fingerprint, ()) if active else None
    if _lacks_required(work, address, contents, active):
        return None
    if not approved(decisions, eligibility):
        if entry is not None and turned_down is None and _ends_earlier(work, address, entry.activation or ()):
            return Entry(design.entries[address].fingerprint, entry.activation)
        _block_unapproved(work, address, [eligibility], turned_down.operator if turned_down else "")
    if every and not contents:
        stopped = work.asked.stops.on(design, address, every[0].space)
        assert stopped is not None
        _block_stopped(work, address, stopped)
    on = {key.space for key in contents if approved(decisions, key)}
    pending = [key for key in contents if decisions.on(key) is None]
    withdrawn = sorted((key for key in pending if key.space in active), key=attrgetter("space"))
    if withdrawn or (pending and not on):
        _block_unapproved(work, address, withdrawn or pending, "", lost=bool(withdrawn))
    elif not on and (not active or any(key.space in active and not _is_live(work, key) for key in contents)):
        by = next((d.operator for key in contents if (d := rejected(decisions, key)) is not None), "")
        _block_unapproved(work, address, contents, by)
    if address in work.blocked:
        return None
    if not on:
        return Entry(design.entries[address].fingerprint, ())
    work.keys[address] = [eligibility, *(key for key in contents if key.space in on)]
    target = Entry(design.entries[address].fingerprint, tuple(sorted(on)))
    if pending and target != entry:
        waiting = ", ".join(key.space for key in pending)
        work.notes.append(f"{address} goes live on {', '.join(sorted(on))}; content on {waiting} waits for approval.")
    if target == entry and not _differs(work, address):
        return entry
    return target


def _stop_of(work: _Work, address: Address) -> Approval | None:
    """Why an offer of design is out of live everywhere, by its name there or by that in design."""
    stops, old = work.asked.stops, work.origin.get(address, address)
    if not stops:
        return None
    return stops.of(work.design, address) or (stops.of(work.live, old) if old in work.live.entries else None)


def _block_stopped(work: _Work, address: Address, stop: Approval) -> None:
    how = f"Let it be approved, then: offerkit resume {root_of(stop)}"
    work.block(address, Code.STOPPED, said(stop), how)


def _ends_earlier(work: _Work, address: Address, active: tuple[str, ...]) -> bool:
    """Whether nothing differs between a live offer in design and in live but that its period ends earlier."""
    if not active or address in work.origin or address not in work.live.entries:
        return False
    if not same_reviewers(work.design, address, work.live, address):
        return False
    restored, ended = work.design_lengthened
    changed = work.design.entries[address].fingerprint != work.live.entries[address].fingerprint
    return (address in ended or not changed) and same_offer(restored, address, work.live, address, active)


def _is_live(work: _Work, key: ApprovalKey) -> bool:
    """Whether exactly what ``key`` stands for is what live has now, so that a rejection takes it out of there."""
    old = work.origin.get(key.address, key.address)
    if key.aspect is Aspect.ELIGIBILITY:
        return eligibility_fingerprint(work.live, old) == key.fingerprint
    return content_fingerprint(work.live, old, _renamed(work.origin, old, key.space)) == key.fingerprint


def _renamed(names: Mapping[Address, Address], offer: Address, space: str) -> str:
    """The name of ``space``, one of the offer's environment, after a renaming of addresses."""
    address = offer.beside(Kind.SPACE, space)
    return names.get(address, address).name


def _differs(work: _Work, address: Address) -> bool:
    return address in work.origin


def _lacks_required(work: _Work, address: Address, contents: list[ApprovalKey], active: set[str]) -> bool:
    """Block an offer that would break where it is live or is to be: a required field is missing there."""
    offer = work.design.offer(address)
    if offer.named_spaces:
        active = set()  # it may leave a space that it does not name any more
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
    work: _Work, address: Address, keys: list[ApprovalKey], rejected_by: str, *, lost: bool = False
) -> None:
    """Block an offer for what ``keys`` stand for, all of one aspect; none: it is shown on no space."""
    aspect = keys[0].aspect if keys else Aspect.CONTENT
    subject, how = _waiting(address, aspect, keys)
    who = approvers(work.design.offer(address).reviewers(aspect))
    unmet = next((found for key in keys if (found := work.asked.decisions.unmet(key))), ())
    if rejected_by:
        why = f"{subject} was rejected by {rejected_by}"
    elif unmet:
        _block_unagreed(work, address, keys, unmet, who)
        return
    elif lost:
        why = f"{subject}, where it is live now, is not approved as it is in design"
    else:
        why = f"{subject} is not approved"
    work.block(address, Code.NOT_APPROVED, why, how, who, keys)


def _waiting(address: Address, aspect: Aspect, keys: Sequence[ApprovalKey]) -> tuple[str, str]:
    """What waits, as the subject of a sentence, and the command that approves it."""
    spaces = [key.space for key in keys if key.space]
    where = f" on {', '.join(spaces)}" if spaces else ""
    return f"its {aspect}{where}", f"offerkit approve {address} --{aspect}" + "".join(f" --space {s}" for s in spaces)


def waits_for(blocked: Blocked) -> bool:
    """Whether what is blocked says that it waits for exactly what it carries: a plan file is only a file."""
    keys = blocked.keys
    if not keys or {(key.address, key.aspect) for key in keys} != {(blocked.address, keys[0].aspect)}:
        return False
    subject, how = _waiting(blocked.address, keys[0].aspect, keys)
    return blocked.how == how and (blocked.why + " ").startswith((f"{subject} ", f"{subject}, "))


def _block_unagreed(
    work: _Work, address: Address, keys: list[ApprovalKey], unmet: Sequence[Demand], who: tuple[str, ...]
) -> None:
    """Block what others have to agree to, besides those whom design names."""
    subject, how_to_approve = _waiting(address, keys[0].aspect, keys)
    for demand in unmet:
        why = f"{subject} needs the word of {or_list(demand.names)}: {demand.where}"
        how, code, whom = how_to_approve, Code.NOT_APPROVED, demand.names
        if work.asked.decisions.gone(demand):
            code, whom = Code.REVIEWERS_GONE, (ADMINISTRATOR,)
            why += ", and none of them is an enabled operator any more"
            how = f"offerkit override {address} --reviewers --reason TEXT, by somebody who did not change it"
            work.block(address, code, why, how, whom)
            continue
        if who and not any(_decided(work, key, demand) for key in keys):
            why += f"; and that of {or_list(who)}"
            whom = tuple(dict.fromkeys((*whom, *who)))
        work.block(address, code, why, how, whom, keys)


def _decided(work: _Work, key: ApprovalKey, demand: Demand) -> bool:
    """Whether somebody else than those of ``demand`` has approved already."""
    return any(row.operator not in demand.names for row in work.asked.decisions.each(key))


def _settle(work: _Work) -> bool:
    """Block what would break the rule of this module; true when something was, so that it must be asked again."""
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
        if address in work.going and not work.stays(address, entry):
            if not same_offer(after, address, work.design, address, entry.activation):
                _block_needing(work, after, address)
            continue
        old = source if address in work.going else address
        if _as_it_was_or_approved(work, after, address, old, entry.activation):
            continue
        if off_by(after, address) and not off_by(work.live, old):
            work.go(address, Entry(work.live.entries[old].fingerprint, ()))
            switched += 1
        else:
            _block_riders(work, address, changes)
    _block_cases(work)
    _block_dangling(work)
    _block_chains(work)
    return switched > 0 or len(work.blocked) > before


def _block_cases(work: _Work) -> None:
    """What live's cases say stays as it is until a second person has lifted that."""
    if not any(address.kind is Kind.CASES for address in work.going):
        return
    for found in work.asked.withheld(BeforeAfter(work.live, work.hypothetical(), ())):
        work.block(found.address, Code.CASES_CHANGED, found.why, found.how, WRITERS[Kind.CASES])


def _block_chains(work: _Work) -> None:
    """Names that are passed on (a → b, b → a) go together: with one of them staying, two would have one name."""
    for names in work.chains:
        staying = [name for name in names[1:] if name not in work.going]
        for name in names[1:] if staying else ():
            if name in work.going:
                why = f"names are passed on ({' → '.join(names)}), and {staying[0]} stays behind"
                how = f"Unblock {staying[0]} first." if staying[0] in work.blocked else f"Promote {staying[0]} too."
                work.block(name, Code.NOT_APPROVED, why, how)


def _block_needing(work: _Work, after: Snapshot, offer: Address) -> None:
    """Block an offer that would go live with something else than what was approved with it."""
    held = [a for a in affecting(work.design, offer) - {offer} if after.entries.get(a) != work.design.entries.get(a)]
    held.sort(key=lambda a: (a not in work.blocked, a))
    why = f"it needs {held[0]}, which stays behind" if held else "what it inherits stays behind"
    how = "" if not held else f"Unblock {held[0]} first." if held[0] in work.blocked else f"Promote {held[0]} too."
    work.block(offer, Code.NOT_APPROVED, why, how)


def _as_it_was_or_approved(
    work: _Work, after: Snapshot, address: Address, old: Address, spaces: tuple[str, ...]
) -> bool:
    """Whether a live offer whose own body stays is left as it was, or becomes what was approved in design.

    Left as it was is also one whose period ends earlier, and that is all.
    """
    if not same_reviewers(after, address, work.live, old):
        return address in work.keys and same_offer(after, address, work.design, address, spaces)
    if same_offer(after, address, work.live, old, spaces):
        return True
    if address in work.keys and same_offer(after, address, work.design, address, spaces):
        return True
    restored, ended = work.lengthened(after)
    return bool(ended) and same_offer(restored, address, work.live, old, spaces)


def _ended(work: _Work, after: Snapshot) -> frozenset[Address]:
    """What goes although not all of it is approved, since the period of a live offer ends earlier by it."""
    ended = work.lengthened(after)[1]
    found: set[Address] = set()
    for address in work.live.of_kind(Kind.OFFER) if ended else ():
        entry = after.entries.get(address)
        if entry is None or not entry.activation or address in work.origin:
            continue
        layers = ended.intersection(layers_of(after, address))
        if not layers or same_offer(after, address, work.live, address, entry.activation):
            continue
        if address not in work.keys or not same_offer(after, address, work.design, address, entry.activation):
            found |= layers
    return frozenset(found)


def _changes_on(work: _Work, address: Address, source: Address, after: Snapshot) -> set[Address]:
    """What differs, going or blocked, among all that can affect the offer."""
    relevant = affecting(after, address)
    for view, name in ((work.live, source), (work.design, address)):
        if name in view.entries:
            relevant |= affecting(view, name)
    return {a for a in relevant if a in work.going or a in work.blocked or a in work.former}


def same_offer(a: Snapshot, address: Address, b: Snapshot, other: Address, spaces: tuple[str, ...]) -> bool:
    """Whether an offer is the same in two views, in eligibility and in content on ``spaces``."""
    return eligibility_fingerprint(a, address) == eligibility_fingerprint(b, other) and content_fingerprints(
        a, address, spaces
    ) == content_fingerprints(b, other, spaces)


def _block_riders(work: _Work, offer: Address, changes: set[Address]) -> None:
    for rider in sorted({work.former.get(change, change) for change in changes}):
        if rider in work.going and rider != offer:
            now = work.asked.renames.get(offer, offer)
            own = next(iter(work.blocked.get(now, ())), None)
            why = f"it would change {offer}, which is live" + (f" and is itself blocked: {own.why}" if own else "")
            how = own.how if own else f"Promote {now} too."
            work.block(rider, Code.NOT_APPROVED, why, how, own.who if own else ())


def _block_dangling(work: _Work) -> None:
    """A resource whose references would lead nowhere in live stays behind, or keeps what it needs there."""
    after = work.hypothetical()
    for address in sorted(work.going):
        if work.going[address] is None or (work.going[address] or Entry("")).activation == ():
            continue
        for target in after.references(address):
            if target in after.entries or may_wait(address, target):
                continue
            if target in work.blocked or target in work.design.entries:
                work.block(
                    address, Code.NOT_APPROVED, f"it needs {target}, which stays behind", f"Promote {target} too."
                )
                break
    _block_named(work)


def _block_named(work: _Work) -> None:
    """What leaves its address, removed or renamed, stays while something in any environment still names it there."""
    after = work.hypothetical()
    gone = work.live.entries.keys() - after.entries.keys()
    for address, entry in sorted(after.entries.items()) if gone else ():
        kind = address.kind
        if entry.activation == () or kind is Kind.OPERATOR:
            continue
        for target in gone.intersection(after.references(address)):
            leaving = work.former.get(target, target)
            # A campaign that names what is renamed cannot go first: what it is to name then is not live yet.
            if leaving not in work.going or (kind is Kind.CAMPAIGN and leaving != target):
                continue
            how = "Promote that too." if address in work.design.entries else ""
            what = "it" if leaving == target else target
            work.block(leaving, Code.NOT_APPROVED, f"{address}, which stays as it is, still names {what}", how)


def _changed_live_offers(work: _Work, after: Snapshot) -> dict[Address, list[Address]]:
    """For each change that rides along, the live offers whose content or eligibility it changes."""
    found: dict[Address, list[Address]] = {}
    for address in work.live.by_kind.get(Kind.OFFER, ()):
        entry = work.live.entries[address]
        now = work.asked.renames.get(address, address)
        if not entry.activation or now not in after.entries:
            continue
        riders = {a for a in _changes_on(work, now, address, after) if a in work.going and a != now}
        if riders and not same_offer(after, now, work.live, address, entry.activation):
            for rider in riders:
                found.setdefault(rider, []).append(now)
    return found


def only_withdraws(live: BeforeAfter) -> bool:
    """Whether changes do nothing in live but switch off, leave spaces and end periods earlier."""
    if any(address.kind not in (Kind.OFFER, Kind.CATEGORY, Kind.TEMPLATE, Kind.FILTER) for address in live.addresses):
        return False
    before, after = live.pair
    there = (a for a in live.addresses if a in before.entries and a in after.entries)
    longer = lengthened(after, before, ended_earlier(before, after, there))
    for offer in after.of_kind(Kind.OFFER):
        spaces = after.entries[offer].activation or ()
        if not spaces or affecting(after, offer).isdisjoint(live.addresses):
            continue
        old = live.origins.get(offer, offer)
        was = before.entries.get(old)
        if was is None or not set(spaces) <= set(was.activation or ()):
            return False
        if not same_offer(longer, offer, before, old, spaces):
            return False
    return True
