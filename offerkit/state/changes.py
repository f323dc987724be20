"""What stands at an address, and what differs between two maps of that: the small operation that all else rests on."""

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
    """What a stage holds at an address.

    ``activation`` is the sorted tuple of spaces a live offer is active on (empty: deactivated); None for
    everything that is not an offer in a live stage.
    """

    fingerprint: str
    activation: tuple[str, ...] | None = None

    @property
    def activation_text(self) -> str:
        """The activation as it stands in digests and in the store: ``-`` where it does not apply."""
        return "-" if self.activation is None else ",".join(self.activation)


@dataclass(frozen=True, slots=True)
class Body:
    """An immutable resource body: its kind and canonical JSON text."""

    kind: str
    text: str


class Bodies(Mapping[str, Body]):
    """A source of bodies by fingerprint that may have to get them from somewhere."""

    def fetch(self, fingerprints: Iterable[str]) -> None:
        """Get many at once, where that is cheaper than one by one."""


class LayeredBodies(Bodies):
    """Several sources of bodies as one; a fingerprint means the same in each."""

    def __init__(self, *sources: Mapping[str, Body]) -> None:
        """Look in ``sources`` in this order."""
        self._sources = sources

    def fetch(self, fingerprints: Iterable[str]) -> None:
        """Get what the sources before do not have from those that can fetch."""
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
"""Where something stood before, if that was another address."""


def parse_fields(made: object, **readers: Callable[[str], str]) -> None:
    """Read the fields of a frozen dataclass that were given as text: whoever makes one, it has addresses and stages.

    Text that is none stays as it is: a name that is shown without its environment, a plan that is to be refused.
    """
    for name, read in readers.items():
        value = getattr(made, name)
        if type(value) is tuple:
            if any(type(item) is str for item in value):
                object.__setattr__(made, name, tuple(_typed(item, read) for item in value))
        elif type(value) is str and value:
            object.__setattr__(made, name, _typed(value, read))


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
    """One address that differs; a move has the entry of ``moved_from`` as ``before``."""

    address: Address
    stage: StageRef
    action: Action
    before: Entry | None
    after: Entry | None
    moved_from: FormerAddress = ""

    def __post_init__(self) -> None:
        parse_fields(self, address=parse_address, moved_from=parse_address, stage=parse_stage)


class Change(Protocol):
    """What a delta and a step have in common: a resource leaves one address, and stands at another or nowhere."""

    @property
    def address(self) -> Address:
        """Where it stands afterwards; where it stood if it goes."""

    @property
    def moved_from(self) -> FormerAddress:
        """Where it stood if that was another address."""

    @property
    def after(self) -> Entry | None:
        """What stands there afterwards; None: nothing."""


def delta(
    stage: StageRef,
    current: Mapping[Address, Entry],
    desired: Mapping[Address, Entry],
    moves: Mapping[Address, Address] | None = None,
    happened: Callable[[Address, Address], bool] | None = None,
) -> list[Delta]:
    """The steps from ``current`` to ``desired``, sorted by environment, kind and name.

    ``moves`` maps old addresses to new ones; a rename that happened already, or names what is not there, is
    no step. Renames in a ring (a → b, b → a) do not show by names whether they happened: that is told from what
    stands there, and where that is not enough from ``happened``; without it, they are still to come.
    """
    origin = _origins(current, desired, final_names(moves or {}, desired), moves or {}, happened)
    gone = set(origin.values()) - desired.keys()
    found = []
    for address in current.keys() | desired.keys():
        before, after = current.get(address), desired.get(address)
        if address in origin:
            old = origin[address]
            found.append(Delta(address, stage, Action.MOVE, current[old], after, old))
        elif before == after or address in gone:
            continue
        elif before is None:
            found.append(Delta(address, stage, Action.CREATE, None, after))
        elif after is None:
            found.append(Delta(address, stage, Action.DELETE, before, None))
        else:
            gives_up = bool(before.activation) and after.activation == ()
            found.append(Delta(address, stage, Action.DEACTIVATE if gives_up else Action.UPDATE, before, after))
    return sorted(found, key=lambda change: change.address.sort_key)


def with_changes(entries: Mapping[Address, Entry], changes: Iterable[Change]) -> dict[Address, Entry]:
    """``entries`` once ``changes`` are made: all leave before any arrives, so that names can be swapped."""
    made = list(changes)
    left = {change.moved_from or change.address for change in made}
    result = {address: entry for address, entry in entries.items() if address not in left}
    result |= {change.address: change.after for change in made if change.after is not None}
    return result


def final_names(moves: Mapping[Address, Address], declared: Container[Address] = ()) -> dict[Address, Address]:
    """Chains of renames (a → b, b → c) as a → c and b → c; a name that is ``declared`` again ends a chain."""
    final: dict[Address, Address] = {}
    for start in moves:
        if start in final:
            continue
        path = [start]
        places = {start: 0}
        at = moves[start]
        while at in moves and at not in declared and at not in final and at not in places:
            places[at] = len(path)
            path.append(at)
            at = moves[at]
        if at in places and at not in declared:  # a ring: each of it leads back to itself, what leads to it to it
            around = places[at]
            final |= dict.fromkeys(path[:around], at) | {old: old for old in path[around:]}
        else:
            final |= dict.fromkeys(path, at if at in declared else final.get(at, at))
    return final


def rename_chains(moves: Mapping[Address, Address]) -> list[list[Address]]:
    """The names that ``moves`` lead along, each to the next; a ring, which ends where it begins, from its first name.

    ``moves`` are one to one.
    """
    targets = set(moves.values())
    starts = [*(old for old in sorted(moves) if old not in targets), *sorted(moves)]
    found: list[list[Address]] = []
    passed: set[Address] = set()
    for start in starts:
        if start in passed:
            continue
        chain = [start]
        while chain[-1] in moves and chain[-1] not in passed:
            passed.add(chain[-1])
            chain.append(moves[chain[-1]])
        found.append(chain)
    return found


def _origins(
    current: Mapping[Address, Entry],
    desired: Mapping[Address, Entry],
    finals: Mapping[Address, Address],
    moves: Mapping[Address, Address],
    happened: Callable[[Address, Address], bool] | None,
) -> dict[Address, Address]:
    """The renames to be made, as new → old: whole chains whose end is free, and whole rings."""
    nearest: dict[Address, Address] = {}
    for old, new in sorted(finals.items()):
        if old == new or old not in current or new not in desired:
            continue
        # Of two in one chain of renames that both exist, the one next to the new name is meant.
        if new not in nearest or moves.get(old) == new:
            nearest[new] = old
    origin: dict[Address, Address] = {}
    for chain in rename_chains({old: new for new, old in nearest.items()}):
        ring = chain[0] == chain[-1]
        if ring and not _ring_is_pending(chain, current, desired, happened):
            continue
        # What is left of a chain has happened; what is declared at its start is not what was renamed.
        if ring or (chain[0] not in desired and chain[-1] not in current):
            origin |= {new: old for old, new in pairwise(chain)}
    return origin


def _ring_is_pending(
    ring: list[Address],
    current: Mapping[Address, Entry],
    desired: Mapping[Address, Entry],
    happened: Callable[[Address, Address], bool] | None,
) -> bool:
    """Whether the names of a ring are still to be passed on."""
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
    """A map by address as one for each environment."""
    found: dict[str, dict[Address, Value]] = {}
    for address, value in values.items():
        found.setdefault(address.environment, {})[address] = value
    return found
