"""Campaigns with their outlines and deliveries: outbound use of live offers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from offerkit.address import Kind
from offerkit.models.base import (
    Day,
    Expression,
    Flag,
    Integer,
    Label,
    Name,
    NameList,
    NameSet,
    Part,
    PathSet,
    Period,
    Reference,
    Resource,
    Text,
    references_to,
)

MAX_SLOTS = 20
"""The most slots of a message."""
MAX_OFFERS = 100
"""The most offers that a message can have, over all its slots."""
_SLOT = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_FIELD = re.compile(r"[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,64}")


def _slot_name(value: str) -> str:
    if _SLOT.fullmatch(value) is None:
        raise PydanticCustomError(
            "slot",
            "“{text}” cannot name a slot, which templates read as slots.NAME; use small letters, digits and _, and"
            " begin with a letter",
            {"text": value[:80]},
        )
    return value


def _field_name(value: str) -> str:
    if _FIELD.fullmatch(value) is None:
        raise PydanticCustomError(
            "offer_from",
            "“{text}” is not a field; write DIMENSION.FIELD, as in recipient.best_offer",
            {"text": value[:80]},
        )
    return value


FieldName = Annotated[str, AfterValidator(_field_name)]
"""``DIMENSION.FIELD``, or ``interaction.NAME`` for call data."""


class Outline(Part):
    """A list of offers in a campaign."""

    label: Label = ""
    description: Text = ""
    offers: NameList
    typology: Name | None = Field(
        None,
        description="Presentation rules for the outline's offers, in addition to those of the environment; for"
        " deliveries that let the engine choose (count).",
    )


class EngineCall(Part):
    """Offers that the engine chooses for each recipient."""

    categories: PathSet = ()
    themes: NameSet = ()
    count: Integer = Field(1, ge=1, le=MAX_OFFERS, description="The number of propositions.")


class Cell(Part):
    """A segment of the recipients and the offer it gets."""

    when: Expression
    offer: Name | None = None
    offer_from: FieldName | None = Field(
        None, description="Instead of offer: the field of the contact that names the offer, as in recipient.best_offer."
    )
    limit: Integer | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="The most recipients of the cell, chosen by chance but the same in every run; the others go on to"
        " the next cell whose condition holds.",
    )

    @model_validator(mode="after")
    def _one_offer(self) -> Cell:
        if self.offer is None and self.offer_from is None:
            raise _missing("offer")
        if self.offer is not None and self.offer_from is not None:
            raise PydanticCustomError("cell", "a cell has either offer or offer_from")
        return self


class SpaceOffers(Part):
    """The offers of a recipient on one space: by the engine, fixed, from an outline, by cell, or from a field."""

    if TYPE_CHECKING:
        space: Name | None
        """Declared by the subclasses, which have it in another place."""

    engine: EngineCall | None = None
    offers: NameList | None = None
    outline: Name | None = Field(None, description="Send all offers of the outline, in its order, without the engine.")
    count: Integer | None = Field(
        None,
        ge=1,
        le=MAX_OFFERS,
        description="With outline: how many of its offers the engine chooses for each recipient.",
    )
    cells: tuple[Cell, ...] | None = None
    offer_from: FieldName | None = Field(
        None,
        description="The field of the contact that names the one offer to send, as in recipient.best_offer. It must"
        " be eligible on the space for that contact.",
    )
    exclude_recipients_with_too_few_offers: Flag = False
    show_nothing_where_missing: Flag = Field(
        False, description="If false, a recipient with a missing proposition gets no message."
    )

    @property
    def asks_engine(self) -> bool:
        """Whether the engine chooses offers; otherwise every recipient gets the declared ones."""
        return self.engine is not None or self.count is not None

    @property
    def where(self) -> str:
        """The name of the space, which only a delivery with slots lacks."""
        assert self.space is not None
        return self.space

    @property
    def named(self) -> tuple[str, ...]:
        """The fields that name offers."""
        fields = (self.offer_from, *(cell.offer_from for cell in self.cells or ()))
        return tuple(dict.fromkeys(field for field in fields if field is not None))

    def check_offers(self, what: str) -> None:
        """Raises a validation error unless there is a space, and offers are chosen in exactly one way."""
        if self.space is None:
            raise _missing("space")
        ways = [self.engine, self.offers, self.outline, self.cells, self.offer_from]
        if sum(way is not None for way in ways) != 1:
            raise PydanticCustomError(
                "delivery",
                "a {what} has exactly one of engine, offers, outline, cells and offer_from",
                {"what": what},
            )
        if self.count is not None and self.outline is None:
            raise PydanticCustomError(
                "delivery", "count goes with outline only; for the engine, use engine.count", {"below": ("count",)}
            )


class NamedPlace(Part):
    """What a slot has besides its offers, in this order."""

    name: Annotated[Name, AfterValidator(_slot_name)]
    label: Label = ""
    space: Name | None = None


class MessageSlot(SpaceOffers, NamedPlace):
    """A part of a message: a space, and the offers on it."""

    @model_validator(mode="after")
    def _one_way(self) -> MessageSlot:
        self.check_offers("slot")
        return self


class MessageBody(Part):
    """The templates of a message, which show its slots as ``slots.NAME``."""

    html: Text | None = None
    text: Text | None = None

    @model_validator(mode="after")
    def _something(self) -> MessageBody:
        if self.html is None and self.text is None:
            raise PydanticCustomError("body", "a body has html, text or both")
        return self


class Addressees(Part):
    """What a delivery has besides its offers, in this order: where, when and to whom."""

    label: Label = ""
    space: Name | None = None
    contact_date: Day | None = Field(None, description="The day the recipients are contacted.")
    target: Expression | None = Field(
        None, description="A condition that selects the recipients; if absent, all contacts."
    )
    data: NameSet = Field(
        (), description="Call data that each run brings for every recipient (offerkit deliver --data-from)."
    )


class Delivery(SpaceOffers, Addressees):
    """A message to many contacts: offers on one space, or slots with offers on several and a body that shows them."""

    slots: tuple[MessageSlot, ...] | None = Field(
        None,
        min_length=1,
        max_length=MAX_SLOTS,
        description="Instead of space and offers: the parts of the message in order; an offer is in a message once.",
    )
    body: MessageBody | None = Field(
        None, description="With slots: the message around them; if absent, one slot follows the other."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Delivery:
        if self.slots is None:
            self.check_offers("delivery")
            if self.body is not None:
                raise PydanticCustomError("delivery", "a body goes with slots", {"below": ("body",)})
            return self
        own = sorted(self.model_fields_set & {"space", *SpaceOffers.model_fields})
        if own:
            raise PydanticCustomError(
                "delivery",
                "{names}: with slots, each slot says this for itself",
                {"names": ", ".join(own), "below": (own[0],), "hint": "Move it into each slot that needs it."},
            )
        names = [slot.name for slot in self.slots]
        if twice := [place for place, name in enumerate(names) if name in names[:place]]:
            raise PydanticCustomError(
                "slots",
                "slots with the same name: {names}",
                {
                    "names": ", ".join(sorted({names[place] for place in twice})),
                    "below": ("slots", twice[0], "name"),
                    "hint": "Give each slot a name of its own; the body shows it by this name.",
                },
            )
        return self

    @property
    def parts(self) -> tuple[tuple[str, SpaceOffers], ...]:
        """The slots by name, in order; a delivery without slots is one part with an empty name."""
        return tuple((slot.name, slot) for slot in self.slots) if self.slots is not None else (("", self),)

    def part_paths(self) -> Iterator[tuple[tuple[str | int, ...], SpaceOffers]]:
        """The parts, each with its path in the delivery."""
        if self.slots is None:
            yield (), self
        for number, slot in enumerate(self.slots or ()):
            yield ("slots", number), slot


class Campaign(Resource, Period):
    """A campaign; it is in the live stage and can name only live offers."""

    kind = Kind.CAMPAIGN

    outlines: dict[Name, Outline] = {}
    deliveries: dict[Name, Delivery] = {}

    @model_validator(mode="after")
    def _outlines_fit(self) -> Campaign:
        """Report every outline that a delivery cannot use, and every message with too many offers, at its place."""
        faults = [
            InitErrorDetails(type=PydanticCustomError(kind, "{why}", {"why": why}), loc=path, input=None)
            for name, delivery in self.deliveries.items()
            for kind, path, why in self._faults(name, delivery)
        ]
        if faults:
            raise ValidationError.from_exception_data("campaign", faults)
        return self

    def _faults(self, name: str, delivery: Delivery) -> Iterator[tuple[Any, tuple[str | int, ...], str]]:
        counted = 0
        for path, part in delivery.part_paths():
            outline = self.outlines.get(part.outline) if part.outline is not None else None
            at = ("deliveries", name, *path, "outline")
            if part.outline is not None and outline is None:
                yield (
                    "unknown_outline",
                    at,
                    f"delivery “{name}” names outline “{part.outline}”, which the campaign does not have",
                )
            if outline is not None and outline.typology is not None and part.count is None:
                yield (
                    "typology",
                    at,
                    f"outline “{part.outline}” has a typology, which only the engine applies; add count",
                )
            counted += self.wanted(part)
        if delivery.slots is not None and counted > MAX_OFFERS:
            why = f"the slots have {counted} offers together; a message has at most {MAX_OFFERS}"
            yield "slots", ("deliveries", name, "slots"), why

    def wanted(self, part: SpaceOffers) -> int:
        """How many offers each recipient should get in a part of a message."""
        if part.engine is not None:
            return part.engine.count
        if part.cells is not None or part.offer_from is not None:
            return 1
        return part.count or len(self.offers_of(part))

    def offers_of(self, part: SpaceOffers) -> tuple[str, ...]:
        """The fixed or outlined offers of a part of a message."""
        outline = self.outlines.get(part.outline) if part.outline is not None else None
        return part.offers or (outline.offers if outline is not None else ())

    def references(self) -> Iterator[Reference]:
        """Every space, category, offer and typology that outlines and deliveries name."""
        for name, outline in self.outlines.items():
            yield from references_to(("outlines", name, "offers"), Kind.OFFER, outline.offers)
            if outline.typology is not None:
                yield Reference(("outlines", name, "typology"), Kind.TYPOLOGY, outline.typology)
        for name, delivery in self.deliveries.items():
            for path, part in delivery.part_paths():
                yield from _named(("deliveries", name, *path), part)


def _named(here: tuple[str | int, ...], part: SpaceOffers) -> Iterator[Reference]:
    yield Reference((*here, "space"), Kind.SPACE, part.where)
    yield from references_to((*here, "offers"), Kind.OFFER, part.offers or ())
    for place, cell in enumerate(part.cells or ()):
        if cell.offer is not None:
            yield Reference((*here, "cells", place, "offer"), Kind.OFFER, cell.offer)
    if part.engine is not None:
        yield from references_to((*here, "engine", "categories"), Kind.CATEGORY, part.engine.categories)


def _missing(field: str) -> ValidationError:
    return ValidationError.from_exception_data(field, [InitErrorDetails(type="missing", loc=(field,), input=None)])
