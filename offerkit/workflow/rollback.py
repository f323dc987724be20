"""``rollback``: a stage as it was at an earlier revision."""

from __future__ import annotations

from dataclasses import replace

from offerkit import __version__
from offerkit.address import Kind, Stage, StageRef, parse_stage
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.planning.make import Context, protected, steps_for
from offerkit.planning.plan import Plan, PlanKind, Reason, Step
from offerkit.state.snapshot import BeforeAfter, Snapshot, refs_of
from offerkit.store import Store
from offerkit.store.views import Stages
from offerkit.workflow.session import Session
from offerkit.workflow.state_refs import (
    is_time,
    serial_of,
    zone_of,
    zone_said,
)


def plan_rollback(session: Session, store: Store, text: str, to: str) -> Plan:
    """The plan that takes a stage back to what it was at a revision or time.

    Taking live back needs no approval: it was live before. What it takes back is not promoted again until
    design changes (domain.md §4).
    """
    try:
        ref = parse_stage(text)
    except ValueError as error:
        raise refuse(Code.BAD_POINT, str(error)) from None
    stages, stage = Stages(store), ref.on(ref.stage)
    if stage not in stages.heads:
        raise refuse(Code.BAD_POINT, f"there is no stage {stage}", hint=suggestion(stage, stages.heads))
    wanted = StageRef(ref.environment, ref.stage, to)
    zone = zone_of(store, [wanted])
    serial = serial_of(store, wanted, zone)
    now = Snapshot(stages.entries(stage), stages.bodies)
    then = now.with_entries(store.entries_at(stage, serial))
    every = now.diff(then, ref.stage, store.renames_since(stage, serial))
    deltas = [d for d in every if d.address.kind is not Kind.CAMPAIGN]
    either = now.with_entries({**now.entries, **now.apply(deltas).entries})
    if deltas:
        stages.bodies.fetch(entry.fingerprint for snapshot in (now, then) for entry in snapshot.entries.values())
    context = Context(stages.bodies, refs_of(either, either.entries if deltas else ()), {})
    steps = steps_for(deltas, context, dict.fromkeys((d.address for d in deltas), Reason.ROLLED_BACK))
    if ref.stage is Stage.DESIGN and (refused := protected(deltas, stages.bodies)):
        raise Refused(refused)
    at = f", the last one at {to}{zone_said(to, zone)}" if is_time(to) else ""
    note = f"Takes {stage} back to what it was at revision {serial}{at}."
    if len(every) > len(deltas):
        note += " Campaigns stay as they are."
    if ref.stage is Stage.LIVE:
        note += " What it takes back is promoted again only once design changes, or with --include-rolled-back."
        if deltas:
            _check_named(BeforeAfter.of(stages.side(Stage.LIVE), deltas))
    return replace(plan_of(stages, PlanKind.ROLLBACK, steps, (note,) if steps else (), (stage,)), to=serial)


def _check_named(live: BeforeAfter) -> None:
    """Raises Refused when something that stays in live would name what is gone; campaigns stay as they are."""
    refused = [
        Diagnostic(
            Code.STILL_NAMED,
            f"{address} in live names {named[0]}, which was not there then",
            "It would name something that is not live.",
            f"Take {address.stage(Stage.LIVE)} back first, or promote {address} without it.",
            address,
        )
        for address, named in live.left_behind().items()
        if address.kind is not Kind.CAMPAIGN
    ]
    if refused:
        raise Refused(refused)


def plan_of(
    stages: Stages, kind: PlanKind, steps: list[Step], notes: tuple[str, ...], bases: tuple[StageRef, ...]
) -> Plan:
    """A plan of ``steps`` against the stages ``bases`` as they are, with the bodies that it needs."""
    assert stages.store is not None
    kept = {step.after.fingerprint for step in steps if step.after is not None}
    return Plan(
        kind,
        stages.store.project,
        __version__,
        base=tuple(map(stages.base, bases)),
        steps=tuple(steps),
        notes=notes,
        bodies={key: stages.bodies[key] for key in sorted(kept)},
    )
