"""Campaigns with their outlines and deliveries: outbound use of live offers."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

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


class Outline(Part):
    """A list of offers in a campaign."""

    label: Label = ""
    description: Text = ""
    offers: NameList


class EngineCall(Part):
    """Offers that the engine chooses for each recipient."""

    categories: PathSet = ()
    themes: NameSet = ()
    count: Integer = Field(1, ge=1, le=100, description="The number of propositions.")


class Cell(Part):
    """A segment of the recipients and the offer it gets."""

    when: Expression
    offer: Name


class Delivery(Part):
    """A message to many contacts: a space, and either an engine call, fixed offers, an outline, or offers by cell."""

    label: Label = ""
    space: Name
    contact_date: Day | None = Field(None, description="The day the recipients are contacted.")
    target: Expression | None = Field(
        None, description="A condition that selects the recipients; if absent, all contacts."
    )
    engine: EngineCall | None = None
    offers: NameList | None = None
    outline: Name | None = Field(None, description="Send all offers of the outline, in its order, without the engine.")
    count: Integer | None = Field(
        None, ge=1, le=100, description="With outline: how many of its offers the engine chooses for each recipient."
    )
    cells: tuple[Cell, ...] | None = None
    exclude_recipients_with_too_few_offers: Flag = False
    show_nothing_where_missing: Flag = Field(
        False, description="If false, a recipient with a missing proposition gets no message."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Delivery:
        ways = [self.engine, self.offers, self.outline, self.cells]
        if sum(way is not None for way in ways) != 1:
            raise PydanticCustomError("delivery", "a delivery has exactly one of engine, offers, outline and cells")
        if self.count is not None and self.outline is None:
            raise PydanticCustomError("delivery", "count goes with outline only; for the engine, use engine.count")
        return self

    @property
    def asks_engine(self) -> bool:
        """Whether the engine chooses offers; otherwise every recipient gets the declared ones."""
        return self.engine is not None or self.count is not None


class Campaign(Resource, Period):
    """A campaign; it is in the live stage and can name only live offers."""

    kind = Kind.CAMPAIGN

    outlines: dict[Name, Outline] = {}
    deliveries: dict[Name, Delivery] = {}

    @model_validator(mode="after")
    def _outlines_known(self) -> Campaign:
        for name, delivery in self.deliveries.items():
            if delivery.outline is not None and delivery.outline not in self.outlines:
                raise PydanticCustomError(
                    "outline",
                    "delivery “{delivery}” names outline “{outline}”, which the campaign does not have",
                    {"delivery": name, "outline": delivery.outline},
                )
        return self

    def references(self) -> Iterator[Reference]:
        """Every space, category and offer that outlines and deliveries name."""
        for name, outline in self.outlines.items():
            yield from references_to(("outlines", name, "offers"), Kind.OFFER, outline.offers)
        for name, delivery in self.deliveries.items():
            here = ("deliveries", name)
            yield Reference((*here, "space"), Kind.SPACE, delivery.space)
            yield from references_to((*here, "offers"), Kind.OFFER, delivery.offers or ())
            for place, cell in enumerate(delivery.cells or ()):
                yield Reference((*here, "cells", place, "offer"), Kind.OFFER, cell.offer)
            if delivery.engine is not None:
                yield from references_to((*here, "engine", "categories"), Kind.CATEGORY, delivery.engine.categories)
