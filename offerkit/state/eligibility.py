"""An offer's complete eligibility: every condition that applies to it, and where each comes from.

These are the environment's condition and filters; the dates, conditions, filters and multipliers of all its categories;
the filters that the offer, a template or a weight uses; and its own conditions (domain.md §2). This is for readers;
approvals are bound to :mod:`offerkit.governance.aspects`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from offerkit.address import Address, Kind, environment_address
from offerkit.fingerprint import JsonMap, json_map
from offerkit.state.changes import Change
from offerkit.state.effective import EffectiveOffer, Inheritance, filter_uses
from offerkit.state.snapshot import Snapshot

if TYPE_CHECKING:
    from offerkit.fingerprint import Json
else:
    Json = object  # pydantic, which reads conditions back for a comment, cannot follow an alias that contains itself

_INHERITED_KINDS = (Kind.CATEGORY, Kind.FILTER, Kind.TEMPLATE, Kind.ENVIRONMENT)
"""The kinds whose changes affect offers that do not change themselves."""


class Condition(NamedTuple):
    """One part of an eligibility, and the address it comes from.

    ``part``: ``when``, ``history``, ``from``, ``until``, ``filter``, ``enabled``, ``multiplier``, ``weights``,
    ``themes`` or ``time_zone``. ``value``: as in the body; for a filter, its condition and parameter values.
    """

    part: str
    value: Json
    origin: Address


class AffectedOffers(NamedTuple):
    """Offers that lose and gain the same conditions because of changes elsewhere; addresses as after the change."""

    gone: tuple[Condition, ...]
    come: tuple[Condition, ...]
    offers: tuple[Address, ...]


def eligibility(view: Snapshot, address: Address) -> tuple[Condition, ...]:
    """The conditions on the offer at ``address``, outermost first. Raises KeyError if there is no offer."""
    return tuple(_conditions(view, view.offer(address)))


def _conditions(view: Snapshot, offer: EffectiveOffer) -> Iterator[Condition]:
    environment_at = environment_address(offer.address.environment)
    environment = view(environment_at) or {}
    yield from _own_conditions(environment, environment_at, ("time_zone", "when"))
    yield from _filters(offer.around, environment.get("filters"))
    for layer in offer.categories:
        own = json_map(layer.body.get("eligible"))
        yield from _own_conditions(layer.body, layer.address, ("enabled",))
        yield from _own_conditions(own, layer.address, ("from", "until", "when", "history"))
        yield from _filters(offer.around, own.get("filters"))
        yield from _own_conditions(layer.body, layer.address, ("multiplier", "themes"))
    yield from _own_conditions(offer.own, offer.address, ("enabled",))
    for part in ("from", "until"):
        value = offer.get("eligible", part)
        if value is not None:
            yield Condition(part, value, offer.origin(("eligible", part)))
    yield from _filters(offer.around, offer.get("eligible", "filters"))
    weights = offer.get("weights")
    for weight in weights if isinstance(weights, list) else ():
        yield from _filters(offer.around, json_map(weight).get("filters"))
    for path in (("eligible", "when"), ("eligible", "history"), ("weights",), ("themes",)):
        value = offer.get(*path)
        if value is not None:
            yield Condition(path[-1], value, offer.origin(path))


def _own_conditions(body: JsonMap, address: Address, parts: Iterable[str]) -> Iterator[Condition]:
    for part in parts:
        if part in body:
            yield Condition(part, body[part], address)


def _filters(around: Inheritance, uses: Json) -> Iterator[Condition]:
    return (_filter(around, use) for use in filter_uses(uses))


def _filter(around: Inheritance, use: JsonMap) -> Condition:
    address, body = around.filter(str(use.get("filter")))
    declared = json_map((body or {}).get("parameters"))
    defaults = {
        name: json_map(declaration)["default"]
        for name, declaration in declared.items()
        if "default" in json_map(declaration)
    }
    arguments = {**defaults, **json_map(use.get("with"))}
    value: JsonMap = {"filter": str(use.get("filter")), "when": (body or {}).get("when")}
    return Condition("filter", {**value, "with": arguments} if arguments else value, address)


def affected_offers(before: Snapshot, after: Snapshot, changes: Iterable[Change]) -> list[AffectedOffers]:
    """The offers in both states whose eligibility changes because of other resources, grouped by effect.

    ``changes`` lead from ``before`` to ``after``. An offer's own conditions are left out; those of a category it is
    moved to are not. The largest groups come first.
    """
    change_list = list(changes)
    renames = {change.moved_from: change.address for change in change_list if change.moved_from}
    former = {new: old for old, new in renames.items()}
    groups: dict[tuple[str, str], AffectedOffers] = {}
    for offer in _candidates(after, change_list):
        old = former.get(offer, offer)
        if old not in before.entries:
            continue
        was = [_renamed(condition, renames) for condition in eligibility(before, old)]
        new_conditions = eligibility(after, offer)
        lost = tuple(item for item in was if item not in new_conditions and item.origin != offer)
        gained = tuple(item for item in new_conditions if item not in was and item.origin != offer)
        if lost or gained:
            key = repr(lost), repr(gained)
            known = groups.get(key, AffectedOffers(lost, gained, ()))
            groups[key] = known._replace(offers=(*known.offers, offer))
    return sorted(groups.values(), key=lambda group: (-len(group.offers), group.offers))


def _candidates(after: Snapshot, changes: list[Change]) -> Iterator[Address]:
    """The offers in the new state that change, or depend on something that changed."""
    inherited_changes = {address for change in changes for address in (change.address, change.moved_from) if address}
    inherited_changes = {address for address in inherited_changes if address.kind in _INHERITED_KINDS}
    own = {change.address for change in changes if change.after is not None and change.address.kind is Kind.OFFER}
    whole_environments = {address.environment for address in inherited_changes if address.kind is Kind.ENVIRONMENT}
    touched = {address.environment for address in inherited_changes | own}
    for environment in sorted(touched):
        for offer in after.of_kind(Kind.OFFER, environment):
            if (
                offer in own
                or environment in whole_environments
                or not inherited_changes.isdisjoint(after.offer(offer).relies_on)
            ):
                yield offer


def _renamed(condition: Condition, renames: Mapping[Address, Address]) -> Condition:
    """``condition`` with new names."""
    origin = renames.get(condition.origin, condition.origin)
    value = condition.value
    if condition.part == "filter" and origin != condition.origin and isinstance(value, dict):
        value = {**value, "filter": origin.name}
    if renames and condition.part in ("weights", "history"):
        value = _with_names(value, condition.origin, renames)
    return condition._replace(origin=origin, value=value)


_NAMING = {"filter": Kind.FILTER, "offer": Kind.OFFER, "category": Kind.CATEGORY}
"""The keys of weights and histories that name other resources."""


def _with_names(value: Json, beside: Address, renames: Mapping[Address, Address]) -> Json:
    """``value`` with new names of the filters, offers and categories in it."""
    if isinstance(value, list):
        return [_with_names(each, beside, renames) for each in value]
    if not isinstance(value, dict):
        return value
    result: JsonMap = {}
    for key, each in value.items():
        if key in _NAMING and isinstance(each, str):
            named = beside.beside(_NAMING[key], each)
            result[key] = renames.get(named, named).name
        else:
            result[key] = _with_names(each, beside, renames)
    return result
