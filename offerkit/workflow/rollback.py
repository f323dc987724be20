"""``rollback``: a stage as it was at an earlier revision."""

from __future__ import annotations

from dataclasses import replace

from offerkit import __version__
from offerkit.address import Kind, Stage, StageRef, parse_address, parse_stage
from offerkit.diagnostics import Code, Refused, refuse, suggestion
from offerkit.planning.plan import Plan, PlanKind, Reason, StageBase, Step
from offerkit.planning.steps import Context, protected, steps_for
from offerkit.state.changes import delta
from offerkit.state.snapshot import Snapshot, refs_of
from offerkit.store import Store
from offerkit.store.views import StoredBodies
from offerkit.workflow.points import (
    is_time,
    serial_of,
    zone_of,
    zone_said,
)
from offerkit.workflow.session import Session


def plan_rollback(session: Session, store: Store, text: str, to: str) -> Plan:
    """The plan that takes a stage back to what it was at a revision or time.

    Taking live back needs no approval: it was live before. What it takes back is not promoted again until
    design changes (domain.md §4).
    """
    try:
        ref = parse_stage(text)
    except ValueError as error:
        raise refuse(Code.BAD_POINT, str(error)) from None
    stage = f"{ref.environment}@{ref.stage}"
    heads = store.heads()
    if stage not in heads:
        raise refuse(Code.BAD_POINT, f"there is no stage {stage}", hint=suggestion(stage, heads))
    wanted = StageRef(ref.environment, ref.stage, to)
    zone = zone_of(store, [wanted])
    serial = serial_of(store, wanted, zone)
    now, then = store.entries(stage), store.entries_at(stage, serial)
    every = delta(stage, now, then, store.renames_since(stage, serial))
    deltas = [d for d in every if parse_address(d.address).kind is not Kind.CAMPAIGN]
    bodies = StoredBodies(store)
    if deltas:
        bodies.fetch(entry.fingerprint for entry in (*now.values(), *then.values()))
    states = Snapshot({**now, **then}, bodies)
    context = Context(bodies, refs_of(states, states.entries if deltas else ()), {})
    steps = steps_for(deltas, context, dict.fromkeys((d.address for d in deltas), Reason.ROLLED_BACK))
    if ref.stage is Stage.DESIGN and (refused := protected(deltas, bodies)):
        raise Refused(refused)
    at = f", the last one at {to}{zone_said(to, zone)}" if is_time(to) else ""
    note = f"Takes {stage} back to what it was at revision {serial}{at}."
    if len(every) > len(deltas):
        note += " Campaigns stay as they are."
    if ref.stage is Stage.LIVE:
        note += " What it takes back is promoted again only once design changes, or with --include-rolled-back."
    return replace(plan_of(store, PlanKind.ROLLBACK, steps, (note,) if steps else (), (stage,), bodies), to=serial)


def plan_of(
    store: Store,
    kind: PlanKind,
    steps: list[Step],
    notes: tuple[str, ...],
    stages: tuple[str, ...],
    bodies: StoredBodies,
) -> Plan:
    """A plan of ``steps`` against ``stages`` as they are, with the bodies that it needs."""
    heads = store.heads()
    kept = {step.after.fingerprint for step in steps if step.after is not None}
    return Plan(
        kind,
        store.project,
        __version__,
        base=tuple(StageBase(stage, heads[stage].revision, heads[stage].digest) for stage in stages),
        steps=tuple(steps),
        notes=notes,
        bodies={key: bodies[key] for key in sorted(kept)},
    )
