"""What policies read of an offer: the effective values, with everything the offer inherits (docs/policies.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from offerkit.governance.bound_reads import offer_field_reads
from offerkit.governance.withdrawals import switched_off_by
from offerkit.models.policy_names import decimal
from offerkit.rules.types import FieldType, Value
from offerkit.rules.values import typed_fields
from offerkit.state.effective import EffectiveOffer, filters_of, merged
from offerkit.state.snapshot import Snapshot


class DeclaredFields(NamedTuple):
    """The fields that an environment declares for its offers, with their types, where a policy is written."""

    types: tuple[tuple[str, FieldType], ...] = ()
    zone: ZoneInfo = ZoneInfo("UTC")


def declared_fields_of(view: Snapshot, environment: str) -> DeclaredFields:
    """The fields that ``environment`` declares in ``view``."""
    reads = offer_field_reads(view, environment)
    return DeclaredFields(tuple(sorted(reads.types.items())), reads.zone) if reads is not None else DeclaredFields()


def offer_values(
    view: Snapshot, offer: EffectiveOffer, names: Iterable[str], declared: DeclaredFields
) -> dict[str, Value]:
    """The values of ``names``; of a declared field by the type that it has for the policy, None if it does not fit."""
    wanted = tuple(names)
    types = {name: type_ for name, type_ in declared.types if name in wanted and name not in _OFFER_READERS}
    given = typed_fields(offer.fields, types, declared.zone)
    return {name: given[name] if name in given else _OFFER_READERS[name](view, offer) for name in wanted}


def _text(*path: str) -> Callable[[Snapshot, EffectiveOffer], Value]:
    def read(view: Snapshot, offer: EffectiveOffer) -> Value:
        result = offer.get(*path)
        return result if isinstance(result, str) else ""

    return read


def _days(offer: EffectiveOffer, end: str) -> Iterator[date]:
    """The days at one end (``from`` or ``until``) of the offer's period and of its categories' periods; all apply."""
    bodies = [offer.get("eligible"), *(layer.body.get("eligible") for layer in offer.categories)]
    for eligible in bodies:
        day = eligible.get(end) if isinstance(eligible, dict) else None
        if isinstance(day, str):
            yield date.fromisoformat(day)


def _conditions(view: Snapshot, offer: EffectiveOffer) -> Value:
    """The conditions on the contact, the offer's own and its categories', joined by ``and``."""
    conditions = [offer.get("eligible", "when")]
    for layer in offer.categories:
        eligible = layer.body.get("eligible")
        conditions.append(eligible.get("when") if isinstance(eligible, dict) else None)
    texts = [text for text in conditions if isinstance(text, str)]
    return " and ".join(f"({text})" for text in texts) if len(texts) > 1 else next(iter(texts), None)


def _weight(view: Snapshot, offer: EffectiveOffer) -> Value:
    """The highest weight; unknown if there is a formula, which could be higher."""
    declared = offer.get("weights")
    weights = [weight for weight in (declared if isinstance(declared, list) else ()) if isinstance(weight, dict)]
    if not weights:
        return decimal(Decimal(1))
    numbers = [Decimal(str(weight["weight"])) for weight in weights if weight.get("weight") is not None]
    return decimal(max(numbers)) if len(numbers) == len(weights) else None


def _multiplier(view: Snapshot, offer: EffectiveOffer) -> Value:
    """The product of the multipliers of its categories."""
    product = Decimal(1)
    for layer in offer.categories:
        multiplier = layer.body.get("multiplier")
        if isinstance(multiplier, dict) and multiplier.get("factor") is not None:
            product *= Decimal(str(multiplier["factor"]))
    return decimal(product)


def _content(view: Snapshot, offer: EffectiveOffer) -> Value:
    result = {name for space in offer.shown_on for name in offer.content(space)}
    common = merged(offer.template.defaults or {}, offer.own).get("content")
    return tuple(sorted(result | (common.keys() if isinstance(common, dict) else set())))


def _above(offer: EffectiveOffer) -> Iterator[str]:
    """The filters of its categories."""
    return (name for layer in offer.categories for name in filters_of(layer.body))


_OFFER_READERS: dict[str, Callable[[Snapshot, EffectiveOffer], Value]] = {
    "name": lambda view, offer: offer.address.name,
    "code": lambda view, offer: _text("code")(view, offer) or offer.address.name,
    "label": _text("label"),
    "description": _text("description"),
    "category": lambda view, offer: offer.category,
    "template": lambda view, offer: str(offer.own["template"]) if offer.own.get("template") else None,
    "enabled": lambda view, offer: not switched_off_by(view, offer.address),
    "protected": lambda view, offer: offer.own.get("protected") is True,
    "from": lambda view, offer: max(_days(offer, "from"), default=None),
    "until": lambda view, offer: min(_days(offer, "until"), default=None),
    "when": _conditions,
    "filters": lambda view, offer: tuple(sorted((*offer.filters, *_above(offer)))),
    "themes": lambda view, offer: tuple(sorted(offer.themes)),
    "spaces": lambda view, offer: offer.shown_on,
    "content": _content,
    "weight": _weight,
    "multiplier": _multiplier,
    "content_reviewers": lambda view, offer: tuple(sorted(offer.reviewers("content"))),
    "eligibility_reviewers": lambda view, offer: tuple(sorted(offer.reviewers("eligibility"))),
}
