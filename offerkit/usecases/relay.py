"""Reviews of a pull request, as its forge tells them, recorded as approvals of what was applied of it.

Who reviewed what is told by :mod:`offerkit.usecases.ci_approve`, maybe over the network. Who that is, and what they
may approve, the store says: by the operators as they were before the pull request was applied, so that nobody makes
themselves a reviewer with it (docs/adr/0049-reviews-as-approvals.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused, or_list, refuse
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval, Decision, Decisions, approved
from offerkit.governance.aspects import affecting
from offerkit.governance.rights import Actor, TokenScope, missing_scopes, only_automations
from offerkit.governance.settings import SETTING_KINDS, keys_to_decide
from offerkit.governance.withdrawals import approval_revision
from offerkit.plans.plan import ApprovalKey, Aspect, PlanKind
from offerkit.state.snapshot import Snapshot
from offerkit.store import Draft, RevisionRow, Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.approve import approved_by_review
from offerkit.usecases.authorship import operators_by_account
from offerkit.usecases.history import REVIEW_DETAIL
from offerkit.usecases.renames import renames_of_live
from offerkit.usecases.requests import ForgeReview, RecordedReview, RelayOutcome, RelayRequest
from offerkit.usecases.review import design_at
from offerkit.usecases.session import Session, operators, who_is
from offerkit.usecases.settings_approval import waiting_settings

_LOOKED_AT = 500
"""Applies among which that of a pull request is looked for."""


def relay(session: Session, request: RelayRequest) -> RelayOutcome:
    """Record reviews as their reviewers' approvals, each as a revision; all that may be, in one transaction.

    A review approves what its pull request changed, as far as the reviewer may approve it themselves. Raises Refused
    when who asks may not relay, or what was reviewed is not what was applied, or not any more.
    """
    check_may_relay(session)
    return session.backend.relay(session, request)


def check_may_relay(session: Session) -> Actor:
    """Who is asking. Raises Refused unless their token is for it, and they are an automation."""
    if found := missing_scopes(session.scopes, (TokenScope.RELAY,), session.operator):
        raise Refused(found)
    with session.existing() as store:
        return _automation(session, store)


def _automation(session: Session, store: Store) -> Actor:
    actor = who_is(session, store)
    if found := only_automations(actor, "relay reviews"):
        raise Refused(found)
    return actor


def applied_as(store: Store, commit: str) -> int:
    """The pull request that was applied as ``commit``; 0: none was."""
    for row in store.revisions(action=PlanKind.APPLY, limit=_LOOKED_AT):
        if row.details.get("commit") == commit and isinstance(number := row.details.get("pull_request"), int):
            return number
    return 0


def applied_head(store: Store, number: int) -> str:
    """The head of pull request ``number`` that was applied last. Raises Refused: none was."""
    row = last_applied(store, number)
    head = row.details.get("head") if row is not None else None
    if not isinstance(head, str):
        raise _not_applied(number)
    return head


def relay_here(session: Session, request: RelayRequest) -> RelayOutcome:
    """:func:`relay` where the store is."""
    actor = check_may_relay(session)
    with (
        session.writing() as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        return _Relaying(session, store, _automation(session, store), request).outcome()


class _Relaying:
    """Reviews that are being recorded, inside the transaction that does."""

    def __init__(self, session: Session, store: Store, relay: Actor, request: RelayRequest) -> None:
        """Raises Refused unless what was reviewed is what was applied."""
        self._session, self._store, self._relay, self._request = session, store, relay, request
        self._applied = _applied(store, request)
        self._now = operators(store)
        self._then = _operators_at(store, self._applied.serial - 1)
        self._owners = operators_by_account(self._then, request.forge)

    def outcome(self) -> RelayOutcome:
        """Record what counts. Raises Refused when what was applied is not what stands, and when no review counts."""
        done = {
            (one["forge"], one["review"]): row
            for row in self._store.revisions(action="approve")
            if isinstance(one := row.details.get(REVIEW_DETAIL), dict)
        }
        recorded: list[RecordedReview] = []
        standing: list[str] = []
        refused: list[Diagnostic] = []
        waiting = []
        for approving in sorted(self._request.reviews, key=lambda each: each.account):
            if before := done.get((self._request.forge, approving.review)):
                standing.append(f"review {approving.review} is recorded already, in revision {before.serial}")
            else:
                waiting.append(approving)
        if waiting:
            _check_in_place(self._store, self._applied)
        for approving in waiting:
            try:
                made = self._record(self._reviewer(approving), approving)
            except Refused as error:
                refused += error.diagnostics
                continue
            recorded += [made] if isinstance(made, RecordedReview) else []
            standing += [made] if isinstance(made, str) else []
        if refused and not recorded and not standing:
            raise Refused(refused)
        return RelayOutcome(tuple(recorded), tuple(standing), tuple(refused))

    def _reviewer(self, approving: ForgeReview) -> Actor:
        """The operator whose review it is. Raises Refused when it is nobody's, or theirs does not count."""
        what = f"review {approving.review} of account {approving.account} does not count"
        owners = self._owners.get(approving.account, ())
        if len(owners) != 1:
            now = operators_by_account(self._now, self._request.forge).get(approving.account, ())
            raise _not_counting(
                f"{what}: " + (f"it is the account of {or_list(owners)}" if owners else "no operator has that account"),
                f"{or_list(now)} got it through this pull request; nobody becomes a reviewer through what they review."
                if now and not owners
                else "",
                f"Name it at one operator: accounts: {{{self._request.forge}: {approving.account}}}.",
            )
        name = owners[0]
        now_, then = self._now.get(name), self._then[name]
        if now_ is None or _standing(now_) != _standing(then):
            raise _not_counting(f"{what}: the pull request changes operator {name}, whose it is")
        if now_.get("enabled") is False:
            raise _not_counting(f"{what}: operator {name} is disabled")
        if now_.get("automation") or name == self._relay.name:
            raise _not_counting(f"{what}: {name} is an automation, which cannot approve")
        if name in (*self._request.authors, *_authors(self._applied)):
            raise _not_counting(
                f"{what}: {name} is an author of the pull request", hint="Another reviewer must approve it."
            )
        if self._request.doubts:
            raise _not_counting(
                f"{what}: it is not sure that {name} is no author: {self._request.doubts[0]}",
                "A review counts only if all authors of the reviewed change are known.",
                "Declare the accounts with which operators commit (accounts), or approve it with “offerkit approve”.",
            )
        return Actor(name, now_["profile"])

    def _record(self, reviewer: Actor, approving: ForgeReview) -> RecordedReview | str:
        request = self._request
        stages = Stages(self._store)  # anew: what was recorded for another reviewer counts
        shown, left = _shown(stages, self._applied.serial)
        comment = (
            f"Review {approving.review} of pull request {request.pull_request} ({request.forge}),"
            f" recorded by {self._relay.name}"
        )
        if not shown:
            if left:
                return f"review {approving.review} of {reviewer.name} approves nothing: {left[0]}"
            return f"review {approving.review} of {reviewer.name}: the pull request changes nothing that needs approval"
        try:
            made = approved_by_review(stages, reviewer, shown, comment)
        except Refused as error:
            hint = "Review everything that it changes in live with “offerkit approve --show”, and approve that."
            raise Refused(
                [*error.diagnostics, *(Diagnostic(Code.NOT_REVIEWED, each, hint=hint) for each in left)]
            ) from None
        left += made.left
        if not made.keys:
            return f"review {approving.review} of {reviewer.name}: everything is already approved"
        detail: dict[str, Json] = {
            "forge": request.forge, "account": approving.account, "review": approving.review,
            "reviewer": reviewer.name, "pull_request": request.pull_request, "head": request.head,
            "meaning": request.meaning, "revision": self._applied.serial,
        }  # fmt: skip
        rows = tuple(Approval(key, Decision.APPROVED, reviewer.name, comment) for key in made.keys)
        draft = Draft(
            "approve", self._relay.name, self._session.now, self._session.message, approvals=rows,
            details={REVIEW_DETAIL: detail},
        )  # fmt: skip
        revision = self._store.append(draft)
        return RecordedReview(reviewer.name, approving.review, revision, made.keys, tuple(left), made.refused)


