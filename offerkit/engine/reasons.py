"""Why an offer is left out: every reason with its code, condition and sentences, defined once (domain.md §3).

The reasons are in the order in which they are checked; the first that applies is reported. explain.py checks them for
one contact, the batch for all contacts at once, so that simulations, impacts, promotion limits, metrics, cases and
pages all give a contact the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from offerkit.engine.condition import CallFacts, ConditionMemo, Path, failed_part
from offerkit.engine.contact_history import HistoryCondition, limits_text
from offerkit.engine.resources import (
    CompiledOffer,
    CompiledSpace,
    CompiledWeight,
    Days,
    LocatedCondition,
    PresentationRule,
)
from offerkit.engine.weights import formula_weight
from offerkit.rules.types import Value
from offerkit.rules.values import show
from offerkit.state.changes import FormerAddress


class ExclusionReason(StrEnum):
    """The codes of the reasons, as they appear in JSON outputs and decision cases (``expect.out``)."""

    NO_SPACE = "no-space"
    NO_OFFER = "no-offer"
    ENVIRONMENT_CONDITION = "environment-condition"
    NOT_IN_SLICE = "not-in-slice"
    CATEGORY_DISABLED = "category-disabled"
    CATEGORY_DATES = "category-dates"
    CATEGORY_CONDITION = "category-condition"
    CATEGORY_HISTORY = "category-history"
    STOPPED = "stopped"
    OFFER_DISABLED = "offer-disabled"
    NOT_ACTIVATED = "not-activated"
    OFFER_DATES = "offer-dates"
    FILTER = "filter"
    OFFER_CONDITION = "offer-condition"
    OFFER_HISTORY = "offer-history"
    NO_WEIGHT = "no-weight"
    WEIGHT_ZERO = "weight-zero"
    NO_PRODUCT = "no-product"
    PRESENTATION_RULE = "presentation-rule"
    HOOK_DROPPED = "hook-dropped"
    REPEATED = "repeated"
    BEYOND_N = "beyond-n"
    NOT_RENDERED = "not-rendered"


class ReasonText(NamedTuple):
    """The step of domain.md §3 that checks a reason (0: none), when it applies, and its sentences.

    ``many`` is the sentence for many contacts, ``one`` the more detailed one for a single contact; names in braces are
    placeholders.
    """

    step: int
    condition: str
    many: str
    one: str = ""


REASONS: Mapping[ExclusionReason, ReasonText] = {
    ExclusionReason.NO_SPACE: ReasonText(
        0, "before or after a change, the space does not exist", "there is no such space"
    ),
    ExclusionReason.NO_OFFER: ReasonText(
        0, "before or after a change, the offer does not exist", "there is no such offer"
    ),
    ExclusionReason.ENVIRONMENT_CONDITION: ReasonText(
        2,
        "the environment's filter does not hold: nothing is proposed",
        "the environment's filter",
        "the environment's filter: {part}",
    ),
    ExclusionReason.NOT_IN_SLICE: ReasonText(
        3,
        "the call, or else the space's defaults, ask for other categories, themes or offers",
        "{asking} for other offers",
    ),
    ExclusionReason.CATEGORY_DISABLED: ReasonText(
        4, "its category or one above is disabled", "category “{category}” is disabled"
    ),
    ExclusionReason.CATEGORY_DATES: ReasonText(
        4,
        "today is outside the dates of its category or of one above",
        "category “{category}” is outside of its dates",
        "category “{category}” {period}",
    ),
    ExclusionReason.CATEGORY_CONDITION: ReasonText(
        4,
        "the condition of its category or of one above does not hold",
        "category “{category}”: {condition}",
        "category “{category}”: {part}",
    ),
    ExclusionReason.CATEGORY_HISTORY: ReasonText(
        4,
        "the contact has had fewer or more propositions than its category or one above asks for",
        "category “{category}”, the contact's history: {condition}",
        "category “{category}”, the contact's history: {part}",
    ),
    ExclusionReason.STOPPED: ReasonText(
        5,
        "it is stopped on this space: by its name, with its category, or with the space (`offerkit stop`)",
        "it is stopped: {why}",
    ),
    ExclusionReason.OFFER_DISABLED: ReasonText(5, "the offer is disabled", "it is disabled", "the offer is disabled"),
    ExclusionReason.NOT_ACTIVATED: ReasonText(
        5,
        "it is not live on this space, though perhaps on others",
        "it is not activated on {space}",
        "it is not activated on {space}{elsewhere}",
    ),
    ExclusionReason.OFFER_DATES: ReasonText(
        5, "today is outside its dates", "it is outside of its dates", "the offer {period}"
    ),
    ExclusionReason.FILTER: ReasonText(
        5, "one of its filters does not hold", "filter “{filter}”: {condition}", "filter “{filter}”: {part}"
    ),
    ExclusionReason.OFFER_CONDITION: ReasonText(
        5, "its condition does not hold", "the offer's condition: {condition}", "the offer's condition: {part}"
    ),
    ExclusionReason.OFFER_HISTORY: ReasonText(
        5,
        "the contact has had fewer or more propositions than the offer asks for",
        "the contact's history: {condition}",
        "the contact's history: {part}",
    ),
    ExclusionReason.NO_WEIGHT: ReasonText(
        6,
        "none of its weights holds now, here and for this contact",
        "no weight of it holds",
        "none of its weights holds{weights}",
    ),
    ExclusionReason.WEIGHT_ZERO: ReasonText(
        6,
        "the highest weight that holds, times the multipliers, is 0",
        "no weight of it is above 0 here and now",
        "its weight{multiplied} is 0",
    ),
    ExclusionReason.NO_PRODUCT: ReasonText(
        7, "its dynamic-offer hook finds no product", "its dynamic-offer hook “{hook}” found no product"
    ),
    ExclusionReason.PRESENTATION_RULE: ReasonText(
        8,
        "the contact has had as many propositions as a rule of the typology allows",
        "presentation rules",
        "rule “{rule}”: {count} of at most {most} counted",
    ),
    ExclusionReason.HOOK_DROPPED: ReasonText(
        10, "the space's post-processing hook takes it out", "the post-processing hook “{hook}” took it out"
    ),
    ExclusionReason.REPEATED: ReasonText(
        11, "another space of the same call proposes it", "another space of this call proposes it already"
    ),
    ExclusionReason.BEYOND_N: ReasonText(
        11,
        "others rank higher, and the call asks for no more",
        "others rank higher",
        "others rank higher, and {asked} asked for",
    ),
    ExclusionReason.NOT_RENDERED: ReasonText(12, "it cannot be rendered for this contact", "{problem}"),
}
"""Every reason, in the order of checking; the first that applies is reported."""

DECIDED = tuple(reason for reason, meaning in REASONS.items() if meaning.step)
"""The reasons that a decision can give and a case can expect. The others only arise when comparing two states."""

NOT_ELIGIBLE = "not-eligible"
"""The metrics' name for the reasons of steps 4 to 7, which only an explained decision distinguishes."""

