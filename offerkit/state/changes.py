"""Entries by address, and the difference between two maps of them: the small operation everything else builds on."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Literal, Protocol, TypeAlias, TypeVar

from offerkit.address import Address, StageRef, parse_address, parse_stage

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a stage holds at an address: the fingerprint of a body, and an offer's activation.

    ``activation`` is the sorted tuple of spaces a live offer is active on (empty: deactivated); None for
    everything that is not an offer in a live stage.
    """

    fingerprint: str
    activation: tuple[str, ...] | None = None

    @property
    def activation_text(self) -> str:
        """The activation as text for digests and the store: ``-`` where it does not apply."""
        return "-" if self.activation is None else ",".join(self.activation)


@dataclass(frozen=True, slots=True)
class Body:
    """An immutable resource body: its kind and canonical JSON text."""

    kind: str
    text: str


class Bodies(Mapping[str, Body]):
    """A source of bodies by fingerprint that may have to load them first."""

    def fetch(self, fingerprints: Iterable[str]) -> None:
        """Load many bodies at once, if that is cheaper than one by one."""


class LayeredBodies(Bodies):
    """Several sources of bodies as one; a fingerprint means the same in each."""

    def __init__(self, *sources: Mapping[str, Body]) -> None:
        """Look in ``sources`` in this order."""
        self._sources = sources

    def fetch(self, fingerprints: Iterable[str]) -> None:
        """Load from the first source that can fetch what the sources before it do not have."""
        missing = set(fingerprints)
        for source in self._sources:
            if isinstance(source, Bodies):
                source.fetch(missing)
                return
            missing -= source.keys()

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


FormerAddress: TypeAlias = Address | Literal[""]
"""The former address of a resource, or empty if it was not moved."""


def parse_fields(instance: object, **readers: Callable[[str], str]) -> None:
    """Parse the text fields of a frozen dataclass, so that it always has addresses and stages.

    Text that cannot be parsed stays as it is: a name shown without its environment, or a plan that will be refused.
    """
    for name, read in readers.items():
        value = getattr(instance, name)
        if type(value) is tuple:
            if any(type(item) is str for item in value):
                object.__setattr__(instance, name, tuple(_typed(item, read) for item in value))
        elif type(value) is str and value:
            object.__setattr__(instance, name, _typed(value, read))


def _typed(value: str, read: Callable[[str], str]) -> str:
    with suppress(ValueError):
        return read(value) if type(value) is str else value
    return value


