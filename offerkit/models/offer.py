"""Offers."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from offerkit.address import Kind
from offerkit.models.base import CategoryPath, Flag, Label, Reference
from offerkit.models.template import OfferDefaults


class Offer(OfferDefaults):
    """What is proposed: in one category, with eligibility, weights, content and reviewers."""

    kind = Kind.OFFER

    category: CategoryPath
    code: Label = Field("", description="The code other systems know the offer by; empty: its name.")
    enabled: Flag = True

    def references(self) -> Iterator[Reference]:
        """The category, and what every offer and template refers to."""
        yield Reference(("category",), Kind.CATEGORY, self.category)
        yield from super().references()
