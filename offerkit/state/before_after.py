"""A state, what becomes of it by changes, and what that touches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from offerkit.address import Kind, environment_address, parse_address
from offerkit.state.changes import Change
from offerkit.state.entries import Body
from offerkit.state.references import implied
from offerkit.state.snapshot import Snapshot

_IDLE = (Kind.CAMPAIGN, Kind.OPERATOR)
"""What decides nothing: campaigns ask for decisions, operators make the configuration."""

_WORD = re.compile(r"[A-Za-z0-9_-]+")
"""Names are words; a category's name, and what is in another environment, are several, divided by a slash."""


@dataclass(frozen=True)
class BeforeAfter:
    """A state and what ``changes`` make of it: of one side of all the environments that are looked at."""

    before: Snapshot
    after: Snapshot
    changes: tuple[Change, ...]

    @classmethod
    def of(cls, before: Snapshot, changes: Iterable[Change], bodies: Mapping[str, Body] | None = None) -> BeforeAfter:
        """What ``changes`` make of ``before``; ``bodies``: those that they bring."""
        made = tuple(changes)
        return cls(before, before.apply(made, bodies), made)

    @property
    def pair(self) -> tuple[Snapshot, Snapshot]:
        """Both states."""
        return self.before, self.after

    @cached_property
    def addresses(self) -> frozenset[str]:
        """All that a change takes up or gives up."""
        return frozenset(a for change in self.changes for a in (change.address, change.moved_from) if a)

    @cached_property
    def origins(self) -> dict[str, str]:
        """Where what is renamed stood before, by the address that it will have."""
        return {change.address: change.moved_from for change in self.changes if change.moved_from}

    @cached_property
    def environments(self) -> list[str]:
        """The environments on either side, sorted."""
        found = {*self.before.of_kind(Kind.ENVIRONMENT), *self.after.of_kind(Kind.ENVIRONMENT)}
        return sorted(parse_address(address).name for address in found)

    @cached_property
    def touched(self) -> list[str]:
        """The environments in which anything changes, sorted.

        What environments share touches each that uses it, before or after: a dimension, those of its contacts.
        """
        return self._touched(self.addresses)

    @cached_property
    def deciding(self) -> list[str]:
        """The environments in which something changes that decides who is made which offers, sorted."""
        return self._touched(a for a in self.addresses if parse_address(a).kind not in _IDLE)

    def _touched(self, addresses: Iterable[str]) -> list[str]:
        places = list(map(parse_address, addresses))
        own = {place.environment for place in places}
        dimensions = {place.name for place in places if place.kind is Kind.DIMENSION}
        return [name for name in self.environments if name in own or dimensions & self._dimensions(name)]

    def _dimensions(self, environment: str) -> set[str]:
        address = environment_address(environment)
        bodies = (snapshot(address) for snapshot in self.pair)
        return {str(body.get("dimension")) for body in bodies if body is not None}

    def left_behind(self) -> dict[str, list[str]]:
        """What stands afterwards and still names what stood before and is gone: each with what it names, sorted.

        An offer that is deactivated is there for the history: what it names may go, and itself as well.
        """
        gone = {a for a, entry in self.before.entries.items() if entry.activation != ()} - self.after.entries.keys()
        words = {parse_address(address).name.rpartition("/")[2] for address in gone}
        found: dict[str, list[str]] = {}
        for address in sorted(self.after.entries) if gone else ():
            entry = self.after.entries[address]
            if entry.activation == ():
                continue
            named = gone.intersection(implied(address))
            # Only bodies with such a name in them are read whole.
            if not named and not words.isdisjoint(_WORD.findall(self.after.bodies[entry.fingerprint].text)):
                named = gone.intersection(self.after.references(address))
            if named:
                found[address] = sorted(named)
        return found
