"""Proofs about a change of states: what it means for every contact there can be, offline and without a contact.

Each changed condition is compared with what it was, and so is each offer's effective condition on each space where it
stands before and after. Equal questions are asked once, and equal answers are told once. Nothing here changes a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from pydantic import ValidationError

from offerkit.address import SHARED, Address, Kind, Stage, environment_address
from offerkit.engine.compile import compile_catalog
from offerkit.fingerprint import Json, JsonMap
from offerkit.plans.plan import Plan, Step
from offerkit.prove.proofs import (
    ProofMoment,
    Proofs,
    ProvedAbout,
    ProvedChange,
    ProvedCondition,
    ProvedOffer,
)
from offerkit.prove.question import TRUE, AllOf, AnyOf, Fixed, Formula, Holds, Period, leaves
from offerkit.prove.result import Comparison, Reading, Side, undecided
from offerkit.prove.solver import HOW_TO_INSTALL, solver_path
from offerkit.rules.nodes import CheckedExpression
from offerkit.specs.progress import Progress, no_progress
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store.stage_snapshots import Stages
from offerkit.times import wall_clock
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.catalogs import deciding_bodies
from offerkit.usecases.conditions import UNREADABLE, effective_condition, written_conditions
from offerkit.usecases.plan_effect import deciding_stage
from offerkit.usecases.session import Session

if TYPE_CHECKING:
    from offerkit.usecases.diff import Difference

MISSING = (
    "Not shown: proofs of what these changes mean for every contact there can be, which need the package z3-solver."
    f" {HOW_TO_INSTALL}."
)
INTERRUPTED = "it was interrupted"
_READ = (Kind.ENVIRONMENT, Kind.CATEGORY, Kind.FILTER, Kind.TEMPLATE, Kind.OFFER, Kind.RULE)
"""The kinds that state conditions on contacts."""
_REACHING = frozenset({*_READ, Kind.SPACE, Kind.DIMENSION})
"""The kinds whose changes can change who is eligible, or whom a rule limits."""
Key: TypeAlias = tuple[object, ...]


@dataclass(frozen=True)
class ProofRequest:
    """``at``: the moment as the user wrote it; empty: ``now`` (ISO 8601, UTC). ``only``: the addresses to prove about.

    ``seconds``: after this time, what is left is not decided.
    """

    now: str
    at: str = ""
    seconds: float = 15.0
    only: Callable[[Address], bool] = lambda address: True
    progress: Progress = no_progress


@dataclass
class _Question:
    """Two formulas, and everything that they are the before and after of."""

    environment: str
    about: ProvedAbout
    before: Formula
    after: Formula
    conditions: list[ProvedCondition] = field(default_factory=list)
    offers: dict[Address, list[str]] = field(default_factory=dict)
    edited: bool = False
    doubt: str = ""
    """Why it cannot be asked."""


def prove_change(change: BeforeAfter, stage: Stage, request: ProofRequest) -> Proofs:
    """What ``change`` means for every contact there can be.

    ``stage``: live, where offers are eligible on the spaces where they are activated; or design (and specs), as if
    every offer in it were approved. Raises Refused if ``request.at`` is not a time.
    """
    questions: list[_Question] = []
    moments: dict[str, tuple[datetime, str]] = {}
    notes: list[str] = []
    for name in _touched(change):
        environment = _Environment(change, stage, name, request.only)
        if environment.doubt:
            notes.append(environment.doubt)
            continue
        asked = environment.questions()
        if not asked:
            continue
        zone = environment.after.zone
        at = wall_clock(parse_time(request.at, zone, request.now), zone)
        moments[name] = at, str(zone)
        notes += environment.notes
        questions += asked
    if not questions:
        return Proofs(notes=tuple(notes))
    questions.sort(key=lambda question: not question.edited)
    answers = _answers(questions, {name: at for name, (at, _) in moments.items()}, request)
    told = tuple(ProofMoment(name, at.isoformat(" ", "minutes"), zone) for name, (at, zone) in moments.items())
    return Proofs(tuple(_folded(questions, answers, change.addresses)), told, tuple(notes))


def _touched(change: BeforeAfter) -> list[str]:
    """The environments in which something changes that could change who is eligible."""
    reaching = {address.environment for address in change.addresses if address.kind in _REACHING}
    return [name for name in change.environments if name in reaching or (SHARED in reaching and name in change.touched)]


class _Environment:
    """One environment before and after: its catalogs, of the offers that the change can reach, and its questions."""

    def __init__(self, change: BeforeAfter, stage: Stage, name: str, only: Callable[[Address], bool]) -> None:
        self.name, self._change, self._stage, self._only = name, change, stage, only
        self.notes: list[str] = []
        self.doubt = self._why_not()
        if self.doubt:
            return
        self._offers = [offer for offer in self._reached() if only(offer)]
        was = {change.origins.get(offer, offer) for offer in self._offers}
        bodies = _bodies(change.before, name, was), _bodies(change.after, name, set(self._offers))
        self._redeclared = _declare_alike(*bodies, name)
        self._spaces_before = {offer: self._spaces(change.before, offer) for offer in was}
        self._spaces_after = {offer: self._spaces(change.after, offer) for offer in self._offers}
        self.before = compile_catalog(name, bodies[0], self._spaces_before)
        self.after = compile_catalog(name, bodies[1], self._spaces_after)
        if self.before.zone != self.after.zone:
            self.notes.append(
                f"{name} changes its time zone from {self.before.zone} to {self.after.zone}: what is proved takes the"
                " clock of the new one, before and after"
            )

    def _why_not(self) -> str:
        """Why nothing can be proved in this environment; empty if it can."""
        dimensions = []
        for view in self._change.pair:
            body = view(environment_address(self.name))
            if body is None:
                return f"{self.name} is only in one of the two states: its offers are not compared"
            dimension = Address(SHARED, Kind.DIMENSION, str(body.get("dimension")))
            if dimension not in view.entries:
                return f"{self.name} is not compared: {dimension} is missing"
            dimensions.append(dimension)
        if len(set(dimensions)) > 1:
            return f"{self.name} is not compared: its contacts change from {dimensions[0]} to {dimensions[1]}"
        return ""

    def _reached(self) -> Iterator[Address]:
        """The offers in both states that change, or depend on something that changes."""
        before, after, changed = self._change.before, self._change.after, self._change.addresses
        whole = any(address.kind in (Kind.ENVIRONMENT, Kind.DIMENSION) for address in self._own(changed))
        around = {address for address in changed if address.kind in _REACHING}
        for offer in after.of_kind(Kind.OFFER, self.name):
            if self._change.origins.get(offer, offer) not in before.entries:
                continue
            if whole or offer in changed or not around.isdisjoint(after.offer(offer).relies_on):
                yield offer

    def _own(self, addresses: Iterable[Address]) -> Iterator[Address]:
        return (address for address in addresses if address.environment in (self.name, SHARED))

    def _spaces(self, view: Snapshot, offer: Address) -> tuple[str, ...]:
        if self._stage is Stage.LIVE:
            return view.entries[offer].activation or ()
        return view.offer(offer).shown_on

    def questions(self) -> list[_Question]:
        """What to ask, each pair of formulas once."""
        asked: dict[Key, _Question] = {}
        keys = _Keys()

        def question(about: ProvedAbout, before: Formula, after: Formula, edited: bool) -> _Question | None:
            pair = keys.of(before), keys.of(after)
            if pair[0] == pair[1]:
                return None
            same = asked.setdefault((about, *pair), _Question(self.name, about, before, after))
            same.edited |= edited
            if self._redeclared and any(_unread(formula) for formula in (before, after)):
                same.doubt = f"{self._redeclared}, and a condition cannot be read with both declarations"
            return same

        for about, condition, before, after in self._conditions():
            if (one := question(about, before, after, True)) is not None:
                one.conditions.append(condition)
        changed = self._change.addresses
        for offer, space, before, after in self._effective():
            if (one := question(ProvedAbout.ELIGIBLE, before, after, offer in changed)) is not None:
                one.offers.setdefault(offer, []).append(space)
        return list(asked.values())

    def _conditions(self) -> Iterator[tuple[ProvedAbout, ProvedCondition, Formula, Formula]]:
        """The conditions that differ, of resources that are in both states."""
        for step in sorted(self._change.changes, key=lambda change: change.address.sort_key):
            address, old = step.address, step.moved_from or step.address
            if address.environment != self.name or address.kind not in _READ or not self._only(address):
                continue
            old_body, new_body = self._change.before(old), self._change.after(address)
            if old_body is None or new_body is None:
                continue
            was = written_conditions(self.before, old, old_body)
            will = written_conditions(self.after, address, new_body)
            about = ProvedAbout.LIMITED if address.kind is Kind.RULE else ProvedAbout.ELIGIBLE
            weights = len(_list(old_body, "weights")) == len(_list(new_body, "weights"))
            for path in dict.fromkeys((*was, *will)):
                if path[0] == "weights" and (
                    not weights or (path[-1] == "formula" and not (path in was and path in will))
                ):
                    continue  # which weight became which is not known; the effective condition has all of them
                condition = ProvedCondition(address, ".".join(str(part) for part in path))
                yield about, condition, was.get(path, TRUE), will.get(path, TRUE)

    def _effective(self) -> Iterator[tuple[Address, str, Formula, Formula]]:
        """Each offer on each space where it stands before and after, with its effective condition in both states."""
        origins = self._change.origins
        for offer in self._offers:
            old = origins.get(offer, offer)
            was = self.before.offers[self.before.position_of[old.name]]
            will = self.after.offers[self.after.position_of[offer.name]]
            for space in self._spaces_after[offer]:
                old_space = origins.get(Address(self.name, Kind.SPACE, space))
                before = old_space.name if old_space is not None else space
                if before in self._spaces_before[old]:
                    yield (
                        offer,
                        space,
                        effective_condition(self.before, was, before),
                        effective_condition(self.after, will, space),
                    )


def _list(body: JsonMap, key: str) -> list[Json]:
    value = body.get(key)
    return value if isinstance(value, list) else []


def _bodies(view: Snapshot, environment: str, offers: set[Address]) -> dict[Address, JsonMap]:
    """The bodies that these offers' decisions depend on."""
    bodies = deciding_bodies(view, environment, without=[Kind.OFFER])
    return bodies | {offer: body for offer in offers if (body := view(offer)) is not None}


