"""Judges the stops and resumptions of a recorded history: whether who made them was allowed to, at that time.

They are asked of :class:`offerkit.usecases.stop.StopGate`, in the store as it was just before the revision.
"""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Stage
from offerkit.diagnostics import Diagnostic
from offerkit.governance.approvals import Approval, Decision
from offerkit.governance.stops import renamed_stop_rows, stop_deltas, stopped_root
from offerkit.plans.plan import Aspect, PlanKind
from offerkit.store import ChangeRow, Store
from offerkit.store.approvals import approval_text, recorded_approvals
from offerkit.store.backups import ACTION as RESTORED
from offerkit.store.rows import RecordedRevision
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.audit_rights import acting
from offerkit.usecases.stop import StopGate

_DECIDING = {"stop": Decision.STOPPED, "resume": Decision.RESUMED}
"""What the revisions decide that operators stop and resume with."""
_WITHDRAWING = (*_DECIDING, RESTORED)
"""Actions, besides those of plans, that may change live: they only take off spaces what is stopped."""


def not_allowed_to_stop(
    store: Store, recorded: RecordedRevision, changes: list[ChangeRow]
) -> Iterator[Diagnostic | str]:
    """Why stops and resumptions of a revision were not for its operator, or not for a revision of its kind.

    ``store`` ends with the revision before it.
    """
    rows = _stops_of(recorded)
    revision = recorded.revision
    decision = _DECIDING.get(revision.action)
    if decision is None:
        yield from _not_carried_along(store, revision.action, rows, changes)
        return
    for row in rows:
        if row.decision is not decision:
            yield f"a revision of that kind cannot decide on {row.key.address}"
            return
        if row.operator != revision.actor or row.key.fingerprint:
            yield f"it has a decision of {row.operator[:80]}, who did not make it then"
            return
    actor = acting(store, revision.actor)
    if isinstance(actor, str):
        yield actor
        return
    gate = StopGate(store, actor)
    environments = {row.key.address.environment for row in rows}
    if decision is Decision.STOPPED:
        yield from gate.stop_refusals(environments)
        return
    lacking = gate.resume_refusals(environments)
    yield from lacking or _not_resumed(gate, rows)


def _not_resumed(gate: StopGate, rows: list[Approval]) -> Iterator[Diagnostic | str]:
    """Why what ``rows`` resume had to stay stopped."""
    heads = set()
    for row in rows:
        stopped = stopped_root(row) if gate.stops.named(stopped_root(row)) is not None else row.key.address
        if row.key.space not in gate.stops.roots(row.key.address):
            yield f"there was no stop of {row.key.address} to resume"
            return
        now = gate.names.now(stopped)
        heads.add(now if gate.stops.at(now) is not None else stopped)
    yield from gate.not_resumed(sorted(heads))


def _not_carried_along(store: Store, action: str, rows: list[Approval], changes: list[ChangeRow]) -> Iterator[str]:
    """What revisions stop or resume that may only carry stops along: plans to new names, a restore from another store.

    What a restore replaced is not in the record, so what that had stopped is believed.
    """
    expected = set()
    if action in tuple(PlanKind) and rows:
        expected = {approval_text(row) for row in renamed_stop_rows(Stages(store).stops, changes)}
    for row in rows:
        kept = action == RESTORED and row.decision is Decision.STOPPED
        if not kept and approval_text(row) not in expected:
            yield f"a revision of that kind cannot decide on {row.key.address}"


def not_withdrawn(store: Store, recorded: RecordedRevision, changes: list[ChangeRow]) -> Iterator[ChangeRow]:
    """Those changes of a stop, a resumption or another revision without a plan that a stop does not lead to."""
    expected = set()
    if changes and recorded.revision.action in _WITHDRAWING:
        stages = Stages(store)
        stops = stages.stops.with_rows(_stops_of(recorded))
        expected = {(d.address, d.before, d.after) for d in stop_deltas(stages.side(Stage.LIVE), stops)}
    for row in changes:
        if row.stage.stage is not Stage.LIVE or (row.address, row.before, row.after) not in expected:
            yield row


def _stops_of(recorded: RecordedRevision) -> list[Approval]:
    return [row for row in recorded_approvals(recorded) if row.key.aspect is Aspect.STOP]
