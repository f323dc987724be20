"""Anchors: digests of what went live, kept where the store's owner cannot change them without being seen.

A revision's digest covers the whole history before it, so the newest one anchors all of it. Anchors that a restore took
back are *lost*: an administrator can accept that, in a revision of its own. Nothing removes them from where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import orjson

from offerkit.diagnostics import Code, Diagnostic
from offerkit.fingerprint import Json, canonical, json_map
from offerkit.governance.overrides import Revision

FORMAT = 1
LONGEST_LINE = 1_000
"""The most bytes of an anchor as a line."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
ACCEPT_ACTION = "accept-lost"
"""The action of a revision that accepts lost anchors."""
LOST = "lost"
"""The key in its details that lists them."""


class Anchor(NamedTuple):
    """A revision of a project's history that changed live, or that accepts lost anchors."""

    project: str
    serial: int
    digest: str
    action: str
    time: str

    @property
    def deed(self) -> str:
        """What the revision did, as part of a sentence."""
        did = "accepts lost anchors" if self.action == ACCEPT_ACTION else "changed live"
        return f"revision {self.serial} {did}"

    def line(self) -> bytes:
        """The anchor as one line of canonical JSON."""
        facts = {"revision": self.serial, **self._asdict()}
        del facts["serial"]
        return canonical({"anchor": FORMAT, **facts}) + b"\n"


def anchor_of(line: bytes) -> Anchor | None:
    """The anchor that a line holds; None for anything else."""
    try:
        value = orjson.loads(line) if len(line) <= LONGEST_LINE else None
    except ValueError:
        return None
    match value:
        case {
            "anchor": 1,
            "project": str(project),
            "revision": int(serial),
            "digest": str(digest),
            "action": str(action),
            "time": str(time),
        } if serial > 0 and serial is not True and _DIGEST.fullmatch(digest):
            return Anchor(project, serial, digest, action, time)
        case _:
            return None


class AnchorPlace(NamedTuple):
    """What a place of anchors holds: those that could be read, and how many lines are something else."""

    name: str
    anchors: Sequence[Anchor]
    strange: int = 0


class Accepting(Revision, Protocol):
    """A revision that accepts lost anchors, as the store records it."""

    @property
    def time(self) -> str: ...


@dataclass(frozen=True)
class LostAnchor:
    """An anchor that the history does not have, and the places that do."""

    revision: int
    digest: str
    places: tuple[str, ...] = ()

    def record(self) -> dict[str, Json]:
        """What the details of the revision that accepts it say of it."""
        return {"revision": self.revision, "digest": self.digest, "places": list(self.places)}


@dataclass(frozen=True)
class AcceptedLoss:
    """Anchors that a revision accepts as lost: who did that, when and why."""

    revision: int
    time: str
    operator: str
    reason: str
    anchors: Sequence[LostAnchor]

    @classmethod
    def of(cls, row: Accepting) -> AcceptedLoss:
        """What a revision accepts; entries that offerkit never writes accept nothing."""
        listed = row.details.get(LOST)
        anchors = []
        for item in listed if isinstance(listed, list) else ():
            match item:
                case {"revision": int(serial), "digest": str(digest), "places": list(places)}:
                    anchors.append(LostAnchor(serial, digest, tuple(map(str, places))))
                case _:
                    continue
        return cls(row.serial, row.time, row.actor, row.message, tuple(anchors))


def lost_anchors(
    place: AnchorPlace, project: str, digests: Mapping[int, str], accepted: Iterable[AcceptedLoss]
) -> list[Anchor]:
    """The anchors of a project in ``place`` that its history neither has nor accepts as lost.

    ``digests``: as :func:`anchor_findings`.
    """
    known = {(lost.revision, lost.digest) for loss in accepted for lost in loss.anchors}
    own = {anchor for anchor in place.anchors if anchor.project == project}
    lost = {anchor for anchor in own if digests.get(anchor.serial) != anchor.digest}
    return sorted(anchor for anchor in lost if (anchor.serial, anchor.digest) not in known)


def declared_anchors(environments: Iterable[Mapping[str, Json] | None]) -> list[str]:
    """The places that environments declare, in a fixed order; ``environments``: their bodies."""
    named: set[str] = set()
    for body in environments:
        listed = json_map((body or {}).get("promotion")).get("anchors")
        named |= set(map(str, listed)) if isinstance(listed, list) else set()
    return sorted(named)


def anchor_findings(
    place: AnchorPlace, project: str, digests: Mapping[int, str], accepted: Iterable[AcceptedLoss] = ()
) -> Iterator[Diagnostic]:
    """What anchors say that a history does not; ``digests``: those of all its revisions, by number."""
    last = max(digests, default=0)
    lost = lost_anchors(place, project, digests, accepted)
    if place.anchors and all(anchor.project != project for anchor in place.anchors):
        yield _finding(
            f"{place.name} has anchors of another project only",
            f"They are of project {place.anchors[-1].project[:40]}; the store is of {project[:40]}.",
        )
    cut = [anchor.serial for anchor in lost if anchor.serial > last]
    if cut:
        first = last + 1
        missing = f"revision {first} is" if cut[-1] == first else f"revisions {first} to {cut[-1]} are"
        yield _finding(
            f"{missing} missing: {place.name} has an anchor of revision {cut[-1]}, and the history ends with {last}",
            "The history was cut, or an older store was put in its place.",
        )
    replaced = [anchor for anchor in lost if anchor.serial <= last]
    if replaced:
        anchor = replaced[0]
        now = digests.get(anchor.serial, "none")[:12]
        yield _finding(
            f"revision {anchor.serial} was replaced: {place.name} has {anchor.digest[:12]}, and the history {now}",
            f"That was anchored when it went live, at {anchor.time[:19]}Z. The history was rewritten from there, or"
            " before.",
        )
    if place.strange:
        lines = "line is" if place.strange == 1 else "lines are"
        yield _finding(f"{place.strange:,} {lines} no anchor in {place.name}", "Somebody else has written there.")


def newest_missing(place: AnchorPlace, newest: Anchor) -> Diagnostic | None:
    """The finding that a place which live declares lacks the anchor of the ``newest`` revision of live, or None."""
    if newest in place.anchors:
        return None
    held = len(place.anchors)
    return Diagnostic(
        Code.ANCHOR_MISMATCH,
        f"{newest.deed}, and {place.name} has no anchor of it",
        f"It could not be written then, or somebody has removed it; {held:,} {'is' if held == 1 else 'are'} there.",
        "If it could not be written, write it now: offerkit audit anchor. If it was there, find out who removed it.",
    )


def _finding(summary: str, detail: str) -> Diagnostic:
    return Diagnostic(
        Code.ANCHOR_MISMATCH,
        summary,
        detail,
        "Find out who replaced the store or its record; compare with a backup or an “audit export”. If a restore took"
        " back what was anchored, an administrator accepts that: offerkit audit anchor --accept-lost --message TEXT",
    )
