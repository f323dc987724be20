"""Presentation rules (domain.md §3 step 8): a contact's earlier propositions exclude offers.

A proposition counts from *now − before* to *now + after*, both ends included; a day is 24 hours. Offers that another
space of the same call proposes do not count: they are not stored yet, and are never repeated anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple, TypeVar

from offerkit.address import ancestors
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import CallFacts
from offerkit.engine.extra_data import stored_product_row, stored_row
from offerkit.engine.history import NEVER, PastProposition, RememberedHistory
from offerkit.engine.resources import CompiledOffer, PresentationRule
from offerkit.engine.weights import readable_weight
from offerkit.models.expression_scopes import APPLIES_TO_FIELDS
from offerkit.rules.types import Row
from offerkit.times import shift

L = TypeVar("L")
_INSTANT = timedelta(microseconds=1)
_GONE = dict.fromkeys(APPLIES_TO_FIELDS)
_NOTHING: Row = {}


class Moment(NamedTuple):
    """The proposition date (UTC), and the space of the call with its channel."""

    now: datetime
    space: str
    channel: str


class ReachedMaximum(NamedTuple):
    """A rule whose maximum is reached, for all offers it applies to (``total``) or by offer or category (``by``).

    ``position`` is the rule's in the catalog; ``by`` holds the counts that reached the maximum, by what the rule
    counts.
    """

    position: int
    rule: PresentationRule
    total: int
    by: Mapping[str, int]

    def count(self, offer: CompiledOffer) -> int:
        """The propositions that exclude ``offer``, if the rule applies to it; 0 if it is not excluded."""
        match self.rule.of:
            case "offer":
                return self.by.get(offer.name, 0)
            case "category":
                return self.by.get(offer.category, 0)
            case _:
                return self.total


def matches(rule: PresentationRule, offer: Row, category: Row, now: datetime, today: date) -> bool:
    """Whether a rule applies to an offer with these values of ``offer.<field>`` and ``category.<field>``.

    It does if it names the offer, one of its categories or its themes, or its condition holds; or if it has none of
    these.
    """
    if rule.everything or named(rule, offer, category):
        return True
    when = rule.applies_when
    return when is not None and when.expression.evaluate(offer, category, now, today) is True


def named(rule: PresentationRule, offer: Row, category: Row) -> bool:
    """Whether a rule names the offer, its theme or one of its categories."""
    if offer["name"] in rule.offers:
        return True
    path = category["path"]
    return isinstance(path, str) and bool(rule.categories) and not set(rule.categories).isdisjoint(ancestors(path))


def category_row(catalog: Catalog, path: str) -> Row:
    """The values of ``category.<field>``; for a category that is not in the catalog, only the path is known."""
    known = catalog.categories.get(path)
    return {"path": path, "label": known.label if known is not None else None}


def offer_row(offer: CompiledOffer, weight: Decimal | None = None) -> Row:
    """``offer.<field>`` where a rule applies: the most restrictive dates, all themes, the final weight."""
    periods = [offer.days, *(category.days for category in offer.chain)]
    return {
        **offer.row,
        "from": max((days.first for days in periods if days.first is not None), default=None),
        "until": min((days.last for days in periods if days.last is not None), default=None),
        "themes": tuple(sorted(offer.themes)),
        "weight": None if weight is None else readable_weight(weight),
    }


def applicable_offers(catalog: Catalog, rule: PresentationRule, facts: CallFacts) -> frozenset[int]:
    """The positions of the offers that the rule applies to; if it applies by weight, of all (:func:`applies_at`)."""
    if rule.applies is not None:
        return rule.applies
    if rule.weighs:
        return frozenset(range(len(catalog.offers)))
    return frozenset(
        offer.position
        for offer in catalog.offers
        if matches(rule, offer_row(offer), category_row(catalog, offer.category), facts.now, facts.today)
    )


def applies_at(
    catalog: Catalog, rule: PresentationRule, offer: CompiledOffer, weight: Decimal, facts: CallFacts
) -> bool:
    """Whether a rule that applies by weight applies to ``offer`` with its final weight for the contact."""
    row, category = offer_row(offer, weight), category_row(catalog, offer.category)
    return matches(rule, row, category, facts.now, facts.today)


def reached(
    catalog: Catalog, position: int, moment: Moment, history: Sequence[PastProposition], facts: CallFacts
) -> ReachedMaximum | None:
    """The rule at ``position`` in the catalog, if it applies to this space and contact and its maximum is reached."""
    rule = catalog.rules[position]
    if rule.channel and rule.channel != moment.channel:
        return None
    result = reached_by(catalog, position, moment, history, facts)
    if result is not None and rule.contacts is not None and rule.contacts.condition.value(facts) is not True:
        return None
    return result


def reached_by(
    catalog: Catalog, position: int, moment: Moment, history: Sequence[PastProposition], facts: CallFacts
) -> ReachedMaximum | None:
    """Like :func:`reached`, for any channel and any contact with this history: only propositions are considered."""
    rule = catalog.rules[position]
    if len(history) < rule.maximum:
        return None
    return _over(position, rule, _counted(catalog, position, moment, history, facts))


def reached_with(
    catalog: Catalog,
    position: int,
    moment: Moment,
    history: RememberedHistory[L],
    facts: CallFacts,
    added: Sequence[PastProposition],
) -> ReachedMaximum | None:
    """What a steady rule excludes because of ``added``, the end of ``history``, besides what it did without.

    It looks at few other propositions: those of the same offer or category, where there are enough of them.
    """
    rule = catalog.rules[position]
    known = history.names.get(rule.of)
    if known is None:
        return reached_by(catalog, position, moment, history, facts)
    name_of = attrgetter(rule.of)
    often = {name for name in map(name_of, added) if known.count(name) >= rule.maximum}
    if not often:
        return None
    if rule.selects:
        pasts = [past for past in _remembered(catalog, position, history, facts) if name_of(past) in often]
    else:
        pasts = history.named(rule.of, often)
    return _over(position, rule, _within(rule, moment, pasts))


def all_last(catalog: Catalog, moment: Moment, added: Sequence[PastProposition]) -> datetime:
    """An instant before any of ``added`` enters or leaves the period of any rule."""
    times = [past.time for past in added]
    if shift(moment.now, -catalog.shortest_period) <= min(times) and max(times) <= moment.now:
        return shift(min(times), catalog.shortest_period)
    return min(lasts(rule, moment, added) for rule in catalog.rules)


def lasts(rule: PresentationRule, moment: Moment, history: Iterable[PastProposition]) -> datetime:
    """The last instant before a proposition enters or leaves the period of a rule, if none is added."""
    since, until = _period(rule, moment.now)
    try:
        leave = [past.time + rule.before for past in history if since <= past.time <= until]
        enter = [past.time - rule.after - _INSTANT for past in history if past.time > until]
    except OverflowError:  # beyond the calendar
        return moment.now
    return min((*leave, *enter), default=NEVER)


def counted_by_rules(
    catalog: Catalog, moment: Moment, history: Sequence[PastProposition], facts: CallFacts
) -> list[PastProposition]:
    """The propositions that a rule counts for a call at ``moment``; all others could be missing."""
    counted = {
        id(past)
        for position, rule in enumerate(catalog.rules)
        if rule.channel in ("", moment.channel)
        for past in _counted(catalog, position, moment, history, facts)
    }
    return [past for past in history if id(past) in counted]


def counted_for(
    catalog: Catalog,
    position: int,
    moment: Moment,
    history: Sequence[PastProposition],
    facts: CallFacts,
    offer: CompiledOffer,
) -> int:
    """How many propositions the rule at ``position`` holds against ``offer``, whether its maximum is reached or not."""
    rule, counted = catalog.rules[position], _counted(catalog, position, moment, history, facts)
    match rule.of:
        case "offer":
            return sum(past.offer == offer.name for past in counted)
        case "category":
            return sum(past.category == offer.category for past in counted)
        case _:
            return len(counted)


def _over(position: int, rule: PresentationRule, counted: Sequence[PastProposition]) -> ReachedMaximum | None:
    if len(counted) < rule.maximum:
        return None
    if rule.of not in ("offer", "category"):
        return ReachedMaximum(position, rule, len(counted), {})
    names = [past.offer for past in counted] if rule.of == "offer" else [past.category for past in counted]
    if len(names) - len(set(names)) < rule.maximum - 1:  # as is usual: none of them is there so often
        return None
    by = {name: count for name, count in Counter(names).items() if count >= rule.maximum}
    return ReachedMaximum(position, rule, 0, by) if by else None


def _counted(
    catalog: Catalog, position: int, moment: Moment, history: Sequence[PastProposition], facts: CallFacts
) -> list[PastProposition]:
    rule = catalog.rules[position]
    if isinstance(history, RememberedHistory) and rule.steady:
        return _within(rule, moment, _remembered(catalog, position, history, facts))
    return _matching(catalog, position, _within(rule, moment, history), facts)


def _remembered(
    catalog: Catalog, position: int, history: RememberedHistory[L], facts: CallFacts
) -> Sequence[PastProposition]:
    if not catalog.rules[position].selects:
        return history
    return history.matching(catalog, position, lambda pasts: _matching(catalog, position, pasts, facts))


def _period(rule: PresentationRule, now: datetime) -> tuple[datetime, datetime]:
    """The first and the last instant of the rule's period around ``now``, within the calendar."""
    try:
        return now - rule.before, now + rule.after
    except OverflowError:
        return shift(now, -rule.before), shift(now, rule.after)


