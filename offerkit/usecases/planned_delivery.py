"""A delivery of a live campaign, with everything that it refers to checked to be live (domain.md §1, step 10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.engine.catalog import Catalog
from offerkit.engine.compile import with_typology
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledCategory, CompiledOffer
from offerkit.fingerprint import JsonPath
from offerkit.models.campaign import Campaign, Delivery, SpaceOffers
from offerkit.models.space import Space
from offerkit.times import wall_clock
from offerkit.usecases.catalogs import Catalogs, LiveSpace


@dataclass(frozen=True)
class PlannedPart:
    """A slot of a message; of a delivery without slots, the whole message, with an empty ``name``.

    ``catalog``: decides for it, with the presentation rules of its outline. ``offers``: its fixed or outlined offers.
    ``count``: how many propositions each recipient should get. ``path``: where it is in the delivery.
    """

    name: str
    body: SpaceOffers
    live_space: LiveSpace
    catalog: Catalog
    offers: tuple[str, ...]
    count: int
    path: JsonPath

    @property
    def where(self) -> str:
        """The name of its space."""
        return self.body.where

    @property
    def space(self) -> Space:
        """The space as declared."""
        return self.live_space.model


@dataclass(frozen=True)
class PlannedDelivery:
    """A delivery that can be made. ``at``: the proposition date (aware)."""

    environment: str
    campaign: str
    delivery: str
    body: Delivery
    fingerprint: str
    catalog: Catalog
    at: datetime
    parts: tuple[PlannedPart, ...]
    reports: tuple[Report, ...] = ()

    @property
    def name(self) -> str:
        """``CAMPAIGN/DELIVERY``."""
        return f"{self.campaign}/{self.delivery}"

    @property
    def spaces(self) -> tuple[str, ...]:
        """The spaces of the message, each once."""
        return tuple(dict.fromkeys(part.where for part in self.parts))


def find_delivery(catalogs: Catalogs, name: str) -> tuple[str, str, str]:
    """Environment, campaign and delivery of ``[ENVIRONMENT/]CAMPAIGN/DELIVERY``. Raises Refused if it does
    not exist.
    """
    known = delivery_names(catalogs)
    matching_deliveries = [delivery for delivery, short in known.items() if name in (short, f"{delivery[0]}/{short}")]
    if len(matching_deliveries) == 1:
        return matching_deliveries[0]
    if matching_deliveries:
        names = ", ".join(f"{delivery[0]}/{known[delivery]}" for delivery in matching_deliveries)
        raise refuse(Code.UNKNOWN_DELIVERY, f"{name[:120]} is in more than one environment", hint=f"Name one: {names}.")
    raise refuse(
        Code.UNKNOWN_DELIVERY,
        f"no live campaign has a delivery “{name[:120]}”",
        detail="Deliveries are made from live. “offerkit apply” takes campaigns live once all they refer to is live.",
        hint=suggestion(
            name, known.values(), "Deliveries: " + (", ".join(sorted(known.values())[:12]) or "none") + "."
        ),
    )


def delivery_names(catalogs: Catalogs) -> dict[tuple[str, str, str], str]:
    """All deliveries: environment, campaign and name, mapped to ``CAMPAIGN/DELIVERY``."""
    return {
        (address.environment, address.name, delivery): f"{address.name}/{delivery}"
        for address in catalogs.snapshot.entries
        if address.kind is Kind.CAMPAIGN
        for delivery in _deliveries(catalogs, address)
    }


def _deliveries(catalogs: Catalogs, address: Address) -> list[str]:
    deliveries = (catalogs.snapshot(address) or {}).get("deliveries")
    return list(deliveries) if isinstance(deliveries, dict) else []


def plan_delivery(
    catalogs: Catalogs, delivery: tuple[str, str, str], now: datetime, at: datetime | None = None
) -> PlannedDelivery:
    """The delivery at ``place`` as made at ``now``, with the proposition date ``at``.

    The default for ``at`` is the start of the declared contact date, or ``now`` if that has passed or none is declared.
    Raises Refused with everything that the delivery refers to and is no longer live.
    """
    environment, campaign, name = delivery
    address = Address(environment, Kind.CAMPAIGN, campaign)
    model = Campaign.model_validate(catalogs.snapshot(address))
    body = model.deliveries[name]
    check_named(catalogs, delivery)
    catalog = catalogs[environment]
    when = at or now
    if at is None and body.contact_date is not None:
        when = max(now, datetime.combine(body.contact_date, time(), catalog.zone))
    _within(model, f"{campaign}/{name}", wall_clock(when, catalog.zone).date())
    parts = tuple(
        _part(catalogs, environment, model, name, part, path)
        for (name, part), (path, _) in zip(body.parts, body.part_paths(), strict=True)
    )
    planned = PlannedDelivery(
        environment, campaign, delivery[2], body, catalogs.snapshot.entries[address].fingerprint, catalog, when, parts
    )
    return replace(planned, reports=tuple(report for part in parts for report in _reports(planned, part)))


def _part(
    catalogs: Catalogs, environment: str, model: Campaign, name: str, part: SpaceOffers, path: JsonPath
) -> PlannedPart:
    live_space = catalogs.space(environment, part.where)
    outline = model.outlines.get(part.outline) if part.outline is not None else None
    catalog = live_space.catalog
    if outline is not None and outline.typology is not None:
        catalog = with_typology(catalog, catalogs.snapshot, outline.typology)
    return PlannedPart(name, part, live_space, catalog, model.offers_of(part), model.wanted(part), path)


def check_named(catalogs: Catalogs, delivery: tuple[str, str, str]) -> None:
    """Raise Refused with everything that the delivery at ``place`` refers to and is no longer live."""
    environment, campaign, name = delivery
    address = Address(environment, Kind.CAMPAIGN, campaign)
    missing = list(_missing(catalogs, address, Campaign.model_validate(catalogs.snapshot(address)), name))
    if missing:
        raise Refused(missing)


def _missing(catalogs: Catalogs, campaign: Address, model: Campaign, name: str) -> Iterator[Diagnostic]:
    environment = campaign.environment
    parts = {("deliveries", name, *path): part for path, part in model.deliveries[name].part_paths()}
    for ref in model.references():
        naming = [
            part
            for path, part in parts.items()
            if ref.path[: len(path)] == path or ref.path[:2] == ("outlines", part.outline)
        ]
        if not naming:
            continue
        address = Address(environment, ref.kind, ref.name)
        entry = catalogs.snapshot.entries.get(address)
        off = [part.where for part in naming if entry is not None and part.where not in (entry.activation or ())]
        why = ""
        if entry is None or entry.activation == ():
            why = "is no longer live"
        elif ref.kind is Kind.OFFER and off:
            why = f"is no longer live on {off[0]}"
        if why:
            yield Diagnostic(
                Code.NOT_LIVE,
                f"{ref.kind} “{ref.name}” in {_words(ref.path)} {why}",
                "Only live offers may be sent. Nothing was made or stored.",
                "Promote it again, or change the delivery.",
                campaign,
            )


def _words(path: tuple[str | int, ...]) -> str:
    return f"{'outline' if path[0] == 'outlines' else 'delivery'} “{path[1]}”"


def _within(model: Campaign, name: str, day: date) -> None:
    if (model.from_ is not None and day < model.from_) or (model.until is not None and day > model.until):
        first, last = model.from_ or "any day", model.until or "any day"
        raise refuse(
            Code.OUT_OF_PERIOD,
            f"{name} would be made for {day}, outside its campaign's period ({first} to {last})",
            hint="Change the contact date or the campaign's period, or try another day: --dry-run --at DAY.",
        )


def _reports(planned: PlannedDelivery, part: PlannedPart) -> Iterator[Report]:
    yield from _too_short(planned.name, part)
    if not part.body.asks_engine:
        yield from _sent_anyway(planned, part)


def _too_short(name: str, part: PlannedPart) -> Iterator[Report]:
    """A warning if no offer is named, or an outline has fewer than the delivery wants: every recipient lacks some."""
    body, offers = part.body, part.offers
    if body.cells == () or part.count == 0:
        where = f"Slot “{part.name}”" if part.name else "The delivery"
        yield Report(Code.SHORT_OUTLINE, f"{where} names no offer, so no recipient gets one.", name)
        return
    if body.count is not None and body.count > len(offers):
        effect = "every recipient lacks some" if body.show_nothing_where_missing else "every message is cancelled"
        message = f"Outline “{body.outline}” has {len(offers)} offers, fewer than the {body.count} of count: {effect}."
        yield Report(Code.SHORT_OUTLINE, message, name)


def _sent_anyway(planned: PlannedDelivery, part: PlannedPart) -> Iterator[Report]:
    """Warnings about fixed offers that are disabled or outside their dates, which are sent anyway.

    This is not one of offerkit.engine.reasons, which say why an offer is not proposed, by the first rule that excludes
    it: this offer is sent, and “disabled” is named before dates whichever rule comes first.
    """
    today = wall_clock(planned.at, planned.catalog.zone).date()
    named = (cell.offer for cell in part.body.cells or ())
    for name in part.offers or tuple(dict.fromkeys(offer for offer in named if offer is not None)):
        offer = planned.catalog.offers[planned.catalog.position_of[name]]
        layers: tuple[CompiledOffer | CompiledCategory, ...] = (offer, *offer.chain)
        enabled = all(layer.enabled for layer in layers)
        if not enabled or not all(layer.days.hold(today) for layer in layers):
            why = f"is outside its dates on {today}" if enabled else "is disabled"
            yield Report(Code.NOT_LIVE, f"Offer “{name}” {why}; it is sent anyway, as the delivery says.", planned.name)
