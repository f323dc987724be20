"""Decisions: what reviewers approved and rejected, which of it counts, what a change makes void, and the gate.

A decision follows what it was about along renames: what is called otherwise now is still approved, or rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from math import inf
from operator import attrgetter
from typing import NamedTuple, Protocol, TypeAlias

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, Diagnostic
from offerkit.governance.aspects import (
    affecting,
    approval_keys,
    content_fingerprint,
    content_fingerprints,
    content_reads,
    eligibility_fingerprint,
    scheme1_content_fingerprint,
    scheme1_eligibility_fingerprint,
)
from offerkit.governance.overrides import Override
from offerkit.plans.plan import ApprovalKey, ApprovalReset, Aspect
from offerkit.state.changes import Delta
from offerkit.state.names import NameHistory, Span
from offerkit.state.snapshot import BeforeAfter, Snapshot


class Decision(StrEnum):
    """What a reviewer decided, or that something was stopped or resumed (:mod:`offerkit.governance.stops`)."""

    APPROVED = "approved"
    REJECTED = "rejected"
    STOPPED = "stopped"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Approval:
    """A decision on exactly one thing (:class:`ApprovalKey`), by an operator, with a comment.

    Of several decisions on one key the last one counts. ``revision`` is 0 until it is stored.
    """

    key: ApprovalKey
    decision: Decision
    operator: str
    comment: str = ""
    revision: int = 0
    time: str = ""


ApprovalFilter: TypeAlias = Callable[[Address, Approval], bool]
"""Whether an approval counts for the offer that has an address now."""

LapseCheck: TypeAlias = Callable[[ApprovalKey, Approval], bool]
"""Whether an approval was given too long ago to count for a key: what it is of was taken out of live since."""

_NO_SPACE: tuple[Span, ...] = (Span(Address("", Kind.SPACE, ""), 0, inf),)


class ReviewDemand(NamedTuple):
    """That one of ``names`` agrees, after revision ``since``; ``where`` they are named. ``fingerprint`` names it."""

    names: tuple[str, ...]
    since: int
    where: str
    fingerprint: str


class ReviewDemands(Protocol):
    """Whose word is needed besides that of the reviewers whom design names."""

    @property
    def lifted(self) -> Mapping[Address, Override]: ...
    def demands(self, key: ApprovalKey) -> tuple[ReviewDemand, ...]: ...
    def unmet(self, key: ApprovalKey, given: Iterable[Approval]) -> tuple[ReviewDemand, ...]: ...
    def gone(self, demand: ReviewDemand) -> bool: ...
    def seated(self, offer: Address, aspect: Aspect) -> tuple[str, ...]: ...


class Decisions:
    """The decisions on offers, as they count for the names that design has now. Ask it; never compare fingerprints.

    A decision is about what had a name when it was made, and follows that along renames. What is declared under a name
    that was given up has the approvals given under that name, unless what had it then was rejected later, under
    whatever name.
    """

    def __init__(
        self, approvals: Iterable[Approval] = (), names: NameHistory | None = None, view: Snapshot | None = None
    ) -> None:
        """``approvals`` oldest first; ``names``: the renames of the design stages; ``view``: what is asked about."""
        self.names = names if names is not None else NameHistory()
        self._view = view
        self._former: Mapping[Address, Address] = {}
        self._rows: dict[tuple[Address, Aspect, str], list[Approval]] = {}
        for approval in approvals:
            key = approval.key
            self._rows.setdefault((key.address, key.aspect, key.space), []).append(approval)
        self._addresses = {place[0] for place in self._rows}
        self._by_aspect: dict[tuple[Address, Aspect], list[Approval]] | None = None
        self._last: dict[ApprovalKey, Approval | None] = {}
        self._counts: ApprovalFilter | None = None
        self._lapsed: LapseCheck | None = None
        self._demands: ReviewDemands | None = None

    def __bool__(self) -> bool:
        """Whether anything was decided at all."""
        return bool(self._rows)

    def where(self, counts: ApprovalFilter) -> Decisions:
        """These decisions, with the approvals alone that count."""
        made = self._copy()
        made._counts = counts
        return made

    def seen_in(self, view: Snapshot, former: Mapping[Address, Address] | None = None) -> Decisions:
        """These decisions, for keys of another state than design as it is now.

        ``former``: what that calls otherwise, by the names of design, which keys have.
        """
        made = self._copy()
        made._view, made._former = view, former or {}
        return made

    def lapsing(self, lapsed: LapseCheck) -> Decisions:
        """These decisions, of which approvals that have ``lapsed`` are no word at all, nor is what they replaced."""
        made = self._copy()
        made._lapsed = lapsed
        return made

    def demanding(self, demands: ReviewDemands) -> Decisions:
        """These decisions, of which an approval is none as long as the word of somebody else is needed as well."""
        made = self._copy()
        made._demands = demands
        return made

    def _copy(self) -> Decisions:
        made = copy(self)
        made._last = {}
        return made

    def unmet(self, key: ApprovalKey) -> tuple[ReviewDemand, ...]:
        """Whose word on exactly this is needed besides that of design's reviewers, and was not given."""
        if self._demands is None or not self._demands.demands(key):
            return ()
        return self._demands.unmet(key, self.each(key))

    def gone(self, demand: ReviewDemand) -> bool:
        """Whether none of those who have to agree can decide any more."""
        return self._demands is not None and self._demands.gone(demand)

    @property
    def lifted(self) -> Mapping[Address, Override]:
        """The overrides that took the place of a word that was asked for, by what it was asked for."""
        return self._demands.lifted if self._demands is not None else {}

    def seated(self, live: Snapshot, offer: Address, aspect: Aspect) -> tuple[str, ...]:
        """The reviewers whom ``live`` as it stands names for an offer, by the names that they have now."""
        return live.offer(offer).reviewers(aspect) if self._demands is None else self._demands.seated(offer, aspect)

    def wanted(self, key: ApprovalKey) -> tuple[str, ...]:
        """Those whose word is needed besides that of design's reviewers, be it given or not."""
        demands = self._demands.demands(key) if self._demands is not None else ()
        return tuple(dict.fromkeys(name for demand in demands for name in demand.names))

    def asks(self, name: str, key: ApprovalKey) -> bool:
        """Whether the word of an operator is needed besides that of design's reviewers, be it given or not."""
        return name in self.wanted(key)

    def given_by(self, name: str, key: ApprovalKey) -> bool:
        """Whether an operator has approved exactly this, and nothing more is to be had of them."""
        rows = self.each(key)
        own = [row for row in rows if row.operator == name]
        refused = max((row.revision for row in rows if row.decision is Decision.REJECTED), default=-1)
        if not own or own[-1].decision is not Decision.APPROVED or own[-1].revision < refused:
            return False
        return all(name not in demand.names for demand in self.unmet(key))

    def approvals_of(self, address: Address, aspect: Aspect) -> list[Approval]:
        """All approvals of an aspect of an offer, of whatever it was then, oldest first."""
        if self._by_aspect is None:
            self._by_aspect = {}
            for (offer, kind, _), rows in self._rows.items():
                given = [row for row in rows if row.decision is Decision.APPROVED]
                self._by_aspect.setdefault((offer, kind), []).extend(given)
            for rows in self._by_aspect.values():
                rows.sort(key=attrgetter("revision"))
        if not self.names.touches(address):
            return self._by_aspect.get((address, aspect), [])
        names = {span.name for span in self.names.spans(address)}
        found = (row for name in names for row in self._by_aspect.get((name, aspect), ()))
        return sorted(found, key=attrgetter("revision"))

    def each(self, key: ApprovalKey) -> list[Approval]:
        """All decisions on exactly this, oldest first, whether they count or not."""
        if not self.names or not self._renamed(key.address, key.space):
            rows = self._rows.get((key.address, key.aspect, key.space), ())
            found = [row for row in rows if row.key.fingerprint == key.fingerprint]
            return found if len(found) == len(rows) else list(self._exactly(key, rows))
        (offer, *offers), (space, *spaces) = self._lines(key.address, key.space)
        found = list(self._same(key, offer, space))
        for former in product((offer, *offers), (space, *spaces)):
            last = max(self._same(key, *former), key=attrgetter("revision"), default=None)
            if last is not None and last.decision is Decision.REJECTED and last not in found:
                found.append(last)
        return sorted(found, key=attrgetter("revision"))

    def on(self, key: ApprovalKey) -> Approval | None:
        """The last word on exactly this that counts; None when there is none."""
        if key not in self._last:
            self._last[key] = self._last_on(key)
        return self._last[key]

    def _last_on(self, key: ApprovalKey) -> Approval | None:
        counts, lapsed = self._counts, self._lapsed
        for row in reversed(self.each(key)):
            if row.decision is Decision.REJECTED:
                return row
            if counts is None or counts(key.address, row):
                return None if (lapsed is not None and lapsed(key, row)) or self.unmet(key) else row
        return None

    def last_approval(self, address: Address, aspect: Aspect, space: str = "") -> Approval | None:
        """The last approval of an aspect of an offer that still counts for what it approved, whatever that was."""
        rows: Iterable[Approval] = self._rows.get((address, aspect, space), ())
        if self._renamed(address, space):
            (offer, *_), (place, *_) = self._lines(address, space)
            rows = self._along(aspect, offer, place)
        keys = {ApprovalKey(address, aspect, space, row.key.fingerprint) for row in rows}
        standing = (last for key in keys if (last := self.on(key)) is not None and last.decision is Decision.APPROVED)
        return max(standing, key=attrgetter("revision"), default=None)

    def about(self, address: Address) -> bool:
        """Whether anything was ever decided about what stands at ``address``, or stood there before a rename."""
        if not self.names.touches(address):
            return address in self._addresses
        return not self._addresses.isdisjoint(self.names.family([address]))

    def _renamed(self, address: Address, space: str) -> bool:
        names = self.names
        if not names:
            return False
        return names.touches(address) or bool(space and names.touches(address.beside(Kind.SPACE, space)))

    def _lines(self, address: Address, space: str) -> tuple[list[tuple[Span, ...]], list[tuple[Span, ...]]]:
        """The names of an offer and its space, each followed by those of what had their first name before."""
        place = address.beside(Kind.SPACE, space)
        offers = [_from_the_start(self.names.spans(address)), *self.names.predecessors(address)]
        return offers, [_from_the_start(self.names.spans(place)), *self.names.predecessors(place)] if space else [
            _NO_SPACE
        ]

    def _same(self, key: ApprovalKey, offer: tuple[Span, ...], space: tuple[Span, ...]) -> Iterator[Approval]:
        return self._exactly(key, self._along(key.aspect, offer, space))

    def _exactly(self, key: ApprovalKey, rows: Iterable[Approval]) -> Iterator[Approval]:
        """The decisions on what ``key`` names, under either scheme."""
        same: _OtherScheme | None = None
        for row in rows:
            if row.key.fingerprint == key.fingerprint:
                yield row
            elif _scheme(row.key.fingerprint) != _scheme(key.fingerprint):
                same = same or self._same_in(key)
                refused = row.decision is Decision.REJECTED
                if row.key.fingerprint in (same.refused if refused else same.approved):
                    yield row

    def _same_in(self, key: ApprovalKey) -> _OtherScheme:
        """What the other scheme says of what ``key`` names, as it is now; nothing where that is something else."""
        view, address = self._view, self._former.get(key.address, key.address)
        if view is None or address.kind is not Kind.OFFER or address not in view.entries:
            return _OtherScheme()
        whole = True
        if key.aspect is Aspect.ELIGIBILITY:
            now, old = eligibility_fingerprint(view, address), scheme1_eligibility_fingerprint(view, address)
        elif key.space:
            place = key.address.beside(Kind.SPACE, key.space)
            space = self._former.get(place, place).name
            now = content_fingerprint(view, address, space)
            old, named = scheme1_content_fingerprint(view, address, space)
            names, labels = content_reads(view, address, space)
            whole = (named or not names) and not labels
        else:  # another aspect, which has one scheme only
            return _OtherScheme()
        if key.fingerprint == now:
            return _OtherScheme(frozenset([old] if whole else []), frozenset([old]))
        return _OtherScheme(frozenset([now]), frozenset([now])) if key.fingerprint == old else _OtherScheme()

    def _along(self, aspect: Aspect, offer: tuple[Span, ...], space: tuple[Span, ...]) -> Iterator[Approval]:
        """What was decided about an offer on a space under their names."""
        for named, place in product(offer, space):
            for row in self._rows.get((named.name, aspect, place.name.name), ()):
                if named.covers(row.revision) and place.covers(row.revision):
                    yield row


