"""What to ask about a change of states: pairs of formulas, each once, and everything that they are before and after of.

A changed condition is compared with what it was, and so is an offer's effective condition on each space that both
states show it on. An offer is on the spaces where it is activated (live), or to be shown (design and specs, as if every
offer were approved).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from offerkit.address import SHARED, Address, Kind, environment_address
from offerkit.diagnostics import and_list
from offerkit.engine.compile import compile_catalog
from offerkit.engine.contact_history import CountedPropositions
from offerkit.engine.resources import CompiledOffer
from offerkit.fingerprint import Json, JsonMap, json_map, path_text
from offerkit.prove.proofs import REACHING, READ, ProvedAbout, ProvedCondition
from offerkit.prove.question import CALL, FALSE, TRUE, AllOf, AnyOf, DayRange, Fixed, Formula, Holds, leaves
from offerkit.rules.nodes import CheckedExpression, FieldNode, walk
from offerkit.state.changes import Change
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.usecases.catalogs import deciding_bodies
from offerkit.usecases.conditions import (
    UNREADABLE,
    call_on,
    counted_by_offer,
    effective_condition,
    possible_numbers,
    written_conditions,
)

FormulaKey: TypeAlias = tuple[object, ...]


@dataclass
class ProofQuestion:
    """Two formulas, and everything that they are the before and after of.

    ``core``: the parts that only one of them has, with a key, where they have others in common. Both are true only
    together with what they have in common, so what nobody gains (or loses) by the core, nobody gains by the whole.
    """

    environment: str
    about: ProvedAbout
    before: Formula
    after: Formula
    core: tuple[FormulaKey, Formula, Formula] | None = None
    conditions: list[ProvedCondition] = field(default_factory=list)
    offers: dict[Address, list[str]] = field(default_factory=dict)
    edited: bool = False
    doubt: str = ""
    """Why it cannot be asked."""


class EnvironmentQuestions:
    """One environment before and after a change: its catalogs, with the offers that the change can reach.

    ``doubt``: why it cannot be compared; empty if it can. ``notes``: what a reader has to know about the questions.
    """

    def __init__(
        self, change: BeforeAfter, name: str, changes: Sequence[Change], only: Callable[[Address], bool]
    ) -> None:
        """``changes``: those of the environment and of shared resources; ``only``: whether to ask about an address."""
        self.name, self._change, self._changes, self._only = name, change, changes, only
        self.notes: list[str] = []
        self.doubt = self._why_not()
        if self.doubt:
            return
        self._offers = [offer for offer in self._reached() if only(offer)]
        was = {change.origins.get(offer, offer) for offer in self._offers}
        bodies = _bodies(change.before, name, was), _bodies(change.after, name, set(self._offers))
        self._redeclared, self._retyped = _declare_alike(*bodies, name)
        self.bodies = bodies[1]
        self._spaces_before = {offer: _spaces(change.before, offer) for offer in was}
        self._spaces_after = {offer: _spaces(change.after, offer) for offer in self._offers}
        self.before = compile_catalog(name, bodies[0], self._spaces_before)
        self.after = compile_catalog(name, bodies[1], self._spaces_after)
        if str(self.before.zone) != str(self.after.zone):
            self.notes.append(
                f"{name} changes its time zone from {self.before.zone} to {self.after.zone}: proofs take the clock of"
                " the new one, before and after."
            )

    def _why_not(self) -> str:
        dimensions = []
        for view in self._change.pair:
            body = view(environment_address(self.name))
            if body is None:
                return f"{self.name} is in only one of the two states: nothing is compared there."
            dimension = Address(SHARED, Kind.DIMENSION, str(body.get("dimension")))
            if dimension not in view.entries:
                return f"{self.name} is not compared, because {dimension} is missing."
            dimensions.append(dimension)
        if dimensions[0] != dimensions[1]:
            return f"{self.name} is not compared, because its contacts change from {dimensions[0]} to {dimensions[1]}."
        return ""

    def _reached(self) -> Iterator[Address]:
        """The offers in both states that change, or depend on something that changes."""
        before, after = self._change.before, self._change.after
        addresses = (each for change in self._changes for each in (change.address, change.moved_from) if each)
        own = {address for address in addresses if address.kind in REACHING}
        whole = any(address.kind in (Kind.ENVIRONMENT, Kind.DIMENSION) for address in own)
        for offer in after.of_kind(Kind.OFFER, self.name):
            if self._change.origins.get(offer, offer) not in before.entries:
                continue
            if whole or offer in own or not own.isdisjoint(after.offer(offer).relies_on):
                yield offer

    def questions(self) -> list[ProofQuestion]:
        """What to ask, each pair of formulas once; those about changed resources come first."""
        asked: dict[FormulaKey, ProofQuestion] = {}
        keys = _FormulaKeys()

        def question(about: ProvedAbout, before: Formula, after: Formula) -> ProofQuestion | None:
            doubt = self._unreadable(before, after)  # a part of no account may be so because it cannot be read
            before, after = simplified(before), simplified(after)
            pair = keys.of(before), keys.of(after)
            if pair[0] == pair[1] and not (doubt or self._reads_retyped(before)):
                return None
            key = (about, *pair)
            if key not in asked:
                core = _core(before, after, keys)
                asked[key] = ProofQuestion(self.name, about, before, after, core, doubt=self._retyping(before, after))
            asked[key].doubt = doubt or asked[key].doubt
            return asked[key]

        for about, condition, before, after in self._conditions():
            if (one := question(about, before, after)) is not None:
                one.conditions.append(condition)
                one.edited = True
        for offer, space, before, after in self._effective():
            if (one := question(ProvedAbout.ELIGIBLE, before, after)) is not None:
                one.offers.setdefault(offer, []).append(space)
                one.edited |= offer in self._change.addresses
                if "space" in self.after.call_facts and Address(self.name, Kind.SPACE, space) in self._change.origins:
                    one.doubt = one.doubt or f"space {space} gets another name, which conditions read"
                one.doubt = one.doubt or self._other_carriers(offer)
        return sorted(asked.values(), key=lambda one: not one.edited)

    def _other_carriers(self, offer: Address) -> str:
        """Why an offer counts other earlier propositions afterwards: a theme that it counts is of other offers."""
        will = self.after.offers[self.after.position_of[offer.name]]
        for theme in sorted({counted.theme for counted in counted_by_offer(will)} - {""}):
            before, after = (carriers.get(theme) for carriers in self._carriers)
            if before != after:
                return f"other offers have theme {theme} afterwards, whose propositions are counted"
        return ""

    @cached_property
    def _carriers(self) -> list[dict[str, set[str]]]:
        """The names of the offers that have each theme, before and after."""
        result = []
        for view in self._change.pair:
            carriers: dict[str, set[str]] = {}
            for offer in view.of_kind(Kind.OFFER, self.name):
                for theme in view.offer(offer).themes:
                    carriers.setdefault(theme, set()).add(offer.name)
            result.append(carriers)
        return result

    def _unreadable(self, before: Formula, after: Formula) -> str:
        """Why a formula may only seem never true: it is read with the declarations of the other state as well."""
        if self._redeclared and any(_is_unreadable(formula) for formula in (before, after)):
            return f"{self._redeclared}, and a condition cannot be read with both declarations"
        return ""

    def _retyping(self, before: Formula, after: Formula) -> str:
        """What another type makes incomparable; empty if nothing does."""
        retyped = sorted({*self._reads_retyped(before), *self._reads_retyped(after)})
        if retyped:
            return f"{and_list(['.'.join(name) for name in retyped])} has another type afterwards"
        types: dict[tuple[str, str], object] = {}
        for formula in (before, after):
            for name, type_ in _free_types(formula):
                if types.setdefault(name, type_) != type_:
                    return f"{'.'.join(name)} has another type afterwards"
        return ""

    def _reads_retyped(self, formula: Formula) -> set[tuple[str, str]]:
        """The fields whose type changes that a formula reads."""
        if not self._retyped:
            return set()
        held = [part for part in leaves(formula) if isinstance(part, Holds)]
        return {name for part in held for name in part.expression.fields if name in self._retyped}

    def _conditions(self) -> Iterator[tuple[ProvedAbout, ProvedCondition, Formula, Formula]]:
        """The conditions of changed resources that are in both states."""
        for change in sorted(self._changes, key=lambda each: each.address.sort_key):
            address, old = change.address, change.moved_from or change.address
            if address.environment != self.name or address.kind not in READ or not self._only(address):
                continue
            old_body, new_body = _stated_body(self._change.before, old), _stated_body(self._change.after, address)
            if old_body is None or new_body is None:
                continue
            was = written_conditions(self.before, old, old_body)
            will = written_conditions(self.after, address, new_body)
            about = ProvedAbout.LIMITED if address.kind is Kind.RULE else ProvedAbout.ELIGIBLE
            same_weights = len(_list(old_body, "weights")) == len(_list(new_body, "weights"))
            for path in dict.fromkeys((*was, *will)):
                one_sided_formula = path[-1] == "formula" and (path not in was or path not in will)
                if path[0] == "weights" and (not same_weights or one_sided_formula):
                    continue  # which weight became which is not known; the effective condition has all of them
                condition = ProvedCondition(address, path_text(path))
                yield about, condition, was.get(path, TRUE), will.get(path, TRUE)

    def _effective(self) -> Iterator[tuple[Address, str, Formula, Formula]]:
        """Each offer on each space where it stands before and after, with its effective condition in both states."""
        origins = self._change.origins
        for offer in self._offers:
            old = origins.get(offer, offer)
            was = self.before.offers[self.before.position_of[old.name]]
            will = self.after.offers[self.after.position_of[offer.name]]
            spaces_before = frozenset(self._spaces_before[old])
            known: dict[object, tuple[Formula, Formula]] = {}
            for space in self._spaces_after[offer]:
                former = origins.get(Address(self.name, Kind.SPACE, space))
                before = former.name if former is not None else space
                if before not in spaces_before:
                    continue
                key = _weights_on(was, before), _weights_on(will, space)
                if key not in known:
                    conditions = (
                        effective_condition(self.before, was, before),
                        effective_condition(self.after, will, space),
                    )
                    known[key] = _with_possible_numbers((*counted_by_offer(was), *counted_by_offer(will)), *conditions)
                yield offer, space, *self._called(before, space, *known[key])

    def _called(self, before: str, after: str, old: Formula, new: Formula) -> tuple[Formula, Formula]:
        """Conditions with what is known of calls to the space, by its names, if they read it; spaces differ in nothing
        else.
        """
        known = {*self.before.call_facts, *self.after.call_facts}
        held = [part for part in (*leaves(old), *leaves(new)) if isinstance(part, Holds)] if known else ()
        facts = sorted({name for part in held for space, name in part.expression.fields if space == CALL} & known)
        if not facts:
            return old, new
        return AllOf((call_on(self.before, before, facts), old)), AllOf((call_on(self.after, after, facts), new))


def _with_possible_numbers(
    counted: Sequence[CountedPropositions], old: Formula, new: Formula
) -> tuple[Formula, Formula]:
    """Conditions with what is known of the numbers that they count of the contact's own history."""
    if not counted:
        return old, new
    possible = possible_numbers(counted)
    return AllOf((possible, old)), AllOf((possible, new))


