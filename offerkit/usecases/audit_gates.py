"""Judges the revisions of a recorded history as they were judged when they were made, as far as the record has it.

What a digest proves is that nothing was changed since; that somebody who writes a whole history of their own followed
the rules, only the rules can show.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from offerkit.address import Kind, Stage, StageRef
from offerkit.applier import faults_of_recorded
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.governance.anchors import ACCEPT_ACTION
from offerkit.governance.overrides import OVERRIDE_ACTION
from offerkit.plans.make import StepContext, steps_for
from offerkit.plans.plan import Plan, PlanKind
from offerkit.store import ChangeRow, Store
from offerkit.store.rows import Activations, RecordedRevision, change_row, deltas_of
from offerkit.usecases.audit_operations import OPERATIONS, not_allowed_to_operate
from offerkit.usecases.audit_overrides import not_allowed_to_override
from offerkit.usecases.audit_rights import not_allowed_to_decide, not_allowed_to_plan
from offerkit.usecases.audit_stops import not_allowed_to_stop, not_withdrawn

NOT_PROVABLE = (
    "that the operators are who the record says, unless they signed",
    "that the clocks were right",
    "that cases, policies and impact limits allowed a promotion: contacts and hooks are not in the record",
    "that a promotion was asked to bring back what a rollback took",
    "that the authors are all who wrote it, and that a forge had the reviews",
    "that an override of a freeze, for a file of contacts or for specs not yet applied was needed; it shows who may",
    "that what a scheduled promotion will change was for its operator: that is judged when it is carried out",
    "that tokens from before format 5 were for their operators, and that an erasure took no more than it says",
    "that a restore was for its operator, and that what it kept stopped was: the replaced store is not in the record",
    "that the whole history was not written again: for that, compare with a digest kept elsewhere (--expect)",
)
"""What no history can prove by itself, a clause each."""
_ALONE = (OVERRIDE_ACTION, ACCEPT_ACTION, *OPERATIONS)
"""Actions of revisions that decide something without a row of its own."""
_MOST = 50
"""Findings about revisions, at most."""


class JudgedHistory:
    """Judges the revisions of a history again, oldest first: each is given with the store that ends before it.

    ``findings``: what is wrong with them, some at most. ``live``: how many of them changed live.
    """

    def __init__(self) -> None:
        self.findings: list[Diagnostic] = []
        self.live = 0

    def judge(self, store: Store, recorded: RecordedRevision) -> None:
        """Judge the next revision; ``store`` ends with the revision before it."""
        self.live += any(change.stage.endswith(f"@{Stage.LIVE}") for change in recorded.changes)
        if len(self.findings) < _MOST:
            self.findings += uncovered(store, recorded)


def uncovered(store: Store, recorded: RecordedRevision) -> list[Diagnostic]:
    """What a revision makes live without the approvals it needed; ``store`` ends with the revision before it."""
    if not recorded.changes and not recorded.approvals and recorded.revision.action not in _ALONE:
        return []
    try:
        activations = Activations()
        changes = [change_row(recorded.revision.serial, text, activations) for text in recorded.changes]
        return list(islice(chain(_faults(store, recorded, changes), _decisions(store, recorded, changes)), _MOST))
    except Refused as refused:
        return [_finding(recorded, found.summary, found.detail, found.address) for found in refused.diagnostics]
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # Bodies that no offerkit has written: their digests are right, but nothing else is.
        return [_finding(recorded, "it has a body that no specs lead to, so it cannot be judged")]


def _faults(store: Store, recorded: RecordedRevision, changes: list[ChangeRow]) -> Iterator[Diagnostic]:
    live = [row for row in changes if row.stage.stage is Stage.LIVE]
    action = recorded.revision.action
    if action in tuple(PlanKind):
        plan = _plan(store, PlanKind(action), changes)
        for found in faults_of_recorded(plan, store):
            yield _finding(recorded, found.summary.removeprefix("the plan "), found.detail, found.address)
        for refusal in not_allowed_to_plan(store, plan, recorded.revision.actor):
            yield _refused(recorded, refusal)
        if plan.kind is PlanKind.ROLLBACK:
            yield from _never_live(store, recorded, live)
        return
    for row in not_withdrawn(store, recorded, changes):
        yield _finding(recorded, f"a revision of that kind cannot change {row.address}", "", row.address)


def _decisions(store: Store, recorded: RecordedRevision, changes: list[ChangeRow]) -> Iterator[Diagnostic]:
    refusals = (
        not_allowed_to_decide(store, recorded),
        not_allowed_to_override(store, recorded),
        not_allowed_to_stop(store, recorded, changes),
        not_allowed_to_operate(store, recorded),
    )
    for refusal in chain(*refusals):
        yield _refused(recorded, refusal)


def _refused(recorded: RecordedRevision, refusal: Diagnostic | str) -> Diagnostic:
    if isinstance(refusal, str):
        return _finding(recorded, refusal)
    return _finding(recorded, refusal.summary, refusal.detail, refusal.address)


def _plan(store: Store, kind: PlanKind, changes: list[ChangeRow]) -> Plan:
    prints = {entry.fingerprint for row in changes for entry in (row.before, row.after) if entry is not None}
    bodies = store.bodies(prints)
    steps = steps_for(deltas_of(changes), StepContext(bodies, {}, {}))
    return Plan(kind, store.project, "", steps=tuple(steps), bodies=bodies)


def _never_live(store: Store, recorded: RecordedRevision, live: list[ChangeRow]) -> Iterator[Diagnostic]:
    """What a rollback brings to live although live never had it."""
    for stage in sorted({row.stage for row in live}):
        had = _had(store, stage)
        for row in live:
            if row.stage != stage or row.after is None:
                continue
            spaces = had.get((row.address.kind, row.after.fingerprint))
            if spaces is None or not spaces.issuperset(row.after.activation or ()):
                yield _finding(
                    recorded, f"a rollback brought {row.address} to live as it never was there", "", row.address
                )


def _had(store: Store, stage: StageRef) -> dict[tuple[Kind, str], set[str]]:
    """The bodies that a stage has had, and the spaces on which offers with them were live."""
    had: dict[tuple[Kind, str], set[str]] = {}
    for row in store.changes_since(stage, 0):
        for entry in (row.before, row.after):
            if entry is not None:
                had.setdefault((row.address.kind, entry.fingerprint), set()).update(entry.activation or ())
    return had


def _finding(recorded: RecordedRevision, what: str, detail: str = "", address: str = "") -> Diagnostic:
    revision = recorded.revision
    return Diagnostic(
        Code.RECORD_UNCOVERED,
        f"revision {revision.serial} ({revision.action} by {revision.actor[:80]}) would not pass the gate: {what}",
        detail or "It was judged again with the approvals that the record has from before it.",
        "Ask its operator. An older offerkit with other rules may have made it: then compare with its release notes.",
        address,
    )
