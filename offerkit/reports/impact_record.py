"""What a revision's details say about the impact that a promotion was held to, in words."""

from __future__ import annotations

from collections.abc import Mapping
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
    first, *others = _spaces(details["impact"]) or ["of nothing"]
    more = f" and {len(others)} more" if others else ""
    return f"Impact overridden ({first}{more}): {reason}"


def _spaces(impact: Json) -> list[str]:
    """Where too many were lost, the largest share first; then where that is not known."""
    found = impact if isinstance(impact, dict) else {}
    spaces, unmeasured = found.get("spaces"), found.get("unmeasured")
    shares: list[tuple[float, str]] = []
    for space in spaces if isinstance(spaces, list) else ():
        match space:
            case {"space": str(name), "served": int(served), "lost": int(lost), "max_lost": str(most)}:
                if served and lost * 100 > Decimal(most.rstrip("%")) * served:
                    said = f"{lost:,} of {served:,} contacts lost on {name}, {lost / served:.1%}, {most} allowed"
                    shares.append((-lost / served, said))
            case _:
                pass
    unknown = [f"not measured in {place}" for place in unmeasured] if isinstance(unmeasured, list) else []
    return [*(said for _, said in sorted(shares)), *unknown]
