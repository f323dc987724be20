"""Policies: which ones apply, and which changes violate them.

A change must meet the policies of its environment in live, in design, and as the change itself would make them. So a
change that deletes or relaxes a policy is still judged by the current one. A violation has a fingerprint of the
policy's meaning and of what it judged; an override is bound to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from offerkit.address import SHARED, Address, Kind, Stage, environment_address
from offerkit.diagnostics import or_list
from offerkit.fingerprint import Json, JsonMap, canonical, digest
from offerkit.governance.overrides import Obstacle, Operators, OverrideKind, entitled
from offerkit.governance.policy_offers import DeclaredFields, declared_fields_of, offer_values
from offerkit.governance.withdrawals import only_leaves_spaces
from offerkit.models.policy import GOVERNED
from offerkit.models.policy_names import CHANGES, judged_kinds, scope_of, values_of
from offerkit.rules.problems import RuleError
from offerkit.rules.python import Evaluator, compile_one
from offerkit.rules.types import ExpectedResult, FieldType, Value
from offerkit.state.changes import Change, Entry, FormerAddress
from offerkit.state.effective import names_in
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.times import instant, wall_clock

DENY = "deny"
_MEANING_FIELDS = ("applies_to", "require", "severity", "override")
"""The fields that make up a policy's meaning; its name and message do not."""
_INHERITED = (Kind.TEMPLATE, Kind.CATEGORY, Kind.FILTER, Kind.SPACE)
_NOT_INHERITED = (*CHANGES, "resource")
"""The namespaces whose values are never inherited."""
_DEFAULT_SUBJECT = "offer"
_UNREADABLE = "its condition cannot be read by this version"


class _PolicyCondition(NamedTuple):
    """A compiled condition. ``asks`` is None if this version cannot read it."""

    spaces: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]
    kinds: frozenset[Kind]
    asks: Evaluator | None

    @property
    def of_changes(self) -> bool:
        """Whether it applies to changes only."""
        return not set(CHANGES).isdisjoint(self.spaces)


@lru_cache(maxsize=1024)
def _condition(text: str, applies_to: tuple[str, ...], declared: tuple[tuple[str, FieldType], ...]) -> _PolicyCondition:
    from offerkit.rules.check import check  # the parser: most projects have no policies

    try:
        checked = check(text, scope_of(applies_to, dict(declared)), ExpectedResult.CONDITION)
    except (RuleError, ValueError):
        kinds = judged_kinds([word for word in applies_to if word in (*Kind, "step")], ())
        return _PolicyCondition((), {}, kinds, None)
    fields: dict[str, tuple[str, ...]] = {}
    for space, name in checked.fields:
        fields[space] = (*fields.get(space, ()), name)
    spaces = tuple(sorted(fields))
    kinds = judged_kinds(applies_to, spaces)
    sound = len([space for space in spaces if space in GOVERNED]) < 2  # nothing is of two kinds
    return _PolicyCondition(spaces, fields, kinds, compile_one(checked, spaces) if sound else None)


class ActivePolicy(NamedTuple):
    """A policy that applies: its address, its body, and a digest of its meaning.

    ``declared``: the fields of offers that its environment declares where it is written.
    """

    address: Address
    body: JsonMap
    meaning: str
    declared: DeclaredFields

    @classmethod
    def of(cls, view: Snapshot, address: Address) -> ActivePolicy:
        """The policy at ``address`` in ``view``."""
        body = view(address) or {}
        meaning = digest(b"policy", canonical({key: body.get(key) for key in _MEANING_FIELDS}))
        return cls(address, body, meaning, declared_fields_of(view, address.environment))

    @property
    def condition(self) -> _PolicyCondition:
        """The compiled condition that must hold."""
        applies_to = names_in(self.body, "applies_to") or (_DEFAULT_SUBJECT,)
        return _condition(str(self.body.get("require", "")), applies_to, self.declared.types)

    @property
    def reads(self) -> tuple[tuple[str, FieldType], ...]:
        """The declared fields that it reads, with their types: they are part of what it requires."""
        names = {name for space in ("offer", "before") for name in self.condition.fields.get(space, ())}
        return tuple((name, type_) for name, type_ in self.declared.types if name in names)

    @property
    def denies(self) -> bool:
        """Whether a violation blocks the change; an unknown severity, from another release, blocks too."""
        return self.body.get("severity", DENY) != "warn"


