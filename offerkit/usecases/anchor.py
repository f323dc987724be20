"""Anchoring what went live, and comparing a history with its anchors.

    the newest revision that changed live → is it in each declared place? → add it there

An anchor that cannot be written undoes nothing: the next promotion, or ``offerkit audit anchor``, writes the newest
one, and that covers all before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from offerkit.address import Kind, Stage, environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, refuse
from offerkit.governance.anchors import (
    ACCEPT_ACTION,
    AcceptedLoss,
    Anchor,
    anchor_findings,
    declared_anchors,
    newest_missing,
)
from offerkit.reports.audit import AnchoredRevision
from offerkit.store import RevisionRow, Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.anchor_places import place_of
from offerkit.usecases.session import Session


@dataclass(frozen=True)
class AnchorPlaces:
    """Where a project's history is anchored; ``newest``: the newest revision to anchor, None before the first.

    That is one that changed live, or accepts lost anchors. It is read before a revision is made: through a server, the
    copy of the history does not have that revision.
    """

    names: Sequence[str]
    project: str
    root: Path
    environ: Mapping[str, str]
    newest: RevisionRow | None

    def write(self, revision: RevisionRow) -> tuple[AnchoredRevision, list[Diagnostic]]:
        """Anchor a revision in each place that lacks it; why places could not be used."""
        new = _anchor(self.project, revision)
        written, held, failed = [], [], list[Diagnostic]()
        for name in self.names:
            try:
                place = place_of(name, self.root, self.environ)
                if new in place.read().anchors:
                    held.append(name)
                    continue
                place.add(new)
                written.append(name)
            except Refused as refused:
                failed += refused.diagnostics
        return AnchoredRevision(new.serial, new.digest, tuple(written), tuple(held)), failed

    def write_new(self, revision: RevisionRow) -> list[Diagnostic]:
        """Anchor a revision that has just changed live; warnings about places that could not be used."""
        hint = "What is live stays live. Run “offerkit audit anchor” once the place can be used again."
        return [replace(each, severity=Severity.WARNING, hint=hint) for each in self.write(revision)[1]]


def anchor_places(session: Session) -> AnchorPlaces:
    """The places that the environments of the session's store declare; none without a store that can be read."""
    if session.withheld is not None:
        return AnchorPlaces((), "", session.project.root, session.environ, None)
    with session.reading() as store:
        names = declared_in(store) if store is not None else []
        if store is None or not names:
            return AnchorPlaces((), "", session.project.root, session.environ, None)
        return AnchorPlaces(names, store.project, session.project.root, session.environ, _newest(store))


def anchor(session: Session) -> tuple[AnchoredRevision, list[Diagnostic]]:
    """Anchor the newest revision that changed live, or accepts lost anchors, in each declared place that lacks it.

    Gives where it is anchored, and why places could not be used. Raises Refused if nothing is declared or live.
    """
    places = anchor_places(session)
    if places.newest is None:
        raise nothing_declared()
    return places.write(places.newest)


def declared_in(store: Store) -> list[str]:
    """The places that the environments of a store declare, in design or in live."""
    stages = Stages(store)
    return sorted({place for side in Stage for place in _declared(stages, side)})


def _declared(stages: Stages, side: Stage) -> list[str]:
    view = stages.snapshot((stage for stage in stages.stages if stage.stage is side), Kind.ENVIRONMENT)
    return declared_anchors(view(environment_address(name)) for name in stages.environments)


def compared(
    store: Store, places: Sequence[str], root: Path, environ: Mapping[str, str]
) -> tuple[int, list[Diagnostic]]:
    """How many anchors were compared with a history, and what they show. Raises Refused if a place cannot be used."""
    digests = store.every_digest()
    newest, in_live = _newest(store), _declared(Stages(store), Stage.LIVE)
    accepted = accepted_losses(store)
    findings: list[Diagnostic] = []
    count = 0
    for name in places:
        place = place_of(name, root, environ).read()
        count += sum(anchor.project == store.project for anchor in place.anchors)
        found = [*anchor_findings(place, store.project, digests, accepted)]
        if not place.anchors and not place.strange and newest is not None:
            found.append(_nothing_there(place.name, _anchor(store.project, newest)))
        elif newest is not None and name in in_live and not found:
            missing = newest_missing(place, _anchor(store.project, newest))
            found += [missing] if missing is not None else []
        findings += found
    return count, findings


def accepted_losses(store: Store) -> list[AcceptedLoss]:
    """The lost anchors that a store's history accepts, oldest first."""
    return [AcceptedLoss.of(row) for row in reversed(store.revisions(action=ACCEPT_ACTION))]


def _nothing_there(name: str, newest: Anchor) -> Diagnostic:
    return Diagnostic(
        Code.NO_ANCHORS,
        f"there is no anchor in {name[:200]}, and {newest.deed}",
        "So nothing there proves the history: the place is new, its name is wrong, or it was emptied.",
        "Check the name. If the place is new, “offerkit audit anchor” writes the newest revision there; if it is git,"
        " fetch its notes first.",
    )


def declared_in_specs(session: Session) -> list[str]:
    """The places that the specs declare: a store that was replaced may declare none. Empty if they are not valid."""
    try:
        loaded = session.load(cases=False)
    except Refused:
        return []
    found = [address for address in loaded.records if address.kind is Kind.ENVIRONMENT]
    return declared_anchors(map(orjson.loads, loaded.bodies(found).values()))


def _anchor(project: str, revision: RevisionRow) -> Anchor:
    return Anchor(project, revision.serial, revision.digest, revision.action, revision.time)


def _newest(store: Store) -> RevisionRow | None:
    heads = [head.revision for stage, head in store.heads().items() if stage.stage is Stage.LIVE]
    serials = [*heads, *(row.serial for row in store.revisions(action=ACCEPT_ACTION, limit=1))]
    return store.revision(max(serials)) if serials else None


def nothing_declared() -> Refused:
    """The refusal to compare with anchors, or write one, where no place is declared or nothing is live."""
    return refuse(
        Code.NO_ANCHORS,
        "no anchors are declared, or nothing is live yet",
        hint="Declare places in an environment: promotion: {anchors: [git]}, or name one with --anchor.",
    )
