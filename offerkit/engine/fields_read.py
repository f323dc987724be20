"""Which fields of contact and call data the decisions on a space can read, known before any call."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import BoundCondition
from offerkit.engine.contact_history import CountedPropositions, HistoryCondition


def conditions_of(catalog: Catalog, space: str) -> Iterator[BoundCondition]:
    """Every condition and formula that decides what ``space`` shows: of the environment, offers there, and rules."""
    offers = [offer for offer in catalog.offers if space in offer.spaces]
    weights = [weight for offer in offers for weight in offer.weights if not weight.spaces or space in weight.spaces]
    categories = {id(category): category for offer in offers for category in offer.chain}
    located = chain(
        catalog.requirements,
        (rule.contacts for rule in catalog.rules if rule.contacts is not None),
        *(category.requirements for category in categories.values()),
        *(offer.requirements for offer in offers),
        *(weight.requirements for weight in weights),
    )
    yield from dict.fromkeys(requirement.condition for requirement in located)
    yield from dict.fromkeys(weight.formula for weight in weights if weight.formula is not None)


def fields_read(catalog: Catalog, space: str) -> frozenset[tuple[str, str]]:
    """The (namespace, field) pairs of contact and call data that conditions and formulas for ``space`` read."""
    own = (catalog.dimension.name, "interaction")
    checked = (condition.expression.checked for condition in conditions_of(catalog, space))
    return frozenset(field for one in checked if one is not None for field in one.fields if field[0] in own)


def counted_conditions(catalog: Catalog, space: str) -> frozenset[CountedPropositions]:
    """What conditions for ``space`` count of the contact's own history (``eligible.history``)."""
    found = conditions_of(catalog, space)
    return frozenset(condition.counted for condition in found if isinstance(condition, HistoryCondition))
