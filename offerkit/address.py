"""Addresses: how every resource, stage and point in time is named.

``recipients/offer.canada-rockies``, ``recipients/category.travel/americas``, ``environment.recipients``,
``dimension.recipient`` name resources; ``recipients@live``, ``recipients@live:12`` and
``recipients@live:2026-11-01`` name stages (docs/addresses.md).
"""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple


class Kind(StrEnum):
    """What a resource is; the order is the order of reading and of first creation."""

    DIMENSION = "dimension"
    OPERATOR = "operator"
    ENVIRONMENT = "environment"
    SPACE = "space"
    FILTER = "filter"
    RULE = "rule"
    TYPOLOGY = "typology"
    CATEGORY = "category"
    TEMPLATE = "template"
    OFFER = "offer"
    CAMPAIGN = "campaign"


class Stage(StrEnum):
    """The two sides of an environment: design is edited, live is what the engine uses."""

    DESIGN = "design"
    LIVE = "live"


SHARED = "shared"
"""The stage that holds what all environments share; no environment may take this name."""

SHARED_KINDS = (Kind.DIMENSION, Kind.OPERATOR)
KIND_ORDER = {kind: place for place, kind in enumerate(Kind)}
SECTIONS = {
    "dimensions": Kind.DIMENSION,
    "operators": Kind.OPERATOR,
    "spaces": Kind.SPACE,
    "filters": Kind.FILTER,
    "rules": Kind.RULE,
    "typologies": Kind.TYPOLOGY,
    "categories": Kind.CATEGORY,
    "templates": Kind.TEMPLATE,
    "offers": Kind.OFFER,
    "campaigns": Kind.CAMPAIGN,
}
SECTION_OF = {kind: section for section, kind in SECTIONS.items()}

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,63}){0,7}")


class Address(NamedTuple):
    """Where a resource lives: its environment (``shared`` for dimensions and operators), kind and name."""

    environment: str
    kind: Kind
    name: str

    def __str__(self) -> str:
        if self.kind in SHARED_KINDS or self.kind is Kind.ENVIRONMENT:
            return f"{self.kind}.{self.name}"
        return f"{self.environment}/{self.kind}.{self.name}"

    @property
    def sort_key(self) -> tuple[str, int, str]:
        """Grouped by environment, then kind in the order of :class:`Kind`, then name."""
        return (self.environment, KIND_ORDER[self.kind], self.name)


def valid_name(kind: Kind, name: str) -> bool:
    """Whether ``name`` may name a resource of that kind (categories are paths joined by ``/``)."""
    pattern = PATH if kind is Kind.CATEGORY else NAME
    return pattern.fullmatch(name) is not None and not (kind is Kind.ENVIRONMENT and name == SHARED)


def ancestors(path: str) -> list[str]:
    """A category's path and all above it, the root first: ``a``, ``a/b``, ``a/b/c``."""
    parts = path.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


@lru_cache(maxsize=65536)
def parse_address(text: str) -> Address:
    """The address that ``text`` spells.

    Raises ValueError with a sentence for the user when it spells none.
    """
    head, dot, name = text.partition(".")
    environment, slash, kind_name = head.rpartition("/")
    try:
        kind = Kind(kind_name)
    except ValueError:
        raise ValueError(f"“{text}” is not an address; write ENVIRONMENT/KIND.NAME") from None
    shared = kind in SHARED_KINDS or kind is Kind.ENVIRONMENT
    if not dot or not valid_name(kind, name) or bool(slash) == shared:
        raise ValueError(f"“{text}” is not an address; write ENVIRONMENT/KIND.NAME")
    if kind is Kind.ENVIRONMENT:
        return Address(name, kind, name)
    if shared:
        return Address(SHARED, kind, name)
    if not valid_name(Kind.ENVIRONMENT, environment):
        raise ValueError(f"“{text}” does not start with an environment's name")
    return Address(environment, kind, name)


class StageRef(NamedTuple):
    """A stage, now or then: ``at`` is None (now), a revision's serial, or an ISO date or time."""

    environment: str
    stage: Stage
    at: str | None = None

    def __str__(self) -> str:
        return f"{self.environment}@{self.stage}" + (f":{self.at}" if self.at else "")


def parse_stage(text: str) -> StageRef:
    """The stage that ``text`` names, as in ``recipients@live:12``.

    Raises ValueError with a sentence for the user when it names none.
    """
    environment, at_sign, rest = text.partition("@")
    stage, colon, at = rest.partition(":")
    if not at_sign or stage not in tuple(Stage) or (colon and not at) or NAME.fullmatch(environment) is None:
        raise ValueError(f"“{text}” is not a stage; write ENVIRONMENT@design or ENVIRONMENT@live[:REVISION]")
    return StageRef(environment, Stage(stage), at or None)


class Pattern:
    """An address pattern: shell wildcards, over the whole address.

    ``recipients/offer.canada-*``, ``*/offer.*``, ``offer.*`` (in any environment), ``recipients`` and
    ``recipients/*`` (everything of that environment), ``recipients/category.travel/**`` (the category and
    all below it; ``*`` crosses ``/`` as well).
    """

    def __init__(self, text: str) -> None:
        """Compile ``text``; every text is a pattern, though perhaps one that matches nothing."""
        self.text = text
        parts = [text]
        if text.endswith("/**"):
            parts.append(text[:-3])
        self._match = re.compile("|".join(translate(part) for part in parts)).match

    def matches(self, address: Address) -> bool:
        """Whether the pattern takes in ``address``."""
        local = f"{address.kind}.{address.name}"
        full = f"{address.environment}/{local}"
        return any(self._match(form) for form in (full, local, address.environment))

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"
