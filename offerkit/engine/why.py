"""The closed list of reasons for which an offer is not proposed, each with its step (domain.md §3)."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """Why an offer, or everything, is left out. The values are used in decision cases (``expect.out``)."""

    ENVIRONMENT_CONDITION = "environment-condition"
    """The environment's target filter does not hold: nothing is proposed at all."""
    NOT_IN_SLICE = "not-in-slice"
    """The call asks for other categories or themes."""
    CATEGORY_DISABLED = "category-disabled"
    CATEGORY_DATES = "category-dates"
    CATEGORY_CONDITION = "category-condition"
    OFFER_DISABLED = "offer-disabled"
    NOT_ACTIVATED = "not-activated"
    """Not live on this very space, though perhaps on others."""
    OFFER_DATES = "offer-dates"
    FILTER = "filter"
    OFFER_CONDITION = "offer-condition"
    NO_WEIGHT = "no-weight"
    """None of its weights holds now, here and for this contact."""
    WEIGHT_ZERO = "weight-zero"
    """Its highest weight, times the multipliers, is 0."""
    NO_PRODUCT = "no-product"
    """Its dynamic-offer hook found no product."""
    PRESENTATION_RULE = "presentation-rule"
    """The contact was offered enough of it, as a rule of the typology counts."""
    HOOK_DROPPED = "hook-dropped"
    """The space's post-processing hook took it out."""
    REPEATED = "repeated"
    """Another space of the same call proposes it already."""
    BEYOND_N = "beyond-n"
    """Others rank higher, and no more were asked for."""
    NOT_RENDERED = "not-rendered"
    """Its representation cannot be made for this contact."""


STEP_OF: dict[Why, int] = {
    Why.ENVIRONMENT_CONDITION: 2,
    Why.NOT_IN_SLICE: 3,
    Why.CATEGORY_DISABLED: 4,
    Why.CATEGORY_DATES: 4,
    Why.CATEGORY_CONDITION: 4,
    Why.OFFER_DISABLED: 5,
    Why.NOT_ACTIVATED: 5,
    Why.OFFER_DATES: 5,
    Why.FILTER: 5,
    Why.OFFER_CONDITION: 5,
    Why.NO_WEIGHT: 6,
    Why.WEIGHT_ZERO: 6,
    Why.NO_PRODUCT: 7,
    Why.PRESENTATION_RULE: 8,
    Why.HOOK_DROPPED: 10,
    Why.REPEATED: 11,
    Why.BEYOND_N: 11,
    Why.NOT_RENDERED: 12,
}
"""The step of the decision at which each reason arises."""
