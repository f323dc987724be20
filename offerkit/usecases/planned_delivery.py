"""A delivery of a live campaign, with everything that it refers to checked to be live (domain.md §1, step 10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.engine.catalog import Catalog
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledCategory, CompiledOffer
from offerkit.models.campaign import Campaign, Delivery
from offerkit.models.space import Space
from offerkit.times import wall_clock
from offerkit.usecases.catalogs import Catalogs, LiveSpace


@dataclass(frozen=True)
class PlannedDelivery:
    """A delivery that can be made. ``at``: the proposition date (aware). ``offers``: its fixed or outlined offers."""

    environment: str
    campaign: str
    delivery: str
    body: Delivery
    fingerprint: str
    live_space: LiveSpace
    at: datetime
    offers: tuple[str, ...]
    reports: tuple[Report, ...] = ()

    @property
    def name(self) -> str:
        """``CAMPAIGN/DELIVERY``."""
        return f"{self.campaign}/{self.delivery}"

    @property
    def catalog(self) -> Catalog:
        """The catalog that decides."""
        return self.live_space.catalog

    @property
    def space(self) -> Space:
        """The space of the delivery."""
        return self.live_space.model

    @property
    def count(self) -> int:
        """How many propositions each recipient should get."""
        if self.body.engine is not None:
            return self.body.engine.count
        if self.body.cells is not None:
            return 1
        return self.body.count or len(self.offers)


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
    offers = body.offers or (model.outlines[body.outline].offers if body.outline is not None else ())
    space = catalogs.space(environment, body.space)
    entry = catalogs.snapshot.entries[address]
    short = tuple(_too_short(f"{campaign}/{name}", body, offers))
    planned = PlannedDelivery(environment, campaign, name, body, entry.fingerprint, space, when, tuple(offers), short)
    return planned if body.asks_engine else _with_reports(planned)


def check_named(catalogs: Catalogs, delivery: tuple[str, str, str]) -> None:
    """Raise Refused with everything that the delivery at ``place`` refers to and is no longer live."""
    environment, campaign, name = delivery
    address = Address(environment, Kind.CAMPAIGN, campaign)
    missing = list(_missing(catalogs, address, Campaign.model_validate(catalogs.snapshot(address)), name))
    if missing:
        raise Refused(missing)


def _missing(catalogs: Catalogs, campaign: Address, model: Campaign, name: str) -> Iterator[Diagnostic]:
    body = model.deliveries[name]
    environment = campaign.environment
    for ref in model.references():
        mine = ref.path[:2] == ("deliveries", name)
        outlined = body.outline is not None and ref.path[:2] == ("outlines", body.outline)
        if not mine and not outlined:
            continue
        address = Address(environment, ref.kind, ref.name)
        entry = catalogs.snapshot.entries.get(address)
        why = ""
        if entry is None or entry.activation == ():
            why = "is no longer live"
        elif ref.kind is Kind.OFFER and body.space not in (entry.activation or ()):
            why = f"is no longer live on {body.space}"
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


def _too_short(name: str, body: Delivery, offers: Sequence[str]) -> Iterator[Report]:
    """A warning if an outline has fewer offers than the delivery wants, so that every recipient lacks some."""
    if body.count is not None and body.count > len(offers):
        effect = "every recipient lacks some" if body.show_nothing_where_missing else "every message is cancelled"
        message = f"Outline “{body.outline}” has {len(offers)} offers, fewer than the {body.count} of count: {effect}."
        yield Report(Code.SHORT_OUTLINE, message, name)


def _with_reports(planned: PlannedDelivery) -> PlannedDelivery:
    """Warn about fixed offers that are disabled or outside their dates, which are sent anyway.

    This is not one of offerkit.engine.reasons, which say why an offer is not proposed, by the first rule that excludes
    it: this offer is sent, and “disabled” is named before dates whichever rule comes first.
    """
    today = wall_clock(planned.at, planned.catalog.zone).date()
    offers = planned.offers or tuple(dict.fromkeys(cell.offer for cell in planned.body.cells or ()))
    reports = []
    for name in offers:
        offer = planned.catalog.offers[planned.catalog.position_of[name]]
        parts: tuple[CompiledOffer | CompiledCategory, ...] = (offer, *offer.chain)
        enabled = all(part.enabled for part in parts)
        if not enabled or not all(part.days.hold(today) for part in parts):
            why = f"is outside its dates on {today}" if enabled else "is disabled"
            reports.append(
                Report(Code.NOT_LIVE, f"Offer “{name}” {why}; it is sent anyway, as the delivery says.", planned.name)
            )
    return replace(planned, reports=tuple(reports))
