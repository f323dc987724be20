"""THE MAIN PATH: what validate, plan, apply and promote do, from files to a new revision.

    load the specs → compare with the stage → plan → (people read it) → apply, checked again, in one
    transaction → approve → plan the promotion → apply that in the same way

Everything else offerkit does is a variation of these few steps on the same maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from offerkit.applier import Applied
from offerkit.applier import apply as execute
from offerkit.diagnostics import Code, Refused, reason_of, refuse
from offerkit.fingerprint import Json
from offerkit.governance.rights import Actor, refusals
from offerkit.governance.scopes import lacking, needed
from offerkit.loader import Loaded
from offerkit.loader.output import PLAN, writing
from offerkit.loader.project import is_folder
from offerkit.planning.codec import MAX_BYTES, decode, envelope, plan_digest
from offerkit.planning.plan import Plan, PlanKind
from offerkit.planning.select import Patterns
from offerkit.store import Store
from offerkit.workflow.design import plan_design
from offerkit.workflow.live import plan_promotion
from offerkit.workflow.session import Session
from offerkit.workflow.who import promoters, who_is


def validate(session: Session) -> Loaded:
    """The project, read and checked. Raises Refused with every mistake in it."""
    return session.load()


def plan(session: Session, patterns: Patterns) -> Plan:
    """What applying the specs would change: the design stages, and campaigns in live. Writes nothing."""
    loaded = validate(session)
    with session.reading() as store:
        return plan_design(session, loaded, store, patterns)


def promote(
    session: Session, environments: tuple[str, ...], patterns: Patterns, *, include_rolled_back: bool = False
) -> Plan:
    """What may go from design to live now, and what stays behind and why. Writes nothing."""
    with session.existing() as store:
        made = plan_promotion(session, store, environments, patterns, include_rolled_back=include_rolled_back)
        _gated(session, store, made)
    return made


def _gated(session: Session, store: Store, plan: Plan) -> None:
    """Live rules stay readable, and cases pass where an environment wants it; only a promotion is asked."""
    if plan.kind is PlanKind.PROMOTE and plan.steps:
        from offerkit.workflow.gates import gate  # compiles rules: other plans need not load that

        gate(session, store, plan)


def held_to_impact(session: Session, plan: Plan) -> Mapping[str, Json]:
    """Raises Refused when ``plan`` is a promotion that takes offers from more people than their environments allow.

    What it gives is recorded with the revision.
    """
    if plan.kind is not PlanKind.PROMOTE or not plan.steps:
        return {}
    with session.existing() as store:
        return _held_to_impact(session, store, plan)


def _held_to_impact(session: Session, store: Store, plan: Plan) -> Mapping[str, Json]:
    if plan.kind is not PlanKind.PROMOTE or not plan.steps:
        return {}
    from offerkit.workflow.threshold import judge  # decides for every contact: other plans need not load that

    return judge(session, store, plan)


def allowed(session: Session, plan: Plan) -> Actor:
    """Who is asking, once it is sure that they may apply ``plan``. Raises Refused with all they may not."""
    with session.reading() as store:
        return _entitled(session, store, plan)


def _entitled(session: Session, store: Store | None, plan: Plan) -> Actor:
    actor = who_is(session, store, plan)
    refused = lacking(session.scopes, needed(plan), actor.name)
    refused += refusals(actor, plan, promoters(store) if store is not None else {})
    if refused:
        raise Refused(refused)
    return actor


def apply(session: Session, plan: Plan) -> Applied:
    """Execute ``plan`` exactly as it was made, in one transaction.

    Raises Refused when the operator may not, when the plan is stale, or when another run holds the store.
    """
    actor = allowed(session, plan)
    if session.remote is not None:
        from offerkit.workflow.remote import apply_there

        applied = apply_there(session.remote, session, plan)
        session.told(applied.revision)
        return applied
    with session.writing(create=plan.kind is PlanKind.APPLY) as store:
        run = replace(
            session.run(actor.name),
            authorize=lambda: _entitled(session, store, plan).name,
            gate=lambda: _passed(session, store, plan),
        )
        return execute(plan, store, run)


def _passed(session: Session, store: Store, plan: Plan) -> Mapping[str, Json]:
    _gated(session, store, plan)
    return _held_to_impact(session, store, plan)


def save(plan: Plan, out: Path | str) -> Path:
    """Write ``plan`` whole to a file, or under its own name to a folder (also a new one, if ``out`` ends in a slash).

    Raises Refused when the file is there and is no plan, or cannot be written.
    """
    folder = str(out).endswith("/") or is_folder(Path(out))
    target = Path(out) / f"{plan_digest(plan)}.json" if folder else Path(out)
    with writing(target, PLAN, folders=True) as file:
        file.write(envelope(plan))
    return target


def saved(path: Path) -> Plan:
    """The plan in a file. Raises Refused when it is not one, was edited, or is of a newer format."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        there = sorted(str(one) for one in islice(path.glob("*.json"), 1000))[:3]
        hint = f"Name one file in it: {', '.join(there)}." if there else "“offerkit plan --out FILE” writes a plan."
        raise refuse(Code.PLAN_UNREADABLE, f"{path} is a folder, not a plan file", hint=hint) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise refuse(
            Code.PLAN_UNREADABLE,
            f"{path} cannot be read: {reason_of(error)}",
            hint="“offerkit plan --out FILE” writes a plan.",
        ) from None
    return decode(content, str(path))
