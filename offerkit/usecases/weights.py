"""``weights``: the weights of all offers that match patterns, or that lie below categories; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from offerkit.address import Address, Kind
from offerkit.engine.catalog import Catalog
from offerkit.engine.resources import CompiledOffer, CompiledWeight, Days
from offerkit.engine.weight_table import ShownMultiplier, ShownWeight, WeightTable
from offerkit.engine.weights import times
from offerkit.fingerprint import JsonMap, json_map
from offerkit.plans.make import AddressPatterns
from offerkit.rules.values import show
from offerkit.state.effective import filter_uses
from offerkit.times import wall_clock
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.catalogs import Catalogs

_SHOWN = (Kind.OFFER, Kind.CATEGORY)


def weight_table(catalogs: Catalogs, patterns: Sequence[str], at: str, now: str) -> WeightTable:
    """The weights of the offers that ``patterns`` select, on the day ``at`` (empty: of ``now``).

    A pattern that matches a category selects all offers below it; no patterns select all offers. Raises Refused for a
    pattern that matches neither an offer nor a category, and for a wrong time.
    """
    view = catalogs.snapshot
    chosen = AddressPatterns.of(patterns)
    known = [address for kind in _SHOWN for address in view.of_kind(kind)]
    chosen.check_known(known)
    matched = {address for address in known if chosen.targeted(address)}
    days: dict[str, date] = {}
    rows: list[ShownWeight] = []
    for address in sorted(view.of_kind(Kind.OFFER), key=lambda offer: offer.sort_key):
        if address not in matched and matched.isdisjoint(above.address for above in view.offer(address).categories):
            continue
        catalog = catalogs[address.environment]
        day = days.setdefault(address.environment, wall_clock(parse_time(at, catalog.zone, now), catalog.zone).date())
        rows += _weights(catalogs, catalog, address, day)
    return WeightTable(catalogs.stage, tuple((name, day.isoformat()) for name, day in days.items()), tuple(rows))


def _weights(catalogs: Catalogs, catalog: Catalog, address: Address, day: date) -> Iterator[ShownWeight]:
    offer = catalog.offers[catalog.position_of[address.name]]
    listed = catalogs.snapshot.offer(address).get("weights")
    bodies = [json_map(body) for body in (listed if isinstance(listed, list) else ())] or [{}]
    for number, (weight, body) in enumerate(zip(offer.weights, bodies, strict=True), 1):
        yield _shown(offer, weight, body, number, day)


def _shown(offer: CompiledOffer, weight: CompiledWeight, body: JsonMap, number: int, day: date) -> ShownWeight:
    value = str(body["formula"]) if body.get("formula") else show(weight.number)
    why = _idle(offer, weight, day)
    return ShownWeight(
        offer=offer.address,
        label=str(offer.row["label"] or ""),
        category=offer.category,
        number=number,
        name=weight.label,
        origin=weight.address,
        value=value,
        is_formula=weight.number is None,
        dynamic=weight.dynamic,
        first=_iso(weight.days.first),
        last=_iso(weight.days.last),
        spaces=tuple(sorted(weight.spaces)),
        filters=tuple(str(use.get("filter")) for use in filter_uses(body.get("filters"))),
        when=str(body.get("when") or ""),
        multipliers=tuple(_multipliers(offer, day)),
        effective="" if why else _effective(offer, weight, value, day),
        why=why,
    )


def _effective(offer: CompiledOffer, weight: CompiledWeight, value: str, day: date) -> str:
    factors = offer.factors(day)
    if weight.value is not None:
        return show(times(weight.value, factors))
    return " × ".join([f"({value})", *(show(factor) for _, factor in factors)]) if factors else value


def _idle(offer: CompiledOffer, weight: CompiledWeight, day: date) -> str:
    """Why a weight has no effect on a day; empty if it has one."""
    switched_off = next((category.path for category in offer.chain if not category.enabled), "")
    closed = next((category.path for category in offer.chain if not category.days.hold(day)), "")
    reasons: Mapping[str, bool] = {
        "the offer is off": not offer.enabled,
        f"category {switched_off} is off": bool(switched_off),
        f"the offer's {_when(offer.days, day)}": not offer.days.hold(day),
        f"category {closed} is not open": bool(closed),
        "the offer is on no space": not offer.spaces,
        f"its {_when(weight.days, day)}": not weight.days.hold(day),
        "the offer is on none of its spaces": bool(weight.spaces) and weight.spaces.isdisjoint(offer.spaces),
        "0 is never eligible": weight.number == 0,
        "its formula is unknown, 0 or less": weight.number is None and not weight.computed and weight.value is None,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _when(days: Days, day: date) -> str:
    return f"period begins {days.first}" if days.first is not None and day < days.first else f"period ended {days.last}"


def _multipliers(offer: CompiledOffer, day: date) -> Iterator[ShownMultiplier]:
    for category in offer.chain:
        multiplier = category.multiplier
        if multiplier is not None:
            days = multiplier.days
            factor = show(multiplier.factor)
            yield ShownMultiplier(category.path, factor, _iso(days.first), _iso(days.last), days.hold(day))


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()