@dataclass(frozen=True)
class Violation:
    """A policy that a change violates. ``by``: the addresses whose changes cause it, possibly the resource's own.

    ``judged``: a digest of what was judged. ``why``: what is unknown, if the condition is not false.
    """

    policy: ActivePolicy
    address: Address
    judged: str
    why: str = ""
    by: frozenset[Address] = frozenset()

    @property
    def message(self) -> str:
        """The policy's message."""
        return str(self.policy.body.get("message", ""))

    @property
    def required(self) -> str:
        """The condition that is not met, on one line."""
        return " ".join(str(self.policy.body.get("require", "")).split())

    @property
    def fingerprint(self) -> str:
        """The fingerprint that an override of this violation needs."""
        return override_fingerprint(self.policy.meaning, self.address, self.judged)

    @property
    def says(self) -> str:
        """The violation as the end of a sentence."""
        return f"{self.policy.address} denies it: {self.message.rstrip('.')}"

    @property
    def obstacle(self) -> Obstacle:
        """The violation as an obstacle for overrides."""
        return policy_obstacle(self.policy, self.address, self.judged)


def override_fingerprint(meaning: str, address: Address, judged: str) -> str:
    """The fingerprint for an override: of a policy's meaning, an address, and a digest of what was judged there."""
    return digest(b"policy-override", meaning.encode(), address.encode(), judged.encode())


def policy_obstacle(
    policy: ActivePolicy, address: Address, judged: str, authors: frozenset[str] = frozenset()
) -> Obstacle:
    """The obstacle that an override of ``policy`` for one address lifts."""
    return Obstacle(
        OverrideKind.POLICIES,
        address,
        override_fingerprint(policy.meaning, address, judged),
        f"that {policy.address} denies it ({str(policy.body.get('message', '')).rstrip('.')})",
        authors,
        {"policy": policy.address},
        named=names_in(policy.body, "override"),
    )


def how_to_lift(broken: Violation, operators: Operators, authors: Iterable[str] = ()) -> tuple[str, tuple[str, ...]]:
    """What the author of the change can do, as a sentence, and who may override it, as far as known."""
    who = entitled(replace(broken.obstacle, authors=frozenset(authors)), operators)
    way = f"offerkit override {broken.address} --policies --message TEXT"
    return f"Change it, or let {or_list(who) or 'an administrator'}, if no author of it, override it: {way}", who


class EnvironmentPolicies:
    """The policies of one environment that apply to a change, with the time they are evaluated at."""

    def __init__(self, environment: str, views: Iterable[Snapshot], now: str) -> None:
        """``views``: the states whose policies apply; of policies with the same meaning, the first is used."""
        self.environment = environment
        policies: dict[object, ActivePolicy] = {}
        zone = "UTC"
        for view in views:
            for address in view.of_kind(Kind.POLICY, environment):
                policy = ActivePolicy.of(view, address)
                policies.setdefault((policy.meaning, policy.reads), policy)
            zone = str((view(environment_address(environment)) or {}).get("time_zone", zone))
        self.policies = tuple(policies.values())
        self.kinds = frozenset(kind for policy in self.policies for kind in policy.condition.kinds)
        self.now = wall_clock(instant(now), ZoneInfo(zone))

    def broken(self, subject: Subject) -> Iterator[Violation]:
        """The policies that ``subject`` violates; if a policy both denies and warns, only the denial."""
        found = [broken for policy in self.policies if (broken := self._broken(policy, subject)) is not None]
        matches = list({violation.policy.meaning: violation for violation in reversed(found)}.values())[::-1]
        denied = {violation.policy.address for violation in matches if violation.policy.denies}
        yield from (
            violation for violation in matches if violation.policy.denies or violation.policy.address not in denied
        )

    def _broken(self, policy: ActivePolicy, subject: Subject) -> Violation | None:
        condition = policy.condition
        if subject.kind not in condition.kinds or (condition.of_changes and subject.declared):
            return None
        if condition.asks is None:  # an unreadable condition could apply to anything
            return Violation(policy, subject.address, subject.digest({}), _UNREADABLE, subject.by)
        if subject.leaves and not condition.of_changes:
            return None  # a resource that is removed need not meet the policy
        declared = policy.declared
        rows = [subject.row(space, condition.fields[space], declared) for space in condition.spaces]
        if not subject.own:
            before = [subject.row_before(space, condition.fields[space], declared) for space in condition.spaces]
            compared = zip(condition.spaces, rows, before, strict=True)
            if all(not row.get("changed") if space in _NOT_INHERITED else row == was for space, row, was in compared):
                return None
        result = condition.asks(*rows, self.now, self.now.date())
        if result is True:
            return None
        why = "" if result is False else _why_unknown(condition.spaces, rows)
        return Violation(
            policy, subject.address, subject.digest(dict(zip(condition.spaces, rows, strict=True))), why, subject.by
        )


