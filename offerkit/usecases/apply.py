"""``apply``: carry out a plan exactly as it was made, as one revision.

    who asks, may they → the store's lock → again, may they → is the plan still true and sound → a promotion: may it
    become live → one revision

A plan of any kind goes this way: of specs, a promotion, a rollback, a purge.
"""

from __future__ import annotations

from collections.abc import Mapping

from offerkit.address import Kind, Stage
from offerkit.applier import Applied, Verified, commit, verify
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.fingerprint import Json
from offerkit.governance.rights import Actor, missing_scopes, plan_refusals, required_scopes
from offerkit.plans.plan import Plan, PlanKind
from offerkit.store import Store
from offerkit.store.rollback_request import RollbackRequest
from offerkit.store.stage_snapshots import CONTACTS
from offerkit.usecases import authorship
from offerkit.usecases.plan import may_break
from offerkit.usecases.session import Session, promoters, who_is


def apply(session: Session, plan: Plan) -> Applied:
    """Carry out ``plan`` exactly as it was made, in one transaction, where the store is.

    Raises Refused when the operator may not, when the plan is stale or no plan of its kind, when it is a promotion of
    what must not become live, or when another run holds the store. Nothing has changed then.
    """
    return session.backend.apply(session, plan, entitled_actor(session, plan))


def entitled_actor(session: Session, plan: Plan) -> Actor:
    """Who is asking, once it is sure that they may apply ``plan``. Raises Refused with all they may not."""
    with session.reading() as store:
        return _entitled(session, store, plan)


def check_impact(session: Session, plan: Plan) -> Mapping[str, Json]:
    """Raises Refused when ``plan`` is a promotion that takes offers from more people than their environments allow.

    What it gives is recorded with the revision.
    """
    if not plan.promotes:
        return {}
    with session.existing() as store:
        return session.backend.impact_record(session, store, plan)


def apply_here(session: Session, plan: Plan, actor: Actor) -> Applied:
    """:func:`apply` where the store is; ``actor`` has been allowed to, and is asked for again under the lock."""
    with (
        session.writing(create=plan.kind is PlanKind.APPLY) as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        actor = _entitled(session, store, plan)  # meanwhile they may have lost the right, or the profile
        verified = verify(plan, store)
        if may_break(verified.stages, plan):
            from offerkit.usecases.policy_checks import check_policies  # compiles conditions

            check_policies(session, verified, actor)
        if plan.kind is PlanKind.PURGE:
            from offerkit.usecases.purge import check_retention

            check_retention(session, store, plan)
        if plan.was_read:
            from offerkit.usecases.plan_explanation import (
                check_explanation,  # makes plans again: no other apply needs that
            )

            check_explanation(session, verified)
        record = _judged(session, store, verified) if plan.promotes else authorship.authors_record(session, plan, actor)
        record = {**record, **_contacts(session, verified), **_brought_back(verified), **_as_read(session, plan)}
        return commit(verified, actor=actor.name, time=session.now, message=session.message, details=record)


def _brought_back(verified: Verified) -> Mapping[str, Json]:
    """What the history keeps of a rollback that brings back what was withdrawn: each offer, and why it was out."""
    plan = verified.plan
    if plan.kind is not PlanKind.ROLLBACK or not plan.withdrawn:
        return {}
    found = RollbackRequest.of(plan, verified.store).brought_back(verified.stages)
    return {"withdrawn": {str(offer): why for offer, why in sorted(found.items())}} if found else {}


def _as_read(session: Session, plan: Plan) -> Mapping[str, Json]:
    """What the history keeps of a plan that was read in a pull request: what it means, and whether that was read.

    Raises Refused when it was not, and no reason is given. The meaning is told from the plan here, by nobody's word.
    """
    read = session.as_read
    if read is None:
        return {}
    from offerkit.plans.meaning import facts_of, meaning_of  # other plans were read where they are applied

    now = meaning_of(facts_of(plan))
    found: dict[str, Json] = {"meaning": now}
    found |= {"pull_request": read.pull_request} if read.pull_request else {}
    found |= {"head": read.head} if read.head else {}
    if now != read.meaning:
        if not read.allowed.strip():
            raise refuse(
                Code.MEANING,
                "the plan does not mean what was read in the pull request",
                hint="Let “offerkit ci plan” run again, and read what is new; or give a reason (--allow-different).",
            )
        found |= {"read": read.meaning, "allowed": read.allowed}
    return found


def _entitled(session: Session, store: Store | None, plan: Plan) -> Actor:
    actor = who_is(session, store, plan)
    refused = missing_scopes(session.scopes, required_scopes(plan), actor.name)
    refused += plan_refusals(actor, plan, promoters(store) if store is not None else {})
    refused += authorship.refusals(session, store, plan, actor)
    if store is not None and plan.promotes:
        from offerkit.usecases.settings_approval import single_author_refusals  # other plans need none of it

        refused += single_author_refusals(store, plan, actor)
    if refused:
        raise Refused(refused)
    return actor


def _judged(session: Session, store: Store, verified: Verified) -> Mapping[str, Json]:
    """What to record with a promotion. Raises Refused when what it would make must not become live.

    Rules and texts have to be readable, cases have to pass where an environment wants it, and it may take offers from
    no more people than their environments allow.
    """
    from offerkit.plans.sentences import is_excused_case_note
    from offerkit.usecases.impact_limit import check_losses
    from offerkit.usecases.plan_effect import plan_effect
    from offerkit.usecases.promotion_gates import (
        check_gates,  # compile rules and decide for every contact: other plans load neither
    )

    effect = plan_effect(verified.plan, store, verified.stages)
    excused = check_gates(session, store, effect)
    claimed = [note for note in verified.plan.notes if is_excused_case_note(note)]
    if not set(claimed) <= set(excused) or len(set(claimed)) < len(claimed):
        raise refuse(
            Code.PLAN_EXPLANATION,
            "the plan says of cases that they fail because of what is stopped, which is not so now",
            hint="Make the plan again.",
        )
    record = check_losses(session, store, verified.plan, effect)
    return {**record, "excused": [*excused]} if excused else record


def _contacts(session: Session, verified: Verified) -> Mapping[str, Json]:
    """What to record of the files of contacts that cases were applied with; a promotion takes over what design has."""
    plan = verified.plan
    arriving = [step for step in plan.steps if step.address.kind is Kind.CASES and step.after is not None]
    if not arriving:
        return {}
    from offerkit.usecases.applied_cases import contacts_to_record

    kept = verified.stages.contacts_kept
    found: dict[str, Json] = {
        str(step.address): print_
        for step in arriving
        if step.stage.stage is Stage.LIVE and (print_ := kept(step.address, Stage.DESIGN))
    }
    applied = [step.address for step in arriving if step.stage.stage is Stage.DESIGN]
    if applied:
        after = verified.stages.effect(plan, Stage.DESIGN).after
        found |= contacts_to_record(applied, after, session.project.root, session.environ)
    return {CONTACTS: found} if found else {}
