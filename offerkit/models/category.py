"""Categories: the tree of the catalog; children inherit everything."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from offerkit.address import Kind
from offerkit.models.base import Amount, Expression, Flag, Name, NameSet, Period, Reference, Resource
from offerkit.models.contact_history import ContactHistory, history_references
from offerkit.models.filter import FilterUse, filter_references
from offerkit.models.typed_values import GivenValue


class CategoryEligibility(Period):
    """When, and for whom, offers below the category can be proposed."""

    filters: tuple[FilterUse, ...] = Field((), description="Predefined filters; all must hold.")
    when: Expression | None = Field(None, description="A condition on the contact.")
    history: ContactHistory = Field((), description="What was proposed to the contact before; all must hold.")


class Multiplier(Period):
    """A factor for the weights of offers below the category, in its own period; nested factors multiply."""

    factor: Amount = Field(ge=0)


class Category(Resource):
    """A category; its name is its path, and its parent must be declared."""

    kind = Kind.CATEGORY

    enabled: Flag = True
    eligible: CategoryEligibility = CategoryEligibility()
    themes: NameSet = ()
    fields: dict[Name, GivenValue] = Field({}, description="Values of the environment's offer_fields for its offers.")
    multiplier: Multiplier | None = None
    always_include: Flag = Field(False, description="Add its offers to every slice of the catalog.")

    def references(self) -> Iterator[Reference]:
        """The filters, and what is counted."""
        yield from filter_references(("eligible", "filters"), self.eligible.filters)
        yield from history_references(("eligible", "history"), self.eligible.history)