def _why_unknown(spaces: Iterable[str], rows: Iterable[Mapping[str, Value]]) -> str:
    named = zip(spaces, rows, strict=True)
    unknown = [f"{space}.{name}" for space, row in named for name, value in row.items() if value is None]
    verb = "is" if len(unknown) == 1 else "are"
    return f"{', '.join(unknown)} {verb} unknown" if unknown else "the result of the condition is unknown"


@dataclass
class Subject:
    """What a policy judges: a resource before and after, and the change between.

    ``own``: whether the resource itself changes, not only what it inherits. ``leaves``: whether it is only removed, or
    taken off spaces. ``action``: empty for a declared resource without a change.
    """

    address: Address
    state: Snapshot
    before: Snapshot | None = None
    former: FormerAddress = ""
    stage: Stage = Stage.DESIGN
    action: str = ""
    own: bool = True
    leaves: bool = False
    by: frozenset[Address] = frozenset()

    @property
    def kind(self) -> Kind:
        """The kind of the resource."""
        return self.address.kind

    @property
    def declared(self) -> bool:
        """Whether the resource is judged as declared, without a change."""
        return not self.action

    def row(self, space: str, names: Iterable[str], declared: DeclaredFields) -> dict[str, Value]:
        """The values of ``names`` in the namespace ``space``, after the change."""
        match space:
            case "step":
                return {name: getattr(self, f"_step_{name}") for name in names}
            case "before":
                return self.row_before(self.kind, names, declared)
            case "resource":
                return self._resource(names)
            case _:
                return _values(self.state, self.address, names, declared)

    def row_before(self, space: str, names: Iterable[str], declared: DeclaredFields) -> dict[str, Value]:
        """The values of ``names`` in the namespace ``space``, before the change."""
        if space in _NOT_INHERITED or self.before is None:
            return dict.fromkeys(names)
        return _values(self.before, self.former or self.address, names, declared)

    def digest(self, rows: Mapping[str, dict[str, Value]]) -> str:
        """A digest of what was judged: the whole effective resource, and the values that the condition read."""
        values = {space: {name: _json_value(value) for name, value in row.items()} for space, row in rows.items()}
        return digest(b"judged", canonical([_effective_body(self.state, self.address), values]))

    def _resource(self, names: Iterable[str]) -> dict[str, Value]:
        body = _effective_body(self.state, self.address) or {}
        known: dict[str, Value] = {
            "address": str(self.address),
            "kind": self.kind.value,
            "name": self.address.name,
            "label": str(body.get("label", "")),
            "description": str(body.get("description", "")),
            "protected": body.get("protected") is True,
        }
        return {name: known[name] for name in names}

    @property
    def _step_action(self) -> Value:
        return self.action

    @property
    def _step_stage(self) -> Value:
        return self.stage.value

    @property
    def _step_kind(self) -> Value:
        return self.kind.value

    @property
    def _step_moved_from(self) -> Value:
        return self.former.name if self.former else None

    @cached_property
    def _step_changed(self) -> Value:
        if self.action in ("delete", "deactivate"):
            return ()
        was = (_effective_body(self.before, self.former or self.address) if self.before is not None else None) or {}
        will = _effective_body(self.state, self.address) or {}
        return tuple(sorted(key for key in was.keys() | will.keys() if was.get(key) != will.get(key)))


