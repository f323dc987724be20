"""Why an offer is not proposed: every reason once, with its code, its condition and its sentence (domain.md §3).

The reasons stand in the order in which they are asked, and the first that holds is the one that is told. ``explain``
asks them for one contact, the batch for all of them at once, so that simulations, impacts, limits of promotions,
measures, cases and pages give a contact the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from offerkit.engine.condition import Facts, Memo, Path, failure
from offerkit.engine.resources import Days, Offer, PresentationRule, Requirement, Space, Weight
from offerkit.engine.weights import amount
from offerkit.rules.types import Value
from offerkit.rules.values import show
from offerkit.state.changes import Former


class Reason(StrEnum):
    """The code of a reason. JSON outputs and decision cases (``expect.out``) have these values."""

    NO_SPACE = "no-space"
    NO_OFFER = "no-offer"
    ENVIRONMENT_CONDITION = "environment-condition"
    NOT_IN_SLICE = "not-in-slice"
    CATEGORY_DISABLED = "category-disabled"
    CATEGORY_DATES = "category-dates"
    CATEGORY_CONDITION = "category-condition"
    STOPPED = "stopped"
    OFFER_DISABLED = "offer-disabled"
    NOT_ACTIVATED = "not-activated"
    OFFER_DATES = "offer-dates"
    FILTER = "filter"
    OFFER_CONDITION = "offer-condition"
    NO_WEIGHT = "no-weight"
    WEIGHT_ZERO = "weight-zero"
    NO_PRODUCT = "no-product"
    PRESENTATION_RULE = "presentation-rule"
    HOOK_DROPPED = "hook-dropped"
    REPEATED = "repeated"
    BEYOND_N = "beyond-n"
    NOT_RENDERED = "not-rendered"


class Meaning(NamedTuple):
    """The step of domain.md §3 at which a reason arises (0: before any), when it holds, and its sentences.

    ``many`` is said of all the contacts that it holds for, ``one`` of a single one, of whom more is known; names in
    braces are filled in.
    """

    step: int
    condition: str
    many: str
    one: str = ""


REASONS: Mapping[Reason, Meaning] = {
    Reason.NO_SPACE: Meaning(0, "before or after a change, the space does not exist", "there is no such space"),
    Reason.NO_OFFER: Meaning(0, "before or after a change, the offer does not exist", "there is no such offer"),
    Reason.ENVIRONMENT_CONDITION: Meaning(
        2, "the environment's filter does not hold: nothing is proposed",
        "the environment's filter", "the environment's filter: {part}",
    ),
    Reason.NOT_IN_SLICE: Meaning(
        3, "the call, or else the space's defaults, ask for other categories, themes or offers",
        "{asking} for other offers",
    ),
    Reason.CATEGORY_DISABLED: Meaning(
        4, "its category or one above is disabled", "category “{category}” is disabled"
    ),
    Reason.CATEGORY_DATES: Meaning(
        4, "today is not among the days of its category or of one above",
        "category “{category}” is outside of its dates", "category “{category}” {period}",
    ),
    Reason.CATEGORY_CONDITION: Meaning(
        4, "the condition of its category or of one above does not hold",
        "category “{category}”: {condition}", "category “{category}”: {part}",
    ),
    Reason.STOPPED: Meaning(
        5, "it is stopped on this space: by its name, with its category, or with the space (`offerkit stop`)",
        "it is stopped: {why}",
    ),
    Reason.OFFER_DISABLED: Meaning(5, "the offer is disabled", "it is disabled", "the offer is disabled"),
    Reason.NOT_ACTIVATED: Meaning(
        5, "it is not live on this very space, though perhaps on others",
        "it is not activated on {space}", "it is not activated on {space}{elsewhere}",
    ),
    Reason.OFFER_DATES: Meaning(
        5, "today is not among its days", "it is outside of its dates", "the offer {period}"
    ),
    Reason.FILTER: Meaning(
        5, "one of its filters does not hold", "filter “{filter}”: {condition}", "filter “{filter}”: {part}"
    ),
    Reason.OFFER_CONDITION: Meaning(
        5, "its condition does not hold", "the offer's condition: {condition}", "the offer's condition: {part}"
    ),
    Reason.NO_WEIGHT: Meaning(
        6, "none of its weights holds now, here and for this contact",
        "no weight of it holds", "none of its weights holds{weights}",
    ),
    Reason.WEIGHT_ZERO: Meaning(
        6, "its highest weight that holds, times the multipliers, is 0",
        "no weight of it is above 0 here and now", "its weight{multiplied} is 0",
    ),
    Reason.NO_PRODUCT: Meaning(
        7, "its dynamic-offer hook finds no product", "its dynamic-offer hook “{hook}” found no product"
    ),
    Reason.PRESENTATION_RULE: Meaning(
        8, "the contact was offered enough of it, as a rule of the typology counts",
        "presentation rules", "rule “{rule}”: {count} of at most {most} propositions counted",
    ),
    Reason.HOOK_DROPPED: Meaning(
        10, "the space's post-processing hook takes it out", "the post-processing hook “{hook}” took it out"
    ),
    Reason.REPEATED: Meaning(
        11, "another space of the same call proposes it", "another space of this call proposes it already"
    ),
    Reason.BEYOND_N: Meaning(
        11, "others rank higher, and no more were asked for",
        "others rank higher", "others rank higher, and {asked} asked for",
    ),
    Reason.NOT_RENDERED: Meaning(12, "it cannot be rendered for this contact", "{problem}"),
}  # fmt: skip
"""Every reason, in the order in which they are asked: the first that holds is the one that is told."""

DECIDED = tuple(reason for reason, meaning in REASONS.items() if meaning.step)
"""The reasons that a decision gives: what a case may expect. The others tell a change's before from its after."""

