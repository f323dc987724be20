"""Presentation rules: they leave offers out because of earlier propositions to the contact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from offerkit.address import Kind
from offerkit.models.base import (
    Duration,
    Expression,
    Flag,
    Integer,
    NameSet,
    Part,
    PathSet,
    Reference,
    Resource,
    references_to,
)
from offerkit.models.expression_scopes import Channel


class AppliesTo(Part):
    """The offers that the rule applies to: by name, by category, by theme, and by condition.

    An offer that meets one of them is enough. If empty, all offers.
    """

    offers: NameSet = ()
    categories: PathSet = ()
    themes: NameSet = Field((), description="Offers that have one of these themes, of their own or of a category.")
    when: Expression | None = Field(
        None,
        description="A condition on offer.<field> or category.<field>: also the offer's dates, its themes, and the"
        " weight that it has now for this contact.",
    )


class Window(Part):
    """The time before and after the proposition date in which propositions count."""

    before: Duration = "30d"
    after: Duration = "0d"


class Counted(Part):
    """The propositions that count."""

    of: Literal["all", "offer", "category", "applies-to"] = "offer"
    status: Literal["any", "accepted-or-rejected", "accepted", "rejected"] = "any"
    same_channel: Flag = Field(False, description="Only propositions on the same channel count.")
    when: Expression | None = Field(None, description="A condition on proposition.<field>.")


class Rule(Resource):
    """Excludes an offer when the counted propositions in the period reach ``max`` (domain.md §3)."""

    kind = Kind.RULE

    enabled: Flag = Field(True, description="If false, the rule excludes nothing, whatever typologies name it.")
    applies_to: AppliesTo = AppliesTo()
    channel: Channel | None = Field(None, description="Apply on this channel only; if absent, on all.")
    contacts: Expression | None = Field(None, description="A condition; apply only to contacts that match.")
    counted: Counted = Counted()
    period: Window = Window()
    max: Integer = Field(ge=1, description="The number of counted propositions at which the offer is excluded.")

    def references(self) -> Iterator[Reference]:
        """The offers and categories the rule applies to."""
        yield from references_to(("applies_to", "offers"), Kind.OFFER, self.applies_to.offers)
        yield from references_to(("applies_to", "categories"), Kind.CATEGORY, self.applies_to.categories)