def _effective_body(view: Snapshot, address: Address) -> JsonMap | None:
    if address not in view.entries:
        return None
    return view.offer(address).body if address.kind is Kind.OFFER else view(address)


def _json_value(value: Value) -> Json:
    match value:
        case tuple():
            return list(value)
        case date() | datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value


def _values(view: Snapshot, address: Address, names: Iterable[str], declared: DeclaredFields) -> dict[str, Value]:
    if address not in view.entries:
        return dict.fromkeys(names)
    if address.kind is not Kind.OFFER:
        return values_of(address.kind, address.name, view(address), names)
    return offer_values(view, view.offer(address), names, declared)


def declared_violations(held: EnvironmentPolicies, state: Snapshot) -> Iterator[Violation]:
    """The violations of everything an environment declares, changed or not."""
    for kind in sorted(held.kinds):
        for address in state.of_kind(kind, held.environment):
            yield from held.broken(Subject(address, state, by=frozenset((address,))))


def changes_by_environment(effect: BeforeAfter) -> dict[str, list[Change]]:
    """The changes by the environment whose policies apply to them, ordered by address."""
    result: dict[str, list[Change]] = {}
    for change in sorted(effect.changes, key=lambda each: each.address):
        if change.address.environment != SHARED:
            result.setdefault(change.address.environment, []).append(change)
    return dict(sorted(result.items()))


def change_violations(
    held: EnvironmentPolicies,
    changes: Sequence[Change],
    effect: BeforeAfter,
    side: Stage,
    design: Snapshot | None = None,
) -> Iterator[Violation]:
    """The violations that ``changes`` of ``effect`` cause in their environment, also through what offers inherit.

    ``design``, for a promotion: a resource no longer there counts as deleted, although live keeps it, deactivated.
    """
    own = {address for change in changes for address in (change.address, change.moved_from) if address}
    for change in changes:
        if change.address.kind in held.kinds:
            yield from held.broken(_subject(change, effect, side, design))
    handing_down = {address for address in own if address.kind in _INHERITED} if Kind.OFFER in held.kinds else set()
    for address in effect.after.of_kind(Kind.OFFER, held.environment) if handing_down else ():
        entry, was = effect.after.entries[address], effect.before.entries.get(address)
        if address in own or entry.activation == () or was is None:
            continue
        by = handing_down & (effect.after.offer(address).relies_on | effect.before.offer(address).relies_on)
        if by:
            yield from held.broken(
                Subject(address, effect.after, effect.before, "", side, "update", own=False, by=frozenset(by))
            )


def _subject(change: Change, effect: BeforeAfter, side: Stage, design: Snapshot | None) -> Subject:
    address, former = change.address, change.moved_from
    old_entry, new_entry = effect.before.entries.get(former or address), change.after
    state = effect.after if new_entry is not None else effect.before
    is_removed = new_entry is None or new_entry.activation == ()
    if is_removed and new_entry is not None and old_entry is None:
        is_removed = False
    return Subject(
        address,
        state,
        effect.before if old_entry is not None else None,
        former,
        side,
        _action(change, old_entry, gone=is_removed, design=design),
        leaves=is_removed or only_leaves_spaces(old_entry, new_entry),
        by=frozenset((address,)),
    )


def _action(change: Change, was: Entry | None, *, gone: bool, design: Snapshot | None) -> str:
    if change.after is None or (gone and design is not None and change.address not in design.entries):
        return "delete"
    if change.moved_from:
        return "move"
    if was is None:
        return "create"
    return "deactivate" if gone and was.activation else "update"
