"""Judges who made tokens, scheduled promotions and erased contacts: whether they were allowed to, at that time.

Such revisions change no stage and decide on no offer. Each question is asked of the functions that answered it then, in
the store as it was just before the revision.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from offerkit.diagnostics import Diagnostic
from offerkit.fingerprint import JsonMap, json_map
from offerkit.governance.rights import (
    Actor,
    may_manage_tokens,
    may_withdraw_scheduled,
    promotion_refusals,
    token_scope_errors,
)
from offerkit.store import RevisionRow, Store, scheduled, tokens
from offerkit.store.backups import ACTION as RESTORED
from offerkit.store.contact_data import ERASE
from offerkit.store.rows import RecordedRevision, RevisionText
from offerkit.store.scheduled import ScheduledPromotion
from offerkit.store.stage_snapshots import Stages
from offerkit.store.tokens import TokenEvent
from offerkit.usecases.audit_rights import acting
from offerkit.usecases.session import operators, promoters

_SCHEDULING = (scheduled.SCHEDULE, scheduled.WITHDRAW, scheduled.REFUSED)
OPERATIONS = (*tokens.ACTIONS, *_SCHEDULING, ERASE)
"""The actions of the revisions that are judged here."""


def not_allowed_to_operate(store: Store, recorded: RecordedRevision) -> Iterator[Diagnostic | str]:
    """Why a revision of one of :data:`OPERATIONS` was not for its operator; ``store`` ends with the one before it."""
    revision = recorded.revision
    if revision.action not in OPERATIONS:
        return
    if recorded.changes or recorded.approvals:
        yield "a revision of that kind changes and decides nothing"
    details = json_map(orjson.loads(revision.details))
    if revision.action in tokens.ACTIONS:
        yield from _tokens(store, revision, details)
        return
    actor = acting(store, revision.actor)
    if revision.action == scheduled.REFUSED:  # nobody acts: it was due
        yield from _ended(store, revision, details, None)
    elif isinstance(actor, str):
        yield actor
    elif revision.action == scheduled.SCHEDULE:
        yield from _scheduled(store, revision, details, actor)
    elif revision.action == scheduled.WITHDRAW:
        yield from _ended(store, revision, details, actor)
    elif not actor.is_administrator:
        yield f"{actor.name} ({actor.profile}) was not allowed to erase contacts"


def _tokens(store: Store, revision: RevisionText, details: JsonMap) -> Iterator[Diagnostic | str]:
    events = tokens.events(revision.action, details)
    if revision.action == tokens.ADOPT:
        if any(store.revisions(action=action, limit=1) for action in tokens.ACTIONS):
            yield "tokens are taken over from before format 5 once, before any is made"
        return
    (event,) = events
    if revision.action == tokens.REVOKE and _revoked_by_restore(store, revision, event):
        return
    actor = acting(store, revision.actor)
    if isinstance(actor, str):
        yield actor
        return
    if refused := may_manage_tokens(actor, event.operator):
        yield refused
    if revision.action == tokens.CREATE:
        yield from _made(store, revision, event)


def _made(store: Store, revision: RevisionText, event: TokenEvent) -> Iterator[Diagnostic | str]:
    if (event.created_by, event.created, event.revoked) != (revision.actor, revision.time, ""):
        yield f"the token {event.id[:40]} was not made by it"
    bearer = operators(store).get(event.operator)
    if bearer is None or bearer.get("enabled") is False:
        yield f"there was no operator {event.operator[:80]}, or they were disabled"
        return
    yield from token_scope_errors(event.scope.split(","), bearer.get("automation") is True)


def _revoked_by_restore(store: Store, revision: RevisionText, event: TokenEvent) -> bool:
    """Whether a restore revoked a token again, as its operator, whom the restored store need not know."""
    restores = store.revisions(action=RESTORED, limit=1)
    revoked = json_map(restores[0].details.get("revoked")) if restores else {}
    return event.id in revoked and restores[0].actor == revision.actor


def _scheduled(store: Store, revision: RevisionText, details: JsonMap, actor: Actor) -> Iterator[Diagnostic | str]:
    row = RevisionRow(revision.serial, "", "", revision.action, revision.actor, revision.time, details=details)
    promotion = scheduled.recorded(row)
    if promotion is None or not promotion.environments:
        yield "it schedules nothing"
        return
    if promotion.due <= revision.time:
        yield f"it schedules a promotion for {promotion.due[:40]}, which was past"
    yield from promotion_refusals(actor, promotion.environments, promoters(store))


def _ended(store: Store, revision: RevisionText, details: JsonMap, actor: Actor | None) -> Iterator[Diagnostic | str]:
    """Why what a revision ends was not waiting, or not for its operator to withdraw; None: it was found when due."""
    serial = details.get(scheduled.ENDED)
    promotion = _promotion(store, serial)
    if promotion is None:
        yield "it ends what no revision scheduled"
        return
    by = Stages(store).names.operator(promotion.by, promotion.serial)
    if actor is not None:
        if refused := may_withdraw_scheduled(actor, by, promotion.environments, promoters(store)):
            yield refused
    elif revision.actor != by:
        yield f"{by} scheduled it"
    elif revision.time < promotion.due:
        yield "it was not due"


def _promotion(store: Store, serial: object) -> ScheduledPromotion | None:
    row = store.revision(serial) if isinstance(serial, int) else None
    return scheduled.recorded(row) if row is not None else None
