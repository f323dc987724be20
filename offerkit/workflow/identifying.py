"""Step 1 with its sources: contacts by key, cookies that the store remembers, the linked anonymous space."""

from __future__ import annotations

from offerkit.engine.identify import Door, Identified, Ports, identify
from offerkit.rules.types import Row
from offerkit.store import Store
from offerkit.workflow.asking import Ask
from offerkit.workflow.catalogs import Catalogs
from offerkit.workflow.people import People


def identified(catalogs: Catalogs, people: People, store: Store, ask: Ask, environment: str, space: str) -> Identified:
    """Who is asking on a space. Raises Refused when the key cannot be read or the contacts cannot be reached."""

    def door(name: str) -> Door:
        linked, _, place = name.partition("/")
        return catalogs.place(linked, place).door

    def by_key(door: Door, text: str) -> tuple[str, Row] | None:
        keys = catalogs.place(door.environment, door.space).model.identification.keys
        row = people.by_key(door.environment, text, keys)
        return None if row is None else (people.of(door.environment).key_of(row), row)

    def by_cookie(door: Door, cookie: str) -> tuple[str, Row | None] | None:
        if door.anonymous:
            # The cookie is the visitor's key; one who is not in the table yet is known by nothing else.
            return cookie, _visitor(people, door.environment, cookie)
        key = store.contact_of(door.environment, cookie)
        row = people.by_key(door.environment, key) if key else None
        return None if row is None else (key, row)

    return identify(door(f"{environment}/{space}"), ask.contact, ask.cookie, Ports(by_key, by_cookie, door))


def _visitor(people: People, environment: str, cookie: str) -> Row | None:
    if not people.has_source(environment) or len(people.of(environment).key) != 1:
        return None
    return people.by_key(environment, people.as_key(cookie))
