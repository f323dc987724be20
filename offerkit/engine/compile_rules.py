"""Compiles presentation rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from offerkit.engine.durations import duration
from offerkit.engine.expressions import Expressions
from offerkit.engine.presentation import matches
from offerkit.engine.resources import Category, Offer, PresentationRule, Requirement
from offerkit.fingerprint import JsonMap
from offerkit.models.rule import Rule

_STATUSES = {
    "any": frozenset[str](),
    "accepted-or-rejected": frozenset({"accepted", "rejected"}),
    "accepted": frozenset({"accepted"}),
    "rejected": frozenset({"rejected"}),
}
_ANY_TIME = datetime(2000, 1, 1)
"""For conditions that do not ask for the time."""


def compile_rule(
    address: str, body: JsonMap, offers: Sequence[Offer], categories: Mapping[str, Category], expressions: Expressions
) -> PresentationRule:
    """The rule at ``address``, with the offers it applies to unless that depends on the clock."""
    model = Rule.model_validate(body)
    about = model.applies_to
    contacts = None
    if model.contacts is not None:
        gate = expressions.target(model.contacts, address, ("contacts",))
        contacts = Requirement(gate, address, ("contacts",))
    rule = PresentationRule(
        name=address.rpartition(".")[2],
        address=address,
        channel=model.channel or "",
        everything=not (about.offers or about.categories or about.when is not None),
        offers=frozenset(about.offers),
        categories=about.categories,
        applies_when=expressions.applies_to(about.when, address) if about.when is not None else None,
        applies=None,
        contacts=contacts,
        of=model.counted.of,
        statuses=_STATUSES[model.counted.status],
        same_channel=model.counted.same_channel,
        when=expressions.counted(model.counted.when, address) if model.counted.when is not None else None,
        before=duration(model.period.before),
        after=duration(model.period.after),
        maximum=model.max,
    )
    if rule.applies_when is not None and rule.applies_when.uses_clock:
        return rule
    labels = {path: category.label for path, category in categories.items()}
    places = (
        offer.place
        for offer in offers
        if matches(
            rule,
            offer.row,
            {"path": offer.category, "label": labels.get(offer.category)},
            _ANY_TIME,
            _ANY_TIME.date(),
        )
    )
    return replace(rule, applies=frozenset(places))
