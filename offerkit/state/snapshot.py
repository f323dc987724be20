"""A state: the entry at each address, and the bodies; the effect of changes on it, and what they touch."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from offerkit.address import ADMINISTRATIVE_KINDS, SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.fingerprint import JsonMap, manifest_digest
from offerkit.state.changes import (
    Bodies,
    Body,
    Change,
    Delta,
    Entry,
    LayeredBodies,
    by_environment,
    delta,
    with_changes,
)
from offerkit.state.effective import EffectiveOffer, Inheritance
from offerkit.state.names import FirstNames
from offerkit.state.references import implied, references_of

_NOT_DECIDING = (Kind.CAMPAIGN, *ADMINISTRATIVE_KINDS, Kind.CASES, Kind.POLICY)
"""The kinds that do not affect decisions: campaigns request them, operators configure, cases and policies check."""

_WORD = re.compile(r"[A-Za-z0-9_-]+")
"""One word of a name; category paths and names in other environments are several words separated by slashes."""

_LAST_OFFER = ("offer", "")


@dataclass
class Snapshot:
    """The resources of some stages at one moment: entries by address, bodies by fingerprint.

    It is immutable: :meth:`apply` gives a new one, which shares the parsed bodies and everything derived from them,
    since a fingerprint means the same everywhere.
    """

    entries: Mapping[Address, Entry] = field(default_factory=dict)
    bodies: Mapping[str, Body] = field(default_factory=dict)
    _parsed: dict[str, JsonMap] = field(default_factory=dict, repr=False)
    _references: dict[tuple[Address, str], tuple[Address, ...]] = field(default_factory=dict, repr=False)
    derived: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    """Values derived from bodies alone, shared by all snapshots with these bodies; keys contain fingerprints."""
    origins: FirstNames = field(default_factory=FirstNames, repr=False, compare=False)
    """The first names of its resources."""
    memo: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)
    """Values derived from this snapshot only, by purpose and address."""

    def with_entries(
        self,
        entries: Mapping[Address, Entry],
        bodies: Mapping[str, Body] | None = None,
        origins: FirstNames | None = None,
    ) -> Snapshot:
        """Another state that shares the parsed bodies; ``bodies``: those that this one does not have."""
        held = self.bodies if not bodies or bodies is self.bodies else LayeredBodies(bodies, self.bodies)
        first = self.origins if origins is None else origins
        return Snapshot(entries, held, self._parsed, self._references, self.derived, first)

    def nothing_of(self, bodies: Mapping[str, Body]) -> Snapshot:
        """The empty state of other ``bodies``, for which what was derived from bodies with these fingerprints holds."""
        return Snapshot({}, bodies, self._parsed, self._references, self.derived)

    def apply(self, changes: Iterable[Change], bodies: Mapping[str, Body] | None = None) -> Snapshot:
        """The state after ``changes``: all resources leave before any arrives, so that names can be swapped.

        ``bodies``: the bodies that the changes bring.
        """
        change_list = list(changes)
        return self.with_entries(with_changes(self.entries, change_list), bodies, self.origins.after(change_list))

    def diff(
        self,
        desired: Snapshot,
        side: Stage,
        moves: Mapping[Address, Address] | None = None,
        happened: Callable[[Address, Address], bool] | None = None,
    ) -> list[Delta]:
        """The changes from this state to ``desired``, environment by environment; see :func:`changes.delta`."""
        was, will = by_environment(self.entries), by_environment(desired.entries)
        renamed = by_environment(moves or {})
        return [
            change
            for name in sorted(was.keys() | will.keys())
            for change in delta(
                StageRef(name, side), was.get(name, {}), will.get(name, {}), renamed.get(name), happened
            )
        ]

    def read(self, address: Address) -> JsonMap | None:
        """The body at ``address``, or None, parsed without caching: for one pass over many bodies."""
        entry = self.entries.get(address)
        body: JsonMap | None = orjson.loads(self.bodies[entry.fingerprint].text) if entry is not None else None
        return body

    def __call__(self, address: Address) -> JsonMap | None:
        """The body at ``address``, or None."""
        entry = self.entries.get(address)
        if entry is None:
            return None
        body = self._parsed.get(entry.fingerprint)
        if body is None:
            body = self._parsed[entry.fingerprint] = orjson.loads(self.bodies[entry.fingerprint].text)
        return body

    def bodies_of(self, fingerprints: Iterable[str]) -> dict[str, Body]:
        """The bodies with these fingerprints, loaded at once, sorted by fingerprint."""
        ordered = sorted(set(fingerprints))
        if isinstance(self.bodies, Bodies):
            self.bodies.fetch(ordered)
        return {print_: self.bodies[print_] for print_ in ordered}

    def of_kind(self, kind: Kind, environment: str = "") -> list[Address]:
        """The addresses of a kind, sorted; of one environment if named."""
        return self.by_environment.get((environment, kind), []) if environment else self.by_kind.get(kind, [])

    @cached_property
    def digest(self) -> str:
        """The digest of all entries: states with the same say the same."""
        return manifest_digest((a, entry.fingerprint, entry.activation_text) for a, entry in self.entries.items())

    @cached_property
    def by_kind(self) -> dict[Kind, list[Address]]:
        """All addresses by kind, sorted."""
        result: dict[Kind, list[Address]] = {}
        for address in sorted(self.entries):
            result.setdefault(address.kind, []).append(address)
        return result

    @cached_property
    def by_environment(self) -> dict[tuple[str, Kind], list[Address]]:
        """All addresses by environment and kind, sorted."""
        result: dict[tuple[str, Kind], list[Address]] = {}
        for kind, addresses in self.by_kind.items():
            for address in addresses:
                result.setdefault((address.environment, kind), []).append(address)
        return result

    def inheritance(self, environment: str) -> Inheritance:
        """What the offers of ``environment`` inherit here."""
        known: Inheritance | None = self.memo.get(("inheritance", environment))
        if known is None:
            # It uses a copy of this snapshot to avoid a reference cycle: commands run without the cycle collector.
            known = Inheritance(environment, self.with_entries(self.entries), self.of_kind(Kind.SPACE, environment))
            self.memo["inheritance", environment] = known
        return known

    def offer(self, address: Address) -> EffectiveOffer:
        """The offer at ``address`` with everything it inherits here. Raises KeyError if missing."""
        last: EffectiveOffer | None = self.memo.get(_LAST_OFFER)  # one offer is asked for many times in a row
        if last is None or last.address != address:
            last = self.memo[_LAST_OFFER] = self.inheritance(address.environment).offer(address)
        return last

    def references(self, address: Address) -> tuple[Address, ...]:
        """The addresses that the resource at ``address`` references, including its parent and environment."""
        body = self(address)
        if body is None:
            return ()
        key = (address, self.entries[address].fingerprint)
        if key not in self._references:
            self._references[key] = references_of(address, body)
        return self._references[key]


def refs_of(view: Snapshot, addresses: Iterable[Address]) -> dict[Address, tuple[Address, ...]]:
    """The references of each of ``addresses``."""
    return {address: view.references(address) for address in addresses}


@dataclass(frozen=True)
class BeforeAfter:
    """A state before and after ``changes``: one side (design or live) of all environments considered."""

    before: Snapshot
    after: Snapshot
    changes: tuple[Change, ...]

    @classmethod
    def of(cls, before: Snapshot, changes: Iterable[Change], bodies: Mapping[str, Body] | None = None) -> BeforeAfter:
        """``before``, and the state after ``changes``; ``bodies``: the bodies that they bring."""
        change_list = tuple(changes)
        return cls(before, before.apply(change_list, bodies), change_list)

    @property
    def pair(self) -> tuple[Snapshot, Snapshot]:
        """Both states."""
        return self.before, self.after

    @cached_property
    def addresses(self) -> frozenset[Address]:
        """All addresses that a change takes or leaves."""
        return frozenset(a for change in self.changes for a in (change.address, change.moved_from) if a)

    @cached_property
    def origins(self) -> dict[Address, Address]:
        """The former address of each renamed resource, by its new address."""
        return {change.address: change.moved_from for change in self.changes if change.moved_from}

    @cached_property
    def environments(self) -> list[str]:
        """The environments on either side, sorted."""
        result = {*self.before.of_kind(Kind.ENVIRONMENT), *self.after.of_kind(Kind.ENVIRONMENT)}
        return sorted(address.name for address in result)

    @cached_property
    def touched(self) -> list[str]:
        """The environments in which anything changes, sorted.

        A shared resource touches every environment that uses it, before or after: a dimension, those of its contacts.
        """
        own = {address.environment for address in self.addresses}
        dimensions = {address.name for address in self.addresses if address.kind is Kind.DIMENSION}
        return [name for name in self.environments if name in own or dimensions & self._dimensions(name)]

    @cached_property
    def deciding(self) -> list[str]:
        """The environments whose decisions can change, sorted; all of them if a shared resource changes.

        Campaigns, operators, cases and policies do not affect decisions.
        """
        own = {address.environment for address in self.addresses if address.kind not in _NOT_DECIDING}
        return [name for name in self.environments if name in own or SHARED in own]

    def _dimensions(self, environment: str) -> set[str]:
        address = environment_address(environment)
        bodies = (snapshot(address) for snapshot in self.pair)
        return {str(body.get("dimension")) for body in bodies if body is not None}

    def left_behind(self) -> dict[Address, list[Address]]:
        """Resources in the new state that still reference removed ones, each with those references, sorted.

        A deactivated offer is kept for the history only: its references can be removed, and so can it.
        """
        removed = {a for a, entry in self.before.entries.items() if entry.activation != ()} - self.after.entries.keys()
        removed_names = {address.name.rpartition("/")[2] for address in removed}
        result: dict[Address, list[Address]] = {}
        for address in sorted(self.after.entries) if removed else ():
            entry = self.after.entries[address]
            if entry.activation == ():
                continue
            missing = removed.intersection(implied(address))
            # Parse only bodies that contain such a name.
            if not missing and not removed_names.isdisjoint(_WORD.findall(self.after.bodies[entry.fingerprint].text)):
                missing = removed.intersection(self.after.references(address))
            if missing:
                result[address] = sorted(missing)
        return result