def _weights_on(offer: CompiledOffer, space: str) -> tuple[int, ...]:
    """The weights that can stand on a space, by position."""
    weights = enumerate(offer.weights)
    return tuple(position for position, weight in weights if not weight.spaces or space in weight.spaces)


def simplified(formula: Formula) -> Formula:
    """An equal formula without parts that are always true, or that make the rest of no account."""
    if not isinstance(formula, AllOf | AnyOf):
        return TRUE if formula == DayRange() else formula
    neutral, absorbing = (TRUE, FALSE) if isinstance(formula, AllOf) else (FALSE, TRUE)
    parts: list[Formula] = []
    for part in map(simplified, formula.parts):
        if part == absorbing:
            return part
        if part != neutral:
            parts += part.parts if type(part) is type(formula) else (part,)
    return parts[0] if len(parts) == 1 else type(formula)(tuple(parts)) if parts else neutral


def touched_environments(change: BeforeAfter) -> list[str]:
    """The environments in which something changes that could change who is eligible."""
    reaching = {address.environment for address in change.addresses if address.kind in REACHING}
    return [name for name in change.environments if name in reaching or (SHARED in reaching and name in change.touched)]


def _spaces(view: Snapshot, offer: Address) -> tuple[str, ...]:
    activation = view.entries[offer].activation
    return view.offer(offer).shown_on if activation is None else activation


