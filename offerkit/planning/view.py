"""A stage as a lookup: what stands at an address, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from offerkit.address import Kind, parse_address
from offerkit.fingerprint import Json
from offerkit.models import model_of
from offerkit.models.inherit import JsonMap
from offerkit.planning.plan import Body, Entry


class Layered(Mapping[str, Body]):
    """Several sources of bodies as one; a fingerprint means the same in each."""

    def __init__(self, *sources: Mapping[str, Body]) -> None:
        """Look in ``sources`` in this order."""
        self._sources = sources

    def __getitem__(self, fingerprint: str) -> Body:
        """The body of that fingerprint. Raises KeyError when no source has it."""
        for source in self._sources:
            body = source.get(fingerprint)
            if body is not None:
                return body
        raise KeyError(fingerprint)

    def __iter__(self) -> Iterator[str]:
        """All fingerprints."""
        return iter(dict.fromkeys(key for source in self._sources for key in source))

    def __len__(self) -> int:
        """How many there are."""
        return sum(1 for _ in self)


@dataclass
class View:
    """The resources of some stages at one moment: entries by address, bodies by fingerprint."""

    entries: Mapping[str, Entry]
    bodies: Mapping[str, Body]
    _parsed: dict[str, JsonMap] = field(default_factory=dict)
    _references: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    memo: dict[tuple[str, str], Any] = field(default_factory=dict)
    """What was worked out of this very view, by what it is and the address it is about."""

    def with_entries(self, entries: Mapping[str, Entry], bodies: Mapping[str, Body]) -> View:
        """Another view that shares what was parsed already: a body is the same wherever it stands."""
        return View(entries, bodies, self._parsed, self._references)

    def __call__(self, address: str) -> JsonMap | None:
        """The body at ``address``, or None."""
        entry = self.entries.get(address)
        if entry is None:
            return None
        body = self._parsed.get(entry.fingerprint)
        if body is None:
            body = self._parsed[entry.fingerprint] = orjson.loads(self.bodies[entry.fingerprint].text)
        return body

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

    def references(self, address: str) -> tuple[str, ...]:
        """The addresses that the resource at ``address`` refers to, parents and environment included."""
        body = self(address)
        if body is None:
            return ()
        key = (address, self.entries[address].fingerprint)
        if key not in self._references:
            self._references[key] = references_of(address, body)
        return self._references[key]


def references_of(address: str, body: Json) -> tuple[str, ...]:
    """The addresses that a body at ``address`` refers to, its parent category or environment included."""
    place = parse_address(address)
    targets = dict.fromkeys(
        f"{ref.kind}.{ref.name}" if ref.kind in (Kind.OPERATOR, Kind.DIMENSION)
        else f"{ref.environment or place.environment}/{ref.kind}.{ref.name}"
        for ref in model_of(place.kind).model_validate(body).references()
    )  # fmt: skip
    targets.update(dict.fromkeys(implied(address)))
    return tuple(targets)


def implied(address: str) -> list[str]:
    """What a resource relies on without naming it: its parent category, or its environment."""
    place = parse_address(address)
    if place.kind is Kind.CATEGORY and "/" in place.name:
        return [f"{place.environment}/category.{place.name.rpartition('/')[0]}"]
    if place.kind in (Kind.OPERATOR, Kind.DIMENSION, Kind.ENVIRONMENT):
        return []
    return [f"environment.{place.environment}"]


def refs_of(view: View, addresses: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """References of ``addresses`` by address."""
    return {address: view.references(address) for address in addresses}
