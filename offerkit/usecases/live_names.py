"""What a stage names and does not have: in texts, rendering functions, identification, stored data and campaigns.

Conditions that the engine compiles tell of themselves (``Catalog.problems``); this is the rest. All of it was sound
when the specs were read. But a dimension or an environment may go live with a field less, while an offer that names
the field stays live as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code
from offerkit.engine.catalog import Catalog
from offerkit.engine.report import Report
from offerkit.engine.stored import ExtraData
from offerkit.fingerprint import Json, JsonMap
from offerkit.models.campaign import Campaign
from offerkit.models.expression_scopes import OFFER_VARIABLES, PROPOSITION_VARIABLES, Role, scope
from offerkit.models.space import Space
from offerkit.rules.check import RuleError, check
from offerkit.rules.types import Wanted
from offerkit.specs.facts import expressions
from offerkit.state.effective import EffectiveOffer
from offerkit.templates.inspection import inspect
from offerkit.usecases.catalogs import Catalogs


def unknown_names(catalogs: Catalogs, environment: str) -> Iterator[Report]:
    """Everything in ``environment`` that names what the stage does not have; only offers that are activated count."""
    catalog = catalogs[environment]
    common = {
        *OFFER_VARIABLES,
        *(f"{catalog.dimension.name}.{field}" for field in catalog.dimension.fields),
        *(f"interaction.{field}" for field in catalog.call_data),
    }
    for address in catalogs.snapshot.of_kind(Kind.SPACE, environment):
        yield from _space(catalog, address, Space.model_validate(catalogs.snapshot(address)), common)
    for address in catalogs.snapshot.of_kind(Kind.OFFER, environment):
        activated = catalogs.activated(address)
        yield from _offer(catalogs.snapshot.offer(address), activated, common) if activated else ()
    for address in catalogs.snapshot.of_kind(Kind.CAMPAIGN, environment):
        yield from _campaign(catalog, address, catalogs.snapshot(address) or {})


def _space(catalog: Catalog, address: Address, space: Space, common: set[str]) -> Iterator[Report]:
    own = {*common, *PROPOSITION_VARIABLES, *(field.name for field in space.fields)}
    for output, text in space.render:
        yield from _text(address, f"render.{output}", text, own)
    for key in space.identification.keys:
        if key not in catalog.dimension.fields:
            message = f"{address} › identification.keys names “{key}”, which {catalog.dimension.name} does not have"
            yield Report(Code.UNKNOWN_FIELD, message, address)
    yield from ExtraData(catalog, address, "proposed_data", space.storage.proposed_data).reports
    yield from ExtraData(catalog, address, "accepted_data", space.storage.accepted_data).reports


def _offer(offer: EffectiveOffer, activated: Iterable[str], common: set[str]) -> Iterator[Report]:
    told: set[tuple[str, Json]] = set()
    for space in activated:
        for field, text in offer.content(space).items():
            if (field, text) not in told:
                told.add((field, text))
                yield from _text(offer.address, f"{field} on {space}", text, common)


def _text(address: Address, where: str, text: Json, known: set[str]) -> Iterator[Report]:
    if isinstance(text, str):
        for name in inspect(text).variables:
            if name not in known:
                yield Report(
                    Code.UNKNOWN_VARIABLE, f"{address} › {where} names “{name}”, which does not exist", address
                )


def _campaign(catalog: Catalog, address: Address, body: JsonMap) -> Iterator[Report]:
    call_data = {name: field.type for name, field in catalog.call_data.items()}
    names = scope(Role.TARGET, catalog.dimension.name, catalog.dimension.fields, call_data)
    for expression in expressions(Kind.CAMPAIGN, Campaign.model_validate(body)):
        try:
            check(expression.text, names, Wanted(expression.wanted))
        except RuleError as error:
            place = ".".join(str(part) for part in expression.path)
            message = f"{address} › {place} cannot be read: {error.problems[0].summary}"
            yield Report(Code.BROKEN_RULE, message, address)
