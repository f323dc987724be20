"""Making a plan: selecting changes, holding back campaigns, and ordering the steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from offerkit.address import Address, AddressPattern, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, refuse, suggestion
from offerkit.fingerprint import JsonMap, JsonPath, json_map
from offerkit.plans.fields import field_changes, redacted_changes
from offerkit.plans.plan import Blocked, FieldChange, Reason, Step
from offerkit.state.changes import Action, Body, Delta, Entry, FormerAddress, rename_chains
from offerkit.state.effective import names_in
from offerkit.state.references import Ref, closure, creation_order, dependents
from offerkit.state.snapshot import Snapshot

_REASONS = {
    Action.CREATE: Reason.DECLARED,
    Action.UPDATE: Reason.CHANGED,
    Action.MOVE: Reason.RENAMED,
    Action.DELETE: Reason.REMOVED,
    Action.DEACTIVATE: Reason.REMOVED_FROM_DESIGN,
}
WHY_NOT_LIVE = "A campaign in live may only name what is live; until then it is held back."
HOW_TO_GO_LIVE = "Approve and promote it, or name another."
_SINGULAR = {"deliveries": "delivery", "outlines": "outline"}


@dataclass
class Selection:
    """The changes to make, notes on what was included or left out, and changes that cannot be made alone."""

    chosen: list[Delta]
    notes: list[str] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)


@dataclass(frozen=True)
class AddressPatterns:
    """The address patterns that limit a run."""

    targets: tuple[AddressPattern, ...] = ()
    excludes: tuple[AddressPattern, ...] = ()

    @classmethod
    def of(cls, targets: Iterable[str] = (), excludes: Iterable[str] = ()) -> AddressPatterns:
        """Parse the texts of patterns."""
        return cls(tuple(map(AddressPattern, targets)), tuple(map(AddressPattern, excludes)))

    def targeted(self, *addresses: FormerAddress) -> bool:
        """Whether a target matches one of ``addresses``; without targets, always true."""
        return not self.targets or any(p.matches(a) for p in self.targets for a in addresses if a)

    def excluded(self, *addresses: FormerAddress) -> bool:
        """Whether an exclude matches one of ``addresses``."""
        return any(p.matches(a) for p in self.excludes for a in addresses if a)

    def check_known(self, known: Collection[Address]) -> None:
        """Raise Refused for patterns that match nothing, so that a typo does not make an empty plan."""
        diagnostics = []
        for pattern in (*self.targets, *self.excludes):
            if not any(pattern.matches(address) for address in known):
                hint = suggestion(pattern.text, known, "Run “offerkit graph” to list every address.")
                diagnostics.append(no_match(pattern.text, hint).diagnostics[0])
        if diagnostics:
            raise Refused(diagnostics)


def no_match(pattern: str, hint: str) -> Refused:
    """The refusal of a pattern that matches nothing."""
    return refuse(Code.PLAN_EMPTY_TARGET, f"nothing matches “{pattern[:120]}”", hint=hint)


def select_changes(
    deltas: list[Delta],
    patterns: AddressPatterns,
    after: Mapping[Address, Iterable[Address]],
    before: Callable[[Address], Iterable[Address]],
) -> Selection:
    """The part of ``deltas`` that ``patterns`` select, with everything it needs.

    ``after``: the references of each resource in the desired state. ``before``: gives those in the current state.
    """
    if not patterns.targets and not patterns.excludes:
        return Selection(deltas)
    attempt = _SelectionAttempt({d.address: d for d in deltas}, patterns, after, before)
    moves: dict[Address, Delta] = {d.moved_from: d for d in deltas if d.moved_from}
    passed_on = [names for names in rename_chains({old: d.address for old, d in moves.items()}) if len(names) > 2]
    for names in passed_on:
        excluded = [name for name in names if patterns.excluded(name)]
        if excluded:
            attempt.hold_chain([moves[old] for old in names[:-1]], names, excluded[0], "is excluded")
    while True:
        attempt.run()
        changed = attempt.hold_what_lacks_something()
        for names in passed_on:  # all renames of a chain go, or none
            together = [moves[old] for old in names[:-1]]
            unchosen = [d.address for d in together if d.address not in attempt.chosen]
            if not unchosen or len(unchosen) == len(together):
                continue
            changed = True
            held_back = [address for address in unchosen if address in attempt.held]
            if held_back:
                attempt.hold_chain(together, names, held_back[0], "stays")
            else:
                attempt.along |= {address: " → ".join(names) for address in unchosen}
        if not changed:
            return attempt.selection(deltas)


@dataclass(frozen=True)
class StepContext:
    """The data for explaining steps.

    ``bodies``: by fingerprint, before and after. ``refs``: references in the desired state. ``positions``: places in
    the specs. ``advance``: called for each explained step, for a progress bar.
    """

    bodies: Mapping[str, Body]
    refs: Mapping[Address, Iterable[Address]]
    positions: Mapping[Address, Position]
    advance: Callable[[int], None] = lambda count: None


def steps_for(deltas: list[Delta], context: StepContext, reasons: Mapping[Address, Reason] | None = None) -> list[Step]:
    """The steps of ``deltas`` in order: creations before their dependents, removals after their dependents."""
    changing = [d.address for d in deltas if d.before is not None]
    affected = dependents(context.refs, changing) if changing else {}
    arrivals = {d.address for d in deltas if d.after is not None}
    steps = {}
    for item in deltas:
        # Dependents of a renamed resource change with it, unless another resource takes the name.
        name = item.moved_from if item.moved_from and item.moved_from not in arrivals else item.address
        steps[item.address, item.stage] = _step(item, context, affected.get(name, ()), reasons or {})
        context.advance(1)
    arriving: dict[Address, Iterable[Address]] = {
        d.address: context.refs.get(d.address, ()) for d in deltas if d.after is not None
    }
    order = {address: position for position, address in enumerate(creation_order(arriving))}
    leaving = sorted((d for d in deltas if d.after is None), key=lambda d: d.address.sort_key, reverse=True)
    order |= {d.address: len(order) + position for position, d in enumerate(leaving)}
    return sorted(steps.values(), key=lambda step: (order[step.address], step.stage))


def protected_deletions(deltas: Iterable[Delta], bodies: Mapping[str, Body]) -> list[Diagnostic]:
    """A diagnostic for each deletion of a resource whose stored body has ``protected: true``."""
    return [
        Diagnostic(
            Code.PROTECTED,
            f"{d.address} is protected and cannot be deleted",
            "Its YAML is gone, but the resource in the store still says protected: true.",
            "Restore it with protected: false, apply, then delete it; or restore it as it was.",
            d.address,
        )
        for d in deltas
        if d.action is Action.DELETE and d.before is not None and _is_protected(bodies[d.before.fingerprint])
    ]


class NotLive(NamedTuple):
    """A reference of a campaign, at ``path``, that is not live; ``summary`` says so in a sentence."""

    path: JsonPath
    summary: str


def not_live(campaign: Address, refs: Iterable[Ref], body: JsonMap, live: Snapshot) -> Iterator[NotLive]:
    """The references of the campaign at this address that are not live."""
    for ref in refs:
        if not ref.path:
            continue
        entry = live.entries.get(ref.target)
        where = f"{_SINGULAR[str(ref.path[0])]} “{ref.path[1]}”"
        if entry is None or entry.activation == ():
            yield NotLive(ref.path, f"{where} names {ref.target.kind} “{ref.target.name}”, which is not live")
        elif ref.target.kind is Kind.OFFER and ref.path[0] == "deliveries":
            yield from _on_space(body, ref.path, where, (ref.target.name, entry))
    yield from _outlines_on_space(campaign.environment, body, live)


class _SelectionAttempt:
    """One attempt at a selection, given what is held back (``held``) and what chained renames include (``along``)."""

    def __init__(
        self,
        deltas: dict[Address, Delta],
        patterns: AddressPatterns,
        after: Mapping[Address, Iterable[Address]],
        before: Callable[[Address], Iterable[Address]],
    ) -> None:
        self._deltas, self._patterns, self._after, self._before = deltas, patterns, after, before
        self._asked = {
            d.address
            for d in deltas.values()
            if patterns.targeted(d.address, d.moved_from) and not patterns.excluded(d.address, d.moved_from)
        }
        self._in_chain: set[Address] = set()
        self._notes: list[str] = []
        self.chosen: dict[Address, Delta] = {}
        self.held: dict[Address, Blocked] = {}
        self.along: dict[Address, str] = {}

    def run(self) -> None:
        """Select again."""
        self._notes = [
            f"{address} comes along because names are passed on: {names}."
            for address, names in self.along.items()
            if address not in self._asked
        ]
        wanted = self._asked | self.along.keys()
        self.chosen = {a: d for a, d in self._deltas.items() if a in wanted and a not in self.held}
        for address in sorted(self.chosen):
            self._with_needed(address)
        self._with_dependents()

    def selection(self, deltas: list[Delta]) -> Selection:
        """The result: the selected changes in the order of ``deltas``, and those held back."""
        blocked = [
            blocked_change
            for address, blocked_change in self.held.items()
            if address in self._asked or address not in self._in_chain
        ]
        return Selection([d for d in deltas if d.address in self.chosen], self._notes, blocked)

    def hold(self, address: Address, why: str, how: str) -> None:
        """Hold a change back."""
        self.chosen.pop(address, None)
        delta = self._deltas[address]
        self.held.setdefault(address, Blocked(delta.address, delta.stage, Code.PLAN_EMPTY_TARGET, why, how))

    def hold_chain(self, together: list[Delta], names: list[Address], first: Address, how: str) -> None:
        """Hold back a whole chain of renames because ``first`` is held back."""
        for d in together:
            if d.address not in self.held:
                self._in_chain.add(d.address)
                self.hold(
                    d.address, f"names are passed on ({' → '.join(names)}), and {first} {how}", f"Take {first} in."
                )

    def hold_what_lacks_something(self) -> bool:
        """Hold back what needs a change that was held back later. Returns whether anything was."""
        missing_by_address = {}
        for address in self.chosen if self.held else ():
            missing = [
                t for t in self._needed(address) if t in self.held and self._deltas[t].action is not Action.UPDATE
            ]
            if missing:
                missing_by_address[address] = missing[0]
        for address, target in missing_by_address.items():
            self.hold(address, f"it needs {target}, which stays", f"Take {target} in.")
        return bool(missing_by_address)

    def _needed(self, address: Address) -> list[Address]:
        # A campaign goes to live and depends on live, not on changes of design.
        delta = self._deltas[address]
        if delta.after is None or delta.stage.stage is Stage.LIVE:
            return []
        result = sorted(closure(self._after, address))
        return [t for t in result if t in self._deltas and self._deltas[t].after is not None]

    def _with_needed(self, address: Address) -> None:
        needed = self._needed(address)
        for target in needed:
            stays = "is excluded" if self._patterns.excluded(target) else "stays" if target in self.held else ""
            if stays and self._deltas[target].action is not Action.UPDATE:
                self.hold(address, f"it needs {target}, which {stays}", f"Take {target} in.")
                return
        for target in needed:
            if target not in self.chosen and target not in self.held and not self._patterns.excluded(target):
                self.chosen[target] = self._deltas[target]
                self._notes.append(f"{target} comes along because {address} needs it.")

    def _with_dependents(self) -> None:
        """Include the changes of resources that reference a removed or renamed one, and what those changes need."""
        grew = True
        while grew:
            grew = False
            removed = {d.moved_from or d.address: d for d in self.chosen.values() if d.after is None or d.moved_from}
            for other in [d for d in self._deltas.values() if d.address not in self.chosen and d.before is not None]:
                # A campaign is in live, where removals from design arrive only by promotion.
                removed_there = {address for address, removal in removed.items() if removal.stage == other.stage}
                named = sorted(removed_there & set(self._before(other.moved_from or other.address)))
                if not named:
                    continue
                grew = True
                excluded = self._patterns.excluded(other.address)
                if excluded or other.address in self.held:
                    why = f"{other.address}, which {'is excluded' if excluded else 'stays'}, still names {named[0]}"
                    self.hold(removed[named[0]].address, why, f"Take {other.address} in.")
                    break
                self.chosen[other.address] = other
                self._with_needed(other.address)
                if other.address in self.chosen:
                    self._notes.append(f"{other.address} comes along because it names {named[0]}, which goes.")


def _step(item: Delta, context: StepContext, affected: Iterable[Address], reasons: Mapping[Address, Reason]) -> Step:
    before = _body(context, item.before.fingerprint) if item.before is not None else None
    after = _body(context, item.after.fingerprint) if item.after is not None else None
    changes: tuple[FieldChange, ...] = ()
    if before is not None and after is not None and before != after:
        changes = redacted_changes(field_changes(before, after))
    shown = after if after is not None else before or {}
    return Step(
        address=item.address,
        stage=item.stage,
        action=item.action,
        reason=reasons.get(item.address, _REASONS[item.action]),
        before=item.before,
        after=item.after,
        label=str(shown.get("label", "")),
        source=context.positions.get(item.address),
        moved_from=item.moved_from,
        changes=changes,
        dependents=tuple(affected),
    )


def _body(context: StepContext, fingerprint: str) -> JsonMap:
    body: JsonMap = orjson.loads(context.bodies[fingerprint].text)
    return body


def _is_protected(body: Body) -> bool:
    return '"protected":true' in body.text and orjson.loads(body.text).get("protected") is True


def _on_space(body: JsonMap, path: JsonPath, where: str, offer: tuple[str, Entry]) -> Iterator[NotLive]:
    """The offer named at ``path``, if it is not live on the space of the part of a message that names it."""
    part = dict(_parts(body)).get(path[:4] if path[2] == "slots" else path[:2], {})
    space, (name, entry) = part.get("space"), offer
    if isinstance(space, str) and entry.activation is not None and space not in entry.activation:
        yield NotLive(path, f"{where} names offer “{name}”, which is not live on {space}")


def _outlines_on_space(environment: str, body: JsonMap, live: Snapshot) -> Iterator[NotLive]:
    for path, part in _parts(body):
        if "outline" not in part:
            continue
        for offer in names_in(body, "outlines", str(part["outline"]), "offers"):
            entry = live.entries.get(Address(environment, Kind.OFFER, offer))
            if entry is not None and entry.activation:
                yield from _on_space(body, (*path, "outline"), f"delivery “{path[1]}”", (offer, entry))


def _parts(body: JsonMap) -> Iterator[tuple[JsonPath, JsonMap]]:
    """The parts of all messages of a campaign with their paths: each delivery, or its slots."""
    for name, delivery in json_map(body.get("deliveries")).items():
        slots = json_map(delivery).get("slots")
        if not isinstance(slots, list):
            yield ("deliveries", name), json_map(delivery)
            continue
        for number, slot in enumerate(slots):
            yield ("deliveries", name, "slots", number), json_map(slot)
