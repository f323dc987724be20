"""Decisions: what reviewers approved or rejected, which decisions count, what a change invalidates, and the gate.

Decisions follow renames: a renamed offer stays approved, or rejected.
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
from offerkit.diagnostics import or_list
from offerkit.governance.aspects import (
    affecting,
    approval_keys,
    content_fingerprint,
    content_reads,
    counted,
    eligibility_fingerprint,
    eligibility_reads_fields,
)
from offerkit.governance.overrides import Override
from offerkit.governance.scheme1 import scheme1_content_fingerprint, scheme1_eligibility_fingerprint
from offerkit.plans.plan import ApprovalKey, ApprovalReset, Aspect
from offerkit.state.changes import Delta
from offerkit.state.names import NameHistory, Span
from offerkit.state.snapshot import Snapshot


class Decision(StrEnum):
    """A reviewer's decision; stops and resumes are stored as decisions too (:mod:`offerkit.governance.stops`)."""

    APPROVED = "approved"
    REJECTED = "rejected"
    STOPPED = "stopped"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Approval:
    """An operator's decision on one :class:`ApprovalKey`, with a comment.

    The last decision on a key counts. ``revision`` is 0 until the decision is stored.
    """

    key: ApprovalKey
    decision: Decision
    operator: str
    comment: str = ""
    revision: int = 0
    time: str = ""


ApprovalFilter: TypeAlias = Callable[[Address, Approval], bool]
"""Whether an approval counts for the offer now at an address."""

SignatureCheck: TypeAlias = Callable[["Approval"], bool]
"""Whether a decision is signed, where its environment demands that approvals are signed."""

LapseCheck: TypeAlias = Callable[[ApprovalKey, Approval], str]
"""How its subject was taken out of live since, so that an approval no longer counts for a key; empty if it was not."""

_NO_SPACE: tuple[Span, ...] = (Span(Address("", Kind.SPACE, ""), 0, inf),)


class ReviewDemand(NamedTuple):
    """One of ``names`` must approve after revision ``since``.

    ``where`` says where they are named; ``fingerprint`` identifies the demand.
    """

    names: tuple[str, ...]
    since: int
    where: str
    fingerprint: str


class ReviewDemands(Protocol):
    """Whose approval is needed besides that of the reviewers named in design."""

    @property
    def lifted(self) -> Mapping[Address, Override]: ...
    def demands(self, key: ApprovalKey) -> tuple[ReviewDemand, ...]: ...
    def unmet(self, key: ApprovalKey, given: Iterable[Approval]) -> tuple[ReviewDemand, ...]: ...
    def gone(self, demand: ReviewDemand) -> bool: ...
    def live_reviewers(self, offer: Address, aspect: Aspect) -> tuple[str, ...]: ...


