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


class Reason(StrEnum):
    """The code of a reason. JSON outputs and decision cases (``expect.out``) have these values."""

    NO_SPACE = "no-space"
    NO_OFFER = "no-offer"
    ENVIRONMENT_CONDITION = "environment-condition"
    NOT_IN_SLICE = "not-in-slice"
    CATEGORY_DISABLED = "category-disabled"
    CATEGORY_DATES = "category-dates"
    CATEGORY_CONDITION = "category-condition"
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
    """The step of domain.md §3 at which a reason arises (0: before any), when it holds, and its sentence.

    ``sentence`` has the names of what it is filled with in braces; what is known of a single contact stands behind it.
    """

    step: int
    condition: str
    sentence: str


REASONS: Mapping[Reason, Meaning] = {
    Reason.NO_SPACE: Meaning(0, "before or after a change, the space does not exist", "there is no such space"),
    Reason.NO_OFFER: Meaning(0, "before or after a change, the offer does not exist", "there is no such offer"),
    Reason.ENVIRONMENT_CONDITION: Meaning(
        2, "the environment's filter does not hold: nothing is proposed", "the environment's filter"
    ),
    Reason.NOT_IN_SLICE: Meaning(
        3, "the call, or else the space's defaults, ask for other categories, themes or offers",
        "{asking} for other offers",
    ),
    Reason.CATEGORY_DISABLED: Meaning(
        4, "its category or one above is disabled", "category “{category}” is disabled"
    ),
    Reason.CATEGORY_DATES: Meaning(
        4, "today is not among the days of its category or of one above", "category “{category}” {period}"
    ),
    Reason.CATEGORY_CONDITION: Meaning(
        4, "the condition of its category or of one above does not hold", "category “{category}”: {condition}"
    ),
    Reason.OFFER_DISABLED: Meaning(5, "the offer is disabled", "the offer is disabled"),
    Reason.NOT_ACTIVATED: Meaning(
        5, "it is not live on this space, though perhaps on others", "it is not activated on {space}{elsewhere}"
    ),
    Reason.OFFER_DATES: Meaning(5, "today is not among its days", "the offer {period}"),
    Reason.FILTER: Meaning(5, "one of its filters does not hold", "filter “{filter}”: {condition}"),
    Reason.OFFER_CONDITION: Meaning(5, "its condition does not hold", "the offer's condition: {condition}"),
    Reason.NO_WEIGHT: Meaning(
        6, "none of its weights holds now, here and for this contact", "none of its weights holds{weights}"
    ),
    Reason.WEIGHT_ZERO: Meaning(
        6, "its highest weight that holds is 0, or a multiplier is", "its weight{multiplied} is 0"
    ),
    Reason.NO_PRODUCT: Meaning(
        7, "its dynamic-offer hook finds no product", "its dynamic-offer hook “{hook}” found no product"
    ),
    Reason.PRESENTATION_RULE: Meaning(
        8, "the contact was offered enough of it, as a rule of the typology counts",
        "rule “{rule}”: at most {most} propositions",
    ),
    Reason.HOOK_DROPPED: Meaning(
        10, "the space's post-processing hook takes it out", "the post-processing hook “{hook}” took it out"
    ),
    Reason.REPEATED: Meaning(
        11, "another space of the same call proposes it", "another space of this call proposes it already"
    ),
    Reason.BEYOND_N: Meaning(
        11, "others rank higher, and no more were asked for", "others rank higher, and {n} {were} asked for"
    ),
    Reason.NOT_RENDERED: Meaning(12, "it cannot be rendered for this contact", "{problem}"),
}  # fmt: skip
"""Every reason in the order in which they are asked."""

DECIDED = tuple(reason for reason, meaning in REASONS.items() if meaning.step)
"""The reasons that a decision gives: what a case may expect. The others compare a change's before and after."""

_TEXT = ": {condition}"