NOT_ELIGIBLE = "not-eligible"
"""How measures name the reasons of steps 4 to 7, which a decision does not tell apart unless it is explained."""

_CONDITION = ": {condition}"


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason as it is for many contacts: in a sentence, and the address of the rule if it is a single one."""

    reason: Reason
    sentence: str
    address: Former = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason for one contact: its cause, the sentence with what is known of them, and where the rule stands.

    ``address`` and ``path`` lead to the rule (its YAML position is the caller's to find); for a condition ``text`` is
    the part of it that is not true, ``offset`` where that part begins in the whole condition, and ``values`` what the
    part read.
    """

    cause: Cause
    sentence: str
    address: Former = ""
    path: Path = ()
    text: str = ""
    offset: int = 0
    values: tuple[tuple[str, Value], ...] = ()

    @property
    def reason(self) -> Reason:
        """The code."""
        return self.cause.reason

    @property
    def step(self) -> int:
        """The step of domain.md §3."""
        return REASONS[self.cause.reason].step


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is asked of an offer: a condition, or (None) what holds for nobody on this space and day.

    ``many`` is the finding as it is for many contacts.
    """

    many: Finding
    requirement: Requirement | None = None
    subject: str = ""

    @property
    def cause(self) -> Cause:
        """What many contacts are counted by."""
        return self.many.cause

    def finding(self, facts: Facts) -> Finding:
        """Why the contact of ``facts``, for whom it does not hold, is not proposed the offer."""
        if self.requirement is None:
            return self.many
        return _unmet(self.cause, self.requirement, self.subject, facts)


def no_space() -> Cause:
    """Of a change: the space is not there."""
    return _found(Reason.NO_SPACE).cause


def no_offer() -> Cause:
    """Of a change: the offer is not there."""
    return _found(Reason.NO_OFFER).cause


def environment_check(when: Requirement) -> Check:
    """Step 2."""
    return _condition(Reason.ENVIRONMENT_CONDITION, when)


def not_in_slice(space: Space, *, called: bool) -> Finding:
    """Step 3. ``called``: the call says which offers it is about, and not the defaults of the space."""
    if called:
        return _found(Reason.NOT_IN_SLICE, asking="the call asks")
    return _found(Reason.NOT_IN_SLICE, space.address, ("defaults",), asking="the space's defaults ask")


def checks(offer: Offer, space: Space, today: date) -> Iterator[Check]:
    """Steps 4 and 5 in their order, without what holds for everybody; nothing follows what holds for nobody."""
    for category in offer.chain:
        name = {"category": category.path}
        if not category.enabled:
            yield Check(_found(Reason.CATEGORY_DISABLED, category.address, ("enabled",), **name))
            return
        if not category.days.hold(today):
            period, path = _days(category.days, today)
            yield Check(_found(Reason.CATEGORY_DATES, category.address, path, **name, period=period))
            return
        if category.when is not None:
            yield _condition(Reason.CATEGORY_CONDITION, category.when, **name)
    if space.name in offer.stopped:
        yield Check(_found(Reason.STOPPED, offer.address, why=offer.stopped[space.name]))
    elif not offer.enabled:
        yield Check(_found(Reason.OFFER_DISABLED, offer.address, ("enabled",)))
    elif space.name not in offer.spaces:
        others = ", ".join(sorted(offer.spaces))
        elsewhere = f", only on {others}" if others else " or any other space"
        yield Check(_found(Reason.NOT_ACTIVATED, offer.address, space=space.name, elsewhere=elsewhere))
    elif not offer.days.hold(today):
        period, path = _days(offer.days, today)
        yield Check(_found(Reason.OFFER_DATES, *offer.where(path), period=period))
    else:
        for requirement in offer.requirements:
            reason = Reason.FILTER if requirement.name else Reason.OFFER_CONDITION
            yield _condition(reason, requirement, filter=requirement.name)


def no_weight(offer: Offer, notes: Sequence[str] = ()) -> Finding:
    """Step 6: none of the weights holds; ``notes``: why each does not (:func:`weight_notes`)."""
    weights = f": {'; '.join(notes)}" if notes else ""
    return _found(Reason.NO_WEIGHT, *offer.where(("weights",)), weights=weights)


def weight_zero(weight: Weight) -> Finding:
    """Step 6: the highest weight that holds is 0, or a multiplier makes it so."""
    number = weight.number is None or bool(weight.number)
    words = " times the multipliers" if number else ""
    return _found(Reason.WEIGHT_ZERO, weight.address, weight.path, multiplied=words)


def no_product(weight: Weight) -> Finding:
    """Step 7."""
    return _found(Reason.NO_PRODUCT, weight.address, (*weight.path, "dynamic"), hook=weight.dynamic)


def enough(rule: PresentationRule, count: int) -> Finding:
    """Step 8: the contact was made ``count`` propositions that the rule counts."""
    return _found(Reason.PRESENTATION_RULE, rule.address, ("max",), rule=rule.name, count=count, most=rule.maximum)


def hook_dropped(space: Space) -> Finding:
    """Step 10."""
    return _found(Reason.HOOK_DROPPED, space.address, ("hooks", "post_processing"), hook=space.post_processing)


def repeated(offer: Offer) -> Finding:
    """Step 11."""
    return _found(Reason.REPEATED, offer.address)


def beyond_n(offer: Offer, n: int) -> Finding:
    """Step 11: ``n`` were asked for."""
    return _found(Reason.BEYOND_N, offer.address, asked=f"{n} {'was' if n == 1 else 'were'}")


def not_rendered(address: Former, problem: str) -> Finding:
    """Step 12."""
    return _found(Reason.NOT_RENDERED, address, problem=problem)


def cause_of(reason: Reason) -> Cause:
    """The cause of a reason that names no rule."""
    return Cause(reason, REASONS[reason].many)


_BY_MANY = (Reason.PRESENTATION_RULE, Reason.BEYOND_N)
"""Not one rule or offer is behind them for all contacts."""


def _found(reason: Reason, address: Former = "", path: Path = (), **names: object) -> Finding:
    meaning = REASONS[reason]
    many = meaning.many.format_map(names)
    cause = Cause(reason, many, "" if reason in _BY_MANY else address)
    return Finding(cause, meaning.one.format_map(names) if meaning.one else many, address, path)


def _condition(reason: Reason, requirement: Requirement, **names: str) -> Check:
    many, condition = REASONS[reason].many, requirement.gate.condition
    subject = many.removesuffix(_CONDITION).format_map(names)
    if condition.problem:
        sentence = _unreadable(subject, requirement)
    else:
        sentence = many.format_map({**names, "condition": " ".join(condition.text.split())})
    cause = Cause(reason, sentence, requirement.address)
    return Check(Finding(cause, sentence, requirement.address, requirement.path), requirement, subject)


def _unreadable(subject: str, requirement: Requirement) -> str:
    return f"{subject} cannot be read, so it never holds: {requirement.gate.condition.problem}"


def _unmet(cause: Cause, requirement: Requirement, subject: str, facts: Facts) -> Finding:
    """Why a condition does not hold: the part of it that is not true, and the values it read."""
    condition, (address, path) = requirement.gate.condition, (requirement.address, requirement.path)
    if condition.problem:
        return Finding(cause, _unreadable(subject, requirement), address, path, condition.text)
    found = failure(requirement.gate, facts)
    if found is None:  # the whole is not true although each part is: not for any condition we know of
        return Finding(cause, f"{subject} does not hold", address, path, condition.text)
    state = "is false" if found.result is False else "is unknown"
    read = ", ".join(f"{name} is {'unknown' if value is None else show(value)}" for name, value in found.values)
    part = f"{found.text} {state}" + (f" ({read})" if read else "")
    return Finding(cause, f"{subject}: {part}", address, path, found.text, found.offset, found.values)


def _days(days: Days, today: date) -> tuple[str, Path]:
    if days.first is not None and today < days.first:
        return f"begins on {days.first}; it is {today}", ("eligible", "from")
    return f"ended on {days.last}; it is {today}", ("eligible", "until")


def weight_notes(offer: Offer, space: Space, memo: Memo) -> tuple[str, ...]:
    """The weights that do not hold for the contact of ``memo``, and why."""
    notes = (_weight_note(place, weight, space, memo) for place, weight in enumerate(offer.weights, 1))
    return tuple(filter(None, notes))


def _weight_note(place: int, weight: Weight, space: Space, memo: Memo) -> str:
    name = f"weight {place}" + (f" ({weight.label})" if weight.label else "")
    if weight.spaces and space.name not in weight.spaces:
        return f"{name} is only for {', '.join(sorted(weight.spaces))}"
    if not weight.days.hold(memo.facts.today):
        return f"{name} {_days(weight.days, memo.facts.today)[0]}"
    if weight.when is not None and memo.value(weight.when.gate) is not True:
        return _unmet(cause_of(Reason.NO_WEIGHT), weight.when, name, memo.facts).sentence
    if weight.formula is None or amount(value := memo.value(weight.formula)) is not None:
        return ""
    problem = weight.formula.condition.problem
    gave = f"cannot be read: {problem}" if problem else "is unknown" if value is None else f"gives {show(value)}"
    return f"{name}: its formula {gave}, so it does not hold"
