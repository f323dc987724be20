"""``preview``: an offer on its spaces as a contact would see it, in any stage. Decides and stores nothing."""

from __future__ import annotations

from offerkit.address import Kind, environment_address, parse_address
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.engine.call_facts import ANONYMOUS, BATCH, with_call_facts
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import call_data, contact_row
from offerkit.engine.preview import Preview, SpacePreview
from offerkit.fingerprint import JsonMap, json_map
from offerkit.rules.types import Row
from offerkit.templates.render import RenderError
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.catalogs import Catalogs
from offerkit.usecases.open_engine import StageEngine
from offerkit.usecases.requests import PreviewRequest

OUTPUTS = ("html", "text", "xml")


def preview(engine: StageEngine, request: PreviewRequest, now: str) -> Preview:
    """The offer on its spaces, as requested. Raises Refused for unknown names and for call data that does not fit."""
    catalog, name = named_offer(engine.catalogs, request.offer)
    parse_time(request.at, catalog.zone, now)
    known, contact = catalog.offers[catalog.position_of[name]], request.contact
    spaces = tuple(space.removeprefix(f"{catalog.environment}/") for space in request.spaces)
    unknown = [space for space in spaces if space not in catalog.spaces]
    if unknown:
        raise Refused(
            [
                Diagnostic(
                    Code.UNKNOWN_SPACE, f"there is no space “{space[:80]}”", hint=suggestion(space, catalog.spaces)
                )
                for space in unknown
            ]
        )
    given = {**_samples(catalog), **_example(engine, catalog, request.example), **request.data}
    values, wrong = call_data(catalog, given, required=False)
    if wrong:
        raise Refused(wrong)
    row = engine.people.chosen(catalog, contact) if contact else contact_row(catalog, None)
    shown = tuple(
        _shown(engine, catalog, name, space, row, values, contact) for space in spaces or sorted(known.spaces)
    )
    return Preview(f"{catalog.environment}/offer.{name}", engine.catalogs.stage, contact, shown, request.example)


def _shown(
    engine: StageEngine, catalog: Catalog, offer: str, space: str, contact: Row, data: Row, key: str
) -> SpacePreview:
    live_space = engine.catalogs.space(catalog.environment, space)
    renderer = live_space.renderer()
    outputs = OUTPUTS if live_space.model.render.proposition is None else (*OUTPUTS, "proposition")
    if not catalog.spaces[space].unitary:
        identification = BATCH  # as in a delivery
    else:
        identification = "explicit" if key and not catalog.anonymous else ANONYMOUS
    data = with_call_facts(catalog, data, space, identification)
    about: Row = {"id": "preview", "rank": 1, "weight": 1, "space": space}
    try:
        fields, rendered = renderer.show(offer, _product(catalog, offer), contact, data, about, outputs)
    except RenderError as error:
        return SpacePreview(space, catalog.spaces[space].channel, {}, {}, str(error))
    return SpacePreview(space, catalog.spaces[space].channel, dict(fields), rendered)


def _samples(catalog: Catalog) -> dict[str, object]:
    return {name: field.sample for name, field in catalog.call_data.items() if field.sample is not None}


def _product(catalog: Catalog, offer: str) -> Row | None:
    """The sample product of an offer that hooks turn into products; None if there is no sample."""
    dynamic = any(weight.dynamic for weight in catalog.offers[catalog.position_of[offer]].weights)
    return (catalog.sample_product or None) if dynamic else None


def examples_of(environment: JsonMap | None) -> dict[str, JsonMap]:
    """The call-data examples in an environment's body, by name."""
    return {name: json_map(values) for name, values in json_map((environment or {}).get("call_data_examples")).items()}


def _example(engine: StageEngine, catalog: Catalog, name: str) -> JsonMap:
    known = examples_of(engine.catalogs.snapshot(environment_address(catalog.environment)))
    if name and name not in known:
        raise refuse(
            Code.UNKNOWN_EXAMPLE,
            f"{catalog.environment} has no call-data example “{name[:80]}” in {engine.catalogs.stage}",
            hint=suggestion(name, known, "Declare it under call_data_examples of the environment."),
        )
    return known.get(name, {})


def named_offer(catalogs: Catalogs, text: str) -> tuple[Catalog, str]:
    """The catalog and the name of the offer at the address ``text``. Raises Refused if it does not exist."""
    try:
        offer_address = parse_address(text)
    except ValueError:
        offer_address = None
    if offer_address is None or offer_address.kind is not Kind.OFFER:
        offer_name = text.rpartition("/")[2]
        close = [address for name in catalogs.names for address in catalogs.snapshot.of_kind(Kind.OFFER, name)]
        hint = suggestion(f"{catalogs.names[0] if catalogs.names else ''}/offer.{offer_name}", close)
        raise refuse(
            Code.BAD_ADDRESS,
            f"“{text[:80]}” is not the address of an offer",
            hint=hint or "Write ENVIRONMENT/offer.NAME.",
        )
    catalog = catalogs[offer_address.environment]
    if offer_address.name not in catalog.position_of:
        hint = suggestion(offer_address.name, catalog.position_of)
        raise refuse(Code.NO_MATCH, f"there is no offer {text[:120]} in {catalogs.stage}", hint=hint)
    return catalog, offer_address.name