NOT_ELIGIBLE = "not-eligible"
"""How measures name the reasons of steps 4 to 7, which a decision does not tell apart unless it is explained."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason and the rule behind it, as they are for everybody: what many contacts can be counted by."""

    reason: Reason
    sentence: str
    address: str = ""
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause for one contact: ``sentence`` has what is known of them.

    The address and path of the cause lead to the rule (its YAML position is the caller's to find); for a condition
    ``text`` is the part of it that is not true, ``offset`` where that part begins in the whole condition, and
    ``values`` what the part read.
    """

    cause: Cause
    sentence: str
    text: str = ""
    offset: int = 0
    values: tuple[tuple[str, Value], ...] = ()

    @property
    def reason(self) -> Reason:
        """The code."""
        return self.cause.reason

    @property
    def address(self) -> str:
        """Of the rule; empty when there is none."""
        return self.cause.address

    @property
    def path(self) -> Path:
        """Of the rule, inside the resource."""
        return self.cause.path

    @property
    def step(self) -> int:
        """The step of domain.md §3."""
        return REASONS[self.cause.reason].step


def said(cause: Cause) -> Finding:
    """The finding of a cause of which nothing more is known for one contact."""
    return Finding(cause, cause.sentence)


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is asked of every offer: a condition, or (None) what holds for nobody on this space and day."""

    cause: Cause
    requirement: Requirement | None = None
    subject: str = ""

    def finding(self, facts: Facts) -> Finding:
        """Why the contact of ``facts``, for whom it does not hold, is not proposed the offer."""
        if self.requirement is None:
            return said(self.cause)
        return _unmet(self.cause, self.requirement, self.subject, facts)


def no_space() -> Cause:
    """Of a change: the space is not there."""
    return _cause(Reason.NO_SPACE)


def no_offer() -> Cause:
    """Of a change: the offer is not there."""
    return _cause(Reason.NO_OFFER)


def environment_check(when: Requirement) -> Check:
    """Step 2."""
    return _condition(Reason.ENVIRONMENT_CONDITION, when)


def not_in_slice(space: Space, *, called: bool) -> Cause:
    """Step 3. ``called``: the call says which offers it is about, and not the defaults of the space."""
    if called:
        return _cause(Reason.NOT_IN_SLICE, asking="the call asks")
    return _cause(Reason.NOT_IN_SLICE, space.address, ("defaults",), asking="the space's defaults ask")


def checks(offer: Offer, space: Space, today: date) -> Iterator[Check]:
    """Steps 4 and 5 in their order, without what holds for everybody; nothing follows what holds for nobody."""
    for category in offer.chain:
        name = {"category": category.path}
        if not category.enabled:
            yield Check(_cause(Reason.CATEGORY_DISABLED, category.address, ("enabled",), **name))
            return
        if not category.days.hold(today):
            period, path = _days(category.days, today)
            yield Check(_cause(Reason.CATEGORY_DATES, category.address, path, **name, period=period))
            return
        if category.when is not None:
            yield _condition(Reason.CATEGORY_CONDITION, category.when, **name)
    if not offer.enabled:
        yield Check(_cause(Reason.OFFER_DISABLED, offer.address, ("enabled",)))
    elif space.name not in offer.spaces:
        yield Check(_not_activated(offer, space))
    elif not offer.days.hold(today):
        period, path = _days(offer.days, today)
        yield Check(_cause(Reason.OFFER_DATES, *offer.where(path), period=period))
    else:
        for requirement in offer.requirements:
            reason = Reason.FILTER if requirement.name else Reason.OFFER_CONDITION
            yield _condition(reason, requirement, filter=requirement.name)


def no_weight(offer: Offer, space: Space, today: date) -> Cause:
    """Step 6: none of the weights holds."""
    notes = weight_notes(offer, space, today)
    return _cause(Reason.NO_WEIGHT, *offer.where(("weights",)), weights=_list(notes))


def no_weight_of(cause: Cause, notes: Sequence[str]) -> Finding:
    """Step 6 for the contact of whom ``notes`` (:func:`weight_notes`) are known."""
    return Finding(cause, REASONS[Reason.NO_WEIGHT].sentence.format(weights=_list(notes)))


def _list(notes: Sequence[str]) -> str:
    return f": {'; '.join(notes)}" if notes else ""


def weight_zero(weight: Weight, *, multiplied: bool) -> Cause:
    """Step 6: the highest weight that holds is 0; ``multiplied``: a multiplier makes it so."""
    words = " times the multipliers" if multiplied else ""
    return _cause(Reason.WEIGHT_ZERO, weight.address, weight.path, multiplied=words)


def no_product(weight: Weight) -> Cause:
    """Step 7."""
    return _cause(Reason.NO_PRODUCT, weight.address, (*weight.path, "dynamic"), hook=weight.dynamic)


def presentation_rule(rule: PresentationRule) -> Cause:
    """Step 8."""
    return _cause(Reason.PRESENTATION_RULE, rule.address, ("max",), rule=rule.name, most=rule.maximum)


def counted(rule: PresentationRule, count: int) -> Finding:
    """Step 8 for a contact who was made ``count`` propositions that the rule counts."""
    sentence = f"rule “{rule.name}”: {count} of at most {rule.maximum} propositions counted"
    return Finding(presentation_rule(rule), sentence)


def hook_dropped(space: Space) -> Cause:
    """Step 10."""
    path = ("hooks", "post_processing")
    return _cause(Reason.HOOK_DROPPED, space.address, path, hook=space.post_processing)


def repeated(offer: Offer) -> Cause:
    """Step 11."""
    return _cause(Reason.REPEATED, offer.address)


def beyond_n(offer: Offer, n: int) -> Cause:
    """Step 11."""
    return _cause(Reason.BEYOND_N, offer.address, n=n, were="was" if n == 1 else "were")


def not_rendered(address: str, problem: str) -> Cause:
    """Step 12."""
    return _cause(Reason.NOT_RENDERED, address, problem=problem)


def _cause(reason: Reason, address: str = "", path: Path = (), **names: object) -> Cause:
    return Cause(reason, REASONS[reason].sentence.format_map(names), address, path)


def _condition(reason: Reason, requirement: Requirement, **names: str) -> Check:
    template, condition = REASONS[reason].sentence, requirement.gate.condition
    subject = template.removesuffix(_TEXT).format_map(names)
    sentence = subject
    if condition.problem:
        sentence = _unreadable(subject, requirement)
    elif template.endswith(_TEXT):
        sentence = f"{subject}: {_one_line(condition.text)}"
    return Check(Cause(reason, sentence, requirement.address, requirement.path), requirement, subject)


def _unreadable(subject: str, requirement: Requirement) -> str:
    return f"{subject} cannot be read, so it never holds: {requirement.gate.condition.problem}"


def _unmet(cause: Cause, requirement: Requirement, subject: str, facts: Facts) -> Finding:
    """Why a condition does not hold: the part of it that is not true, and the values it read."""
    condition = requirement.gate.condition
    if condition.problem:
        return Finding(cause, _unreadable(subject, requirement), condition.text)
    found = failure(requirement.gate, facts)
    if found is None:  # the whole is not true although each part is: not for any condition we know of
        return Finding(cause, f"{subject} does not hold", condition.text)
    state = "is false" if found.result is False else "is unknown"
    read = ", ".join(f"{name} is {'unknown' if value is None else show(value)}" for name, value in found.values)
    sentence = f"{subject}: {found.text} {state}" + (f" ({read})" if read else "")
    return Finding(cause, sentence, found.text, found.offset, found.values)


def _not_activated(offer: Offer, space: Space) -> Cause:
    elsewhere = ", ".join(sorted(offer.spaces))
    words = f", only on {elsewhere}" if elsewhere else " or any other space"
    return _cause(Reason.NOT_ACTIVATED, offer.address, space=space.name, elsewhere=words)


def _days(days: Days, today: date) -> tuple[str, Path]:
    if days.first is not None and today < days.first:
        return f"begins on {days.first}; it is {today}", ("eligible", "from")
    return f"ended on {days.last}; it is {today}", ("eligible", "until")


def weight_notes(offer: Offer, space: Space, today: date, memo: Memo | None = None) -> tuple[str, ...]:
    """The weights that do not hold for the contact of ``memo``, and why; without one, those that may not."""
    notes = (_weight_note(place, weight, space, today, memo) for place, weight in enumerate(offer.weights, 1))
    return tuple(filter(None, notes))


def _weight_note(place: int, weight: Weight, space: Space, today: date, memo: Memo | None) -> str:
    name = f"weight {place}" + (f" ({weight.label})" if weight.label else "")
    if weight.spaces and space.name not in weight.spaces:
        return f"{name} is only for {', '.join(sorted(weight.spaces))}"
    if not weight.days.hold(today):
        return f"{name} {_days(weight.days, today)[0]}"
    if weight.when is not None and (memo is None or memo.value(weight.when.gate) is not True):
        check = Check(Cause(Reason.NO_WEIGHT, ""), weight.when, name)
        if memo is not None:
            return check.finding(memo.facts).sentence
        return f"{name}: {_one_line(weight.when.gate.condition.text)}"
    if weight.formula is None:
        return ""
    condition = weight.formula.condition
    if condition.problem:
        return f"{name}: its formula cannot be read: {condition.problem}, so it does not hold"
    if memo is None:
        return f"{name}: its formula gives nothing above 0"
    value = memo.value(weight.formula)
    if amount(value) is not None:
        return ""
    return f"{name}: its formula {'is unknown' if value is None else f'gives {show(value)}'}, so it does not hold"


def _one_line(text: str) -> str:
    return " ".join(text.split())
