"""A plan from a file, and what :mod:`offerkit.usecases.plan_explanation` compares its explanation with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from offerkit.address import Address, Kind, Stage, by_stage
from offerkit.applier import Verified
from offerkit.governance.aspects import affecting, approval_keys, counted
from offerkit.governance.withdrawals import ended_earlier, promotion_reasons
from offerkit.plans.plan import Plan, PlanKind, Reason
from offerkit.state.changes import Body, Delta, LayeredBodies
from offerkit.store import Store
from offerkit.usecases.session import Session


class SavedPlan:
    """A plan from a file, the states before it, and what has changed since it was made."""

    def __init__(self, session: Session, plan: Plan, store: Store, verified: Verified) -> None:
        self.session, self.plan, self.store, self.stages = session, plan, store, verified.stages
        self.bodies: Mapping[str, Body] = LayeredBodies(plan.bodies, self.stages.bodies)
        self.deltas = sorted(
            (Delta(s.address, s.stage, s.action, s.before, s.after, s.moved_from) for s in plan.steps),
            key=lambda d: (d.stage.stage is Stage.LIVE, d.stage, d.address.sort_key),
        )
        self.sources = {step.address: step.source for step in plan.steps if step.source is not None}

    @cached_property
    def earliest(self) -> int:
        """The last revision that the plan relies on; it cannot have been made earlier."""
        revision = max([base.revision for base in self.plan.base], default=0)
        for stage, needed in by_stage(self.plan.depends).items():
            last = self.store.last_change(stage, {item.address for item in needed})
            revision = max([revision, *(row.serial for row in last.values())])
        return max([revision, *self._first_approvals()])

    def _first_approvals(self) -> list[int]:
        """The revisions of the first approvals of what the steps take live."""
        if self.plan.kind is not PlanKind.PROMOTE:
            return []
        after = self.stages.effect(self.plan, Stage.LIVE).after
        offers = {step.address: after.entries[step.address].activation for step in self.plan.steps if step.after}
        active = {offer: {"", *spaces} for offer, spaces in offers.items() if spaces}
        decisions = self.stages.decisions(active)
        approval_rows = (
            decisions.each(k)
            for offer, active_on in active.items()
            for k in approval_keys(after, offer)
            if k.space in active_on
        )
        return [rows[0].revision for rows in approval_rows if rows]

    @cached_property
    def changed_since(self) -> frozenset[Address]:
        """The addresses changed since :attr:`earliest`; for promotions, also those decided on."""
        promotes = self.plan.kind is PlanKind.PROMOTE
        changed = {
            address
            for stage in self.stages.stages
            for row in self.store.changes_since(stage, self.earliest)
            for address in (row.address, row.moved_from)
            if address and (promotes or stage.stage is Stage.DESIGN or address.kind is Kind.CAMPAIGN)
        }
        decided = {row.key.address for row in self.store.approvals() if row.revision > self.earliest and promotes}
        return frozenset(changed | decided)

    @cached_property
    def reasons(self) -> Mapping[Address, Reason]:
        """Why each step of a promotion is in it, derived from the steps alone."""
        live = self.stages.effect(self.plan, Stage.LIVE)
        existing = (a for a in live.addresses if a in live.before.entries and a in live.after.entries)
        ended = ended_earlier(live.before, live.after, existing)
        return promotion_reasons(self.deltas, self.stages.side(Stage.DESIGN), live.after, ended)

    def has_changed(self, addresses: Iterable[Address]) -> bool:
        """Whether any of ``addresses``, or anything that it depends on, was changed or decided on since."""
        changed = self.changed_since
        if not changed:
            return False
        for address in addresses:
            depended_on = {address}
            if address.kind is Kind.OFFER:
                for side in (Stage.DESIGN, Stage.LIVE):
                    snapshot = self.stages.side(side)
                    if address in snapshot.entries:
                        depended_on |= affecting(snapshot, address) | counted(snapshot, address)
            if not changed.isdisjoint(depended_on):
                return True
        return False
