"""What a stage holds at an address, and the immutable bodies that fingerprints name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


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


class Layered(Bodies):
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
