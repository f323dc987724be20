"""``audit anchor --accept-lost``: an administrator accepts anchors of revisions that a restore took back.

    read all places → under the lock: which of their anchors does the history lack? → one revision → anchor that

The anchors stay where they are, and the history says for good who accepted what and why: ``audit verify`` shows it
always. So whoever put another store in place cannot hide it by accepting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.governance.anchors import ACCEPT_ACTION, LOST, AcceptedLoss, AnchorPlace, LostAnchor, lost_anchors
from offerkit.governance.overrides import MAX_REASON, check_reason
from offerkit.governance.rights import check_administrator, only_people
from offerkit.reports.audit import AnchoredRevision
from offerkit.store import Draft, Store
from offerkit.usecases.anchor import AnchorPlaces, accepted_losses, declared_in, declared_in_specs, nothing_declared
from offerkit.usecases.anchor_places import place_of
from offerkit.usecases.session import Session, who_is
from offerkit.usecases.signing import sealed, signed

MOST_LOST = 10_000
"""Anchors that one revision accepts, at most."""


def accept_lost(session: Session, reason: str) -> tuple[AnchoredRevision, list[Diagnostic]]:
    """Accept, in a revision, every anchor in the declared places that the history lacks; and anchor that revision.

    Gives where it is anchored with what it accepts, and why places could not be used. Raises Refused if the operator is
    no administrator, no reason is given, a place cannot be read, or nothing is lost; then nothing has changed.
    """
    session.backend.require_local()
    reason = check_reason(
        reason,
        "accepting lost anchors needs a reason",
        f"Write 1 to {MAX_REASON:,} characters of UTF-8 text; “offerkit audit verify” shows them for good.",
        "Give it with --message.",
    )
    with session.existing() as store:
        project, who = store.project, who_is(session, store).name
        names = sorted({*declared_in(store), *declared_in_specs(session)})
    if not names:
        raise nothing_declared()
    root, environ = session.project.root, session.environ
    places = [place_of(name, root, environ).read()._replace(name=name) for name in names]
    session = signed(session, lambda store: _drafted(session, store, places, reason))
    with (
        session.writing() as store,
        store.lock(who=who, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        revision = store.append(sealed(session, store, _drafted(session, store, places, reason)))
    anchored, failed = AnchorPlaces(names, project, root, environ, revision).write(revision)
    return replace(anchored, accepted=AcceptedLoss.of(revision)), failed


def _drafted(session: Session, store: Store, places: Sequence[AnchorPlace], reason: str) -> Draft:
    """The revision that accepts what ``places`` have and the history lacks."""
    actor = who_is(session, store)
    if refused := only_people(actor, "accept lost anchors"):
        raise Refused(refused)
    check_administrator(actor, "accept lost anchors")
    digests, accepted = store.every_digest(), accepted_losses(store)
    found: dict[tuple[int, str], list[str]] = {}
    for place in places:
        for anchor in lost_anchors(place, store.project, digests, accepted):
            found.setdefault((anchor.serial, anchor.digest), []).append(place.name)
    lost = [LostAnchor(*key, tuple(dict.fromkeys(names))) for key, names in sorted(found.items())]
    if not lost:
        raise refuse(
            Code.NO_ANCHORS,
            "no anchor is lost that was not accepted before",
            hint="“offerkit audit verify --anchors” shows what the anchors say.",
        )
    if len(lost) > MOST_LOST:
        raise refuse(
            Code.ANCHOR_MISMATCH,
            f"the history lacks {len(lost):,} of the anchors; a revision accepts at most {MOST_LOST:,}",
            hint="No restore takes back that much: find out who wrote the anchors.",
        )
    return Draft(ACCEPT_ACTION, actor.name, session.now, reason, details={LOST: [each.record() for each in lost]})
