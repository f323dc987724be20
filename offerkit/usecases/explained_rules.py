"""The rules that decided about an offer for one contact, with what they read and gave as far as it is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import BoundCondition, CallFacts, facts_at
from offerkit.engine.contact_history import HistoryCondition
from offerkit.engine.explained import PastRule
from offerkit.engine.history import PastProposition
from offerkit.engine.presentation_rules import Moment, applies_at, counted_for
from offerkit.engine.resources import CompiledOffer, CompiledWeight, Days, LocatedCondition, PresentationRule
from offerkit.engine.weights import applicable_weights
from offerkit.fingerprint import path_text
from offerkit.rules.values import show


class RuleMoment(NamedTuple):
    """A decision: when (UTC), on which space, with which final weight of the offer.

    ``facts``: what it read; None without evidence. ``history``: the propositions that were counted.
    """

    now: datetime
    space: str
    weight: Decimal
    facts: CallFacts | None
    history: Sequence[PastProposition]


def rules_of(catalog: Catalog, offer: CompiledOffer, moment: RuleMoment) -> Iterator[PastRule]:
    """Everything that decided about ``offer``, in the order of deciding."""
    facts = moment.facts
    today = facts_at(moment.now, catalog.zone, catalog.nobody, catalog.no_data).today
    for requirement in catalog.requirements:
        yield _condition("environment", requirement, facts)
    for category in offer.chain:
        if (dates := _dates(category.days)) != "":
            yield PastRule("category", f"{category.address} › eligible", dates)
        for requirement in category.requirements:
            yield _condition("category", requirement, facts)
    if (dates := _dates(offer.days)) != "":
        yield PastRule("offer", f"{offer.address} › eligible", dates)
    for requirement in offer.requirements:
        yield _condition("offer", requirement, facts)
    for weight in applicable_weights(offer, moment.space, today):
        yield from _weight(weight, facts)
    for path, factor in offer.factors(today):
        yield PastRule("weight", f"{catalog.categories[path].address} › multiplier", f"times {show(factor)}")
    yield from _presentation_rules(catalog, offer, moment)


def _condition(part: str, requirement: LocatedCondition, facts: CallFacts | None) -> PastRule:
    condition, where = requirement.condition, _where(requirement.address, requirement.path)
    text = " ".join(condition.expression.text.split())
    if facts is None:
        return PastRule(part, where, text)
    if isinstance(condition, HistoryCondition):
        counted = {"counted": str(condition.counted.number(facts))}
        return PastRule(part, where, text, _result(condition.value(facts)), counted)
    return PastRule(part, where, text, _result(condition.value(facts)), _read(condition, facts))


def _weight(weight: CompiledWeight, facts: CallFacts | None) -> Iterator[PastRule]:
    where = _where(weight.address, weight.path)
    label = f" ({weight.label})" if weight.label else ""
    if weight.formula is not None:
        text, formula = " ".join(weight.formula.expression.text.split()), weight.formula
        if facts is None:
            yield PastRule("weight", where, f"formula{label}: {text}")
        else:
            value = formula.value(facts)
            result = "unknown" if value is None else show(value)
            yield PastRule("weight", where, f"formula{label}: {text}", result, _read(formula, facts))
    else:
        yield PastRule("weight", where, f"weight{label} {show(weight.value)}")
    for requirement in weight.requirements:
        yield _condition("weight", requirement, facts)


def _presentation_rules(catalog: Catalog, offer: CompiledOffer, moment: RuleMoment) -> Iterator[PastRule]:
    channel = catalog.spaces[moment.space].channel if moment.space in catalog.spaces else ""
    here = Moment(moment.now, moment.space, channel)
    facts = moment.facts or facts_at(moment.now, catalog.zone, catalog.nobody, catalog.no_data)
    for position, rule in enumerate(catalog.rules):
        if rule.channel not in ("", channel) or not applies_at(catalog, rule, offer, moment.weight, facts):
            continue
        result = ""
        if moment.facts is not None:
            number = counted_for(catalog, position, here, moment.history, facts, offer)
            result = f"{number} counted"
            if rule.contacts is not None and rule.contacts.condition.value(facts) is not True:
                result = "not for this contact"
        yield PastRule("presentation rule", rule.address, _limit(rule), result)


def _limit(rule: PresentationRule) -> str:
    counted = {"offer": "of the offer", "category": "of its category", "applies-to": "of what the rule applies to"}
    of = counted.get(rule.of, "of all offers")
    status = f", {' or '.join(sorted(rule.statuses))}" if rule.statuses else ""
    after = f" and {_span(rule.after.total_seconds())} after" if rule.after else ""
    number = f"fewer than {rule.maximum:,}" if rule.maximum > 1 else "no"
    return f"{number} propositions {of}{status}, in {_span(rule.before.total_seconds())} before{after}"


def _span(seconds: float) -> str:
    days, hours = divmod(round(seconds / 3600), 24)
    return " ".join(filter(None, [f"{days}d" if days or not hours else "", f"{hours}h" if hours else ""]))


def _dates(days: Days) -> str:
    limits = (("from", days.first), ("until", days.last))
    return " ".join(f"{word} {day}" for word, day in limits if day is not None)


def _read(condition: BoundCondition, facts: CallFacts) -> dict[str, str]:
    checked = condition.expression.checked
    if checked is None:
        return {}
    rows = condition.rows(facts)
    values = ((f"{space}.{name}", rows[space].get(name)) for space, name in checked.fields)
    return {name: "unknown" if value is None else show(value) for name, value in values}


def _result(value: object) -> str:
    return "holds" if value is True else "does not hold"


def _where(address: str, path: Sequence[str | int]) -> str:
    return f"{address} › {path_text(path)}" if path else address
