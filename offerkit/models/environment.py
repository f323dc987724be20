"""The offer environment: one per dimension, a design and a live stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.diagnostics import suggestion
from offerkit.models.base import (
    Duration,
    Expression,
    Flag,
    Name,
    NameSet,
    Part,
    Percentage,
    Reference,
    Resource,
    Text,
    references_to,
    unique_sorted,
)
from offerkit.models.dimension import DimensionField, TypedField
from offerkit.models.filter import FilterUse, filter_references
from offerkit.models.inbound import Inbound
from offerkit.models.offer_field import MAX_OFFER_FIELDS, OfferField
from offerkit.models.promotion_calendar import MAX_FREEZES, MAX_WINDOWS, Freeze, PromotionWindow
from offerkit.models.typed_values import GivenValue, ValueText, type_error
from offerkit.models.webhook import receiver_error

MAX_PRODUCT_FIELDS = 100
"""The most fields that an environment can declare for products."""


MAX_EXAMPLES = 50
"""The most examples of call data that an environment declares."""


SIGNED = ("approvals", "promotions", "stops")
"""What an environment can demand to be signed."""


MAX_ANCHORS = 10
"""The most places in which an environment anchors what goes live."""


def _places(places: tuple[str, ...]) -> tuple[str, ...]:
    for place in places:
        path = place.removeprefix("file:")
        is_file = path != place and 0 < len(path) <= 1_000 and path.isprintable()
        if place != "git" and not is_file and (path != place or receiver_error(place)):
            raise PydanticCustomError(
                "anchor", "this cannot be a place of anchors; write git, file:PATH, or a URL that begins with https://"
            )
    return unique_sorted(places)


class CallData(DimensionField):
    """A field that a call can pass, with a sample for previews."""

    sample: ValueText | None = Field(None, description="The value for previews; it does not affect decisions.")
    required: Flag = False

    @model_validator(mode="after")
    def _sample_fits(self) -> CallData:
        _check_sample(self.sample, self)
        return self


class ProductField(TypedField):
    """A value of the products that dynamic-offer hooks return, with a sample for previews."""

    sample: ValueText | None = Field(None, description="The value for previews; it does not affect decisions.")

    @model_validator(mode="after")
    def _sample_fits(self) -> ProductField:
        _check_sample(self.sample, self)
        return self


def _check_sample(sample: str | None, field: TypedField) -> None:
    if sample is not None and (why := type_error(sample, field.value_type)):
        raise PydanticCustomError("sample", "the sample does not fit: {why}", {"why": why})


class Promotion(Part):
    """How design goes live here."""

    promoters: NameSet = Field(
        (), description="Only these operators may promote; if empty, administrators and offer managers."
    )
    stoppers: NameSet = Field(
        (),
        description="Operators who may stop what is live, besides administrators and offer managers (offerkit stop).",
    )
    tests: Flag = Field(False, description="Applied decision cases must pass before a promotion.")
    separation_of_duties: Flag = Field(False, description="An operator who changed an offer cannot approve it.")
    approval_deadline: Duration | None = Field(
        None, description="How long reviewers have, from when an approval was first wanted, until it is overdue."
    )
    retention: Duration = Field(
        "90d", description="How long a removed offer is kept, deactivated, before purge deletes it."
    )
    windows: tuple[PromotionWindow, ...] = Field(
        (), max_length=MAX_WINDOWS, description="The times of the week in which promotions are possible; if empty, all."
    )
    freezes: tuple[Freeze, ...] = Field((), max_length=MAX_FREEZES, description="Times without promotions.")

    signatures: NameSet = Field(
        (),
        description="What must be signed with the operator's own SSH key (keys) to count here: approvals (and"
        " rejections), promotions (and rollbacks of live), stops (and resumptions).",
        json_schema_extra={"items": {"enum": [*SIGNED]}},
    )

    anchors: Annotated[tuple[str, ...], AfterValidator(_places)] = Field(
        (),
        max_length=MAX_ANCHORS,
        description="Where the digest of each revision that changes live is kept as well: git (a note of the commit),"
        " file:PATH, or a URL.",
    )

    @field_validator("signatures")
    @classmethod
    def _known_signatures(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in SIGNED:
                hint = suggestion(name, SIGNED, f"Known: {', '.join(SIGNED)}.")
                raise PydanticCustomError("signed", "“{name}” cannot be signed. {hint}", {"name": name, "hint": hint})
        return names


class ImpactLimit(Part):
    """Limits on what a promotion takes from contacts; the stricter one of live and design applies."""

    max_lost: Percentage | None = Field(
        None,
        description="On each space, the largest share of the contacts with an offer that a promotion can leave"
        " without one.",
    )


class ContactAccess(Part):
    """The operators who may read contacts through a server."""

    readers: NameSet = Field(
        (),
        description="Operators who may read this environment's contacts through a server, besides administrators and"
        " delivery managers.",
    )


class SettingsReviewers(Part):
    """The reviewers of changes that affect many offers at once."""

    settings: NameSet = Field(
        (),
        description="Operators who approve changes of this environment, its spaces, rules and typologies, and of its"
        " dimension; if empty, such changes go live without approval.",
    )


class Environment(Resource):
    """An environment: its dimension, typology, target filter, time zone and call data."""

    kind = Kind.ENVIRONMENT

    dimension: Name
    typology: Name | None = None
    time_zone: Text = "UTC"
    anonymous: Flag = Field(False, description="For anonymous visitors; inbound only.")
    filters: tuple[FilterUse, ...] = Field((), description="Predefined filters; all must hold for any offer.")
    when: Expression | None = Field(None, description="The environment's own target filter.")
    call_data: dict[Name, CallData] = {}
    call_data_examples: dict[Name, dict[Name, GivenValue]] = Field(
        {},
        max_length=MAX_EXAMPLES,
        description="Examples of calls, by name, for previews: values of call data, over the samples; they do not"
        " affect decisions.",
    )
    offer_fields: dict[Name, OfferField] = Field(
        {}, max_length=MAX_OFFER_FIELDS, description="The fields of offers besides the built-in ones: offer.<name>."
    )
    product_fields: dict[Name, ProductField] = Field(
        {},
        max_length=MAX_PRODUCT_FIELDS,
        description="The values of the products that dynamic-offer hooks return: product.<name> in stored data and"
        " templates.",
    )
    promotion: Promotion = Promotion()
    impact: ImpactLimit = ImpactLimit()
    contacts: ContactAccess = ContactAccess()
    reviewers: SettingsReviewers = SettingsReviewers()
    inbound: Inbound = Inbound()
    assets: Text | None = Field(
        None,
        description="The address below which images lie, as in https://cdn.example/img/: an offer's image_url can then"
        " be a path such as banners/a.png.",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise PydanticCustomError(
                "zone", "“{text}” is not a time zone; write one such as Europe/Paris", {"text": value[:80]}
            ) from None
        return value

    def references(self) -> Iterator[Reference]:
        """The dimension, the typology, the filters, and all named operators."""
        yield Reference(("dimension",), Kind.DIMENSION, self.dimension)
        if self.typology:
            yield Reference(("typology",), Kind.TYPOLOGY, self.typology)
        yield from filter_references(("filters",), self.filters)
        yield from references_to(("promotion", "promoters"), Kind.OPERATOR, self.promotion.promoters)
        yield from references_to(("promotion", "stoppers"), Kind.OPERATOR, self.promotion.stoppers)
        yield from references_to(("contacts", "readers"), Kind.OPERATOR, self.contacts.readers)
        yield from references_to(("reviewers", "settings"), Kind.OPERATOR, self.reviewers.settings)
