"""Staleness: whether something a plan depends on has changed since the plan was made (docs/plans.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import orjson

from offerkit.address import Address, Kind, Stage, StageRef, by_stage
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import manifest_digest
from offerkit.governance.approvals import approved
from offerkit.governance.settings import SETTING_KINDS
from offerkit.models import model_of
from offerkit.plans.make import not_live
from offerkit.plans.plan import Plan, StageBase, Step
from offerkit.state.changes import FormerAddress
from offerkit.state.references import references_of, resource_refs
from offerkit.store import ChangeRow, Store
from offerkit.store.stage_snapshots import EMPTY, Stages


def check_fresh(plan: Plan, store: Store, stages: Stages) -> bool:
    """Whether the base of ``plan`` has moved without a relevant change.

    Raises Refused if the plan is for another project, or if something it depends on has changed; then with every
    conflicting address, who changed it and when.
    """
    if plan.project and plan.project != store.project:
        raise Refused(
            [
                Diagnostic(
                    Code.PLAN_PROJECT,
                    "the plan was made for the store of another project",
                    f"The plan is for project {plan.project[:12]}; this store belongs to {store.project[:12]}.",
                    "Make the plan again with this store.",
                )
            ]
        )
    if found := list(_baseless(plan, store, stages)):
        raise Refused(found)
    heads = stages.heads
    moved = {
        base.stage: base.revision
        for base in plan.base
        if (heads[base.stage].revision if base.stage in heads else 0) != base.revision
        or (base.stage in heads and heads[base.stage].digest != base.digest)
    }
    moved |= dict.fromkeys({step.stage for step in plan.steps} - {base.stage for base in plan.base}, 0)
    conflicts = list(_conflicts(plan, store, stages, moved))
    if conflicts:
        raise Refused(conflicts)
    return bool(moved)


def _baseless(plan: Plan, store: Store, stages: Stages) -> Iterator[Diagnostic]:
    """Stages that the plan changes without recording their base, or with a base that never existed."""
    said = {base.stage: base for base in plan.base}
    for stage in sorted({step.stage for step in plan.steps} | said.keys()):
        base = said.get(stage)
        if base is not None and stages.base(stage) == base:
            continue
        if base is None:
            yield Diagnostic(
                Code.PLAN_EDITED,
                f"the plan cannot be right: it does not record the state of {stage} that it was made against",
                hint="Make the plan again.",
            )
        elif not _was(base, store, stages):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: it was made against a state that {stage} never had",
                "The store was restored since then, or the plan was made with another store.",
                "Make the plan again.",
            )


def _was(base: StageBase, store: Store, stages: Stages) -> bool:
    """Whether a stage that has moved once had the state in ``base``."""
    head = stages.heads.get(base.stage)
    if not base.revision or head is None:
        return base == StageBase(base.stage, 0, EMPTY)
    if not 0 < base.revision < head.revision:
        return False
    then = store.entries_at(base.stage, base.revision)
    return base.digest == manifest_digest((a, entry.fingerprint, entry.activation_text) for a, entry in then.items())


def _conflicts(plan: Plan, store: Store, stages: Stages, moved: Mapping[StageRef, int]) -> Iterator[Diagnostic]:
    changed: dict[StageRef, list[Address]] = {}
    vacated = {(step.stage, step.moved_from) for step in plan.steps if step.moved_from}
    for step in plan.steps:
        source = step.moved_from or step.address
        if stages.entries(step.stage).get(source) != step.before:
            changed.setdefault(step.stage, []).append(source)
        taken = step.address in stages.entries(step.stage) and (step.stage, step.address) not in vacated
        if step.moved_from and taken:
            changed.setdefault(step.stage, []).append(step.address)
    for depends in plan.depends:
        entry = stages.entries(depends.stage).get(depends.address)
        if (entry.fingerprint if entry is not None else "") != depends.fingerprint:
            changed.setdefault(depends.stage, []).append(depends.address)
    for stage, addresses in sorted(changed.items()):
        last = store.last_change(stage, addresses)
        for address in addresses:
            yield _conflict(store, stage, address, last.get(address))
    steps = by_stage(plan.steps)
    touched = {step.address for step in plan.steps} | {step.moved_from for step in plan.steps}
    for stage, serial in sorted(moved.items()):
        here = steps.get(stage, [])
        yield from _changed_back(here, store, stage, serial, changed.get(stage, ()))
        yield from _named_since(here, touched, store, stage, serial)
    for stage, here in sorted(steps.items()):
        if any(step.address.kind is Kind.CAMPAIGN for step in here):
            yield from _no_longer_live(here, plan, stage, stages)
    yield from _withdrawn(plan, stages)


def _changed_back(
    steps: Sequence[Step], store: Store, stage: StageRef, serial: int, known: Collection[Address]
) -> Iterator[Diagnostic]:
    """Addresses that are as the plan found them, but were changed and changed back since: the plan would undo that."""
    here = {a for step in steps for a in (step.address, step.moved_from) if a}
    for address, row in sorted(store.last_change(stage, here.difference(known)).items()):
        if row.serial > serial:
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {address} in {stage} was changed, and changed back, since the plan was made",
                _who(store, row),
                "Make the plan again and review what changed.",
                address,
            )


def _conflict(store: Store, stage: StageRef, address: Address, change: ChangeRow | None) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_STALE,
        f"the plan is stale: {address} in {stage} has changed since the plan was made",
        _who(store, change) if change is not None else "",
        "Make the plan again and review what changed.",
        address,
    )


def _who(store: Store, change: ChangeRow) -> str:
    revision = store.revision(change.serial)
    if revision is None:
        return ""
    return f"Changed ({change.action}) in revision {revision.serial} by {revision.actor}, {revision.time[:19]}Z."


def _named_since(
    steps: Sequence[Step], touched: Collection[FormerAddress], store: Store, stage: StageRef, serial: int
) -> Iterator[Diagnostic]:
    """Removed or renamed resources that a resource created or changed since then references."""
    going: dict[Address, Step] = {
        step.moved_from or step.address: step for step in steps if step.after is None or step.moved_from
    }
    if not going:
        return
    rows = {
        r.address: r for r in store.changes_since(stage, serial) if r.after is not None and r.address not in touched
    }
    bodies = store.bodies({row.after.fingerprint for row in rows.values() if row.after is not None})
    for address, row in sorted(rows.items()):
        assert row.after is not None
        named = going.keys() & set(references_of(address, orjson.loads(bodies[row.after.fingerprint].text)))
        for gone in sorted(named):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {address} names {gone}, which the plan removes",
                _who(store, row),
                "Make the plan again and review what changed.",
                address,
            )


def _no_longer_live(steps: Sequence[Step], plan: Plan, stage: StageRef, stages: Stages) -> Iterator[Diagnostic]:
    """Campaigns in the plan whose references are no longer live; an offer can lose a space and keep its body."""
    live = stages.snapshot([stage]).apply(steps, plan.bodies)
    for step in steps:
        place = step.address
        if place.kind is not Kind.CAMPAIGN or step.after is None:
            continue
        body = orjson.loads(plan.bodies[step.after.fingerprint].text)
        refs = resource_refs(place, model_of(place.kind).model_validate(body))
        for found in not_live(place, refs, body, live):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {found.summary}",
                "A live campaign can name only what is live.",
                "Make the plan again and review what changed.",
                step.address,
            )


def _withdrawn(plan: Plan, stages: Stages) -> Iterator[Diagnostic]:
    if not plan.approvals:
        return
    live = stages.side(Stage.LIVE).of_kind(Kind.OFFER)  # the gate needs these too: read them once for both
    changed = (step.address for step in plan.steps if step.address.kind in (Kind.OFFER, Kind.FILTER, *SETTING_KINDS))
    decisions = stages.effective_decisions({key.address for key in plan.approvals}.union(live, changed))
    for key in plan.approvals:
        if not approved(decisions, key):
            where = f" on {key.space}" if key.space else ""
            decision = decisions.on(key)
            by = f"{decision.operator} rejected it in revision {decision.revision}." if decision else ""
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: the {key.aspect}{where} of {key.address} is no longer approved",
                by,
                "Make the plan again.",
                key.address,
            )