def _not_counting(summary: str, detail: str = "", hint: str = "") -> Refused:
    return refuse(Code.NOT_REVIEWED, summary, detail=detail, hint=hint)


def _standing(body: Mapping[str, Json]) -> Json:
    """What of an operator says who they are and what they may."""
    return {name: body.get(name) for name in ("profile", "enabled", "automation", "accounts")}


def _authors(applied: RevisionRow) -> tuple[str, ...]:
    authors = applied.details.get("authors")
    return tuple(map(str, authors)) if isinstance(authors, list) else (applied.actor,)


def _operators_at(store: Store, serial: int) -> dict[str, Mapping[str, Json]]:
    """The operators as they had been applied by revision ``serial``, by name."""
    entries = store.entries_at(StageRef(SHARED, Stage.DESIGN), serial)
    there = {address.name: entry for address, entry in entries.items() if address.kind is Kind.OPERATOR}
    bodies = store.bodies(entry.fingerprint for entry in there.values())
    return {name: orjson.loads(bodies[entry.fingerprint].text) for name, entry in there.items()}


def _applied(store: Store, request: RelayRequest) -> RevisionRow:
    """The revision that applied the pull request. Raises Refused when none did, or not as it was reviewed."""
    name = f"pull request {request.pull_request}"
    row = last_applied(store, request.pull_request)
    if row is None:
        raise _not_applied(request.pull_request)
    said = row.details
    where = f"revision {row.serial}, which applied {name}"
    wrong = ""
    if "allowed" in said:
        wrong = f"{where}, is allowed to differ from what was reviewed"
    elif said.get("head") != request.head:
        wrong = f"{where}, is of another head: {str(said.get('head'))[:12]}, not {request.head[:12]}"
    elif said.get("meaning") != request.meaning:
        wrong = f"{where}, has another meaning than what was reviewed"
    elif not request.merged_as or said.get("commit") != request.merged_as:
        commit = str(said.get("commit") or "no commit")[:12]
        wrong = f"{where}, has applied {commit}, and it was merged as {request.merged_as[:12]}"
    if wrong:
        raise refuse(
            Code.NOT_THE_REVIEWED,
            wrong,
            detail="A review approves exactly what was reviewed.",
            hint="Review the current state and approve it yourselves: offerkit approve --show.",
        )
    return row


