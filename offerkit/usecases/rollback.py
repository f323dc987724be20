"""``rollback``: take a stage back to an earlier revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from offerkit import __version__
from offerkit.address import KEPT_BY_ROLLBACK, Address, Kind, Stage, StageRef, parse_stage
from offerkit.diagnostics import Code, Diagnostic, Refused, and_list, refuse, suggestion
from offerkit.governance.rollback import RollbackChanges
from offerkit.plans.make import AddressPatterns, StepContext, protected_deletions, steps_for
from offerkit.plans.plan import Plan, PlanKind, Reason, Step
from offerkit.reports.words import listing
from offerkit.state.changes import Delta
from offerkit.state.snapshot import BeforeAfter, refs_of
from offerkit.store import Store
from offerkit.store.rollback_request import RollbackRequest, undone
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import (
    is_time,
    serial_of,
    zone_of,
    zone_said,
)

_LISTED = 10
"""How many changes to list in notes."""
_STAYING = {Kind.CAMPAIGN: "campaigns", Kind.CASES: "cases", Kind.POLICY: "policies"}


def plan_rollback(
    session: Session, store: Store, text: str, to: str, targets: tuple[str, ...] = (), *, withdrawn: bool = False
) -> Plan:
    """The plan that takes a stage, or the part of it that matches ``targets``, back to a revision or time.

    Taking live back needs no approval, because it was live before. What was taken back is not promoted again until
    design changes (domain.md §4). What was rejected, switched off, stopped or retired since stays out, unless
    ``withdrawn``; stops always apply.
    """
    try:
        ref = parse_stage(text)
    except ValueError as error:
        raise refuse(Code.BAD_POINT, str(error)) from None
    stages, stage = Stages(store), ref.on(ref.stage)
    if stage not in stages.heads:
        raise refuse(Code.BAD_POINT, f"there is no stage {stage}", hint=suggestion(stage, stages.heads))
    target = StageRef(ref.environment, ref.stage, to)
    zone = zone_of(store, [target])
    serial = serial_of(store, target, zone)
    if targets:
        AddressPatterns.of(targets).check_known({*stages.entries(stage), *store.entries_at(stage, serial)})
    at = f", the last one at {to}{zone_said(to, zone)}" if is_time(to) else ""
    part = f"what matches {' and '.join(targets)} in " if targets else ""
    note = f"Takes {part}{stage} back to what it was at revision {serial}{at}."
    return _plan(stages, RollbackRequest((stage,), serial, targets, withdrawn=withdrawn), note)


def plan_undo(store: Store, serial: int, *, withdrawn: bool = False) -> Plan:
    """The plan that undoes all changes of one revision, in all stages."""
    stages = Stages(store)
    changed = undone(store, serial)
    if not changed:
        raise refuse(
            Code.BAD_POINT,
            f"there is no revision {serial} that changed a stage",
            hint="“offerkit history” lists the revisions.",
        )
    note = f"Takes what revision {serial} changed in {', '.join(changed)} back to what it was before."
    return _plan(stages, RollbackRequest(changed, serial - 1, undoes=serial, withdrawn=withdrawn), note)


def _plan(stages: Stages, request: RollbackRequest, note: str) -> Plan:
    changes_by_side = request.changes(stages)
    deltas = [d for way in changes_by_side.values() for d in way.deltas]
    steps: list[Step] = []
    for side, way in changes_by_side.items():
        current = stages.side(side)
        refs = refs_of(current.apply(way.deltas), [d.address for d in way.deltas if d.after is not None])
        environments = {d.address.environment for d in way.deltas}
        refs |= refs_of(current, (a for a in current.entries if a.environment in environments))
        reasons = dict.fromkeys((d.address for d in way.deltas), Reason.ROLLED_BACK)
        steps += steps_for(way.deltas, StepContext(stages.bodies, refs, {}), reasons)
        if side is Stage.DESIGN and (refused := protected_deletions(way.deltas, stages.bodies)):
            raise Refused(refused)
        if way.staying:
            staying = and_list([_STAYING[kind] for kind in KEPT_BY_ROLLBACK if kind in way.staying])
            note += f" {staying.capitalize()} stay as they are."
        if side is Stage.LIVE:
            note += " What it takes back is promoted again only once design changes, or with --include-rolled-back."
            if way.deltas:
                _check_named(BeforeAfter.of(current, way.deltas))
    notes = (
        (note, *_notes(stages, request, changes_by_side))
        if deltas or any(way.out for way in changes_by_side.values())
        else ()
    )
    rollback = plan_with_steps(stages, PlanKind.ROLLBACK, steps, notes, request.stages)
    return replace(rollback, to=request.to, undoes=request.undoes, targets=request.targets, withdrawn=request.withdrawn)


def _notes(stages: Stages, request: RollbackRequest, ways: Mapping[Stage, RollbackChanges]) -> Iterator[str]:
    """Notes about what comes along, and what stays out or comes back although it was withdrawn."""
    for way in ways.values():
        yield from _listed(way.along, "comes along", "because ")
        yield from _listed(way.out, "stays out", "", way.partly)
        back = {offer: why for offer, why in way.withdrawn.items() if offer not in way.out}
        yield from _listed(back, "comes back", "although ")
    later = _later(stages, request, [d for way in ways.values() for d in way.deltas]) if request.undoes else []
    if later:
        noun = "revision" if len(later) == 1 else "revisions"
        yield f"Later changes of the same go back, too: {noun} {listing(later, _LISTED)}."


def _listed(
    reasons: Mapping[Address, str], what: str, joined: str, partly: Mapping[Address, tuple[str, ...]] | None = None
) -> Iterator[str]:
    for address, why in sorted(reasons.items())[:_LISTED]:
        where = f" of {', '.join(partly[address])}" if partly and address in partly else ""
        yield f"{address} {what}{where}: {joined}{why}."
    if len(reasons) > _LISTED:
        yield f"{len(reasons) - _LISTED} more: {what}."


def _later(stages: Stages, request: RollbackRequest, deltas: list[Delta]) -> list[str]:
    """Later revisions that changed the same resources."""
    store = stages.store
    assert store is not None
    names = {a for d in deltas for a in (d.address, d.moved_from) if a}
    rows = (row for stage in request.stages for row in store.changes_since(stage, request.undoes))
    return [str(serial) for serial in sorted({row.serial for row in rows if row.address in names})]


def _check_named(live: BeforeAfter) -> None:
    """Raise Refused if a resource that stays in live would refer to one that is gone; campaigns may."""
    refused = [
        Diagnostic(
            Code.STILL_NAMED,
            f"{address} in live refers to {named[0]}, which did not exist then",
            "It would refer to something that is not live.",
            f"Roll back {address.stage(Stage.LIVE)} first, or promote {address} without it.",
            address,
        )
        for address, named in live.left_behind().items()
        if address.kind not in KEPT_BY_ROLLBACK
    ]
    if refused:
        raise Refused(refused)


def plan_with_steps(
    stages: Stages, kind: PlanKind, steps: list[Step], notes: tuple[str, ...], bases: tuple[StageRef, ...]
) -> Plan:
    """A plan with ``steps`` for the stages ``bases`` as they are now, with the bodies that it needs."""
    assert stages.store is not None
    fingerprints = {step.after.fingerprint for step in steps if step.after is not None}
    return Plan(
        kind,
        stages.store.project,
        __version__,
        base=tuple(map(stages.base, bases)),
        steps=tuple(steps),
        notes=notes,
        bodies={key: stages.bodies[key] for key in sorted(fingerprints)},
    )
