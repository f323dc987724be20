"""A state: what stands at each address, and the bodies; what the rest of offerkit compares, judges and compiles."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from offerkit.address import Kind, Stage, StageRef, parse_address
from offerkit.fingerprint import JsonMap
from offerkit.state.changes import Change, Delta, by_environment, delta, with_changes
from offerkit.state.effective import EffectiveOffer, Inheritance
from offerkit.state.entries import Bodies, Body, Entry, Layered
from offerkit.state.references import references_of


@dataclass
class Snapshot:
    """The resources of some stages at one moment: entries by address, bodies by fingerprint.

    It is not changed once it is made: :meth:`apply` gives another one, which shares what was parsed and worked out of
    the bodies, since a fingerprint means the same wherever it stands.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    bodies: Mapping[str, Body] = field(default_factory=dict)
    _parsed: dict[str, JsonMap] = field(default_factory=dict, repr=False)
    _references: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict, repr=False)
    derived: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    """What was worked out of bodies alone, for all snapshots that share them; a key names their fingerprints."""
    memo: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)
    """What was worked out of this very snapshot, by what it is and the address it is about."""

    def with_entries(self, entries: Mapping[str, Entry], bodies: Mapping[str, Body] | None = None) -> Snapshot:
        """Another state that shares what was parsed already; ``bodies``: those that this one does not have."""
        held = self.bodies if not bodies or bodies is self.bodies else Layered(bodies, self.bodies)
        return Snapshot(entries, held, self._parsed, self._references, self.derived)

    def apply(self, changes: Iterable[Change], bodies: Mapping[str, Body] | None = None) -> Snapshot:
        """The state once ``changes`` are made: all leave before any arrives, so that names can be swapped.

        ``bodies``: what the changes bring.
        """
        return self.with_entries(with_changes(self.entries, changes), bodies)

    def diff(
        self,
        desired: Snapshot,
        side: Stage,
        moves: Mapping[str, str] | None = None,
        happened: Callable[[str, str], bool] | None = None,
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

    def read(self, address: str) -> JsonMap | None:
        """The body at ``address``, or None, parsed for this once: where many are looked at and never again."""
        entry = self.entries.get(address)
        body: JsonMap | None = orjson.loads(self.bodies[entry.fingerprint].text) if entry is not None else None
        return body

    def __call__(self, address: str) -> JsonMap | None:
        """The body at ``address``, or None."""
        entry = self.entries.get(address)
        if entry is None:
            return None
        body = self._parsed.get(entry.fingerprint)
        if body is None:
            body = self._parsed[entry.fingerprint] = orjson.loads(self.bodies[entry.fingerprint].text)
        return body

    def bodies_of(self, fingerprints: Iterable[str]) -> dict[str, Body]:
        """The bodies of those fingerprints, got at once, in their order."""
        wanted = sorted(set(fingerprints))
        if isinstance(self.bodies, Bodies):
            self.bodies.fetch(wanted)
        return {print_: self.bodies[print_] for print_ in wanted}

    def of_kind(self, kind: Kind, environment: str = "") -> list[str]:
        """The addresses of a kind, sorted; of one environment if named."""
        return self.by_environment.get((environment, kind), []) if environment else self.by_kind.get(kind, [])

    @cached_property
    def by_kind(self) -> dict[Kind, list[str]]:
        """All addresses by kind, sorted."""
        result: dict[Kind, list[str]] = {}
        for address in sorted(self.entries):
            result.setdefault(parse_address(address).kind, []).append(address)
        return result

    @cached_property
    def by_environment(self) -> dict[tuple[str, Kind], list[str]]:
        """All addresses by environment and kind, sorted."""
        result: dict[tuple[str, Kind], list[str]] = {}
        for kind, addresses in self.by_kind.items():
            for address in addresses:
                result.setdefault((parse_address(address).environment, kind), []).append(address)
        return result

    def inheritance(self, environment: str) -> Inheritance:
        """What the offers of ``environment`` inherit here."""
        known: Inheritance | None = self.memo.get(("inheritance", environment))
        if known is None:
            known = Inheritance(environment, self, lambda: self.of_kind(Kind.SPACE, environment))
            self.memo["inheritance", environment] = known
        return known

    def offer(self, address: str) -> EffectiveOffer:
        """The offer at ``address`` with all that it inherits here. Raises KeyError where nothing stands."""
        known: EffectiveOffer | None = self.memo.get(("offer", address))
        if known is None:
            known = self.inheritance(parse_address(address).environment).offer(address)
            self.memo["offer", address] = known
        return known

    def references(self, address: str) -> tuple[str, ...]:
        """The addresses that the resource at ``address`` refers to, parents and environment included."""
        body = self(address)
        if body is None:
            return ()
        key = (address, self.entries[address].fingerprint)
        if key not in self._references:
            self._references[key] = references_of(address, body)
        return self._references[key]


def refs_of(view: Snapshot, addresses: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """References of ``addresses`` by address."""
    return {address: view.references(address) for address in addresses}