def last_applied(store: Store, number: int) -> RevisionRow | None:
    """The revision that applied pull request ``number`` last."""
    rows = store.revisions(action=PlanKind.APPLY, limit=_LOOKED_AT)
    return next((row for row in rows if row.details.get("pull_request") == number), None)


def _not_applied(number: int) -> Refused:
    return refuse(
        Code.NOT_THE_REVIEWED,
        f"pull request {number} is not applied",
        detail="Its reviews approve what “offerkit ci apply” applied.",
        hint="Run “offerkit ci apply” first, with the bundle of the same pull request.",
    )


def _check_in_place(store: Store, applied: RevisionRow) -> None:
    """Raise Refused when design or live changed after ``applied``, where it changed something."""
    touched = {change.stage.environment for change in store.changes(applied.serial)}
    for stage, head in sorted(store.heads().items()):
        if head.revision <= applied.serial or (SHARED not in touched and stage.environment not in {*touched, SHARED}):
            continue
        by = store.revision(head.revision)
        raise refuse(
            Code.NOT_THE_REVIEWED,
            f"{stage} has changed since revision {applied.serial} applied what was reviewed",
            detail=f"Revision {head.revision} by {by.actor} at {by.time}: {by.action}." if by is not None else "",
            hint="Review the current state and approve it yourselves: offerkit approve --show.",
        )


