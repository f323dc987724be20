"""What a revision's details say about the impact that a promotion was held to, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from offerkit.fingerprint import Json


def override_of(details: Mapping[str, Json]) -> str:
    """The reason for which an environment's limit was overridden; empty when it was not."""
    impact = details.get("impact")
    reason = impact.get("override") if isinstance(impact, dict) else None
    return reason if isinstance(reason, str) else ""


def overridden(details: Mapping[str, Json]) -> str:
    """That the limit was overridden, by how much where, and why; empty when it was not."""
    reason = override_of(details)
    if not reason:
        return ""
    first, *others = _over(details) or ["of nothing"]
    more = f" and {len(others)} more" if others else ""
    return f"Impact overridden ({first}{more}): {reason}"


@dataclass(frozen=True, slots=True)
class RecordedSpace:
    """What was measured on a space: contacts with an offer before, those of them left with none, and the limit."""

    space: str
    served: int
    lost: int
    max_lost: str

    @property
    def share(self) -> str:
        """The lost of the served, in per cent."""
        return f"{self.lost / self.served:.1%}" if self.served else "0.0%"

    @property
    def exceeds(self) -> bool:
        """Whether more were lost than was allowed."""
        return self.served > 0 and self.lost * 100 > Decimal(self.max_lost.rstrip("%")) * self.served


def recorded(details: Mapping[str, Json]) -> tuple[list[RecordedSpace], list[str]]:
    """The spaces that were measured, and the environments that could not be; both empty where nothing limited it."""
    impact = details.get("impact")
    found = impact if isinstance(impact, dict) else {}
    spaces, unmeasured = found.get("spaces"), found.get("unmeasured")
    rows: list[RecordedSpace] = []
    for space in spaces if isinstance(spaces, list) else ():
        match space:
            case {"space": str(name), "served": int(served), "lost": int(lost), "max_lost": str(most)}:
                rows.append(RecordedSpace(name, served, lost, most))
            case _:
                pass
    return rows, [str(name) for name in unmeasured] if isinstance(unmeasured, list) else []


def _over(details: Mapping[str, Json]) -> list[str]:
    """Where too many were lost, the largest share first; then where that is not known."""
    rows, unmeasured = recorded(details)
    over = [(-row.lost / row.served, _said(row)) for row in rows if row.exceeds]
    return [*(said for _, said in sorted(over)), *(f"not measured in {place}" for place in unmeasured)]


def _said(row: RecordedSpace) -> str:
    return f"{row.lost:,} of {row.served:,} contacts lost on {row.space}, {row.share}, {row.max_lost} allowed"
