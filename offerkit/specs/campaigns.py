"""Deliveries held against their environment: templates of messages, call data of the run, fields that name offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from offerkit.address import Kind
from offerkit.diagnostics import Code, suggestion
from offerkit.fingerprint import JsonPath
from offerkit.models.expression_scopes import CALL_FACTS
from offerkit.specs.record import Index, Mistake, Record
from offerkit.templates.inspection import inspect
from offerkit.templates.scan import pieces

SLOTS = "slots"
"""The namespace of a message's slots in its templates."""
_TEXTUAL = ("string", "enumeration")
_TRACKING = "status_url"


def message_bodies(campaign: Any) -> dict[JsonPath, str]:
    """The templates of all messages of a campaign, with their paths."""
    return {
        ("deliveries", name, "body", output): text
        for name, delivery in campaign.deliveries.items()
        if delivery.body is not None
        for output, text in delivery.body
        if text is not None
    }


def names_of_run(campaign: Any) -> Iterator[tuple[str, JsonPath]]:
    """The call data that runs bring, and the fields that name offers, with their paths."""
    for name, delivery in campaign.deliveries.items():
        for number, data in enumerate(delivery.data):
            yield f"interaction.{data}", ("deliveries", name, "data", number)
        for place, part in delivery.part_paths():
            here = ("deliveries", name, *place)
            if part.offer_from is not None:
                yield part.offer_from, (*here, "offer_from")
            for number, cell in enumerate(part.cells or ()):
                if cell.offer_from is not None:
                    yield cell.offer_from, (*here, "cells", number, "offer_from")


def slots_by_delivery(campaign: Any) -> dict[str, tuple[str, ...]]:
    """The names of the slots of each delivery that has a body."""
    return {
        name: tuple(slot.name for slot in delivery.slots or ())
        for name, delivery in campaign.deliveries.items()
        if delivery.body is not None
    }


def unshown_slots(campaign: Any) -> Iterator[tuple[JsonPath, str]]:
    """The slots that no format of their message shows; a format without a template shows all of them."""
    for name, delivery in campaign.deliveries.items():
        texts = [text for _, text in delivery.body or ()]
        if not texts or None in texts:
            continue
        inspections = [inspect(text) for text in texts]
        if any(inspection.error for inspection in inspections):
            continue  # reported already
        shown = {variable for inspection in inspections for variable in inspection.variables}
        for number, slot in enumerate(delivery.slots or ()):
            if f"{SLOTS}.{slot.name}" not in shown:
                yield ("deliveries", name, "slots", number), slot.name


def tracking_bodies(campaign: Any) -> Iterator[JsonPath]:
    """The bodies that link to a status, which they cannot set: they are around the propositions."""
    for path, text in message_bodies(campaign).items():
        if not inspect(text).error and any(token.text == _TRACKING for piece in pieces(text) for token in piece.tokens):
            yield path


def bad_deliveries(index: Index, environment: Record, dimension: Record | None) -> Iterator[Mistake]:
    """Names in the deliveries of an environment that it does not have, or that cannot name an offer."""
    if dimension is None or not dimension.valid or not environment.valid:
        return
    types = {f"{dimension.name}.{name}": base for name, base, _ in dimension.facts.types}
    types |= {f"interaction.{name}": "string" for name in CALL_FACTS}
    types |= {f"interaction.{name}": base for name, base, _ in environment.facts.types}
    for campaign in index.group(environment.name, Kind.CAMPAIGN).values():
        for name, path in campaign.facts.variables:
            match path:
                case (_, _, "data", _):
                    if name.partition(".")[2] not in environment.facts.fields:
                        yield _unknown_data(campaign, path, environment, name.partition(".")[2])
                case (*_, "offer_from"):
                    if types.get(name, "string") not in _TEXTUAL:
                        yield Mistake(
                            campaign,
                            path,
                            Code.OFFER_FIELD,
                            f"“{name}” has the type {types[name]} and cannot name an offer",
                            "Its value is the name of the offer to send.",
                            "Name a field of type string or enumeration.",
                        )
                case _:
                    delivery = path[1]
                    own = {f"{SLOTS}.{slot}" for slot in campaign.facts.representations.get(str(delivery), ())}
                    if name not in types and name not in own and name != _TRACKING:  # :func:`tracking_bodies` tells
                        yield Mistake(
                            campaign,
                            path,
                            Code.UNKNOWN_VARIABLE,
                            f"the template uses “{name}”, which does not exist",
                            f"It can use {SLOTS}.<slot>, {dimension.name}.<field> and interaction.<call data>.",
                            suggestion(name, own | types.keys(), "Correct the name."),
                            named=name,
                        )


def _unknown_data(campaign: Record, path: JsonPath, environment: Record, name: str) -> Mistake:
    declare = f"Declare it under call_data in environments/{environment.name}.yaml."
    return Mistake(
        campaign,
        path,
        Code.UNKNOWN_CALL_DATA,
        f"call data “{name[:80]}” is not declared",
        "A run can only bring call data of the environment, which has their types.",
        suggestion(name, environment.facts.fields, declare),
        named=name,
    )