class _OtherScheme(NamedTuple):
    """The fingerprints by another scheme under which something may have been approved, or rejected."""

    approved: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


def _scheme(fingerprint: str) -> str:
    return fingerprint.partition(":")[0] if ":" in fingerprint else "1"


def _from_the_start(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """``spans`` with all that was decided under the first name, also before another resource gave it up."""
    return (*spans[:-1], spans[-1]._replace(since=0))


def by_named_reviewers(decisions: Decisions, design: Snapshot) -> Decisions:
    """Without the approvals of those who are not, or no longer, among the reviewers that design names.

    Naming a reviewer is asking for their word, also on what somebody else approved before. Rejections stay.
    """
    named: dict[tuple[Address, Aspect], tuple[str, ...]] = {}

    def counts(offer: Address, approval: Approval) -> bool:
        if offer not in design.entries or offer.kind is not Kind.OFFER:
            return True
        place = offer, approval.key.aspect
        if place not in named:
            named[place] = design.offer(offer).reviewers(approval.key.aspect)
        return not named[place] or approval.operator in named[place]

    return decisions.where(counts)


def approved(decisions: Decisions, key: ApprovalKey) -> bool:
    """Whether exactly this was approved, and that is the last word on it."""
    decision = decisions.on(key)
    return decision is not None and decision.decision is Decision.APPROVED


def rejected(decisions: Decisions, key: ApprovalKey) -> Approval | None:
    """The rejection of exactly this, if that is the last word on it."""
    decision = decisions.on(key)
    return decision if decision is not None and decision.decision is Decision.REJECTED else None


def approval_resets(
    deltas: list[Delta], before: Snapshot, after: Snapshot, decisions: Decisions
) -> dict[Address, tuple[ApprovalReset, ...]]:
    """The approvals that stop counting, by the address of the change that does it.

    Only offers that have a standing approval are looked at.
    """
    changed = {d.address for d in deltas} | {d.moved_from for d in deltas if d.moved_from}
    new_name: dict[Address, Address] = {d.moved_from: d.address for d in deltas if d.moved_from}
    places = _change_positions(deltas)
    found: dict[Address, list[ApprovalReset]] = {}
    for offer in filter(decisions.about, before.of_kind(Kind.OFFER)):
        now = new_name.get(offer, offer)
        causes = (affecting(before, offer) | (affecting(after, now) if now in after.entries else set())) & changed
        if not causes:
            continue
        kept = (
            {(k.aspect, k.space, k.fingerprint) for k in approval_keys(after, now)} if now in after.entries else set()
        )
        lost = [
            ApprovalReset(now, key.aspect, key.space, decision.operator)
            for key in approval_keys(before, offer)
            if (key.aspect, _space_after_renames(new_name, key), key.fingerprint) not in kept
            if (decision := decisions.on(key)) is not None and decision.decision is Decision.APPROVED
        ]
        if lost:
            found.setdefault(_cause(offer, now, causes, places), []).extend(lost)
    return {address: tuple(items) for address, items in found.items()}


def unapproved(live: BeforeAfter, decisions: Decisions, lengthened: Snapshot | None = None) -> Iterator[Diagnostic]:
    """What would be live without approval after a promotion: the gate that no plan passes by.

    The plan was made with the same rule (:mod:`offerkit.governance.promotion`); here it is checked once more on the
    steps themselves, because a plan file is only a file, and anyone can write one. ``lengthened``: what would be live
    if no period ended earlier, which needs no approval where it is all that differs.
    """
    before, after = live.before, live.after
    decisions, lengthened = decisions.seen_in(after), lengthened or after
    for address in after.of_kind(Kind.OFFER):
        entry = after.entries[address]
        old = live.origins.get(address, address)
        relevant = affecting(after, address) | (affecting(before, old) if old in before.entries else set())
        if not entry.activation or not relevant & live.addresses:
            continue
        was = before.entries.get(old)
        active = frozenset((was.activation if was is not None else None) or ())
        eligibility = ApprovalKey(address, Aspect.ELIGIBILITY, "", eligibility_fingerprint(after, address))
        kept = bool(active) and same_reviewers(after, address, before, old, decisions)
        same = kept and eligibility_fingerprint(lengthened, address) == eligibility_fingerprint(before, old)
        if not same and not approved(decisions, eligibility):
            yield _refusal(eligibility)
        prints = content_fingerprints(after, address, entry.activation)
        for space, print_ in zip(entry.activation, prints, strict=True):
            content = ApprovalKey(address, Aspect.CONTENT, space, print_)
            same = kept and space in active and print_ == content_fingerprint(before, old, space)
            if not content.fingerprint or (not same and not approved(decisions, content)):
                yield _refusal(content)


def same_reviewers(view: Snapshot, address: Address, live: Snapshot, former: Address, decisions: Decisions) -> bool:
    """Whether nobody who reviews an offer of ``live`` is taken off the list in ``view``, or gets company there.

    Nor hands their name over to somebody else: a list that is written anew names those who have the names now.
    """
    now, then = view.offer(address), live.offer(former)
    for aspect in (Aspect.CONTENT, Aspect.ELIGIBILITY):
        there, names = then.reviewers(aspect), set(now.reviewers(aspect))
        if there and names != set(there):
            return False
        layer = now.origin(("reviewers", aspect))
        written = view.entries[layer].fingerprint != (live.entries[layer].fingerprint if layer in live.entries else "")
        if there and written and names != set(decisions.seated(live, former, aspect)):
            return False
    return True


def _space_after_renames(new_name: Mapping[Address, Address], key: ApprovalKey) -> str:
    """The name that the space of ``key`` will have."""
    space = key.address.beside(Kind.SPACE, key.space)
    return new_name.get(space, space).name if key.space and new_name else key.space


def _change_positions(deltas: list[Delta]) -> dict[Address, tuple[int, Address]]:
    """For each address that a change takes or gives up: where the first such change is in the plan, and its address."""
    found: dict[Address, tuple[int, Address]] = {}
    for place, item in enumerate(deltas):
        for address in (item.address, item.moved_from):
            if address:
                found.setdefault(address, (place, item.address))
    return found


def _cause(
    offer: Address, now: Address, causes: Collection[Address], places: Mapping[Address, tuple[int, Address]]
) -> Address:
    """The change to blame: the offer's own, else the first in the order of the plan."""
    if offer in causes or now in causes:
        return now
    return min(places[cause] for cause in causes)[1]


def _refusal(key: ApprovalKey) -> Diagnostic:
    where = f" on {key.space}" if key.space else ""
    return Diagnostic(
        Code.NOT_APPROVED,
        f"the plan would take the {key.aspect}{where} of {key.address} live, which is not approved as it is there",
        "What goes live is checked against the approvals once more when the plan is applied.",
        "Make the plan again with “offerkit promote --out FILE”.",
        key.address,
    )