_CONDITION = ": {condition}"


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason as it applies to many contacts: a sentence, and the address of the rule if it is a single one."""

    reason: ExclusionReason
    sentence: str
    address: FormerAddress = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason for one contact: its cause, a sentence with the contact's details, and the location of the rule.

    ``address`` and ``path`` lead to the rule (callers find its position in YAML). For a condition, ``text`` is the part
    that is not true, ``offset`` where that part begins in the condition, and ``values`` what it read.
    """

    cause: Cause
    sentence: str
    address: FormerAddress = ""
    path: Path = ()
    text: str = ""
    offset: int = 0
    values: tuple[tuple[str, Value], ...] = ()

    @property
    def reason(self) -> ExclusionReason:
        """The code."""
        return self.cause.reason

    @property
    def step(self) -> int:
        """The step of domain.md §3."""
        return REASONS[self.cause.reason].step


@dataclass(frozen=True, slots=True)
class Check:
    """One thing an offer must pass: a condition, or (``requirement`` None) something that no contact passes that day.

    ``many`` is the finding for many contacts.
    """

    many: Finding
    requirement: LocatedCondition | None = None
    subject: str = ""

    @property
    def cause(self) -> Cause:
        """The cause under which contacts are counted."""
        return self.many.cause

    def finding(self, facts: CallFacts) -> Finding:
        """The finding for the contact of ``facts``, who does not pass."""
        if self.requirement is None:
            return self.many
        return _unmet(self.cause, self.requirement, self.subject, facts)


def no_space() -> Cause:
    """When comparing two states: the space does not exist in one."""
    return _finding(ExclusionReason.NO_SPACE).cause


def no_offer() -> Cause:
    """When comparing two states: the offer does not exist in one."""
    return _finding(ExclusionReason.NO_OFFER).cause


def environment_check(when: LocatedCondition) -> Check:
    """Step 2."""
    return _condition(ExclusionReason.ENVIRONMENT_CONDITION, when)


