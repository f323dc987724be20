"""``apply``: execute a plan exactly as it was made, as one revision.

    check rights → lock the store → check rights again → verify the plan → of a promotion: check gates → one revision

All plans take this path: of specs, promotions, rollbacks and purges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from offerkit.address import Address, Kind, Stage, StageRef, environment_address
from offerkit.applier import Applied, Verified, commit, revision_draft, verify
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.fingerprint import Json
from offerkit.governance.rights import (
    Actor,
    missing_scopes,
    own_filter_refusals,
    plan_refusals,
    required_scopes,
    reserved_refusals,
)
from offerkit.plans.plan import Plan, PlanKind
from offerkit.state.effective import filters_of
from offerkit.store import Draft, Store, scheduled
from offerkit.store.rollback_request import RollbackRequest
from offerkit.store.stage_snapshots import CONTACTS, Stages
from offerkit.usecases import authorship
from offerkit.usecases.plan import may_break
from offerkit.usecases.session import Session, promoters, who_is

if TYPE_CHECKING:
    from offerkit.governance.notices import Notice

_NAMING = (Kind.ENVIRONMENT,)
"""The kinds whose properties name who may do what."""


def apply(session: Session, plan: Plan) -> Applied:
    """Execute ``plan`` exactly as it was made, in one transaction.

    Raises Refused if the operator lacks the right, the plan is stale or invalid, a promotion must not go live, or
    another run holds the store; then nothing has changed.
    """
    actor = entitled_actor(session, plan)
    if session.signer is not None:
        from offerkit.usecases.signing import signed  # most plans are not signed

        session = signed(
            session,
            lambda store: replace(
                revision_draft(verify(plan, store), actor.name, session.now, session.message),
                details=_reasons(session, plan),
            ),
        )
    return session.backend.apply(session, plan, actor)


def entitled_actor(session: Session, plan: Plan, opened: Store | None = None) -> Actor:
    """The operator, if they may apply ``plan``. Raises Refused with all missing rights.

    ``opened``: the store, where a transaction is open.
    """
    if opened is not None:
        return _entitled(session, opened, plan)
    with session.reading() as store:
        return _entitled(session, store, plan)


def check_impact(session: Session, plan: Plan) -> Mapping[str, Json]:
    """What to record about the impact of a promotion. Raises Refused if it exceeds an environment's limit."""
    if not plan.promotes:
        return {}
    with session.existing() as store:
        return session.backend.impact_record(session, store, plan)


