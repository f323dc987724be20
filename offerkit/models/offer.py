"""Offers."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from offerkit.address import Kind
from offerkit.models.base import CategoryPath, Flag, Label, Reference
from offerkit.models.template import OfferDefaults


class Offer(OfferDefaults):
    """An offer: in one category, with eligibility, weights, content and reviewers."""

    kind = Kind.OFFER

    category: CategoryPath
    code: Label = Field("", description="The offer's code in other systems; by default its name.")
    enabled: Flag = True

    def references(self) -> Iterator[Reference]:
        """The category, and the references of every offer or template."""
        yield Reference(("category",), Kind.CATEGORY, self.category)
        yield from super().references()