def _within(rule: PresentationRule, moment: Moment, history: Iterable[PastProposition]) -> list[PastProposition]:
    """The propositions in the period of the rule, on its channels."""
    since, until = _period(rule, moment.now)
    in_period = [past for past in history if since <= past.time <= until]
    return [past for past in in_period if past.channel == moment.channel] if rule.same_channel else in_period


def _matching(
    catalog: Catalog, position: int, history: Sequence[PastProposition], facts: CallFacts
) -> list[PastProposition]:
    """The propositions that the rule counts, whatever their time."""
    rule = catalog.rules[position]
    matching = [past for past in history if not rule.statuses or past.status in rule.statuses]
    if matching and rule.of == "applies-to":
        matching = _about(catalog, position, matching, facts)
    if matching and rule.when is not None:
        evaluate, zone, own = rule.when.expression.evaluate, catalog.zone, catalog.zone if rule.reads_time else None
        matching = [
            past
            for past in matching
            if evaluate(
                past.row(own),
                stored_row(rule.stored, past.stored, zone) if rule.stored else _NOTHING,
                stored_product_row(catalog, past.product),
                facts.now,
                facts.today,
            )
            is True
        ]
    return matching


def _about(
    catalog: Catalog, position: int, history: Sequence[PastProposition], facts: CallFacts
) -> list[PastProposition]:
    """The propositions in ``history`` that the rule at ``position`` applies to."""
    if catalog.rules[position].weighs:
        return [
            past
            for past in history
            if about_pair(catalog, position, past.offer, past.category, facts, readable_weight(past.weight))
        ]
    pairs = {past[:2] for past in history}
    applies_to = catalog.about(position, pairs, lambda pair: about_pair(catalog, position, *pair, facts))
    return [past for past in history if applies_to[past[:2]]]


def about_pair(
    catalog: Catalog, position: int, offer: str, category: str, facts: CallFacts, weight: Decimal | None = None
) -> bool:
    """Whether the rule at ``position`` applies to ``offer`` in the ``category`` it had when it was proposed.

    ``weight`` is the one it was proposed with, for a rule that applies by weight. Everything else is as it is now;
    of an offer that is gone, it is unknown.
    """
    rule, place = catalog.rules[position], catalog.position_of.get(offer)
    row = offer_row(catalog.offers[place]) if place is not None else {**_GONE, **catalog.no_offer}
    row = {**row, "name": offer, "category": category, "weight": weight}
    return matches(rule, row, category_row(catalog, category), facts.now, facts.today)