def apply_here(session: Session, plan: Plan, actor: Actor) -> Applied:
    """:func:`apply` on the machine that has the store. The rights of ``actor`` are checked again under the lock."""
    with (
        session.writing(create=plan.kind is PlanKind.APPLY) as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        if session.scheduled:
            from offerkit.usecases.scheduled_standing import check_standing  # most plans are not scheduled

            check_standing(store, session.scheduled, session.now)  # a restore may have held the lock
        actor = _entitled(session, store, plan)  # the operator's rights may have changed meanwhile
        verified = verify(plan, store, session.known)
        if may_break(verified.stages, plan):
            from offerkit.usecases.policy_checks import check_policies  # compiles conditions

            check_policies(session, verified, actor)
        if plan.kind is PlanKind.PURGE:
            from offerkit.usecases.purge import check_retention

            check_retention(session, store, plan)
        if plan.was_read:
            # Imports all planners.
            from offerkit.usecases.plan_explanation import check_explanation

            check_explanation(session, verified)
        record = (
            _judged(session, store, verified, actor)
            if plan.promotes
            else authorship.authors_record(session, plan, actor)
        )
        record |= {scheduled.ENDED: session.scheduled} if session.scheduled else {}
        record = {**record, **_contacts(session, verified), **_brought_back(verified), **_as_read(session, plan)}
        record |= _reasons(session, plan) if session.signature is not None else {}
        notices = _notices(store, verified)
        applied = commit(
            verified,
            actor=actor.name,
            time=session.now,
            message=session.message,
            details=record,
            notices=notices,
            seal=lambda draft: _sealed(session, store, draft),
        )
        if session.scheduled:
            scheduled.end(store.database, session.scheduled, applied.revision.serial)
        return applied


def check_times(session: Session, plan: Plan, operator: str) -> None:
    """Raise Refused if the environments of a promotion take none from ``operator`` now."""
    if not plan.promotes:
        return
    from offerkit.usecases.promotion_times import check_open  # plans of the specs do not need it

    with session.existing() as store:
        check_open(session, store, plan, operator)


def _reasons(session: Session, plan: Plan) -> dict[str, Json]:
    """What the operator signs besides the plan: why it may exceed a limit. Only whoever records it knows if it does."""
    from offerkit.governance.signatures import given_reasons  # most plans are not signed

    return given_reasons(session.override_impact) if plan.kind is PlanKind.PROMOTE else {}


def _sealed(session: Session, store: Store, draft: Draft) -> Draft:
    """``draft`` with the operator's signature. Raises Refused if it changes live and lacks one that is demanded."""
    if session.signature is None and draft.action == PlanKind.APPLY:
        return draft
    from offerkit.usecases.signing import sealed  # most plans only change design

    return sealed(session, store, draft)


def _notices(store: Store, verified: Verified) -> Iterable[Notice]:
    """What a plan tells, found before it is carried out: the approvals that it makes necessary, and what goes live."""
    plan = verified.plan
    arriving = any(step.address.kind is Kind.WEBHOOK and step.after is not None for step in plan.steps)
    if plan.kind is PlanKind.PURGE or not (arriving or store.tells()):
        return ()
    from offerkit.governance.notices import live_notices, wanted_notices  # most projects have no webhooks
    from offerkit.usecases.awaited_approvals import approvals_needed

    needed = approvals_needed(verified.stages, plan) if plan.steps_on(Stage.DESIGN) else ()
    return (*wanted_notices(needed), *live_notices(plan))


def _brought_back(verified: Verified) -> Mapping[str, Json]:
    """What to record about a rollback that restores withdrawn offers: each offer with the reason of its withdrawal."""
    plan = verified.plan
    if plan.kind is not PlanKind.ROLLBACK or not plan.withdrawn:
        return {}
    reasons = RollbackRequest.of(plan, verified.store).brought_back(verified.stages)
    return {"withdrawn": {str(offer): why for offer, why in sorted(reasons.items())}} if reasons else {}


def _as_read(session: Session, plan: Plan) -> Mapping[str, Json]:
    """What to record about a plan that was read in a pull request: its meaning, and whether that is what was read.

    Raises Refused if it is not and no reason is given. The meaning is computed from the plan here, never taken on
    trust.
    """
    reviewed = session.as_read
    if reviewed is None:
        return {}
    from offerkit.plans.meaning import facts_of, meaning_of  # other plans do not need it

    meaning = meaning_of(facts_of(plan))
    record: dict[str, Json] = {"meaning": meaning}
    record |= {"pull_request": reviewed.pull_request} if reviewed.pull_request else {}
    record |= {"head": reviewed.head} if reviewed.head else {}
    if meaning != reviewed.meaning:
        if not reviewed.allowed.strip():
            raise refuse(
                Code.MEANING,
                "the plan's meaning differs from what was read in the pull request",
                hint="Run “offerkit ci plan” again and read the new plan, or give a reason (--allow-different).",
            )
        record |= {"read": reviewed.meaning, "allowed": reviewed.allowed}
    return record


def _own_filters(store: Store, plan: Plan) -> set[Address]:
    """The filters that environments with changed filters use themselves in design."""
    names = {step.address.environment for step in plan.steps if step.address.kind is Kind.FILTER}
    stages = Stages(store) if names else None
    used: set[Address] = set()
    for name in names if stages is not None else ():
        environment = environment_address(name)
        assert stages is not None
        body = stages.snapshot([StageRef(name, Stage.DESIGN)], Kind.ENVIRONMENT)(environment)
        used |= {environment.beside(Kind.FILTER, each) for each in filters_of(body or {})}
    return used


def _entitled(session: Session, store: Store | None, plan: Plan) -> Actor:
    actor = who_is(session, store, plan)
    refused = missing_scopes(session.scopes, required_scopes(plan), actor.name)
    refused += refused_by_rights(store, plan, actor)
    refused += authorship.refusals(session, store, plan, actor)
    if refused:
        raise Refused(refused)
    return actor


def refused_by_rights(store: Store | None, plan: Plan, actor: Actor) -> list[Diagnostic]:
    """What ``plan`` does that ``actor`` is not allowed to do, as far as the store tells."""
    refused = plan_refusals(actor, plan, promoters(store) if store is not None else {})
    if store is None:
        return refused
    refused += own_filter_refusals(actor, plan, _own_filters(store, plan))
    if not refused:
        replaced = (step.before.fingerprint for step in plan.steps if step.before and step.address.kind in _NAMING)
        refused += reserved_refusals(actor, plan, store.bodies(replaced))
    if plan.promotes:
        from offerkit.usecases.settings_approval import single_author_refusals  # other plans do not need it

        refused += single_author_refusals(store, plan, actor)
    return refused


def _judged(session: Session, store: Store, verified: Verified, actor: Actor) -> dict[str, Json]:
    """What to record with a promotion. Raises Refused if its result must not go live, or nothing may now.

    Rules and texts must be valid, cases must succeed where an environment requires it, and the impact must stay within
    the environments' limits.
    """
    from offerkit.plans.sentences import is_excused_case_note
    from offerkit.usecases.impact_limit import check_losses
    from offerkit.usecases.plan_effect import plan_effect

    # Imports the engine: only promotions need it.
    from offerkit.usecases.promotion_gates import check_gates
    from offerkit.usecases.promotion_times import check_open

    lifted = check_open(session, store, verified.plan, actor.name)
    effect = plan_effect(verified.plan, store, verified.stages)
    excused = check_gates(session, store, effect)
    claimed = [note for note in verified.plan.notes if is_excused_case_note(note)]
    if not set(claimed) <= set(excused) or len(set(claimed)) < len(claimed):
        raise refuse(
            Code.PLAN_EXPLANATION,
            "the plan says that cases fail because of stops, which is not true now",
            hint="Make the plan again.",
        )
    record = {**check_losses(session, store, verified.plan, effect)}
    record |= {"excused": [*excused]} if excused else {}
    return record | ({"lifted": [override.sentence for override in lifted]} if lifted else {})


def _contacts(session: Session, verified: Verified) -> Mapping[str, Json]:
    """What to record about the contact files that cases were applied with; a promotion copies it from design."""
    plan = verified.plan
    arriving = [step for step in plan.steps if step.address.kind is Kind.CASES and step.after is not None]
    if not arriving:
        return {}
    from offerkit.usecases.applied_cases import contacts_to_record

    recorded_digest = verified.stages.contacts_kept
    record: dict[str, Json] = {
        str(step.address): print_
        for step in arriving
        if step.stage.stage is Stage.LIVE and (print_ := recorded_digest(step.address, Stage.DESIGN))
    }
    applied = [step.address for step in arriving if step.stage.stage is Stage.DESIGN]
    if applied:
        after = verified.stages.effect(plan, Stage.DESIGN).after
        record |= contacts_to_record(applied, after, session.project.root, session.environ)
    return {CONTACTS: record} if record else {}