def _declare_alike(before: dict[Address, JsonMap], after: dict[Address, JsonMap], environment: str) -> str:
    """Declare the contacts' fields and the call data alike in both: as they will be, besides fields that go.

    Returns what is declared differently, in words; empty if nothing is.
    """
    at = environment_address(environment)
    dimension = Address(SHARED, Kind.DIMENSION, str(after[at].get("dimension")))
    words = []
    for address, key, what in ((dimension, "fields", "fields of contacts"), (at, "call_data", "call data")):
        was, will = before[address].get(key), after[address].get(key)
        if was == will or not isinstance(was, dict | None) or not isinstance(will, dict | None):
            continue
        declared: JsonMap = {**(was or {}), **(will or {})}
        before[address] = {**before[address], key: declared}
        after[address] = {**after[address], key: declared}
        words.append(what)
    return f"{' and '.join(words)} are declared differently" if words else ""


def _unread(formula: Formula) -> bool:
    return any(isinstance(part, Fixed) and part.why.startswith(UNREADABLE) for part in leaves(formula))


class _Keys:
    """Keys of formulas: equal for equal ones. An expression is compared once, wherever it is used."""

    def __init__(self) -> None:
        self._numbers: dict[CheckedExpression, int] = {}
        self._known: dict[int, tuple[CheckedExpression, int]] = {}

    def of(self, formula: Formula) -> Key:
        match formula:
            case Fixed():
                return ("fixed", formula.value)
            case Period():
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