class Decisions:
    """The decisions on offers, as they count for the current names in design. Ask it; never compare fingerprints.

    A decision is about the resource that had a name when the decision was made, and follows it through renames. A new
    resource that reuses an abandoned name keeps the approvals given under that name, unless the former resource was
    rejected later, under any name.
    """

    def __init__(
        self, approvals: Iterable[Approval] = (), names: NameHistory | None = None, view: Snapshot | None = None
    ) -> None:
        """``approvals``: oldest first. ``names``: renames in design. ``view``: the state that keys refer to."""
        self.names = names if names is not None else NameHistory()
        self._view = view
        self._former: Mapping[Address, Address] = {}
        self._rows: dict[tuple[Address, Aspect, str], list[Approval]] = {}
        for approval in approvals:
            key = approval.key
            self._rows.setdefault((key.address, key.aspect, key.space), []).append(approval)
        self._addresses = {address for address, _, _ in self._rows}
        self._by_aspect: dict[tuple[Address, Aspect], list[Approval]] | None = None
        self._last: dict[ApprovalKey, Approval | None] = {}
        self._counts: ApprovalFilter | None = None
        self._signed: SignatureCheck | None = None
        self._lapsed: LapseCheck | None = None
        self._demands: ReviewDemands | None = None

    def __bool__(self) -> bool:
        """Whether there is any decision."""
        return bool(self._rows)

    def where(self, counts: ApprovalFilter) -> Decisions:
        """These decisions, with only the approvals for which ``counts`` is true."""
        result = self._copy()
        result._counts = counts
        return result

    def signed(self, is_signed: SignatureCheck) -> Decisions:
        """These decisions without the approvals that are not signed. Rejections stay."""
        result = self._copy()
        result._signed = is_signed
        return result

    def for_view(self, view: Snapshot, former: Mapping[Address, Address] | None = None) -> Decisions:
        """These decisions, for keys of a state other than the current design.

        Keys use the names in design; ``former`` maps those to the names in ``view`` where they differ.
        """
        result = self._copy()
        result._view, result._former = view, former or {}
        return result

    def without_lapsed(self, lapsed: LapseCheck) -> Decisions:
        """These decisions without approvals that have ``lapsed``, nor the decisions these replaced."""
        result = self._copy()
        result._lapsed = lapsed
        return result

    def with_demands(self, demands: ReviewDemands) -> Decisions:
        """These decisions, where an approval counts only once all ``demands`` for its key are met."""
        result = self._copy()
        result._demands = demands
        return result

    def _copy(self) -> Decisions:
        result = copy(self)
        result._last = {}
        return result

    def unmet(self, key: ApprovalKey) -> tuple[ReviewDemand, ...]:
        """The demands on ``key`` that no approval has met yet."""
        if self._demands is None or not self._demands.demands(key):
            return ()
        return self._demands.unmet(key, self.each(key))

    def gone(self, demand: ReviewDemand) -> bool:
        """Whether nobody named in ``demand`` can decide any more."""
        return self._demands is not None and self._demands.gone(demand)

    @property
    def lifted(self) -> Mapping[Address, Override]:
        """The overrides that replaced a demanded approval, by the address it was demanded for."""
        return self._demands.lifted if self._demands is not None else {}

    def live_reviewers(self, live: Snapshot, offer: Address, aspect: Aspect) -> tuple[str, ...]:
        """The reviewers that ``live`` names for an offer, by their current names."""
        return (
            live.offer(offer).reviewers(aspect)
            if self._demands is None
            else self._demands.live_reviewers(offer, aspect)
        )

    def wanted(self, key: ApprovalKey) -> tuple[str, ...]:
        """Everyone named in a demand on ``key``, whether met or not."""
        demands = self._demands.demands(key) if self._demands is not None else ()
        return tuple(dict.fromkeys(name for demand in demands for name in demand.names))

    def asks(self, name: str, key: ApprovalKey) -> bool:
        """Whether a demand on ``key`` names this operator, whether met or not."""
        return name in self.wanted(key)

    def given_by(self, name: str, key: ApprovalKey) -> bool:
        """Whether an operator has approved exactly this and nothing more is needed from them."""
        rows = self.each(key)
        own = [row for row in rows if row.operator == name]
        refused = max((row.revision for row in rows if row.decision is Decision.REJECTED), default=-1)
        if not own or own[-1].decision is not Decision.APPROVED or own[-1].revision < refused:
            return False
        return all(name not in demand.names for demand in self.unmet(key))

    def approvals_of(self, address: Address, aspect: Aspect) -> list[Approval]:
        """All approvals of an aspect of an offer, of any of its versions, oldest first."""
        if self._by_aspect is None:
            self._by_aspect = {}
            for (offer, kind, _), rows in self._rows.items():
                approvals = [row for row in rows if row.decision is Decision.APPROVED]
                self._by_aspect.setdefault((offer, kind), []).extend(approvals)
            for rows in self._by_aspect.values():
                rows.sort(key=attrgetter("revision"))
        if not self.names.touches(address):
            return self._by_aspect.get((address, aspect), [])
        names = {span.name for span in self.names.spans(address)}
        result = (row for name in names for row in self._by_aspect.get((name, aspect), ()))
        return sorted(result, key=attrgetter("revision"))

    def each(self, key: ApprovalKey) -> list[Approval]:
        """All decisions on exactly this key, oldest first, including those that do not count, except for want of a
        signature.
        """
        rows, is_signed = self._each(key), self._signed
        if is_signed is None:
            return rows
        return [row for row in rows if row.decision is not Decision.APPROVED or is_signed(row)]

    def unsigned(self, key: ApprovalKey) -> Approval | None:
        """The last approval of exactly this key that does not count because it is not signed."""
        is_signed = self._signed
        if is_signed is None:
            return None
        rows = [row for row in self._each(key) if row.decision is Decision.APPROVED and not is_signed(row)]
        return rows[-1] if rows else None

    def _each(self, key: ApprovalKey) -> list[Approval]:
        if not self.names or not self._renamed(key.address, key.space):
            rows = self._rows.get((key.address, key.aspect, key.space), ())
            result = [row for row in rows if row.key.fingerprint == key.fingerprint]
            return result if len(result) == len(rows) else list(self._exactly(key, rows))
        (offer, *offers), (space, *spaces) = self._lines(key.address, key.space)
        result = list(self._same(key, offer, space))
        for former in product((offer, *offers), (space, *spaces)):
            last = max(self._same(key, *former), key=attrgetter("revision"), default=None)
            if last is not None and last.decision is Decision.REJECTED and last not in result:
                result.append(last)
        return sorted(result, key=attrgetter("revision"))

    def on(self, key: ApprovalKey) -> Approval | None:
        """The last decision on exactly this key that counts, or None."""
        try:
            return self._last[key]
        except KeyError:
            last = self._last[key] = self._last_on(key)
            return last

    def _last_on(self, key: ApprovalKey) -> Approval | None:
        counts, lapsed = self._counts, self._lapsed
        for row in reversed(self.each(key)):
            if row.decision is Decision.REJECTED:
                return row
            if counts is None or counts(key.address, row):
                return None if (lapsed is not None and lapsed(key, row)) or self.unmet(key) else row
        return None

    def lack(self, key: ApprovalKey, row: Approval) -> str:
        """Why ``row``, an approval of exactly ``key``, does not count (:meth:`on`); empty if nothing is against it."""
        if self._signed is not None and not self._signed(row):
            return "it lacks a signature that counts"
        if self._counts is not None and not self._counts(key.address, row):
            return f"{row.operator} is not one of the reviewers"
        if self._lapsed is not None and (lapse := self._lapsed(key, row)):
            return lapse
        return "; ".join(f"{or_list(demand.names)} must agree, too: {demand.where}" for demand in self.unmet(key))

    def last_approval(self, address: Address, aspect: Aspect, space: str = "") -> Approval | None:
        """The last approval of an aspect of an offer, of any version, that still counts for the version it approved."""
        rows: Iterable[Approval] = self._rows.get((address, aspect, space), ())
        if self._renamed(address, space):
            (offer, *_), (current_space, *_) = self._lines(address, space)
            rows = self._along(aspect, offer, current_space)
        keys = {ApprovalKey(address, aspect, space, row.key.fingerprint) for row in rows}
        standing = (last for key in keys if (last := self.on(key)) is not None and last.decision is Decision.APPROVED)
        return max(standing, key=attrgetter("revision"), default=None)

    def about(self, address: Address) -> bool:
        """Whether there is any decision on the resource at ``address``, under any of its names."""
        if not self.names.touches(address):
            return address in self._addresses
        return not self._addresses.isdisjoint(self.names.family([address]))

    def _renamed(self, address: Address, space: str) -> bool:
        names = self.names
        if not names:
            return False
        return names.touches(address) or bool(space and names.touches(address.beside(Kind.SPACE, space)))

    def _lines(self, address: Address, space: str) -> tuple[list[tuple[Span, ...]], list[tuple[Span, ...]]]:
        """The names of an offer and a space over time, each followed by those of earlier holders of its first name."""
        space_address = address.beside(Kind.SPACE, space)
        offers = [_from_the_start(self.names.spans(address)), *self.names.predecessors(address)]
        return offers, [
            _from_the_start(self.names.spans(space_address)),
            *self.names.predecessors(space_address),
        ] if space else [_NO_SPACE]

    def _same(self, key: ApprovalKey, offer: tuple[Span, ...], space: tuple[Span, ...]) -> Iterator[Approval]:
        return self._exactly(key, self._along(key.aspect, offer, space))

    def _exactly(self, key: ApprovalKey, rows: Iterable[Approval]) -> Iterator[Approval]:
        """The decisions on what ``key`` identifies, under either fingerprint scheme."""
        other_scheme: _OtherScheme | None = None
        for row in rows:
            if row.key.fingerprint == key.fingerprint:
                yield row
            elif _scheme(row.key.fingerprint) != _scheme(key.fingerprint):
                other_scheme = other_scheme or self._same_in(key)
                refused = row.decision is Decision.REJECTED
                if row.key.fingerprint in (other_scheme.refused if refused else other_scheme.approved):
                    yield row

    def _same_in(self, key: ApprovalKey) -> _OtherScheme:
        """The fingerprints of the same thing under the other scheme; none if it has changed since."""
        view, address = self._view, self._former.get(key.address, key.address)
        if view is None or address.kind is not Kind.OFFER or address not in view.entries:
            return _OtherScheme()
        complete = True
        if key.aspect is Aspect.ELIGIBILITY:
            current, old = eligibility_fingerprint(view, address), scheme1_eligibility_fingerprint(view, address)
            complete = not eligibility_reads_fields(view, address)
        elif key.space:
            space_address = key.address.beside(Kind.SPACE, key.space)
            space = self._former.get(space_address, space_address).name
            current = content_fingerprint(view, address, space)
            old, named = scheme1_content_fingerprint(view, address, space)
            names, labels = content_reads(view, address, space)
            complete = (named or not names) and not labels
        else:  # another aspect, which has one scheme only
            return _OtherScheme()
        if key.fingerprint == current:
            return _OtherScheme(frozenset([old] if complete else []), frozenset([old]))
        return _OtherScheme(frozenset([current]), frozenset([current])) if key.fingerprint == old else _OtherScheme()

    def _along(self, aspect: Aspect, offer: tuple[Span, ...], space: tuple[Span, ...]) -> Iterator[Approval]:
        """The decisions on an offer and a space under the names they had at that time."""
        for offer_span, space_span in product(offer, space):
            for row in self._rows.get((offer_span.name, aspect, space_span.name.name), ()):
                if offer_span.covers(row.revision) and space_span.covers(row.revision):
                    yield row


