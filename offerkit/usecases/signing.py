"""Signing revisions: a statement of what is to be recorded, the operator's signature, its place in the history.

    draft what would be recorded → sign its statement → send it → under the lock: draft again, verify, record

The signature is made before the store is locked, since a passphrase or a touch takes time. If the store changes
meanwhile, nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from offerkit.diagnostics import Code, Refused, and_list, refuse
from offerkit.governance.signatures import (
    DETAIL,
    SCHEDULE_ACTION,
    GivenSignature,
    Signable,
    SignedSchedule,
    keys_of,
    signature_fault,
)
from offerkit.store import Draft, Store
from offerkit.store.append import signable
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.session import Session, operators


def signed(session: Session, drafted: Callable[[Store], Draft | None]) -> Session:
    """``session`` with a signature of what ``drafted`` would record; without a signer, ``session`` itself.

    ``drafted`` gives None if nothing would be recorded, and raises Refused as the recording would.
    """
    if session.signer is None:
        return session
    with session.reading() as store:
        draft = drafted(store) if store is not None else None
        if store is None or draft is None:
            return session
        statement, keys = signable(store.database, draft), keys_of(operators(store).get(draft.actor))
    text = session.signer.sign(statement.statement(session.now), keys)
    return replace(session, signature=GivenSignature(session.now, statement.parent, text))


def sealed(session: Session, store: Store, draft: Draft) -> Draft:
    """``draft`` with the session's signature in its details; inside the transaction that appends it.

    Raises Refused if an environment demands a signature and it is missing, or if the given one does not count.
    """
    given, stages = session.signature, Stages(store)
    demands = stages.signature_demands
    if given is None and not demands:
        return draft
    about = signable(store.database, draft)
    if given is None:
        demanding = about.demanded(demands)
        if demanding and not _was_scheduled(session, store, draft, about):
            raise _demanded(draft, demanding)
        return draft
    if given.parent != about.parent:
        raise refuse(
            Code.SIGNED_FOR_EARLIER,
            "the store has changed since this was signed",
            detail="A signature belongs to one place in the history, so nothing was recorded.",
            hint="Run the command again.",
        )
    _check(session, store, about, given)
    return replace(draft, details={**draft.details, DETAIL: given.record()})


def _was_scheduled(session: Session, store: Store, draft: Draft, about: Signable) -> bool:
    """Whether this carries out a promotion whose scheduling was signed, with a key that the operator still has."""
    revision = store.revision(session.scheduled) if session.scheduled else None
    if revision is None or revision.action != SCHEDULE_ACTION:
        return False
    promised = SignedSchedule.of(revision.plan_digest, revision.details)
    own = keys_of(operators(store).get(draft.actor))
    return promised.covers(about, draft.time, own) and not Stages(store).signatures.fault(revision.serial)


def _check(session: Session, store: Store, about: Signable, given: GivenSignature) -> None:
    keys = keys_of(operators(store).get(about.operator))
    latest = Stages(store).signatures.latest_time or session.now
    if fault := signature_fault(about, given, keys, (session.now, latest)):
        raise refuse(
            Code.BAD_SIGNATURE,
            f"the signature of {about.operator} does not count",
            detail=f"{fault[0].upper()}{fault[1:]}.",
            hint="Sign with one of your declared keys (operators: keys), on a machine whose clock is right.",
        )


def _demanded(draft: Draft, environments: list[str]) -> Refused:
    verb = "demands" if len(environments) == 1 else "demand"
    return refuse(
        Code.SIGNATURE_DEMANDED,
        f"{and_list(environments)} {verb} a signature: {draft.action} is not signed",
        detail="promotion: signatures names what counts only with an operator’s own SSH key. Pages and reviews cannot"
        " sign.",
        hint="Run it on the command line with --sign KEYFILE, or --sign agent.",
    )
