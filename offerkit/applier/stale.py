"""Stale is judged by meaning (docs/plans.md): a base that moved is fine if nothing that matters moved."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from offerkit.address import Kind, parse_address
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.governance.standing import approved, standing
from offerkit.models import model_of
from offerkit.planning.campaigns import not_live
from offerkit.planning.plan import Plan, Step
from offerkit.state.changes import with_changes
from offerkit.state.entries import Entry
from offerkit.state.references import references_of, resource_refs
from offerkit.state.snapshot import Snapshot
from offerkit.store import ChangeRow, Store


def check(plan: Plan, store: Store) -> bool:
    """Whether the base moved without mattering; call inside the transaction that will apply the plan.

    Raises Refused naming every conflicting address, who changed it and when.
    """
    if plan.project and plan.project != store.project:
        raise Refused(
            [
                Diagnostic(
                    Code.PLAN_PROJECT,
                    "the plan was made for the store of another project",
                    f"It names project {plan.project[:12]}, and this is {store.project[:12]}.",
                    "Make the plan against this store.",
                )
            ]
        )
    heads = store.heads()
    moved = {
        base.stage: base.revision
        for base in plan.base
        if (heads[base.stage].revision if base.stage in heads else 0) != base.revision
        or (base.stage in heads and heads[base.stage].digest != base.digest)
    }
    conflicts = list(_conflicts(plan, store, moved))
    if conflicts:
        raise Refused(conflicts)
    return bool(moved)


def _conflicts(plan: Plan, store: Store, moved: dict[str, int]) -> Iterator[Diagnostic]:
    now: dict[str, dict[str, Entry]] = {}

    def entries(stage: str) -> dict[str, Entry]:
        if stage not in now:
            now[stage] = store.entries(stage)
        return now[stage]

    changed: dict[str, list[str]] = {}
    vacated = {(step.stage, step.moved_from) for step in plan.steps if step.moved_from}
    for step in plan.steps:
        source = step.moved_from or step.address
        if entries(step.stage).get(source) != step.before:
            changed.setdefault(step.stage, []).append(source)
        taken = step.address in entries(step.stage) and (step.stage, step.address) not in vacated
        if step.moved_from and taken:
            changed.setdefault(step.stage, []).append(step.address)
    for depends in plan.depends:
        entry = entries(depends.stage).get(depends.address)
        if (entry.fingerprint if entry is not None else "") != depends.fingerprint:
            changed.setdefault(depends.stage, []).append(depends.address)
    for stage, addresses in sorted(changed.items()):
        last = store.last_change(stage, addresses)
        for address in addresses:
            yield _conflict(store, stage, address, last.get(address))
    for stage, serial in sorted(moved.items()):
        yield from _named_since(plan, store, stage, serial)
        yield from _no_longer_live(plan, stage, entries(stage))
    yield from _withdrawn(plan, store)


def _conflict(store: Store, stage: str, address: str, change: ChangeRow | None) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_STALE,
        f"the plan is stale: {address} in {stage} is not as it was when the plan was made",
        _who(store, change) if change is not None else "",
        "Make the plan again and look at what is different.",
        address,
    )


def _who(store: Store, change: ChangeRow) -> str:
    revision = store.revision(change.serial)
    if revision is None:
        return ""
    return f"Changed ({change.action}) in revision {revision.serial} by {revision.actor}, {revision.time[:19]}Z."


def _named_since(plan: Plan, store: Store, stage: str, serial: int) -> Iterator[Diagnostic]:
    """What goes by the plan but was named by a resource that came or changed since."""
    going: dict[str, Step] = {
        step.moved_from or step.address: step
        for step in plan.steps
        if step.stage == stage and (step.after is None or step.moved_from)
    }
    if not going:
        return
    touched = {step.address for step in plan.steps} | {step.moved_from for step in plan.steps}
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
                "Make the plan again and look at what is different.",
                address,
            )


def _no_longer_live(plan: Plan, stage: str, now: dict[str, Entry]) -> Iterator[Diagnostic]:
    """Campaigns of the plan that name what is live no more; an offer can lose a space and keep its body."""
    here = [step for step in plan.steps if step.stage == stage]
    live = Snapshot(with_changes(now, here), plan.bodies)
    for step in here:
        place = parse_address(step.address)
        if place.kind is not Kind.CAMPAIGN or step.after is None:
            continue
        body = orjson.loads(plan.bodies[step.after.fingerprint].text)
        refs = resource_refs(place, model_of(place.kind).model_validate(body))
        for found in not_live(place, refs, body, live):
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: {found.summary}",
                "It was live when the plan was made.",
                "Make the plan again and look at what is different.",
                step.address,
            )


def _withdrawn(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    if not plan.approvals:
        return
    decisions = standing(store.approvals({key.address for key in plan.approvals}))
    for key in plan.approvals:
        if not approved(decisions, key):
            where = f" on {key.space}" if key.space else ""
            decision = decisions.get(key)
            by = f"{decision.operator} rejected it in revision {decision.revision}." if decision else ""
            yield Diagnostic(
                Code.PLAN_STALE,
                f"the plan is stale: the {key.aspect}{where} of {key.address} is no longer approved",
                by,
                "Make the plan again.",
                key.address,
            )