def _stated_body(view: Snapshot, address: Address) -> JsonMap | None:
    """The body of a resource; with what it has from templates, which applies where it says nothing itself."""
    inherits = address.kind in (Kind.OFFER, Kind.TEMPLATE) and address in view.entries
    return view.offer(address).body if inherits else view(address)


def _list(body: JsonMap, key: str) -> list[Json]:
    value = body.get(key)
    return value if isinstance(value, list) else []


def _bodies(view: Snapshot, environment: str, offers: set[Address]) -> dict[Address, JsonMap]:
    """The bodies that the decisions on these offers depend on."""
    bodies = deciding_bodies(view, environment, without=[Kind.OFFER])
    return bodies | {offer: body for offer in offers if (body := view(offer)) is not None}


def _declare_alike(
    before: dict[Address, JsonMap], after: dict[Address, JsonMap], environment: str
) -> tuple[str, frozenset[tuple[str, str]]]:
    """Declare the fields of contacts and offers, and the call data, alike in both: as they will be, and those that go.

    Returns what is declared differently, in words (empty if nothing is), and the fields whose type changes.
    """
    at = environment_address(environment)
    dimension = Address(SHARED, Kind.DIMENSION, str(after[at].get("dimension")))
    words: list[str] = []
    retyped: set[tuple[str, str]] = set()
    for address, key, namespace, what in (
        (dimension, "fields", dimension.name, "fields of contacts"),
        (at, "call_data", CALL, "call data"),
        (at, "offer_fields", "offer", "fields of offers"),
    ):
        was, will = (json_map(bodies[address].get(key)) for bodies in (before, after))
        if was == will:
            continue
        retyped |= {(namespace, name) for name in was.keys() & will if _type(was[name]) != _type(will[name])}
        declared: JsonMap = {**was, **will}
        before[address] = {**before[address], key: declared}
        after[address] = {**after[address], key: declared}
        words.append(what)
    return f"{and_list(words)} are declared differently" if words else "", frozenset(retyped)


