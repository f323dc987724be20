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
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic_core import CoreSchema


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
    CASES = "cases"
    POLICY = "policy"


class Stage(StrEnum):
    """The two sides of an environment: design is edited, live is what the engine uses."""

    DESIGN = "design"
    LIVE = "live"


SHARED = "shared"
"""The stage that holds what all environments share; no environment may take this name."""

SHARED_KINDS = (Kind.DIMENSION, Kind.OPERATOR)
KEPT_BY_ROLLBACK = (Kind.CAMPAIGN, Kind.CASES, Kind.POLICY)
"""What a rollback of live leaves as it is: campaigns have no design; what is held to cases and policies stays so."""
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
    "policies": Kind.POLICY,
}
"""The sections of spec files. Environments and cases have files of their own instead."""
SECTION_OF = {kind: section for section, kind in SECTIONS.items()}

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,63}){0,7}")


class Address(str):
    """Where a resource lives: its environment (``shared`` for dimensions and operators), kind and name.

    It is its own text, so that it is a key of a map, a cell of a row and a value of JSON as it stands, and nobody has
    to read it again to know its parts. Text becomes an address by :func:`parse_address`, at the edges only.
    """

    __slots__ = ("environment", "kind", "name")
    environment: str
    kind: Kind
    name: str

    def __new__(cls, environment: str, kind: Kind, name: str) -> Self:
        """The parts are taken as they are; ``environment`` does not show where the kind has none."""
        alone = kind in SHARED_KINDS or kind is Kind.ENVIRONMENT
        made = super().__new__(cls, f"{kind}.{name}" if alone else f"{environment}/{kind}.{name}")
        made.environment, made.kind, made.name = environment, kind, name
        return made

    def __getnewargs__(self) -> tuple[str, Kind, str]:  # type: ignore[override]  # how copies are made
        return self.environment, self.kind, self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return _read_by(parse_address)

    @property
    def sort_key(self) -> tuple[str, int, str]:
        """Grouped by environment, then kind in the order of :class:`Kind`, then name."""
        return (self.environment, KIND_ORDER[self.kind], self.name)

    def stage(self, side: Stage) -> StageRef:
        """The stage of its environment, or of what all share, in which it stands on that side."""
        return StageRef(self.environment, side)

    def beside(self, kind: Kind, name: str) -> Address:
        """Another resource of its environment."""
        return Address(self.environment, kind, name)


def environment_address(name: str) -> Address:
    """The address of an environment itself."""
    return Address(name, Kind.ENVIRONMENT, name)


def valid_name(kind: Kind, name: str) -> bool:
    """Whether ``name`` may name a resource of that kind (categories, and files of cases, are paths joined by ``/``)."""
    pattern = PATH if kind in (Kind.CATEGORY, Kind.CASES) else NAME
    return pattern.fullmatch(name) is not None and not (kind is Kind.ENVIRONMENT and name == SHARED)


def ancestors(path: str) -> list[str]:
    """A category's path and all above it, the root first: ``a``, ``a/b``, ``a/b/c``."""
    parts = path.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def parse_address(text: str) -> Address:
    """The address that ``text`` spells.

    Raises ValueError with a sentence for the user when it spells none.
    """
    return text if type(text) is Address else _parsed(text)


@lru_cache(maxsize=65536)
def _parsed(text: str) -> Address:
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


class StageRef(str):
    """A stage, now or then: ``at`` is None (now), a revision's serial, or an ISO date or time.

    As an :class:`Address`, it is its own text.
    """

    __slots__ = ("at", "environment", "stage")
    environment: str
    stage: Stage
    at: str | None

    def __new__(cls, environment: str, stage: Stage, at: str | None = None) -> Self:
        """The parts are taken as they are."""
        made = super().__new__(cls, f"{environment}@{stage}:{at}" if at else f"{environment}@{stage}")
        made.environment, made.stage, made.at = environment, stage, at
        return made

    def __getnewargs__(self) -> tuple[str, Stage, str | None]:  # type: ignore[override]  # how copies are made
        return self.environment, self.stage, self.at

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return _read_by(parse_stage)

    def on(self, side: Stage) -> StageRef:
        """The stage of the same environment on that side, as it is now."""
        return StageRef(self.environment, side)


class _Staged(Protocol):
    @property
    def stage(self) -> StageRef: ...


_Row = TypeVar("_Row", bound=_Staged)


def by_stage(rows: Iterable[_Row]) -> dict[StageRef, list[_Row]]:
    """Steps, changes or whatever else happens in a stage, by that stage; the order is kept."""
    found: dict[StageRef, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.stage, []).append(row)
    return found


def parse_stage(text: str) -> StageRef:
    """The stage that ``text`` names, as in ``recipients@live:12``.

    Raises ValueError with a sentence for the user when it names none.
    """
    return text if type(text) is StageRef else _parsed_stage(text)


@lru_cache(maxsize=4096)
def _parsed_stage(text: str) -> StageRef:
    environment, at_sign, rest = text.partition("@")
    stage, colon, at = rest.partition(":")
    if not at_sign or stage not in tuple(Stage) or (colon and not at) or NAME.fullmatch(environment) is None:
        raise ValueError(f"“{text}” is not a stage; write ENVIRONMENT@design or ENVIRONMENT@live[:REVISION]")
    return StageRef(environment, Stage(stage), at or None)


def _read_by(read: Callable[[str], str]) -> CoreSchema:
    """How pydantic reads a value from a file: from text, and nothing else."""
    from pydantic_core import core_schema

    return core_schema.no_info_after_validator_function(read, core_schema.str_schema(strict=True))


class AddressPattern:
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
