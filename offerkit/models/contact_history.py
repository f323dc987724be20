"""The contact's own history as part of an eligibility: how often something was proposed to the contact before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.fingerprint import JsonPath
from offerkit.models.base import CategoryPath, Duration, Integer, Name, Part, Reference

MOST_ENTRIES = 20
"""The most entries of one resource."""
MOST_COUNTED = 1_000_000


class HistoryEntry(Part):
    """A number of propositions that the contact must have had: of an offer, of a category and those below, or of the
    offers that have a theme now.
    """

    offer: Name | None = Field(None, description="Count propositions of this offer.")
    category: CategoryPath | None = Field(None, description="Count those of offers in this category, and below it.")
    theme: Name | None = Field(None, description="Count those of the offers that have this theme now.")
    status: Literal[
        "any",
        "accepted-or-rejected",
        "generated",
        "presented",
        "interested",
        "accepted",
        "scheduled",
        "rejected",
    ] = Field("any", description="The status that the propositions have now.")
    period: Duration = Field("30d", description="How long before the proposition date propositions count.")
    at_least: Integer | None = Field(None, ge=1, le=MOST_COUNTED, description="The smallest number.")
    at_most: Integer | None = Field(None, ge=0, le=MOST_COUNTED, description="The largest number.")

    @model_validator(mode="after")
    def _complete(self) -> HistoryEntry:
        if sum(each is not None for each in (self.offer, self.category, self.theme)) != 1:
            raise PydanticCustomError(
                "history",
                "an entry of history counts one of offer, category and theme",
                {"hint": "Name one of them; for two, write two entries, which must both hold."},
            )
        if self.at_least is None and self.at_most is None:
            raise PydanticCustomError(
                "history",
                "an entry of history has at_least or at_most, a number",
                {"hint": "Add at_least: 1 or at_most: 0, for example."},
            )
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise PydanticCustomError("history", "at_least is more than at_most, so the entry never holds")
        return self


ContactHistory = Annotated[tuple[HistoryEntry, ...], Field(max_length=MOST_ENTRIES)]


def history_references(path: JsonPath, entries: Iterable[HistoryEntry]) -> Iterator[Reference]:
    """The offers and categories that the list at ``path`` counts."""
    for place, entry in enumerate(entries):
        if entry.offer is not None:
            yield Reference((*path, place, "offer"), Kind.OFFER, entry.offer)
        if entry.category is not None:
            yield Reference((*path, place, "category"), Kind.CATEGORY, entry.category)
