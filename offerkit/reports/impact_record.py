"""The impact recorded in a revision's details, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offerkit.engine.counts import Count, count_of, exceeds, rounded, said, share, size
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
    served: Count
    lost: Count
    max_lost: str
    exceeds: bool

    @property
    def share(self) -> str:
        """The lost of the served, in per cent; empty where that cannot be told."""
        return share(self.lost, self.served)


def recorded(details: Mapping[str, Json]) -> tuple[list[RecordedSpace], list[str]]:
    """The spaces that were measured, and the environments that could not be; both empty where nothing limited it.

    Revisions of earlier versions have exact numbers; they are shown rounded as well, since every operator may look.
    """
    impact = details.get("impact")
    record = impact if isinstance(impact, dict) else {}
    spaces, unmeasured = record.get("spaces"), record.get("unmeasured")
    rows: list[RecordedSpace] = []
    for space in spaces if isinstance(spaces, list) else ():
        row = _row(space)
        if row is not None:
            rows.append(row)
    return rows, [str(name) for name in unmeasured] if isinstance(unmeasured, list) else []


def left_with_nothing(details: Mapping[str, Json]) -> list[tuple[str, bool]]:
    """Of what was switched off: who is left without an offer on which space, and whether that is more than allowed."""
    impact = details.get("impact")
    if not isinstance(impact, dict) or impact.get("withdrawn") is not True:
        return []
    rows, unmeasured = recorded(details)
    sentences = [
        (
            f"{said(row.lost)} of {said(row.served)} contacts who get an offer on {row.space} are left without an offer"
            + (f", more than the {row.max_lost} that a promotion may take" if row.exceeds else ""),
            row.exceeds,
        )
        for row in rows
        if size(row.lost)
    ]
    return sentences + [(f"who is left without an offer in {name} could not be measured", True) for name in unmeasured]


def _row(found: Json) -> RecordedSpace | None:
    match found:
        case {"space": str(name), "served": served, "lost": lost, "max_lost": str(most), **more}:
            had, gone = count_of(served), count_of(lost)
            if had is None or gone is None:
                return None
            judged = more.get("exceeds")
            over = judged if isinstance(judged, bool) else exceeds(gone, had, most)
            return RecordedSpace(name, _shown(had), _shown(gone), most, over)
        case _:
            return None


def _shown(count: Count) -> Count:
    return rounded(count) if isinstance(count, int) else count


def _over(details: Mapping[str, Json]) -> list[str]:
    """Where too many were lost, the largest share first; then where that is not known."""
    rows, unmeasured = recorded(details)
    exceeding = [(-size(row.lost) / max(1, size(row.served)), _sentence(row)) for row in rows if row.exceeds]
    return [
        *(sentence for _, sentence in sorted(exceeding)),
        *(f"not measured in {environment}" for environment in unmeasured),
    ]


def _sentence(row: RecordedSpace) -> str:
    part = f", {row.share}" if row.share else ""
    return f"{said(row.lost)} of {said(row.served)} contacts lost on {row.space}{part}, {row.max_lost} allowed"
