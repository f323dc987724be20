"""The request of a rollback and its changes, read from the store: for the plan, and again when it is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from offerkit.address import KEPT_BY_ROLLBACK, Address, Stage, StageRef
from offerkit.governance.rollback import RollbackChanges, RollbackCriteria, partial_rollback, without_withdrawn
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import Plan
from offerkit.state.changes import Delta
from offerkit.state.snapshot import Snapshot
from offerkit.store.stage_snapshots import Stages
from offerkit.store.store import Store


@dataclass(frozen=True)
class RollbackRequest:
    """The stages to roll back, the revision ``to`` go back to, and which changes.

    ``undoes``: the revision whose changes are undone. ``withdrawn``: also bring back what was rejected, disabled or
    retired since. ``renames``: whether renames are rolled back as such; earlier versions did not.
    """

    stages: tuple[StageRef, ...]
    to: int
    targets: tuple[str, ...] = ()
    undoes: int = 0
    withdrawn: bool = False
    renames: bool = True

    @classmethod
    def of(cls, plan: Plan, store: Store) -> RollbackRequest:
        """The request of a rollback plan."""
        stages = undone(store, plan.undoes) if plan.undoes else tuple(sorted({step.stage for step in plan.steps}))
        return cls(stages, plan.to, plan.targets, plan.undoes, plan.withdrawn)

    def brought_back(self, stages: Stages) -> dict[Address, str]:
        """Offers that come back although they were rejected, disabled or retired, with the reason to leave them out."""
        if not self.withdrawn:
            return {}
        all_changes = self.changes(stages).values()
        return {
            offer: reason
            for changes in all_changes
            for offer, reason in changes.withdrawn.items()
            if offer not in changes.out
        }

    def changes(self, stages: Stages) -> dict[Stage, RollbackChanges]:
        """The changes of this rollback, in design and live."""
        changes_by_side: dict[Stage, RollbackChanges] = {}
        for side in (Stage.DESIGN, Stage.LIVE):
            stage_refs = [stage for stage in self.stages if stage.stage is side]
            if stage_refs:
                changes_by_side[side] = self._side(stages, side, stage_refs)
        return changes_by_side

    def _side(self, stages: Stages, side: Stage, stage_refs: list[StageRef]) -> RollbackChanges:
        now = stages.side(side)
        deltas = [d for stage in stage_refs for d in self._deltas(stages, now, stage)]
        every = [d for d in deltas if side is Stage.DESIGN or d.address.kind not in KEPT_BY_ROLLBACK]
        chosen = self._chosen(stages, stage_refs)
        changes = RollbackChanges(every) if chosen is None else partial_rollback(now, every, chosen)
        if len(every) < len(deltas) and chosen is None:
            changes.staying = {d.address.kind for d in deltas} & set(KEPT_BY_ROLLBACK)
        if side is Stage.DESIGN or not changes.deltas:
            return changes
        names = {stage.environment for stage in stage_refs}
        judge = RollbackCriteria(
            stages.side(Stage.DESIGN),
            stages.effective_decisions(),
            stages.withdrawals(names - {""}),
            stages.stops,
            self.to,
        )
        return without_withdrawn(now, changes, judge, withdrawn=self.withdrawn)

    def _deltas(self, stages: Stages, now: Snapshot, stage: StageRef) -> list[Delta]:
        store = stages.store
        assert store is not None
        was, then = stages.entries(stage), store.entries_at(stage, self.to)
        stages.bodies.fetch(entry.fingerprint for entries in (was, then) for entry in entries.values())
        moves = store.renames_since(stage, self.to) if self.renames else {}
        return now.with_entries(was).diff(now.with_entries(then), stage.stage, moves)

    def _chosen(self, stages: Stages, stage_refs: Iterable[StageRef]) -> Callable[[Delta], bool] | None:
        """A test for the changes that were asked for; None: all."""
        store = stages.store
        assert store is not None
        if self.undoes:
            left_addresses: set[Address] = set()
            arrived: set[Address] = set()
            former: dict[Address, Address] = {}
            stages_undone = set(stage_refs)
            for row in store.changes(self.undoes):
                if row.stage in stages_undone:
                    left_addresses.add(row.moved_from or row.address)
                    arrived.add(row.address)
            for stage in stages_undone:
                former |= store.renames_since(stage, self.undoes)
            return lambda d: (
                d.address in left_addresses if d.after is not None else former.get(d.address, d.address) in arrived
            )
        if self.targets:
            patterns = AddressPatterns.of(self.targets)
            return lambda d: patterns.targeted(d.address, d.moved_from)
        return None


def undone(store: Store, serial: int) -> tuple[StageRef, ...]:
    """The stages in which a revision changed something that a rollback undoes."""
    rows = store.changes(serial)
    excluded = (row.stage.stage is Stage.LIVE and row.address.kind in KEPT_BY_ROLLBACK for row in rows)
    return tuple(sorted({row.stage for row, stays in zip(rows, excluded, strict=True) if not stays}))