def _type(field: Json) -> Json:
    """The declared type of a field."""
    return json_map(field).get("type")


def _is_unreadable(formula: Formula) -> bool:
    return any(isinstance(part, Fixed) and part.why.startswith(UNREADABLE) for part in leaves(formula))


def _free_types(formula: Formula) -> Iterator[tuple[tuple[str, str], object]]:
    """The types of the fields that a filter on its own reads of its parameters; others are declared alike."""
    for part in leaves(formula):
        if isinstance(part, Holds) and not part.bound and part.expression.uses("parameter"):
            for node in walk(part.expression.root):
                if isinstance(node, FieldNode):
                    yield (node.namespace, node.name), node.type


def parts_of(formula: Formula) -> tuple[Formula, ...]:
    """The parts that must all be true."""
    return formula.parts if isinstance(formula, AllOf) else (formula,)


def _core(before: Formula, after: Formula, keys: _FormulaKeys) -> tuple[FormulaKey, Formula, Formula] | None:
    """The parts that only one of two formulas has; None if they have none in common."""
    was, will = ({keys.of(part): part for part in parts_of(formula)} for formula in (before, after))
    if was.keys().isdisjoint(will):
        return None
    gone, come = ([key for key in one if key not in other] for one, other in ((was, will), (will, was)))
    key = tuple(gone), tuple(come)
    return key, AllOf(tuple(was[each] for each in gone)), AllOf(tuple(will[each] for each in come))


class _FormulaKeys:
    """Keys of formulas: equal for equal ones. An expression is compared once, wherever it is used."""

    def __init__(self) -> None:
        """No expression is known yet."""
        self._numbers: dict[CheckedExpression, int] = {}
        self._known: dict[int, tuple[CheckedExpression, int]] = {}

    def of(self, formula: Formula) -> FormulaKey:
        """The key of a formula."""
        match formula:
            case Fixed():
                return ("fixed", formula.value)
            case DayRange():
                return ("period", formula.first, formula.last)
            case AllOf():
                return ("all", *(self.of(part) for part in formula.parts))
            case AnyOf():
                return ("any", *(self.of(part) for part in formula.parts))
            case Holds():
                return ("holds", self._number(formula.expression), formula.positive, _bound(formula))

    def _number(self, expression: CheckedExpression) -> int:
        known = self._known.get(id(expression))
        if known is None:
            number = self._numbers.setdefault(expression, len(self._numbers))
            known = self._known[id(expression)] = expression, number
        return known[1]


def _bound(formula: Holds) -> FormulaKey:
    """The bound values with their types, because True equals 1."""
    return tuple((name, key, type(value), value) for name, row in formula.bound for key, value in sorted(row.items()))
