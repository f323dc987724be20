"""What a rollback takes back: all differences, or a part and what that needs; and which offers stay out.

A rollback returns live to a former state and needs no approval. What was rejected, switched off, stopped or retired
since then stays out. After a partial rollback, each live offer is either what it was before the rollback or what it was
in the former state; whatever would make it anything else goes back too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from offerkit.address import Address, Kind, Stage
from offerkit.fingerprint import json_map
from offerkit.governance.approvals import Decisions, approved, rejected
from offerkit.governance.aspects import affecting, content_fingerprint, counted, eligibility_fingerprint
from offerkit.governance.promotion_draft import same_offer
from offerkit.governance.settings import field_meaning
from offerkit.governance.stops import Stops, stop_sentence
from offerkit.governance.withdrawals import Withdrawals, ended_earlier, spaces_left, switched_off_by
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.changes import Action, Delta, Entry
from offerkit.state.snapshot import BeforeAfter, Snapshot

_NAMING = {Kind.ENVIRONMENT: ("call_data", "offer_fields", "product_fields"), Kind.DIMENSION: ("fields",)}
"""The part of a resource that declares the fields that conditions and texts can name."""


@dataclass
class RollbackChanges:
    """The changes of a rollback; what is included with them (``along``) and why; and withdrawn offers and why.

    Of the ``withdrawn`` offers, those in ``out`` stay out; the others come back on request.
    """

    deltas: list[Delta]
    along: dict[Address, str] = field(default_factory=dict)
    out: dict[Address, str] = field(default_factory=dict)
    withdrawn: dict[Address, str] = field(default_factory=dict)
    partly: dict[Address, tuple[str, ...]] = field(default_factory=dict)
    """Of the offers that stay out, those that do so on some spaces only, with these spaces."""
    staying: set[Kind] = field(default_factory=set)
    """The kinds that differ but that a rollback never changes."""


@dataclass(frozen=True)
class RollbackCriteria:
    """What decides whether an offer can come back: design, decisions, withdrawals and stops.

    ``to``: the revision that live returns to.
    """

    design: Snapshot
    decisions: Decisions
    withdrawals: Withdrawals
    stops: Stops
    to: int


def partial_rollback(now: Snapshot, every: Sequence[Delta], chosen: Callable[[Delta], bool]) -> RollbackChanges:
    """The ``chosen`` ones of ``every`` change of the rollback, and what must go back together with them."""
    work = _PartialRollback(now, every, chosen)
    while work.grow():
        pass
    return RollbackChanges([d for d in every if d.address in work.selected], work.along)


class _PartialRollback:
    def __init__(self, now: Snapshot, every: Sequence[Delta], chosen: Callable[[Delta], bool]) -> None:
        self.now, self.then = now, now.apply(every)
        self.by_old_address = {d.moved_from or d.address: d for d in every}
        self.by_new_address = {d.address: d for d in every}
        self.selected = {d.address: d for d in every if chosen(d)}
        self.along: dict[Address, str] = {}

    def grow(self) -> bool:
        """Include what is missing. Returns whether anything was."""
        before = len(self.selected)
        state = BeforeAfter.of(self.now, self.selected.values())
        self._include_name_chains()
        self._include_references(state.after)
        for stayer, named in state.left_behind().items():
            self._take(self.by_old_address.get(stayer), f"it names {named[0]}, which goes")
        for offer, entry in self._affected_offers(state):
            self._include_inherited(state, offer, entry)
        return len(self.selected) > before

    def _take(self, item: Delta | None, why: str) -> None:
        if item is not None and item.address not in self.selected:
            self.selected[item.address] = item
            self.along[item.address] = why

    def _include_name_chains(self) -> None:
        """Include the rest of chained renames; otherwise two resources would share a name."""
        for item in list(self.selected.values()):
            if item.after is not None:
                self._take(self.by_old_address.get(item.address), f"{item.address} gets its name back")
            if item.moved_from:
                self._take(self.by_new_address.get(item.moved_from), f"{item.address} gives its name up")

    def _include_references(self, after: Snapshot) -> None:
        """Include references that would be missing, or would lack the fields that conditions name.

        A reference that exists and differs otherwise stays: a partial rollback does not change, for example, settings.
        """
        for item in list(self.selected.values()):
            for target in self.then.references(item.address) if item.after is not None else ():
                if target not in after.entries or _fields(self.then, target).items() - _fields(after, target).items():
                    self._take(self.by_new_address.get(target), f"{item.address} needs it as it was")

    def _affected_offers(self, state: BeforeAfter) -> Iterator[tuple[Address, Entry]]:
        """The offers that would be live and that the changes can affect."""
        for offer in state.after.of_kind(Kind.OFFER):
            entry = state.after.entries[offer]
            relevant = _affecting_either_side(state, offer) | _counted_either_side(state, offer)
            if entry.activation and not relevant.isdisjoint(state.addresses):
                yield offer, entry

    def _include_inherited(self, state: BeforeAfter, offer: Address, entry: Entry) -> None:
        """Include everything that affects an offer, unless the offer is as it is now or as it was then."""
        spaces = entry.activation or ()
        own_change = self.selected.get(offer)
        old = (own_change.moved_from or own_change.address) if own_change is not None else offer
        live_entry = self.now.entries.get(old)
        stays = live_entry is not None and set(spaces) <= set(live_entry.activation or ())
        if stays and _is_as(state.after, offer, self.now, old, spaces):
            return
        if offer in self.then.entries and _is_as(state.after, offer, self.then, offer, spaces):
            return
        self._take(self.by_old_address.get(offer), "what it inherits goes back")
        old_change = self.by_old_address.get(old)
        then_address = old_change.address if old_change is not None else offer
        relevant = affecting(self.then, then_address) if then_address in self.then.entries else set()
        for address in sorted(relevant | _affecting_either_side(state, offer)):
            self._take(
                self.by_new_address.get(address) or self.by_old_address.get(address),
                f"{then_address} needs it as it was",
            )
        for address in sorted(_counted_either_side(state, offer)):
            for item in (self.by_new_address.get(address), self.by_old_address.get(address)):
                if item is not None and item.moved_from:
                    self._take(item, f"{then_address} counts it by its name")


def _fields(view: Snapshot, address: Address) -> dict[str, str]:
    """The fields that the resource at ``address`` declares for conditions and texts, each with its declaration."""
    body = view(address) or {}
    return {
        f"{part}.{name}": str(field_meaning(field))
        for part in _NAMING.get(address.kind, ())
        for name, field in json_map(body.get(part)).items()
    }


def _affecting_either_side(state: BeforeAfter, offer: Address) -> set[Address]:
    """The addresses that can affect an offer, before or after."""
    old = state.origins.get(offer, offer)
    result = affecting(state.after, offer)
    return result | affecting(state.before, old) if old in state.before.entries else result


def _counted_either_side(state: BeforeAfter, offer: Address) -> set[Address]:
    """The offers and categories whose names an offer's eligibility counts, before or after."""
    old = state.origins.get(offer, offer)
    result = counted(state.after, offer)
    return result | counted(state.before, old) if old in state.before.entries else result


