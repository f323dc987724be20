"""Addresses: the names of resources, stages and revisions.

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
    """The kind of a resource, in the order of reading and first creation."""

    DIMENSION = "dimension"
    PROFILE = "profile"
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
    WEBHOOK = "webhook"

    __hash__ = str.__hash__  # that of enumerations is Python, and most keys and caches have a kind in them


class Stage(StrEnum):
    """The two sides of an environment: design is edited, live is what the engine uses."""

    DESIGN = "design"
    LIVE = "live"

    __hash__ = str.__hash__


SHARED = "shared"
"""The stage with what all environments share; an environment cannot have this name."""

ADMINISTRATIVE_KINDS = (Kind.PROFILE, Kind.OPERATOR, Kind.WEBHOOK)
"""The kinds that count once they are applied, and are never promoted."""
SHARED_KINDS = (Kind.DIMENSION, *ADMINISTRATIVE_KINDS)
KEPT_BY_ROLLBACK = (Kind.CAMPAIGN, Kind.CASES, Kind.POLICY)
"""The kinds that a rollback of live does not change: campaigns have no design; cases and policies stay in force."""
KIND_ORDER = {kind: place for place, kind in enumerate(Kind)}
SECTIONS = {
    "dimensions": Kind.DIMENSION,
    "profiles": Kind.PROFILE,
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
    "webhooks": Kind.WEBHOOK,
}
"""The sections of spec files. Environments and cases have files of their own instead."""
SECTION_OF = {kind: section for section, kind in SECTIONS.items()}

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,63}){0,7}")


class Address(str):
    """The address of a resource: its environment (``shared`` for :data:`SHARED_KINDS`), kind and name.

    An address is a string with parsed parts, so it serves as a key, a database value and JSON without conversion. Only
    code at the edges turns text into addresses, with :func:`parse_address`.
    """

    __slots__ = ("environment", "kind", "name")
    environment: str
    kind: Kind
    name: str

    def __new__(cls, environment: str, kind: Kind, name: str) -> Self:
        """The parts are not checked; the text omits ``environment`` for kinds without one."""
        alone = kind in SHARED_KINDS or kind is Kind.ENVIRONMENT
        result = super().__new__(cls, f"{kind}.{name}" if alone else f"{environment}/{kind}.{name}")
        result.environment, result.kind, result.name = environment, kind, name
        return result

    def __getnewargs__(self) -> tuple[str, Kind, str]:  # type: ignore[override]  # how copies are made
        return self.environment, self.kind, self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return _read_by(parse_address)

    @property
    def sort_key(self) -> tuple[str, int, str]:
        """Sorts by environment, then kind in the order of :class:`Kind`, then name."""
        return (self.environment, KIND_ORDER[self.kind], self.name)

    def stage(self, side: Stage) -> StageRef:
        """The stage of its environment (or the shared one) on that side."""
        return StageRef(self.environment, side)

    def beside(self, kind: Kind, name: str) -> Address:
        """The address of another resource in the same environment."""
        return Address(self.environment, kind, name)


@lru_cache(maxsize=65_536)
def known_address(environment: str, kind: Kind, name: str) -> Address:
    """An address that is asked for again and again: thousands of offers name the same resources."""
    return Address(environment, kind, name)


def environment_address(name: str) -> Address:
    """The address of an environment itself."""
    return Address(name, Kind.ENVIRONMENT, name)


def valid_name(kind: Kind, name: str) -> bool:
    """Whether ``name`` is a valid name for that kind (categories and case files have paths joined by ``/``)."""
    pattern = PATH if kind in (Kind.CATEGORY, Kind.CASES) else NAME
    return pattern.fullmatch(name) is not None and not (kind is Kind.ENVIRONMENT and name == SHARED)


def ancestors(path: str) -> list[str]:
    """A category's path and those of all categories above it, root first: ``a``, ``a/b``, ``a/b/c``."""
    parts = path.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def parse_address(text: str) -> Address:
    """Parse an address.

    Raises ValueError with a message for the user if ``text`` is not an address.
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
    """A stage, now or in the past: ``at`` is None (now), a revision's number, or an ISO date or time.

    Like an :class:`Address`, it is a string with parsed parts.
    """

    __slots__ = ("at", "environment", "stage")
    environment: str
    stage: Stage
    at: str | None

    def __new__(cls, environment: str, stage: Stage, at: str | None = None) -> Self:
        """The parts are not checked."""
        result = super().__new__(cls, f"{environment}@{stage}:{at}" if at else f"{environment}@{stage}")
        result.environment, result.stage, result.at = environment, stage, at
        return result

    def __getnewargs__(self) -> tuple[str, Stage, str | None]:  # type: ignore[override]  # how copies are made
        return self.environment, self.stage, self.at

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return _read_by(parse_stage)

    def on(self, side: Stage) -> StageRef:
        """The current stage of the same environment on that side."""
        return StageRef(self.environment, side)


class _Staged(Protocol):
    @property
    def stage(self) -> StageRef: ...


_Row = TypeVar("_Row", bound=_Staged)


def by_stage(rows: Iterable[_Row]) -> dict[StageRef, list[_Row]]:
    """Group steps or changes by their stage, keeping their order."""
    result: dict[StageRef, list[_Row]] = {}
    for row in rows:
        result.setdefault(row.stage, []).append(row)
    return result


def parse_stage(text: str) -> StageRef:
    """Parse a stage such as ``recipients@live:12``.

    Raises ValueError with a message for the user if ``text`` is not a stage.
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
    """A pydantic schema that accepts only text and parses it with ``read``."""
    from pydantic_core import core_schema

    return core_schema.no_info_after_validator_function(read, core_schema.str_schema(strict=True))


class AddressPattern:
    """An address pattern with shell wildcards that match the whole address.

    ``recipients/offer.canada-*``, ``*/offer.*``, ``offer.*`` (in any environment), ``recipients`` and
    ``recipients/*`` (everything of that environment), ``recipients/category.travel/**`` (the category and
    all below it; ``*`` crosses ``/`` as well).
    """

    def __init__(self, text: str) -> None:
        """Compile ``text``; any text is valid, but may match nothing."""
        self.text = text
        parts = [text]
        if text.endswith("/**"):
            parts.append(text[:-3])
        self._match = re.compile("|".join(translate(part) for part in parts)).match

    def matches(self, address: Address) -> bool:
        """Whether the pattern matches ``address``."""
        local = f"{address.kind}.{address.name}"
        full = f"{address.environment}/{local}"
        return any(self._match(form) for form in (full, local, address.environment))

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"
