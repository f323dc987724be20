"""What differs between two states of a stage: the small operation on maps that everything rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from offerkit.address import parse_address
from offerkit.planning.plan import Action, Entry

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Delta:
    """One address that differs; a move has the entry of ``moved_from`` as ``before``."""

    address: str
    stage: str
    action: Action
    before: Entry | None
    after: Entry | None
    moved_from: str = ""


def delta(
    stage: str, current: Mapping[str, Entry], desired: Mapping[str, Entry], moves: Mapping[str, str] | None = None
) -> list[Delta]:
    """The steps from ``current`` to ``desired``, sorted by environment, kind and name.

    ``moves`` maps old addresses to new ones; a rename that happened already, or names what is not there, is
    no step.
    """
    origin: dict[str, str] = {}
    for old, new in sorted(final_names(moves or {}).items()):
        # Of two in one chain of renames that both exist, the one next to the new name is meant.
        if old not in current or old in desired or new in current:
            continue
        if new not in origin or (moves or {}).get(old) == new:
            origin[new] = old
    gone = {old for new, old in origin.items() if new in desired}
    found = []
    for address in current.keys() | desired.keys():
        before, after = current.get(address), desired.get(address)
        if before == after or address in gone:
            continue
        if before is None:
            old = origin.get(address, "")
            action = Action.MOVE if old else Action.CREATE
            found.append(Delta(address, stage, action, current.get(old), after, old))
        elif after is None:
            found.append(Delta(address, stage, Action.DELETE, before, None))
        else:
            gives_up = bool(before.activation) and after.activation == ()
            found.append(Delta(address, stage, Action.DEACTIVATE if gives_up else Action.UPDATE, before, after))
    return sorted(found, key=lambda change: parse_address(change.address).sort_key)


def final_names(moves: Mapping[str, str]) -> dict[str, str]:
    """Chains of renames (a → b, b → c) as a → c and b → c."""
    final: dict[str, str] = {}
    for start in moves:
        path: dict[str, None] = {}
        at = start
        while at in moves and at not in final and at not in path:
            path[at] = None
            at = moves[at]
        if at in path:  # a circle: each of it leads back to itself, and what leads to it to where it enters
            way = list(path)
            around = way.index(at)
            final |= dict.fromkeys(way[:around], at) | {old: old for old in way[around:]}
        else:
            end = final.get(at, at)
            final |= dict.fromkeys(path, end)
    return final


def by_environment(values: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    """A map by address as one for each environment."""
    found: dict[str, dict[str, Value]] = {}
    for address, value in values.items():
        found.setdefault(parse_address(address).environment, {})[address] = value
    return found