def _is_as(a: Snapshot, offer: Address, b: Snapshot, other: Address, spaces: tuple[str, ...]) -> bool:
    return other in b.entries and same_offer(a, offer, b, other, spaces)


def without_withdrawn(
    now: Snapshot, way: RollbackChanges, judge: RollbackCriteria, *, withdrawn: bool
) -> RollbackChanges:
    """``way`` without what was withdrawn since; with ``withdrawn``, only what is stopped stays out."""
    shortened = _shortened(now, way, judge)
    deltas = [d for d in way.deltas if withdrawn or d.address not in shortened]
    result = replace(way, deltas=deltas, withdrawn=dict(shortened), out={} if withdrawn else dict(shortened))
    state = BeforeAfter.of(now, deltas)
    stops = judge.stops.along({old: new for new, old in state.origins.items()})
    changed: dict[Address, Delta | None] = {d.address: d for d in deltas}
    for offer in state.after.of_kind(Kind.OFFER):
        entry = state.after.entries[offer]
        if not entry.activation or _affecting_either_side(state, offer).isdisjoint(state.addresses):
            continue
        old = state.origins.get(offer, offer)
        barred_reasons = _barred_spaces(state, offer, old, entry.activation, judge)
        stopped = {
            s: stop_sentence(row) for s in entry.activation if (row := stops.on(state.after, offer, s)) is not None
        }
        barred = barred_reasons | stopped
        if not barred:
            continue
        result.withdrawn[offer] = next(iter(barred.values()))
        excluded = stopped if withdrawn else barred
        if excluded:
            result.out[offer] = next(iter(excluded.values()))
            if len(excluded) < len(entry.activation):
                result.partly[offer] = tuple(sorted(excluded))
            changed[offer] = _without(now, changed.get(offer), offer, old, entry, excluded)
    result.deltas = sorted((d for d in changed.values() if d is not None), key=lambda d: d.address.sort_key)
    return result


