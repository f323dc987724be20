"""The names that offers, categories and spaces had in live when something was proposed, and what they are called now.

A proposition keeps the names of its time and the revision that decided it. What counts propositions counts those of a
renamed offer as that offer's, since a rename changes nothing else (docs/adr/0061-contact-history.md).
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from offerkit.address import Kind
from offerkit.state.names import NameHistory
from offerkit.state.snapshot import Snapshot

COUNTED_KINDS = (Kind.OFFER, Kind.CATEGORY, Kind.SPACE)
"""The kinds whose names a proposition keeps."""
EVER = 2**62
"""The revision until which a name lasts that is not given up."""


class FormerName(NamedTuple):
    """From revision ``since`` to before ``until``, propositions have ``name`` for what is called ``now``."""

    kind: Kind
    name: str
    since: int
    until: int
    now: str


FormerNames: TypeAlias = tuple[FormerName, ...]


def former_names(names: NameHistory, live: Snapshot, view: Snapshot, environment: str) -> FormerNames:
    """The names in live of resources that have another name in ``view``: live itself, or a state that may become live.

    ``names``: the renames in live. Resources are the same if their first names are. Empty if nothing was renamed.
    """
    if not names and not view.origins:
        return ()
    found = []
    for kind in COUNTED_KINDS:
        in_live = {live.origins.of(address): address for address in live.of_kind(kind, environment)}
        for address in view.of_kind(kind, environment):
            before = in_live.get(view.origins.of(address))
            found += [
                FormerName(kind, span.name.name, span.since, int(min(span.until, EVER)), address.name)
                for span in (names.spans(before) if before is not None else ())
                if span.name.name != address.name
            ]
    return tuple(found)


def present_name(former: FormerNames, kind: Kind, name: str, revision: int) -> str:
    """What is called now what a proposition of ``revision`` calls ``name``."""
    for each in former:
        if each.name == name and each.kind is kind and each.since <= revision < each.until:
            return each.now
    return name
