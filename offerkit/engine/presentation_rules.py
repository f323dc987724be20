"""Presentation rules (domain.md §3 step 8): what a contact was offered already decides what is left out.

A proposition counts from *now − before* to *now + after*, both ends included; a day is 24 hours. What another
space of the same call proposes does not count: it is not stored yet, and is never repeated anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from offerkit.address import ancestors
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import CallFacts
from offerkit.engine.history import PastProposition, RememberedHistory
from offerkit.engine.resources import CompiledOffer, PresentationRule
from offerkit.rules.types import Row

_INSTANT = timedelta(microseconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


class Moment(NamedTuple):
    """The proposition date (aware, UTC), and the space and its channel that are asked."""

    now: datetime
    space: str
    channel: str


class ReachedMaximum(NamedTuple):
    """A rule whose maximum is reached: for all offers it applies to (``total``), or for those of a name.

    ``place`` is the rule's in the catalog; ``by`` holds the counts that reached the maximum, by offer or category as
    the rule counts.
    """

    place: int
    rule: PresentationRule
    total: int
    by: Mapping[str, int]

    def count(self, offer: CompiledOffer) -> int:
        """How many propositions exclude ``offer``, if the rule applies to it; 0: it is not excluded."""
        match self.rule.of:
            case "offer":
                return self.by.get(offer.name, 0)
            case "category":
                return self.by.get(offer.category, 0)
            case _:
                return self.total


def matches(rule: PresentationRule, offer: Row, category: Row, now: datetime, today: date) -> bool:
    """Whether a rule is about an offer, given ``offer.<field>`` and ``category.<field>``.

    It is when the offer is named, is below a category named, or the condition holds; nothing said: all offers.
    """
    if rule.everything or offer["name"] in rule.offers:
        return True
    if rule.categories:
        path = category["path"]
        if isinstance(path, str) and not set(rule.categories).isdisjoint(ancestors(path)):
            return True
    when = rule.applies_when
    return when is not None and when.expression.evaluate(offer, category, now, today) is True


def category_row(catalog: Catalog, path: str) -> Row:
    """``category.<field>``; of a category that is not in the catalog only its path is known."""
    known = catalog.categories.get(path)
    return {"path": path, "label": known.label if known is not None else None}


def applied(catalog: Catalog, rule: PresentationRule, facts: CallFacts) -> frozenset[int]:
    """The places of the offers that the rule applies to."""
    if rule.applies is not None:
        return rule.applies
    return frozenset(
        offer.place
        for offer in catalog.offers
        if matches(rule, offer.row, category_row(catalog, offer.category), facts.now, facts.today)
    )


def reached(
    catalog: Catalog, place: int, moment: Moment, history: Sequence[PastProposition], facts: CallFacts
) -> ReachedMaximum | None:
    """The rule at ``place`` of the catalog, if it holds for this space and contact and its maximum is reached."""
    rule = catalog.rules[place]
    if rule.channel and rule.channel != moment.channel:
        return None
    over = reached_by(catalog, place, moment, history, facts)
    if over is not None and rule.contacts is not None and rule.contacts.condition.value(facts) is not True:
        return None
    return over


def reached_by(
    catalog: Catalog, place: int, moment: Moment, history: Sequence[PastProposition], facts: CallFacts
) -> ReachedMaximum | None:
    """The same, whatever channel is asked and whoever has this history: only propositions are looked at."""
    rule = catalog.rules[place]
    if len(history) < rule.maximum:
        return None
    counted = _counted(catalog, place, moment, history, facts)
    return _over(place, rule, counted) if len(counted) >= rule.maximum else None


def lasts(rule: PresentationRule, moment: Moment, history: Iterable[PastProposition]) -> datetime:
    """Until when (included) no proposition enters or leaves the period of a rule, if none is added."""
    since, until = moment.now - rule.before, moment.now + rule.after
    try:
        leave = [past.time + rule.before for past in history if since <= past.time <= until]
        enter = [past.time - rule.after - _INSTANT for past in history if past.time > until]
    except OverflowError:  # beyond the calendar
        return moment.now
    return min((*leave, *enter), default=_NEVER)


def _over(place: int, rule: PresentationRule, counted: Sequence[PastProposition]) -> ReachedMaximum | None:
    if rule.of not in ("offer", "category"):
        return ReachedMaximum(place, rule, len(counted), {})
    counts = Counter([past.offer for past in counted] if rule.of == "offer" else [past.category for past in counted])
    by = {name: count for name, count in counts.items() if count >= rule.maximum}
    return ReachedMaximum(place, rule, 0, by) if by else None


def _counted(
    catalog: Catalog, place: int, moment: Moment, history: Sequence[PastProposition], facts: CallFacts
) -> list[PastProposition]:
    rule = catalog.rules[place]
    if isinstance(history, RememberedHistory) and rule.steady:
        matching = history.matching(catalog, place, lambda pasts: _matching(catalog, place, pasts, facts))
        return _within(rule, moment, matching)
    return _matching(catalog, place, _within(rule, moment, history), facts)


def _within(rule: PresentationRule, moment: Moment, history: Iterable[PastProposition]) -> list[PastProposition]:
    """Those in the period of the rule, on its channels."""
    since, until = moment.now - rule.before, moment.now + rule.after
    found = [past for past in history if since <= past.time <= until]
    return [past for past in found if past.channel == moment.channel] if rule.same_channel else found


def _matching(
    catalog: Catalog, place: int, history: Sequence[PastProposition], facts: CallFacts
) -> list[PastProposition]:
    """Those that the rule counts, whenever they were made."""
    rule, found = catalog.rules[place], list(history)
    if found and rule.statuses:
        found = [past for past in found if past.status in rule.statuses]
    if found and rule.of == "applies-to":
        found = _about(catalog, place, found, facts)
    if found and rule.when is not None:
        evaluate = rule.when.expression.evaluate
        found = [past for past in found if evaluate(past.row(catalog.zone), facts.now, facts.today) is True]
    return found


def _about(catalog: Catalog, place: int, history: Sequence[PastProposition], facts: CallFacts) -> list[PastProposition]:
    """Those of ``history`` that the rule at ``place`` applies to."""
    pairs = {past[:2] for past in history}
    verdicts = catalog.about(place, pairs, lambda pair: about_pair(catalog, place, *pair, facts))
    return [past for past in history if verdicts[past[:2]]]


def about_pair(catalog: Catalog, place: int, offer: str, category: str, facts: CallFacts) -> bool:
    """Whether the rule at ``place`` applies to ``offer`` in the ``category`` that it had when it was proposed."""
    known = catalog.place_of.get(offer)
    said = catalog.offers[known].row if known is not None else {"code": None, "label": None}
    row = {**said, "name": offer, "category": category}
    return matches(catalog.rules[place], row, category_row(catalog, category), facts.now, facts.today)