def not_in_slice(space: CompiledSpace, *, called: bool) -> Finding:
    """Step 3. ``called``: the slice is that of the call, not that of the space's defaults."""
    if called:
        return _finding(ExclusionReason.NOT_IN_SLICE, asking="the call asks")
    return _finding(ExclusionReason.NOT_IN_SLICE, space.address, ("defaults",), asking="the space's defaults ask")


def checks(offer: CompiledOffer, space: CompiledSpace, today: date) -> Iterator[Check]:
    """The checks of steps 4 and 5, in order, without those that all pass; one that nobody passes is the last."""
    for category in offer.chain:
        name = {"category": category.path}
        if not category.enabled:
            yield Check(_finding(ExclusionReason.CATEGORY_DISABLED, category.address, ("enabled",), **name))
            return
        if not category.days.hold(today):
            period, path = _days(category.days, today)
            yield Check(_finding(ExclusionReason.CATEGORY_DATES, category.address, path, **name, period=period))
            return
        for requirement in category.requirements:
            counts = isinstance(requirement.condition, HistoryCondition)
            reason = ExclusionReason.CATEGORY_HISTORY if counts else ExclusionReason.CATEGORY_CONDITION
            yield _condition(reason, requirement, **name)
    if space.name in offer.stopped:
        yield Check(_finding(ExclusionReason.STOPPED, offer.address, why=offer.stopped[space.name]))
    elif not offer.enabled:
        yield Check(_finding(ExclusionReason.OFFER_DISABLED, offer.address, ("enabled",)))
    elif space.name not in offer.spaces:
        others = ", ".join(sorted(offer.spaces))
        elsewhere = f", only on {others}" if others else " or any other space"
        yield Check(_finding(ExclusionReason.NOT_ACTIVATED, offer.address, space=space.name, elsewhere=elsewhere))
    elif not offer.days.hold(today):
        period, path = _days(offer.days, today)
        yield Check(_finding(ExclusionReason.OFFER_DATES, *offer.where(path), period=period))
    else:
        for requirement in offer.requirements:
            reason = ExclusionReason.FILTER if requirement.name else ExclusionReason.OFFER_CONDITION
            if isinstance(requirement.condition, HistoryCondition):
                reason = ExclusionReason.OFFER_HISTORY
            yield _condition(reason, requirement, filter=requirement.name)


def no_weight(offer: CompiledOffer, notes: Sequence[str] = ()) -> Finding:
    """Step 6: no weight holds; ``notes`` say why (:func:`weight_notes`)."""
    weights = f": {'; '.join(notes)}" if notes else ""
    return _finding(ExclusionReason.NO_WEIGHT, *offer.where(("weights",)), weights=weights)


def weight_zero(weight: CompiledWeight) -> Finding:
    """Step 6: the highest weight that holds is 0, or a multiplier makes it 0."""
    number = weight.number is None or bool(weight.number)
    words = " times the multipliers" if number else ""
    return _finding(ExclusionReason.WEIGHT_ZERO, weight.address, weight.path, multiplied=words)


def no_product(weight: CompiledWeight) -> Finding:
    """Step 7."""
    return _finding(ExclusionReason.NO_PRODUCT, weight.address, (*weight.path, "dynamic"), hook=weight.dynamic)


def presentation_rule(rule: PresentationRule, count: int) -> Finding:
    """Step 8: the rule counts ``count`` propositions for the contact."""
    most = f"{rule.maximum} proposition{'' if rule.maximum == 1 else 's'}"
    return _finding(ExclusionReason.PRESENTATION_RULE, rule.address, ("max",), rule=rule.name, count=count, most=most)


def hook_dropped(space: CompiledSpace) -> Finding:
    """Step 10."""
    return _finding(
        ExclusionReason.HOOK_DROPPED, space.address, ("hooks", "post_processing"), hook=space.post_processing
    )


def repeated(offer: CompiledOffer) -> Finding:
    """Step 11."""
    return _finding(ExclusionReason.REPEATED, offer.address)


def beyond_n(offer: CompiledOffer, n: int) -> Finding:
    """Step 11: the call asks for ``n`` offers."""
    return _finding(ExclusionReason.BEYOND_N, offer.address, asked=f"{n} {'was' if n == 1 else 'were'}")


def not_rendered(address: FormerAddress, problem: str) -> Finding:
    """Step 12."""
    return _finding(ExclusionReason.NOT_RENDERED, address, problem=problem)


