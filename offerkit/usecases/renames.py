"""Renames (``moved``): the same resource under two names in two states.

The history of a design stage records its renames. What is live came from design, so later renames of design give its
current name there. To compare states, each is mapped to the current names of design.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from offerkit.address import Address, Kind, Stage, StageRef
from offerkit.state.changes import Entry, by_environment, delta, final_names
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import promoted_as

Moves = list[tuple[int, Address, Address]]
"""The renames of a stage, oldest first: revision, old address, new address."""


def renames_of_live(store: Store, design: Snapshot, live: Snapshot) -> dict[Address, Address]:
    """Live resources that design has renamed since, or whose name another resource has now."""
    names = names_of_live(store, live.entries, {})
    renames = {old: new for old, new in names.items() if new in design.entries and old.kind is not Kind.CAMPAIGN}
    return _one_to_one(renames, live.entries)


def names_of_live(store: Store, entries: Iterable[Address], serials: Mapping[str, int]) -> dict[Address, Address]:
    """The current names in design of live resources, for those that differ.

    ``serials``: by environment, the revision at which live is read; default: now.
    """
    current_names: dict[Address, Address] = {}
    for environment, names in sorted(by_environment(dict.fromkeys(entries)).items()):
        moves = store.moves(StageRef(environment, Stage.DESIGN))
        renamed = names.keys() & {old for _, old, _ in moves}
        if not renamed:
            continue
        design_entries = store.entries(StageRef(environment, Stage.DESIGN))
        promoted = promoted_as(store, StageRef(environment, Stage.LIVE), renamed, serials.get(environment))
        # What left design by being renamed is followed from then on, even if live was rolled back since.
        renamed_away = store.last_change(StageRef(environment, Stage.DESIGN), renamed - design_entries.keys())
        promoted |= {old: (old, change.serial - 1) for old, change in renamed_away.items() if change.moved_from == old}
        for old in sorted(renamed):
            name, serial = promoted.get(old, (old, 0))
            current_names[old] = follow_renames(name, serial, moves)
    return {old: new for old, new in current_names.items() if old != new}


def names_of_design(store: Store, entries: Iterable[Address], serials: Mapping[str, int]) -> dict[Address, Address]:
    """The current names of resources in design at the revisions ``serials``, for those that differ."""
    current_names: dict[Address, Address] = {}
    for environment, names in sorted(by_environment(dict.fromkeys(entries)).items()):
        if environment in serials:
            moves = store.moves(StageRef(environment, Stage.DESIGN))
            renamed = sorted(names.keys() & {old for _, old, _ in moves})
            current_names |= {old: follow_renames(old, serials[environment], moves) for old in renamed}
    return {old: new for old, new in current_names.items() if old != new}


def names_of_specs(
    store: Store, entries: Mapping[Address, Entry], moved: Mapping[Address, Address], *, now: bool
) -> dict[Address, Address]:
    """The current names in design of declared resources, for those that ``moved`` is still to rename.

    ``now``: whether these are the current specs; earlier ones may use names that design has given up since.
    """
    current_names: dict[Address, Address] = {}
    for environment, desired in sorted(by_environment(entries).items()):
        stage = StageRef(environment, Stage.DESIGN)
        current = store.entries(stage)
        moves = store.moves(stage)
        recorded = {(old, new) for _, old, new in moves}
        changes = delta(stage, current, desired, moved, lambda old, new, recorded=recorded: (old, new) in recorded)  # type: ignore[misc]
        current_names |= {change.address: change.moved_from for change in changes if change.moved_from}
        if not now:
            remaining = {old for _, old, _ in moves} & desired.keys() - current_names.keys()
            current_names |= {
                old: follow_renames(old, _before_moved(store, old, desired[old], current, moves), moves)
                for old in remaining
            }
    return {address: name for address, name in current_names.items() if address != name}


def _before_moved(store: Store, name: Address, entry: Entry, current: Mapping[Address, Entry], moves: Moves) -> int:
    """The revision that matches earlier specs with ``entry`` at ``name``: one before a rename, or the latest."""
    if name not in current:
        return 0
    serials = [at for at, old, _ in moves if old == name] if current[name] != entry else []
    for serial in serials:
        if any(row.moved_from == name and row.before == entry for row in store.changes(serial)):
            return serial - 1
    return moves[-1][0]


def renames_between(
    a: Mapping[Address, Entry],
    b: Mapping[Address, Entry],
    names_a: Mapping[Address, Address],
    names_b: Mapping[Address, Address],
) -> dict[Address, Address]:
    """Resources with different names in ``a`` and ``b``; ``names_…`` map both to common names."""
    if not names_a and not names_b:
        return {}
    in_b = {names_b.get(address, address): address for address in b}
    pairs = {old: in_b[name] for old in a if (name := names_a.get(old, old)) in in_b}
    return {old: new for old, new in pairs.items() if old != new}


def renames_of_specs(
    a: Mapping[Address, Address], b: Mapping[Address, Address], before: Iterable[Address], after: Iterable[Address]
) -> dict[Address, Address]:
    """Resources with different names in two states of the specs: renames that only one of them declares."""
    forward = {old: new for old, new in b.items() if a.get(old) != new}
    back = {new: old for old, new in a.items() if b.get(old) != new}
    return final_names(back, set(after)) | final_names(forward, set(after))


def follow_renames(name: Address, serial: int, moves: Moves) -> Address:
    """The name of ``name`` after all renames since ``serial``, at most one for each revision."""
    for at, old, new in moves:
        if at > serial and old == name:
            name, serial = new, at
    return name


def _one_to_one(renames: dict[Address, Address], live: Mapping[Address, Entry]) -> dict[Address, Address]:
    """The renames whose new name is free in live, or is given up by a rename as well; one to one."""
    old_names: dict[Address, Address] = {}
    for old, new in sorted(renames.items()):
        old_names.setdefault(new, old)
    unique = {old: new for new, old in old_names.items()}
    while stuck := [old for old, new in unique.items() if new in live and new not in unique]:
        for old in stuck:
            del unique[old]
    return unique
