"""The fields that offers and templates share, and the template."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.models.base import (
    Content,
    Expression,
    Label,
    Name,
    NameSet,
    Part,
    Period,
    Reference,
    Resource,
    Weighting,
    references_to,
)
from offerkit.models.contact_history import ContactHistory, history_references
from offerkit.models.filter import FilterUse, filter_references
from offerkit.models.typed_values import GivenValue


class Eligibility(Period):
    """When, and for whom, an offer can be proposed."""

    filters: tuple[FilterUse, ...] = Field((), description="Predefined filters; all must hold.")
    when: Expression | None = Field(None, description="A condition on the contact.")
    history: ContactHistory = Field((), description="What was proposed to the contact before; all must hold.")


class Weight(Period):
    """A number or a formula; the highest of the weights that apply is used."""

    label: Label = ""
    weight: Weighting | None = None
    formula: Expression | None = Field(None, description="A SQL expression in place of a number.")
    filters: tuple[FilterUse, ...] = Field((), description="Predefined filters; all must hold.")
    when: Expression | None = Field(None, description="A condition on the contact.")
    spaces: NameSet = Field((), description="Apply on these spaces only; if empty, on all.")
    dynamic: Name | None = Field(
        None, description="A dynamic-offer hook (entry point) that turns the offer into several products."
    )

    @model_validator(mode="after")
    def _one_value(self) -> Weight:
        if (self.weight is None) == (self.formula is None):
            raise PydanticCustomError("weight", "a weight has either weight (a number) or formula")
        return self


class Reviewers(Part):
    """The operators who approve; if empty, any offer manager or administrator."""

    content: NameSet = ()
    eligibility: NameSet = ()


NOBODY = Reviewers()


class OfferDefaults(Resource):
    """The fields of an offer that a template can give defaults for."""

    template: Name | None = None
    eligible: Eligibility = Eligibility()
    weights: tuple[Weight, ...] = Field((), description="If empty, one weight of 1.")
    themes: NameSet = ()
    fields: dict[Name, GivenValue] = Field(
        default_factory=dict, description="Values of the environment's offer_fields."
    )
    content: Content = Field(default_factory=dict)
    representations: dict[Name, Content] = Field(default_factory=dict, description="Content that differs, by space.")
    spaces: NameSet = Field(
        (), description="The spaces to show it on; if empty, every space whose required fields it has."
    )
    reviewers: Reviewers = NOBODY

    def references(self) -> Iterator[Reference]:
        """Template, filters, what is counted, spaces and reviewers."""
        if self.template is not None:
            yield Reference(("template",), Kind.TEMPLATE, self.template)
        yield from filter_references(("eligible", "filters"), self.eligible.filters)
        if self.eligible.history:
            yield from history_references(("eligible", "history"), self.eligible.history)
        for place, weight in enumerate(self.weights):
            if weight.filters:
                yield from filter_references(("weights", place, "filters"), weight.filters)
            if weight.spaces:
                yield from references_to(("weights", place, "spaces"), Kind.SPACE, weight.spaces)
        for space in self.representations:
            yield Reference(("representations", space), Kind.SPACE, space)
        if self.spaces:
            yield from references_to(("spaces",), Kind.SPACE, self.spaces)
        if self.reviewers is not NOBODY:
            yield from references_to(("reviewers", "content"), Kind.OPERATOR, self.reviewers.content)
            yield from references_to(("reviewers", "eligibility"), Kind.OPERATOR, self.reviewers.eligibility)


class Template(OfferDefaults):
    """Defaults for offers, reviewers included; a template may build on another (``template``)."""

    kind = Kind.TEMPLATE