def _bound(formula: Holds) -> Key:
    """The bound values with their types, because True equals 1."""
    return tuple((name, key, type(value), value) for name, row in formula.bound for key, value in sorted(row.items()))


def _answers(questions: list[_Question], moments: Mapping[str, datetime], request: ProofRequest) -> list[Comparison]:
    """The answers, in order; what there was no time for, or what an interruption left, is not decided."""
    from offerkit.prove.prover import Prover  # plans without a change of a rule load no encoder

    answers: list[Comparison] = []
    deadline = monotonic() + request.seconds
    why = ""
    with Prover() as prover, request.progress("Proving", len(questions) * _SHOWN) as advance:
        for question in questions:
            at = moments[question.environment]
            if not why and monotonic() > deadline:
                why = f"proofs took longer than {request.seconds:g} s altogether"
            doubt = question.doubt or why
            try:
                answer = _unknown(at, doubt) if doubt else prover.compare(question.before, question.after, at)
            except KeyboardInterrupt:
                why = INTERRUPTED
                answer = _unknown(at, why)
            answers.append(answer)
            advance(_SHOWN)
    return answers


_SHOWN = 50
"""For how many resources one question counts: a bar of progress is shown for long work only."""


def _unknown(at: datetime, why: str) -> Comparison:
    reading = undecided(why)
    return Comparison(at, reading, reading)


