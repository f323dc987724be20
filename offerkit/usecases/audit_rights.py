"""Judges who made a recorded history: whether those who applied, approved and promoted were allowed to, at that time.

Each question is asked of the functions that answered it then, in the store as it was just before the revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial

import orjson

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Diagnostic
from offerkit.governance.anchors import ACCEPT_ACTION
from offerkit.governance.approvals import Approval, Decision, Decisions
from offerkit.governance.rights import Actor, may_approve
from offerkit.governance.settings import keys_to_decide
from offerkit.plans.plan import ApprovalKey, Aspect, Plan
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.approvals import recorded_approvals
from offerkit.store.rows import RecordedRevision
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.apply import refused_by_rights
from offerkit.usecases.approve import author_refusals, reviewers_of
from offerkit.usecases.history import REVIEW_DETAIL
from offerkit.usecases.session import operators, profiles
from offerkit.usecases.settings_approval import waiting_settings

_DECIDING = {"approve": Decision.APPROVED, "reject": Decision.REJECTED}
"""What the revisions decide that decide anything besides stops."""


def not_allowed_to_plan(store: Store, plan: Plan, name: str) -> Iterator[Diagnostic | str]:
    """Why the operator ``name`` could not carry out ``plan``; ``store`` ends with the revision before it."""
    actor = acting(store, name)
    if isinstance(actor, str):
        yield actor
    else:
        yield from refused_by_rights(store, plan, actor)


def not_allowed_to_decide(store: Store, recorded: RecordedRevision) -> Iterator[Diagnostic | str]:
    """Why decisions of a revision were not for those who are named in them, or not on what there was."""
    revision = recorded.revision
    if revision.action == ACCEPT_ACTION:
        by = acting(store, revision.actor)
        if isinstance(by, str):
            yield by
        elif by.automation or not by.is_administrator:
            yield f"{by.name} ({by.profile}) was not allowed to accept lost anchors"
    rows = [row for row in recorded_approvals(recorded) if row.key.aspect is not Aspect.STOP]
    decision = _DECIDING.get(revision.action)
    for row in rows:
        if row.decision is not decision:
            yield f"a revision of that kind cannot decide on {row.key.address}"
    if decision is None or any(row.decision is not decision for row in rows):
        return
    relayed = orjson.loads(revision.details).get(REVIEW_DETAIL)
    own = relayed.get("reviewer") if isinstance(relayed, dict) else revision.actor
    if relayed is not None and not operators(store).get(revision.actor, {}).get("automation"):
        yield f"{revision.actor[:80]} is no automation, so it cannot record reviews"
    for row in rows:
        if row.operator != own:
            yield f"it has a decision of {row.operator[:80]}, who did not make it"
            return
    yield from _decided(store, rows, relayed=relayed is not None)


def _decided(store: Store, rows: list[Approval], *, relayed: bool) -> Iterator[Diagnostic | str]:
    if not rows:
        return
    actor = active(store, rows[0].operator)
    if isinstance(actor, str):
        yield actor
        return
    stages = Stages(store)
    design = stages.side(Stage.DESIGN)
    decisions = stages.effective_decisions({row.key.address for row in rows})
    settings = set(waiting_settings(stages, every=True)) if any(_is_setting(row) for row in rows) else set()
    there = []
    keys = cache(partial(_keys, design))
    for row in rows:
        key = row.key
        if key.address not in settings if _is_setting(row) else key.address not in design.entries:
            yield f"there was no {key.address} to decide on"
        elif not _may_decide(actor, design, decisions, row):
            yield f"{actor.name} ({actor.profile}) was not allowed to decide on the {key.aspect} of {key.address}"
        elif not _is_as_it_was(keys(key.address), key):
            yield f"the {key.aspect} of {key.address} was not what it decides on"
        else:
            there.append(row)
    approved = [row.key for row in there if row.decision is Decision.APPROVED]
    yield from author_refusals(stages, design, actor, approved, everywhere=relayed)


def _keys(design: Snapshot, address: Address) -> tuple[frozenset[ApprovalKey], Mapping[Aspect, set[str]]]:
    """What there is to decide of a resource, and the kinds of keys for each aspect."""
    keys = frozenset(keys_to_decide(design, address))
    schemes: dict[Aspect, set[str]] = {}
    for key in keys:
        schemes.setdefault(key.aspect, set()).add(_scheme(key))
    return keys, schemes


def _is_as_it_was(there: tuple[frozenset[ApprovalKey], Mapping[Aspect, set[str]]], key: ApprovalKey) -> bool:
    """Whether design has what a decision is about; keys of an earlier offerkit's kind are believed."""
    keys, schemes = there
    return key in keys or _scheme(key) not in schemes.get(key.aspect, {_scheme(key)})


def _scheme(key: ApprovalKey) -> str:
    return key.fingerprint.partition(":")[0] if ":" in key.fingerprint else ""


def _is_setting(row: Approval) -> bool:
    return row.key.address.kind is not Kind.OFFER


def _may_decide(actor: Actor, design: Snapshot, decisions: Decisions, row: Approval) -> bool:
    named = reviewers_of(design, decisions, row.key)
    return may_approve(actor, named, row.key.address.environment) or decisions.asks(actor.name, row.key)


def acting(store: Store, name: str) -> Actor | str:
    """As :func:`active`; but a store's first revisions, before it has operators, are anybody's."""
    return active(store, name) if operators(store) else Actor(name, None)


def active(store: Store, name: str) -> Actor | str:
    """An operator as of then; or why nobody could act under that name."""
    body = operators(store).get(name)
    if body is None:
        return f"there was no operator {name[:80]}"
    if body.get("enabled") is False:
        return f"operator {name} was disabled"
    return Actor(name, body["profile"], body.get("automation") is True, profiles(store))
