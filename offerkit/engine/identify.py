"""Step 1 of the decision: who is it? (domain.md §3)

Explicit key, else cookie where the space allows it, else the linked anonymous space, else nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from offerkit.rules.types import Row


class IdentifiedBy(StrEnum):
    """How a contact was identified."""

    EXPLICIT = "explicit"
    """By the key that the call passed."""
    IMPLICIT = "implicit"
    """By the cookie of somebody who identified themselves before; in an anonymous space: by the cookie itself."""
    FALLBACK = "fallback"
    """Not at all: the linked anonymous space answers."""
    NOBODY = "nobody"
    """Not at all, and there is no fallback: nothing is proposed."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Which space answers, for whom. ``contact`` is None when nothing is known of them.

    ``key`` names them in the history; ``categories``: the anonymous categories of the space that fell back.
    """

    environment: str
    space: str
    how: IdentifiedBy
    key: str = ""
    contact: Row | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identification:
    """A space as identification sees it; ``fallback`` is ``ENVIRONMENT/SPACE`` or empty."""

    environment: str
    space: str
    anonymous: bool
    implicit: bool
    fallback: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContactLookup:
    """How contacts are found, given by the caller. Each answers (key, profile) or None.

    ``by_key``: environment, space and key as text. ``by_cookie``: environment and cookie.
    """

    by_key: Callable[[Identification, str], tuple[str, Row] | None]
    by_cookie: Callable[[Identification, str], tuple[str, Row | None] | None]
    door: Callable[[str], Identification]


def identify(door: Identification, key: str, cookie: str, ports: ContactLookup) -> Identified:
    """Who is asking at ``door``, with the ``key`` and the ``cookie`` that the call passed (either may be empty).

    A key that nobody has is no mistake: the next way of identification is tried.
    """
    if key:
        found = ports.by_key(door, key)
        if found is not None:
            return Identified(door.environment, door.space, IdentifiedBy.EXPLICIT, *found)
    if cookie and door.implicit:
        linked = ports.by_cookie(door, cookie)
        if linked is not None:
            return Identified(door.environment, door.space, IdentifiedBy.IMPLICIT, *linked)
    if door.fallback:
        other = ports.door(door.fallback)
        visitor = ports.by_cookie(other, cookie) if cookie else None
        name, row = visitor if visitor is not None else (cookie, None)
        return Identified(other.environment, other.space, IdentifiedBy.FALLBACK, name, row, door.categories)
    if door.anonymous:
        return Identified(
            door.environment, door.space, IdentifiedBy.IMPLICIT if cookie else IdentifiedBy.FALLBACK, cookie
        )
    return Identified(door.environment, door.space, IdentifiedBy.NOBODY)