class Action(StrEnum):
    """What a step does to an address in a stage."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MOVE = "move"
    DEACTIVATE = "deactivate"


@dataclass(frozen=True, slots=True)
class Delta:
    """The difference at one address; for a move, ``before`` is the entry at ``moved_from``."""

    address: Address
    stage: StageRef
    action: Action
    before: Entry | None
    after: Entry | None
    moved_from: FormerAddress = ""

    def __post_init__(self) -> None:
        parse_fields(self, address=parse_address, moved_from=parse_address, stage=parse_stage)


class Change(Protocol):
    """The common part of a delta and a step: a resource leaves one address, and arrives at another or nowhere."""

    @property
    def address(self) -> Address:
        """The address after the change, or before it for a removal."""

    @property
    def moved_from(self) -> FormerAddress:
        """The former address if the resource moves."""

    @property
    def after(self) -> Entry | None:
        """The entry after the change; None for a removal."""


def delta(
    stage: StageRef,
    current: Mapping[Address, Entry],
    desired: Mapping[Address, Entry],
    moves: Mapping[Address, Address] | None = None,
    happened: Callable[[Address, Address], bool] | None = None,
) -> list[Delta]:
    """The steps from ``current`` to ``desired``, sorted by environment, kind and name.

    ``moves`` maps old addresses to new ones; a rename that already happened, or that names a missing resource, is no
    step. For renames in a ring (a → b, b → a) names do not show whether they happened: the entries tell, and if they
    are not enough, ``happened``. Without it, a ring counts as pending.
    """
    origin = _origins(current, desired, final_names(moves or {}, desired), moves or {}, happened)
    left_addresses = set(origin.values()) - desired.keys()
    result = []
    for address in current.keys() | desired.keys():
        before, after = current.get(address), desired.get(address)
        if address in origin:
            old = origin[address]
            result.append(Delta(address, stage, Action.MOVE, current[old], after, old))
        elif before == after or address in left_addresses:
            continue
        elif before is None:
            result.append(Delta(address, stage, Action.CREATE, None, after))
        elif after is None:
            result.append(Delta(address, stage, Action.DELETE, before, None))
        else:
            gives_up = bool(before.activation) and after.activation == ()
            result.append(Delta(address, stage, Action.DEACTIVATE if gives_up else Action.UPDATE, before, after))
    return sorted(result, key=lambda change: change.address.sort_key)


def with_changes(entries: Mapping[Address, Entry], changes: Iterable[Change]) -> dict[Address, Entry]:
    """``entries`` after ``changes``: all resources leave before any arrives, so that names can be swapped."""
    change_list = list(changes)
    left_addresses = {change.moved_from or change.address for change in change_list}
    result = {address: entry for address, entry in entries.items() if address not in left_addresses}
    result |= {change.address: change.after for change in change_list if change.after is not None}
    return result


def final_names(moves: Mapping[Address, Address], declared: Container[Address] = ()) -> dict[Address, Address]:
    """Chained renames (a → b, b → c) as a → c and b → c; a name that is ``declared`` again ends a chain."""
    final: dict[Address, Address] = {}
    for start in moves:
        if start in final:
            continue
        path = [start]
        positions = {start: 0}
        name = moves[start]
        while name in moves and name not in declared and name not in final and name not in positions:
            positions[name] = len(path)
            path.append(name)
            name = moves[name]
        if (
            name in positions and name not in declared
        ):  # a ring: its names map to themselves, names before it map into it
            ring_start = positions[name]
            final |= dict.fromkeys(path[:ring_start], name) | {old: old for old in path[ring_start:]}
        else:
            final |= dict.fromkeys(path, name if name in declared else final.get(name, name))
    return final


def rename_chains(moves: Mapping[Address, Address]) -> list[list[Address]]:
    """The chains of names in ``moves``, which are one to one; a ring starts and ends with its first name."""
    targets = set(moves.values())
    starts = [*(old for old in sorted(moves) if old not in targets), *sorted(moves)]
    result: list[list[Address]] = []
    passed: set[Address] = set()
    for start in starts:
        if start in passed:
            continue
        chain = [start]
        while chain[-1] in moves and chain[-1] not in passed:
            passed.add(chain[-1])
            chain.append(moves[chain[-1]])
        result.append(chain)
    return result


def _origins(
    current: Mapping[Address, Entry],
    desired: Mapping[Address, Entry],
    finals: Mapping[Address, Address],
    moves: Mapping[Address, Address],
    happened: Callable[[Address, Address], bool] | None,
) -> dict[Address, Address]:
    """The pending renames, as new → old: whole chains whose end is free, and whole rings."""
    nearest: dict[Address, Address] = {}
    for old, new in sorted(finals.items()):
        if old == new or old not in current or new not in desired:
            continue
        # If several names of one chain exist, the one next to the new name is meant.
        if new not in nearest or moves.get(old) == new:
            nearest[new] = old
    origin: dict[Address, Address] = {}
    for chain in rename_chains({old: new for new, old in nearest.items()}):
        ring = chain[0] == chain[-1]
        if ring and not _ring_is_pending(chain, current, desired, happened):
            continue
        # The rest of a chain already happened; a resource declared at its start is not the renamed one.
        if ring or (chain[0] not in desired and chain[-1] not in current):
            origin |= {new: old for old, new in pairwise(chain)}
    return origin


def _ring_is_pending(
    ring: list[Address],
    current: Mapping[Address, Entry],
    desired: Mapping[Address, Entry],
    happened: Callable[[Address, Address], bool] | None,
) -> bool:
    """Whether the renames of a ring are still pending."""
    pairs = list(pairwise(ring))
    if all(desired[old] == current[old] for old, _ in pairs):
        return False
    if happened is None:
        return True
    passed = [desired[new].fingerprint == current[old].fingerprint for old, new in pairs]
    stayed = any(desired[old].fingerprint == current[old].fingerprint for old, _ in pairs)
    if all(passed) or any(passed) is not stayed:
        return any(passed)
    return not any(happened(old, new) for old, new in pairs)


def by_environment(values: Mapping[Address, Value]) -> dict[str, dict[Address, Value]]:
    """Split a map by address into one map for each environment."""
    result: dict[str, dict[Address, Value]] = {}
    for address, value in values.items():
        result.setdefault(address.environment, {})[address] = value
    return result
