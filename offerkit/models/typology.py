"""Typologies: sets of presentation rules."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.models.base import NameSet, Reference, Resource, references_to


class Typology(Resource):
    """A set of presentation rules for the environments that name it."""

    kind = Kind.TYPOLOGY

    rules: NameSet

    def references(self) -> Iterator[Reference]:
        """The rules."""
        yield from references_to(("rules",), Kind.RULE, self.rules)
