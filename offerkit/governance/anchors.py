"""Anchors: digests of what went live, kept where the store's owner cannot change them without being seen.

A revision's digest covers the whole history before it, so the newest one anchors all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from offerkit.diagnostics import Code, Diagnostic
from offerkit.fingerprint import Json, canonical, json_map

FORMAT = 1
LONGEST_LINE = 1_000
"""The most bytes of an anchor as a line."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Anchor(NamedTuple):
    """A revision of a project's history that changed live."""

    project: str
    serial: int
    digest: str
    action: str
    time: str

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


def declared_anchors(environments: Iterable[Mapping[str, Json] | None]) -> list[str]:
    """The places that environments declare, in a fixed order; ``environments``: their bodies."""
    named: set[str] = set()
    for body in environments:
        listed = json_map((body or {}).get("promotion")).get("anchors")
        named |= set(map(str, listed)) if isinstance(listed, list) else set()
    return sorted(named)


def anchor_findings(place: AnchorPlace, project: str, digests: Mapping[int, str]) -> Iterator[Diagnostic]:
    """What anchors say that a history does not; ``digests``: those of all its revisions, by number."""
    last = max(digests, default=0)
    own = [anchor for anchor in place.anchors if anchor.project == project]
    if place.anchors and not own:
        yield _finding(
            f"{place.name} has anchors of another project only",
            f"They are of project {place.anchors[-1].project[:40]}; the store is of {project[:40]}.",
        )
    cut = sorted({anchor.serial for anchor in own if anchor.serial > last})
    if cut:
        first = last + 1
        missing = f"revision {first} is" if cut[-1] == first else f"revisions {first} to {cut[-1]} are"
        yield _finding(
            f"{missing} missing: {place.name} has an anchor of revision {cut[-1]}, and the history ends with {last}",
            "The history was cut, or an older store was put in its place.",
        )
    replaced = sorted({a.serial for a in own if a.serial <= last and digests.get(a.serial) != a.digest})
    if replaced:
        anchor = next(each for each in own if each.serial == replaced[0])
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
        f"revision {newest.serial} changed live, and {place.name} has no anchor of it",
        f"It could not be written then, or somebody has removed it; {held:,} {'is' if held == 1 else 'are'} there.",
        "If it could not be written, write it now: offerkit audit anchor. If it was there, find out who removed it.",
    )


def _finding(summary: str, detail: str) -> Diagnostic:
    return Diagnostic(
        Code.ANCHOR_MISMATCH,
        summary,
        detail,
        "Find out who replaced the store or its record; compare with a backup or an “audit export”.",
    )