def _shown(stages: Stages, serial: int) -> tuple[dict[Address, set[ApprovalKey]], list[str]]:
    """What revision ``serial`` changed of what is approved, by address; and what it only changed further.

    Of something that was changed before and waits since, a pull request shows a part. Who reviewed that has not seen
    the whole.
    """
    assert stages.store is not None
    design, before = stages.side(Stage.DESIGN), design_at(stages, stages.store, serial - 1)
    changes = [change for change in stages.store.changes(serial) if change.stage.stage is Stage.DESIGN]
    former: dict[Address, Address] = {change.address: change.moved_from for change in changes if change.moved_from}
    changed = {*former.values(), *(change.address for change in changes)}

    def touched(offer: Address) -> bool:
        old = former.get(offer, offer)
        there = affecting(before, old) if old in before.entries else set()
        return not changed.isdisjoint(affecting(design, offer) | there)

    affected = list(filter(touched, design.of_kind(Kind.OFFER)))
    affected += [
        address for address in waiting_settings(stages) if address.kind in SETTING_KINDS and address in changed
    ]
    decisions = stages.effective_decisions(affected)
    settled = _Settled(stages, decisions)
    shown: dict[Address, set[ApprovalKey]] = {}
    left: dict[str, None] = {}
    for address in affected:
        for key, earlier in _new_keys(design, before, address, former):
            if earlier is not None and not (earlier and all(map(settled, earlier))):
                left[f"the {key.aspect} of {address} already waited before this pull request"] = None
            elif since := _since(stages, design, decisions, key, serial):
                left[f"the {key.aspect} of {address} was {since}"] = None
            else:
                shown.setdefault(address, set()).add(key)
    return shown, list(left)


def _since(stages: Stages, design: Snapshot, decisions: Decisions, key: ApprovalKey, serial: int) -> str:
    """What was said of ``key`` after revision ``serial``, which an older review does not take back; or nothing."""
    last = decisions.on(key)
    if last is not None and last.decision is Decision.REJECTED and approval_revision(last) > serial:
        return f"rejected by {last.operator} in revision {last.revision}, after this pull request was applied"
    review = Approval(key, Decision.APPROVED, "", revision=serial)
    return "stopped after this pull request was applied" if stages.stops.lacks(design, key, review) else ""


def _new_keys(
    design: Snapshot, before: Snapshot, address: Address, former: Mapping[Address, Address]
) -> Iterator[tuple[ApprovalKey, list[ApprovalKey] | None]]:
    """What is to be approved at ``address`` and was not so ``before``, each with what it was, by the names of now.

    Content on a space that is new goes on from that on all others; None: nothing was there.
    """
    old = former.get(address, address)
    there = keys_to_decide(before, old) if old in before.entries else []
    was = {(one.aspect, one.space): one for one in (_renamed(former, key, address) for key in there)}
    for key in keys_to_decide(design, address):
        then = was.get((key.aspect, key.space))
        if then is None:
            yield key, [one for one in was.values() if one.aspect is key.aspect] if old in before.entries else None
        elif then.fingerprint != key.fingerprint:
            yield key, [then]


def _renamed(former: Mapping[Address, Address], key: ApprovalKey, address: Address) -> ApprovalKey:
    """``key`` as it is called after the renames ``former``."""
    if not key.space:
        return replace(key, address=address)
    old = key.address.beside(Kind.SPACE, key.space)
    space = next((new.name for new, then in former.items() if then == old), key.space)
    return replace(key, address=address, space=space)


class _Settled:
    """Whether something waited for nobody: it was approved, or is what live has."""

    def __init__(self, stages: Stages, decisions: Decisions) -> None:
        assert stages.store is not None
        self._decisions, self._live = decisions, stages.side(Stage.LIVE)
        design = stages.side(Stage.DESIGN)
        self._former = {new: old for old, new in renames_of_live(stages.store, design, self._live).items()}

    def __call__(self, key: ApprovalKey) -> bool:
        return approved(self._decisions, key) or key.fingerprint in self._prints(self._live, key)

    def _prints(self, live: Snapshot, key: ApprovalKey) -> set[str]:
        address = self._former.get(key.address, key.address)
        entry = live.entries.get(address)
        if entry is None or (key.aspect is not Aspect.SETTINGS and not entry.activation):
            return set()
        there = keys_to_decide(live, address)
        return {
            one.fingerprint
            for one in there
            if one.aspect is key.aspect and (not one.space or one.space in (entry.activation or ()))
        }
