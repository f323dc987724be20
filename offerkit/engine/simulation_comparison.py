"""Two kept simulations side by side: which offers reach more or fewer contacts, and what axes get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offerkit.fingerprint import Json


@dataclass(frozen=True, slots=True)
class ComparedCount:
    """Contacts before and after, each among how many; as shares they can be compared where those differ."""

    name: str
    before: int
    after: int
    whole_before: int
    whole_after: int
    rank_before: float | None = None
    rank_after: float | None = None

    @property
    def gained(self) -> int:
        """How many contacts more; negative: fewer."""
        return self.after - self.before

    @property
    def share_before(self) -> float:
        """The share of contacts before; 0 of none."""
        return self.before / self.whole_before if self.whole_before else 0.0

    @property
    def share_after(self) -> float:
        """The share of contacts after; 0 of none."""
        return self.after / self.whole_after if self.whole_after else 0.0


@dataclass(frozen=True, slots=True)
class ComparedSpace:
    """A space of both: contacts who get anything, offers, and the values of axes that both have."""

    space: str
    served: ComparedCount
    offers: Sequence[ComparedCount]
    axes: Sequence[tuple[str, Sequence[ComparedCount]]] = ()


@dataclass(frozen=True, slots=True)
class ComparedSimulations:
    """``before`` and ``after``: what was simulated in each, by name; ``differs``: in what besides the catalog.

    ``only_before`` and ``only_after``: spaces of one alone.
    """

    before: Mapping[str, Json]
    after: Mapping[str, Json]
    spaces: Sequence[ComparedSpace]
    differs: Sequence[str] = ()
    only_before: Sequence[str] = ()
    only_after: Sequence[str] = ()