def _folded(
    questions: list[_Question], answers: list[Comparison], edited: Collection[Address]
) -> Iterator[ProvedChange]:
    """The answers, alike ones together; those about what is edited come first."""
    groups: dict[Key, tuple[_Question, Comparison]] = {}
    for question, answer in zip(questions, answers, strict=True):
        key = question.environment, question.about, _alike(answer.now), _alike(answer.later)
        if key not in groups:
            groups[key] = question, answer
            continue
        group = groups[key][0]
        group.conditions += question.conditions
        for offer, spaces in question.offers.items():
            group.offers.setdefault(offer, []).extend(spaces)
    for question, answer in groups.values():
        yield ProvedChange(
            question.environment,
            question.about,
            answer,
            tuple(question.conditions),
            tuple(
                ProvedOffer(offer, tuple(sorted(spaces)), offer in edited)
                for offer, spaces in sorted(question.offers.items(), key=lambda item: (item[0] not in edited, item[0]))
            ),
        )


def _alike(reading: Reading) -> Key:
    return (*(_side(side) for side in (reading.gained, reading.lost)), reading.before, reading.after)


def _side(side: Side) -> Key:
    return side.answer, repr(side.facts), side.exact, side.why


def proofs_of_plan(session: Session, plan: Plan, request: ProofRequest) -> Proofs:
    """What is proved of ``plan``: of a promotion for live, of an apply as if all of it were approved.

    The plan is shown whatever happens here: without the solver the proofs say what is missing, and an interruption or
    a resource that this version cannot read leaves them out, and says so. Raises Refused if the moment is not a time.
    """

    def prove() -> Proofs:
        with session.reading() as store:
            stage = deciding_stage(plan) if store is not None else Stage.DESIGN
            return prove_change(Stages(store).effect(plan, stage), stage, request)

    return _proofs(plan.steps, prove)


def proofs_of_difference(difference: Difference, request: ProofRequest) -> Proofs:
    """What is proved of how one state differs from another, as :func:`proofs_of_plan`."""
    stage = Stage.LIVE if difference.before.stage is difference.after.stage is Stage.LIVE else Stage.DESIGN
    return _proofs(difference.steps, lambda: prove_change(difference.effect, stage, request))


def _proofs(steps: Iterable[Step], prove: Callable[[], Proofs]) -> Proofs:
    if not any(_reaches(step) for step in steps):
        return Proofs()
    if solver_path() is None:
        return Proofs(missing=MISSING)
    try:
        return prove()
    except KeyboardInterrupt:
        return Proofs(notes=(f"Nothing is proved: {INTERRUPTED}.",))
    except ValidationError:
        return Proofs(notes=("Nothing is proved: a resource is declared in a way that this version cannot read.",))


def _reaches(step: Step) -> bool:
    """Whether a step could change who is eligible, of offers that are there before and after."""
    return step.before is not None and step.after is not None and step.address.kind in _REACHING
