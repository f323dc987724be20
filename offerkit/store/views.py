"""Stages of the store as views, bodies fetched when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from offerkit.address import SHARED, Stage
from offerkit.state.entries import Body, Entry
from offerkit.state.snapshot import Snapshot
from offerkit.store.store import Store


class StoredBodies(Mapping[str, Body]):
    """The bodies of a store by fingerprint, kept once fetched."""

    def __init__(self, store: Store) -> None:
        """Nothing is fetched yet."""
        self._store = store
        self._known: dict[str, Body] = {}

    def fetch(self, fingerprints: Iterable[str]) -> None:
        """Fetch many at once: one query instead of one each."""
        missing = {print_ for print_ in fingerprints if print_ not in self._known}
        if missing:
            self._known |= self._store.bodies(missing)

    def __getitem__(self, fingerprint: str) -> Body:
        """The body of that fingerprint. Raises KeyError when the store has none."""
        if fingerprint not in self._known:
            self.fetch([fingerprint])
        return self._known[fingerprint]

    def __iter__(self) -> Iterator[str]:
        """The fingerprints fetched so far."""
        return iter(self._known)

    def __len__(self) -> int:
        """How many were fetched so far."""
        return len(self._known)


def environments(store: Store) -> list[str]:
    """The environments that the store has anything of, sorted."""
    names = {stage.partition("@")[0] for stage in store.heads()}
    return sorted(names - {SHARED})


def view(store: Store, stages: Iterable[str], bodies: StoredBodies | None = None) -> Snapshot:
    """The present of some stages, shared and environments together, as one view."""
    entries: dict[str, Entry] = {}
    for stage in stages:
        entries |= store.entries(stage)
    bodies = bodies if bodies is not None else StoredBodies(store)
    bodies.fetch(entry.fingerprint for entry in entries.values())
    return Snapshot(entries, bodies)


def stage_view(store: Store, stage: Stage, names: Iterable[str] | None = None) -> Snapshot:
    """A stage of all environments (or of ``names``) with what they share."""
    wanted = environments(store) if names is None else list(names)
    return view(store, [f"{name}@{stage}" for name in (SHARED, *wanted)])
