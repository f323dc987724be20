"""Catalogs whose offers, categories and spaces had each other's names in live before, and propositions of that time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

from offerkit.address import Kind
from offerkit.engine.catalog import Catalog
from offerkit.state.former_names import EVER, FormerName, FormerNames
from offerkit.store import PropositionRow

PERIODS = (0, 10, 20, EVER)
"""The revisions between which nothing was renamed; in the last period everything has its name."""


def renamed(rng: Random, made: Catalog) -> Catalog:
    """``made``, in which names were passed on, or were others that nothing has any more."""
    found = []
    names = {Kind.OFFER: made.position_of, Kind.CATEGORY: made.categories, Kind.SPACE: made.spaces}
    for kind, now in names.items():
        for since, until in pairwise(PERIODS[:-1]):
            then = [name if rng.random() < 0.7 else f"{name}-{since}" for name in now]
            rng.shuffle(then)
            found += [
                FormerName(kind, old, since, until, name) for name, old in zip(now, then, strict=True) if old != name
            ]
    return replace(made, former_names=tuple(found))


def as_stored(rng: Random, former: FormerNames, row: PropositionRow) -> PropositionRow:
    """``row`` as it was stored in some revision, by the names of then."""
    revision = rng.randrange(PERIODS[-2] + 5)
    then = {(each.kind, each.now): each.name for each in former if each.since <= revision < each.until}
    return row._replace(
        revision=revision,
        offer=then.get((Kind.OFFER, row.offer), row.offer),
        category=then.get((Kind.CATEGORY, row.category), row.category),
        space=then.get((Kind.SPACE, row.space), row.space),
    )