def cause_of(reason: ExclusionReason) -> Cause:
    """The cause of a reason that names no rule."""
    return Cause(reason, REASONS[reason].many)


_BY_MANY = (ExclusionReason.PRESENTATION_RULE, ExclusionReason.BEYOND_N)
"""Reasons whose rule differs between contacts."""


def _finding(reason: ExclusionReason, address: FormerAddress = "", path: Path = (), **names: object) -> Finding:
    meaning = REASONS[reason]
    many = meaning.many.format_map(names)
    cause = Cause(reason, many, "" if reason in _BY_MANY else address)
    return Finding(cause, meaning.one.format_map(names) if meaning.one else many, address, path)


def _condition(reason: ExclusionReason, requirement: LocatedCondition, **names: str) -> Check:
    many, condition = REASONS[reason].many, requirement.condition.expression
    subject = many.removesuffix(_CONDITION).format_map(names)
    if requirement.name and reason is not ExclusionReason.FILTER:
        subject = f"{subject}, filter “{requirement.name}”"
    if condition.problem:
        sentence = _unreadable(subject, requirement)
    else:
        sentence = (
            subject if many.removesuffix(_CONDITION) == many else f"{subject}: {' '.join(condition.text.split())}"
        )
    cause = Cause(reason, sentence, requirement.address)
    return Check(Finding(cause, sentence, requirement.address, requirement.path), requirement, subject)


def _unreadable(subject: str, requirement: LocatedCondition) -> str:
    return f"{subject} cannot be read, so it never holds: {requirement.condition.expression.problem}"


def _unmet(cause: Cause, requirement: LocatedCondition, subject: str, facts: CallFacts) -> Finding:
    """Why a condition does not hold: the part that is not true, and the values it read."""
    condition, (address, path) = requirement.condition.expression, (requirement.address, requirement.path)
    if condition.problem:
        return Finding(cause, _unreadable(subject, requirement), address, path, condition.text)
    if isinstance(requirement.condition, HistoryCondition):
        least, most, counted = (requirement.condition.least, requirement.condition.most, requirement.condition.counted)
        number = counted.number(facts)
        sentence = f"{subject}: {number} {counted.numbered(number)}; {limits_text(least, most)} asked for"
        return Finding(cause, sentence, address, path, condition.text, values=((counted.text, number),))
    part_result = failed_part(requirement.condition, facts)
    if part_result is None:  # each part is true but the whole is not; no known condition does this
        return Finding(cause, f"{subject} does not hold", address, path, condition.text)
    state = "is false" if part_result.result is False else "is unknown"
    read = ", ".join(f"{name} is {'unknown' if value is None else show(value)}" for name, value in part_result.values)
    part = f"{part_result.text} {state}" + (f" ({read})" if read else "")
    return Finding(cause, f"{subject}: {part}", address, path, part_result.text, part_result.offset, part_result.values)


def _days(days: Days, today: date) -> tuple[str, Path]:
    if days.first is not None and today < days.first:
        return f"begins on {days.first}; it is {today}", ("eligible", "from")
    return f"ended on {days.last}; it is {today}", ("eligible", "until")


def weight_notes(offer: CompiledOffer, space: CompiledSpace, memo: ConditionMemo) -> tuple[str, ...]:
    """Why each weight that does not hold for the contact of ``memo`` does not."""
    notes = (_weight_note(position, weight, space, memo) for position, weight in enumerate(offer.weights, 1))
    return tuple(filter(None, notes))


def _weight_note(position: int, weight: CompiledWeight, space: CompiledSpace, memo: ConditionMemo) -> str:
    name = f"weight {position}" + (f" ({weight.label})" if weight.label else "")
    if weight.spaces and space.name not in weight.spaces:
        return f"{name} is only for {', '.join(sorted(weight.spaces))}"
    if not weight.days.hold(memo.facts.today):
        return f"{name} {_days(weight.days, memo.facts.today)[0]}"
    for requirement in weight.requirements:
        if memo.value(requirement.condition) is not True:
            subject = f"{name}, filter “{requirement.name}”" if requirement.name else name
            return _unmet(cause_of(ExclusionReason.NO_WEIGHT), requirement, subject, memo.facts).sentence
    if weight.formula is None or formula_weight(value := memo.value(weight.formula)) is not None:
        return ""
    problem = weight.formula.expression.problem
    gave = f"cannot be read: {problem}" if problem else "is unknown" if value is None else f"gives {show(value)}"
    return f"{name}: its formula {gave}, so it does not hold"
