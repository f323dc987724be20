"""What refers to a resource: by name, and for an offer also what reaches it by its category, its themes or its kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from offerkit.address import Address, Kind, ancestors
from offerkit.fingerprint import Json, JsonMap, JsonPath, json_map
from offerkit.models import model_of
from offerkit.models.campaign import Campaign, SpaceOffers
from offerkit.models.policy import STEP
from offerkit.state.effective import EffectiveOffer, names_in
from offerkit.state.references import implied, resource_refs
from offerkit.state.snapshot import Snapshot

NAMES_IT = "names it"
"""How a resource refers to another by its name."""


class Referrer(NamedTuple):
    """A resource that refers to another, where in its body (empty: it lies below it), and in which way."""

    address: Address
    path: JsonPath
    way: str


def referrers(view: Snapshot, address: Address) -> list[Referrer]:
    """Everything in ``view`` that refers to ``address``, ordered by kind and name."""
    found = list(_by_name(view, address))
    if address.kind is Kind.OFFER and address in view.entries:
        offer = view.offer(address)
        named = {referrer.address for referrer in found}
        found += [each for each in _by_rules(view, offer) if each.address not in named]
        found += _by_deliveries(view, offer)
    if address.kind is Kind.SPACE:
        named = {referrer.address for referrer in found}
        offers = [each for each in view.of_kind(Kind.OFFER, address.environment) if each not in named]
        found += [Referrer(each, (), "is shown on it") for each in offers if address.name in view.offer(each).shown_on]
    found += _in_cases(view, address)
    found += _policies(view, address)
    return sorted(dict.fromkeys(found), key=lambda each: (each.address.sort_key, list(map(str, each.path))))


def _by_name(view: Snapshot, address: Address) -> Iterator[Referrer]:
    """Only bodies that contain the name are read: a stage can have a hundred thousand."""
    word = f'"{address.name}"'
    other = f'"{address.environment}/{address.name}"'
    for user, entry in view.entries.items():
        if user == address:
            continue
        if address.kind is Kind.CATEGORY and address in implied(user):
            yield Referrer(user, (), "is below it")
        text = view.bodies[entry.fingerprint].text
        if word not in text and other not in text:
            continue
        resource = model_of(user.kind).model_validate(view(user))
        for target, path in resource_refs(user, resource):
            if target == address and path:
                yield Referrer(user, path, NAMES_IT)


def _by_rules(view: Snapshot, offer: EffectiveOffer) -> Iterator[Referrer]:
    """The rules that apply to an offer without its name."""
    environment = offer.address.environment
    for address in view.of_kind(Kind.RULE, environment):
        applies_to = json_map((view(address) or {}).get("applies_to"))
        for way in _ways(offer, applies_to):
            yield Referrer(address, ("applies_to",), way)


def _ways(offer: EffectiveOffer, chosen: JsonMap) -> Iterator[str]:
    """How a rule applies to an offer: by category, by theme or by condition (one is enough), or to any offer."""
    above = set(ancestors(offer.category))
    yield from (f"applies to the category {path}" for path in names_in(chosen, "categories") if path in above)
    yield from (f"applies to the theme {theme}" for theme in names_in(chosen, "themes") if theme in offer.themes)
    if isinstance(condition := chosen.get("when"), str):
        yield f"applies to offers for which: {condition}"
    if not any(chosen.get(key) for key in ("offers", "categories", "themes", "when")):
        yield "applies to all offers"


def _by_deliveries(view: Snapshot, offer: EffectiveOffer) -> Iterator[Referrer]:
    """The deliveries that send an offer with an outline, or let the engine choose where it can be chosen."""
    for address in view.of_kind(Kind.CAMPAIGN, offer.address.environment):
        campaign = Campaign.model_validate(view(address))
        for name, delivery in campaign.deliveries.items():
            for path, part in delivery.part_paths():
                here = ("deliveries", name, *path)
                outline = campaign.outlines.get(part.outline or "")
                if outline is not None and offer.address.name in outline.offers:
                    yield Referrer(address, (*here, "outline"), f"sends the outline {part.outline}")
                if part.engine is not None and part.where in offer.shown_on and (way := _choice(view, offer, part)):
                    yield Referrer(address, (*here, "engine"), way)


def _choice(view: Snapshot, offer: EffectiveOffer, part: SpaceOffers) -> str:
    """From what the engine chooses an offer, if it can; of categories and of themes, both must be met."""
    assert part.engine is not None
    space = view(offer.address.beside(Kind.SPACE, part.where)) or {}
    categories, themes = part.engine.categories, part.engine.themes
    if not categories and not themes:
        categories, themes = (names_in(space, "defaults", key) for key in ("categories", "themes"))
    if not categories and not themes:
        return "lets the engine choose from the whole catalog"
    above = set(ancestors(offer.category))
    met = [[path for path in categories if path in above], [theme for theme in themes if theme in offer.themes]]
    if all(found or not asked for found, asked in zip(met, (categories, themes), strict=True)):
        words = [f"{word} {', '.join(found)}" for word, found in zip(("category", "theme"), met, strict=True) if found]
        return f"lets the engine choose by {' and '.join(words)}"
    return "lets the engine choose what is always included" if offer.around.always_included(offer.category) else ""


def _in_cases(view: Snapshot, address: Address) -> Iterator[Referrer]:
    """The decision cases that expect an offer, or expect it to be left out."""
    if address.kind is not Kind.OFFER:
        return
    for cases in view.of_kind(Kind.CASES, address.environment):
        if f'"{address.name}"' not in view.bodies[view.entries[cases].fingerprint].text:
            continue
        body = view(cases) or {}
        if address.name in json_map(body.get("activated")):
            yield Referrer(cases, ("activated",), "assumes where it is live")
        for name, case in json_map(body.get("cases")).items():
            if _mentions(json_map(case).get("expect"), address.name):
                yield Referrer(cases, ("cases", name), "expects a result for it")


def _mentions(value: Json, name: str) -> bool:
    if isinstance(value, dict):
        return name in value or any(_mentions(each, name) for each in value.values())
    if isinstance(value, list):
        return any(_mentions(each, name) for each in value)
    return value == name


def _policies(view: Snapshot, address: Address) -> Iterator[Referrer]:
    for policy in view.of_kind(Kind.POLICY, address.environment):
        kinds = names_in(view(policy), "applies_to") or (Kind.OFFER.value,)
        if address.kind.value in kinds:
            yield Referrer(policy, ("applies_to",), f"applies to every {address.kind.value}")
        elif STEP in kinds:
            yield Referrer(policy, ("applies_to",), "applies to every change")