def _without(
    now: Snapshot, item: Delta | None, offer: Address, old: Address, entry: Entry, away: Iterable[str]
) -> Delta | None:
    """The change of an offer that comes back except on the spaces ``away``; None if it then stays as it is."""
    barred = set(away)
    kept_spaces = tuple(space for space in entry.activation or () if space not in barred)
    live_entry = now.entries.get(old)
    if not kept_spaces and (item is None or not item.moved_from) and (live_entry is None or not live_entry.activation):
        return None
    after = Entry(entry.fingerprint, kept_spaces)
    if live_entry == after and old == offer:
        return None
    action = (
        Action.DEACTIVATE if live_entry is not None and live_entry.activation and not kept_spaces else Action.UPDATE
    )
    if item is None:
        return Delta(offer, offer.stage(Stage.LIVE), action, live_entry, after)
    return replace(item, after=after, action=item.action if item.action in (Action.MOVE, Action.CREATE) else action)


def _shortened(now: Snapshot, way: RollbackChanges, judge: RollbackCriteria) -> dict[Address, str]:
    """The changes that would only extend a period again whose end was moved earlier without approval."""
    items = {d.address: d for d in way.deltas if d.before and d.after and not d.moved_from}
    returned = now.apply(items.values())
    result: dict[Address, str] = {}
    for address in sorted(ended_earlier(returned, now, items)):
        serial = judge.withdrawals.ended(address)
        if serial > judge.to:
            result[address] = f"its period was ended earlier in revision {serial}"
    return result


def _barred_spaces(
    state: BeforeAfter, offer: Address, old: Address, spaces: tuple[str, ...], judge: RollbackCriteria
) -> dict[str, str]:
    """The spaces on which an offer cannot come back, and why."""
    view = state.after
    live_entry = state.before.entries.get(old)
    before = {
        new.name: old.name
        for new, old in state.origins.items()
        if new.kind is Kind.SPACE and new.environment == offer.environment
    }
    active = set((live_entry.activation if live_entry is not None else None) or ())
    gained = [space for space in spaces if before.get(space, space) not in active]
    kept_spaces = tuple(space for space in spaces if space not in gained)
    if not gained and _is_as(view, offer, state.before, old, kept_spaces):
        return {}
    eligibility = ApprovalKey(offer, Aspect.ELIGIBILITY, "", eligibility_fingerprint(view, offer))
    contents = {s: ApprovalKey(offer, Aspect.CONTENT, s, content_fingerprint(view, offer, s)) for s in spaces}
    if (row := rejected(judge.decisions, eligibility)) is not None:
        return dict.fromkeys(spaces, f"it was rejected by {row.operator} in revision {row.revision}")
    result = {
        space: f"its content on {space} was rejected by {row.operator} in revision {row.revision}"
        for space, key in contents.items()
        if (row := rejected(judge.decisions, key)) is not None
    }
    for space in gained:
        if (why := _why_not_on_space(judge, offer, space, eligibility, contents[space])) is not None:
            result.setdefault(space, why)
    return result


def _why_not_on_space(
    judge: RollbackCriteria, offer: Address, space: str, eligibility: ApprovalKey, content: ApprovalKey
) -> str | None:
    """Why an offer that is not on ``space`` now cannot come back there; None if it can."""
    names = judge.withdrawals.names_in(judge.design, offer)
    if not names:
        return "it was retired: design does not have it any more"
    name = offer if offer in names else names[0]
    if switched_off_by(judge.design, name):
        return "it is switched off in design"
    space_addresses = judge.withdrawals.names_in(judge.design, offer.beside(Kind.SPACE, space))
    if spaces_left(judge.design, name, [space_addresses[0].name if space_addresses else space]):
        return f"it left {space}"
    for key, withdrawal in ((eligibility, "it was switched off"), (content, f"it left {space}")):
        serial = judge.withdrawals.since(offer, key.aspect, key.space)
        if serial and not approved(judge.decisions, key):
            return f"{withdrawal} in revision {serial}, and was not approved since"
    return None
