"""Step 1 of the decision: identify the contact (domain.md §3).

By explicit key; else by cookie, where the space allows it; else through the linked anonymous space; else not at all.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from offerkit.rules.types import Row


class IdentifiedBy(StrEnum):
    """How a contact was identified."""

    EXPLICIT = "explicit"
    """By the key in the call."""
    IMPLICIT = "implicit"
    """By the cookie of a contact who was identified before; on an anonymous space, by the cookie itself."""
    FALLBACK = "fallback"
    """Not identified: the linked anonymous space answers."""
    NOBODY = "nobody"
    """Not identified, and the space has no fallback: nothing is proposed."""


class Identified(NamedTuple):
    """Which space answers, and for whom. ``contact`` is None when nothing is known about the contact.

    ``key`` identifies the contact in the history; ``categories``: the anonymous categories of the space that fell
    back.
    """

    environment: str
    space: str
    how: IdentifiedBy
    key: str = ""
    contact: Row | None = None
    categories: tuple[str, ...] = ()


class IdentifyingSpace(NamedTuple):
    """What identification needs to know about a space; ``fallback`` is ``ENVIRONMENT/SPACE`` or empty.

    ``keys``: the fields by which it knows contacts; none: the primary key.
    """

    environment: str
    space: str
    anonymous: bool
    implicit: bool
    fallback: str
    categories: tuple[str, ...]
    keys: tuple[str, ...] = ()


class ContactLookup(Protocol):
    """The caller's way to look up contacts."""

    def by_key(self, door: IdentifyingSpace, key: str, /) -> tuple[str, Row] | None:
        """The key and profile of the contact with a key as text."""

    def by_cookie(self, door: IdentifyingSpace, cookie: str, /) -> tuple[str, Row | None] | None:
        """The key and profile of the contact with a cookie."""

    def door(self, name: str, /) -> IdentifyingSpace:
        """The space with a name."""


def identify(door: IdentifyingSpace, key: str, cookie: str, ports: ContactLookup) -> Identified:
    """The contact of a call to the space ``door`` with this ``key`` and ``cookie`` (either may be empty).

    An unknown key is not an error: the next way of identification is tried.
    """
    if key:
        contact = ports.by_key(door, key)
        if contact is not None:
            return Identified(door.environment, door.space, IdentifiedBy.EXPLICIT, *contact)
    if cookie and door.implicit:
        linked = ports.by_cookie(door, cookie)
        if linked is not None:
            return Identified(door.environment, door.space, IdentifiedBy.IMPLICIT, *linked)
    if door.fallback:
        fallback_space = ports.door(door.fallback)
        visitor = ports.by_cookie(fallback_space, cookie) if cookie else None
        name, row = visitor if visitor is not None else (cookie, None)
        return Identified(
            fallback_space.environment, fallback_space.space, IdentifiedBy.FALLBACK, name, row, door.categories
        )
    if door.anonymous:
        return Identified(
            door.environment, door.space, IdentifiedBy.IMPLICIT if cookie else IdentifiedBy.FALLBACK, cookie
        )
    return Identified(door.environment, door.space, IdentifiedBy.NOBODY)