class _OtherScheme(NamedTuple):
    """The fingerprints under the other scheme that identify the same thing in approvals and in rejections."""

    approved: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


def _scheme(fingerprint: str) -> str:
    return fingerprint.partition(":")[0] if ":" in fingerprint else "1"


def _from_the_start(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """``spans``, with the first name counting from the start, also while another resource had it."""
    return (*spans[:-1], spans[-1]._replace(since=0))


def by_named_reviewers(decisions: Decisions, design: Snapshot) -> Decisions:
    """``decisions`` without approvals by operators who are not among the reviewers named in design.

    Naming a reviewer asks for their approval even if somebody else approved before. Rejections stay.
    """
    named: dict[tuple[Address, Aspect], tuple[str, ...]] = {}

    def counts(offer: Address, approval: Approval) -> bool:
        if offer not in design.entries or offer.kind is not Kind.OFFER:
            return True
        offer_and_aspect = offer, approval.key.aspect
        if offer_and_aspect not in named:
            named[offer_and_aspect] = design.offer(offer).reviewers(approval.key.aspect)
        return not named[offer_and_aspect] or approval.operator in named[offer_and_aspect]

    return decisions.where(counts)


def approved(decisions: Decisions, key: ApprovalKey) -> bool:
    """Whether the last decision on exactly this that counts is an approval."""
    decision = decisions.on(key)
    return decision is not None and decision.decision is Decision.APPROVED


def rejected(decisions: Decisions, key: ApprovalKey) -> Approval | None:
    """The rejection of exactly this, if it is the last decision that counts; else None."""
    decision = decisions.on(key)
    return decision if decision is not None and decision.decision is Decision.REJECTED else None


def approval_resets(
    deltas: list[Delta], before: Snapshot, after: Snapshot, decisions: Decisions
) -> dict[Address, tuple[ApprovalReset, ...]]:
    """The approvals that stop counting, by the address of the change that causes it.

    Only offers with decisions are examined.
    """
    changed = {d.address for d in deltas} | {d.moved_from for d in deltas if d.moved_from}
    new_name: dict[Address, Address] = {d.moved_from: d.address for d in deltas if d.moved_from}
    renamed = new_name.keys() | {*new_name.values()}
    positions = _change_positions(deltas)
    result: dict[Address, list[ApprovalReset]] = {}
    for offer in filter(decisions.about, before.of_kind(Kind.OFFER)):
        new_address = new_name.get(offer, offer)
        causes, counts = affecting(before, offer), counted(before, offer)
        if new_address in after.entries:
            causes, counts = causes | affecting(after, new_address), counts | counted(after, new_address)
        causes = (causes & changed) | (counts & renamed)
        if not causes:
            continue
        remaining = (
            {(k.aspect, k.space, k.fingerprint) for k in approval_keys(after, new_address)}
            if new_address in after.entries
            else set()
        )
        lost = [
            ApprovalReset(new_address, key.aspect, key.space, decision.operator)
            for key in approval_keys(before, offer)
            if (key.aspect, _space_after_renames(new_name, key), key.fingerprint) not in remaining
            if (decision := decisions.on(key)) is not None and decision.decision is Decision.APPROVED
        ]
        if lost:
            result.setdefault(_cause(offer, new_address, causes, positions), []).extend(lost)
    return {address: tuple(items) for address, items in result.items()}


def same_reviewers(view: Snapshot, address: Address, live: Snapshot, former: Address, decisions: Decisions) -> bool:
    """Whether ``view`` has the same reviewers for an offer as ``live``: nobody removed, added, or replaced.

    An operator's name can pass to somebody else: a list that was written again means those who have the names now.
    """
    offer, live_offer = view.offer(address), live.offer(former)
    for aspect in (Aspect.CONTENT, Aspect.ELIGIBILITY):
        live_names, names = live_offer.reviewers(aspect), set(offer.reviewers(aspect))
        if live_names and names != set(live_names):
            return False
        layer = offer.origin(("reviewers", aspect))
        written = view.entries[layer].fingerprint != (live.entries[layer].fingerprint if layer in live.entries else "")
        if live_names and written and names != set(decisions.live_reviewers(live, former, aspect)):
            return False
    return True


def _space_after_renames(new_name: Mapping[Address, Address], key: ApprovalKey) -> str:
    """The space of ``key`` by its new name."""
    space = key.address.beside(Kind.SPACE, key.space)
    return new_name.get(space, space).name if key.space and new_name else key.space


def _change_positions(deltas: list[Delta]) -> dict[Address, tuple[int, Address]]:
    """For each address that a change takes or leaves: the position of the first such change, and its address."""
    result: dict[Address, tuple[int, Address]] = {}
    for position, item in enumerate(deltas):
        for address in (item.address, item.moved_from):
            if address:
                result.setdefault(address, (position, item.address))
    return result


def _cause(
    offer: Address, new_address: Address, causes: Collection[Address], positions: Mapping[Address, tuple[int, Address]]
) -> Address:
    """The change that caused it: the offer's own, else the first in plan order."""
    if offer in causes or new_address in causes:
        return new_address
    return min(positions[cause] for cause in causes)[1]
