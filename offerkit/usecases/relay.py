"""Records the reviews of a pull request as approvals of what it applied.

:mod:`offerkit.usecases.ci_approve` sends the reviews, maybe over the network. The store decides which operators they
belong to and what these may approve, by the operators as they were before the pull request was applied, so that it
cannot make its own author a reviewer (docs/adr/0049-reviews-as-approvals.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused, or_list, refuse
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval, Decision, Decisions, approved
from offerkit.governance.aspects import affecting, counted
from offerkit.governance.notices import decided_notices
from offerkit.governance.profiles import Profiles
from offerkit.governance.rights import Actor, TokenScope, missing_scopes, only_automations
from offerkit.governance.settings import keys_to_decide
from offerkit.governance.signatures import demanding_environments
from offerkit.governance.withdrawals import approval_revision
from offerkit.plans.plan import ApprovalKey, Aspect, PlanKind
from offerkit.state.snapshot import Snapshot
from offerkit.store import Draft, RevisionRow, Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.approve import approved_by_review
from offerkit.usecases.authorship import operators_by_account
from offerkit.usecases.history import REVIEW_DETAIL
from offerkit.usecases.renames import renames_of_live
from offerkit.usecases.requests import ApprovalOutcome, ForgeReview, RecordedReview, RelayOutcome, RelayRequest
from offerkit.usecases.review import design_at
from offerkit.usecases.session import Session, operators, profiles, who_is
from offerkit.usecases.settings_approval import waiting_settings

_LOOKED_AT = 500
"""How many of the latest apply revisions are searched for that of a pull request."""


def relay(session: Session, request: RelayRequest) -> RelayOutcome:
    """Record all reviews that count as their reviewers' approvals, each as a revision, in one transaction.

    A review approves what its pull request changed, as far as the reviewer may approve it. Raises Refused if the caller
    may not relay reviews, or if what was reviewed is not what was applied and is still in place.
    """
    check_may_relay(session)
    return session.backend.relay(session, request)


def check_may_relay(session: Session) -> Actor:
    """The calling operator. Raises Refused unless it is an automation, with a token for relaying reviews."""
    if diagnostics := missing_scopes(session.scopes, (TokenScope.RELAY,), session.operator):
        raise Refused(diagnostics)
    with session.existing() as store:
        return _automation(session, store)


def _automation(session: Session, store: Store) -> Actor:
    actor = who_is(session, store)
    if diagnostics := only_automations(actor, "relay reviews"):
        raise Refused(diagnostics)
    return actor


def applied_as(store: Store, commit: str) -> int:
    """The number of the pull request that was applied as ``commit``; 0: none."""
    for row in store.revisions(action=PlanKind.APPLY, limit=_LOOKED_AT):
        if row.details.get("commit") == commit and isinstance(number := row.details.get("pull_request"), int):
            return number
    return 0


def applied_head(store: Store, number: int) -> str:
    """The head of pull request ``number`` that was applied last. Raises Refused if none was."""
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
    """Records the reviews of one request, inside a transaction."""

    def __init__(self, session: Session, store: Store, relay: Actor, request: RelayRequest) -> None:
        """Raises Refused unless what was reviewed is what was applied."""
        self._session, self._store, self._relay, self._request = session, store, relay, request
        self._applied = _applied(store, request)
        self._now = operators(store)
        self._then = _resources_at(store, self._applied.serial - 1, Kind.OPERATOR)
        self._profiles_now = profiles(store)
        self._profiles_then = Profiles(_resources_at(store, self._applied.serial - 1, Kind.PROFILE))
        self._owners = operators_by_account(self._then, request.forge)

    def outcome(self) -> RelayOutcome:
        """Record the reviews that count. Raises Refused if what was applied has changed since, or if none counts."""
        recorded_before = {
            (review["forge"], review["review"]): row
            for row in self._store.revisions(action="approve")
            if isinstance(review := row.details.get(REVIEW_DETAIL), dict)
        }
        recorded: list[RecordedReview] = []
        already_recorded: list[str] = []
        refused: list[Diagnostic] = []
        unrecorded = []
        for approving in sorted(self._request.reviews, key=lambda review: review.account):
            if revision := recorded_before.get((self._request.forge, approving.review)):
                already_recorded.append(f"review {approving.review} is recorded already, in revision {revision.serial}")
            else:
                unrecorded.append(approving)
        if unrecorded:
            _check_in_place(self._store, self._applied)
        for approving in unrecorded:
            try:
                outcome = self._record(self._reviewer(approving), approving)
            except Refused as error:
                refused += error.diagnostics
                continue
            recorded += [outcome] if isinstance(outcome, RecordedReview) else []
            already_recorded += [outcome] if isinstance(outcome, str) else []
        if refused and not recorded and not already_recorded:
            raise Refused(refused)
        return RelayOutcome(tuple(recorded), tuple(already_recorded), tuple(refused))

    def _reviewer(self, approving: ForgeReview) -> Actor:
        """The operator who gave a review. Raises Refused if no operator did, or if theirs does not count."""
        prefix = f"review {approving.review} of account {approving.account} does not count"
        owners = self._owners.get(approving.account, ())
        if len(owners) != 1:
            current_owners = operators_by_account(self._now, self._request.forge).get(approving.account, ())
            raise _not_counting(
                f"{prefix}: "
                + (f"it is the account of {or_list(owners)}" if owners else "no operator has that account"),
                f"{or_list(current_owners)} got it through this pull request;"
                " nobody becomes a reviewer through what they review."
                if current_owners and not owners
                else "",
                f"Name it at one operator: accounts: {{{self._request.forge}: {approving.account}}}.",
            )
        name = owners[0]
        operator_now, operator_then = self._now.get(name), self._then[name]
        if operator_now is None or _identity_and_rights(operator_now) != _identity_and_rights(operator_then):
            raise _not_counting(f"{prefix}: the pull request changes operator {name}, who gave it")
        profile = str(operator_now.get("profile"))
        if set(self._profiles_now.rights(profile)) != set(self._profiles_then.rights(profile)):
            raise _not_counting(
                f"{prefix}: the pull request changes the profile {profile} of {name}, who gave it",
                "Nobody gives rights to themselves by a review.",
                "Let an operator with another profile review it, or approve it afterwards: offerkit approve --show.",
            )
        if operator_now.get("enabled") is False:
            raise _not_counting(f"{prefix}: operator {name} is disabled")
        if operator_now.get("automation") or name == self._relay.name:
            raise _not_counting(f"{prefix}: {name} is an automation, which cannot approve")
        if name in (*self._request.authors, *_authors(self._applied)):
            raise _not_counting(
                f"{prefix}: {name} is an author of the pull request", hint="Another reviewer must approve it."
            )
        if self._request.doubts:
            raise _not_counting(
                f"{prefix}: it is not sure that {name} is no author: {self._request.doubts[0]}",
                "A review counts only if all authors of the reviewed change are known.",
                "Declare the accounts with which operators commit (accounts), or approve it with “offerkit approve”.",
            )
        return Actor(name, operator_now["profile"], profiles=self._profiles_now)

    def _record(self, reviewer: Actor, approving: ForgeReview) -> RecordedReview | str:
        request = self._request
        stages = Stages(self._store)  # read again: approvals of other reviewers may have been recorded
        approvable, reasons = _shown(stages, self._applied.serial)
        comment = (
            f"Review {approving.review} of pull request {request.pull_request} ({request.forge}),"
            f" recorded by {self._relay.name}"
        )
        if not approvable:
            if reasons:
                return f"review {approving.review} of {reviewer.name} approves nothing: {reasons[0]}"
            return f"review {approving.review} of {reviewer.name}: the pull request changes nothing that needs approval"
        try:
            approval = approved_by_review(stages, reviewer, approvable, comment)
        except Refused as error:
            hint = "Review everything that it changes in live with “offerkit approve --show”, and approve that."
            raise Refused(
                [*error.diagnostics, *(Diagnostic(Code.NOT_REVIEWED, sentence, hint=hint) for sentence in reasons)]
            ) from None
        reasons += approval.left
        approval, unsigned = _without_signed(stages, approval)
        reasons += unsigned
        if not approval.keys and unsigned:
            raise _not_counting(
                f"review {approving.review} of {reviewer.name} does not count: {unsigned[0]}", hint=_SIGN
            )
        if not approval.keys:
            return f"review {approving.review} of {reviewer.name}: everything is already approved"
        detail: dict[str, Json] = {
            "forge": request.forge,
            "account": approving.account,
            "review": approving.review,
            "reviewer": reviewer.name,
            "pull_request": request.pull_request,
            "head": request.head,
            "meaning": request.meaning,
            "revision": self._applied.serial,
        }
        approvals = tuple(Approval(key, Decision.APPROVED, reviewer.name, comment) for key in approval.keys)
        notices = decided_notices(approval.keys, Decision.APPROVED, reviewer.name)
        draft = Draft(
            "approve",
            self._relay.name,
            self._session.now,
            self._session.message,
            approvals=approvals,
            details={REVIEW_DETAIL: detail},
            notices=tuple(notices) if self._store.tells() else (),
        )
        revision = self._store.append(draft)
        return RecordedReview(
            reviewer.name, approving.review, revision, approval.keys, tuple(reasons), approval.refused
        )


_SIGN = "Let the reviewer approve it in person: offerkit approve --sign KEYFILE."


def _without_signed(stages: Stages, approval: ApprovalOutcome) -> tuple[ApprovalOutcome, list[str]]:
    """An outcome without what environments demand to be signed personally, and why, a sentence each."""
    demands = stages.signature_demands
    if not any("approvals" in wanted for wanted in demands.values()):
        return approval, []
    demanding = {key: demanding_environments(demands, "approvals", [key.address.environment]) for key in approval.keys}
    kept = tuple(key for key in approval.keys if not demanding[key])
    left = {
        f"the {key.aspect} of {key.address} needs its reviewer’s own signature: {or_list(names)} demands it"
        for key, names in demanding.items()
        if names
    }
    return replace(approval, keys=kept), sorted(left)


def _not_counting(summary: str, detail: str = "", hint: str = "") -> Refused:
    return refuse(Code.NOT_REVIEWED, summary, detail=detail, hint=hint)


def _identity_and_rights(body: Mapping[str, Json]) -> Json:
    """The fields of an operator that determine identity and rights."""
    return {name: body.get(name) for name in ("profile", "enabled", "automation", "accounts")}


def _authors(applied: RevisionRow) -> tuple[str, ...]:
    authors = applied.details.get("authors")
    return tuple(map(str, authors)) if isinstance(authors, list) else (applied.actor,)


def _resources_at(store: Store, serial: int, kind: Kind) -> dict[str, Mapping[str, Json]]:
    """The bodies of the operators or profiles as of revision ``serial``, by name."""
    entries = store.entries_at(StageRef(SHARED, Stage.DESIGN), serial)
    named = {address.name: entry for address, entry in entries.items() if address.kind is kind}
    bodies = store.bodies(entry.fingerprint for entry in named.values())
    return {name: orjson.loads(bodies[entry.fingerprint].text) for name, entry in named.items()}


def _applied(store: Store, request: RelayRequest) -> RevisionRow:
    """The revision that applied the pull request. Raises Refused if none did, or not as reviewed."""
    name = f"pull request {request.pull_request}"
    row = last_applied(store, request.pull_request)
    if row is None:
        raise _not_applied(request.pull_request)
    details = row.details
    revision_name = f"revision {row.serial}, which applied {name}"
    reason = ""
    if "allowed" in details:
        reason = f"{revision_name}, is allowed to differ from what was reviewed"
    elif details.get("head") != request.head:
        reason = f"{revision_name}, is of another head: {str(details.get('head'))[:12]}, not {request.head[:12]}"
    elif details.get("meaning") != request.meaning:
        reason = f"{revision_name}, has another meaning than what was reviewed"
    elif not request.merged_as or details.get("commit") != request.merged_as:
        commit = str(details.get("commit") or "no commit")[:12]
        reason = f"{revision_name}, has applied {commit}, and it was merged as {request.merged_as[:12]}"
    if reason:
        raise refuse(
            Code.NOT_THE_REVIEWED,
            reason,
            detail="A review approves exactly what was reviewed.",
            hint="Review the current state and approve it yourselves: offerkit approve --show.",
        )
    return row


def last_applied(store: Store, number: int) -> RevisionRow | None:
    """The last revision that applied pull request ``number``."""
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
    """Raise Refused if design or live changed after ``applied`` in an environment that it changed."""
    touched = {change.stage.environment for change in store.changes(applied.serial)}
    for stage, head in sorted(store.heads().items()):
        if head.revision <= applied.serial or (SHARED not in touched and stage.environment not in {*touched, SHARED}):
            continue
        revision = store.revision(head.revision)
        raise refuse(
            Code.NOT_THE_REVIEWED,
            f"{stage} has changed since revision {applied.serial} applied what was reviewed",
            detail=f"Revision {head.revision} by {revision.actor} at {revision.time}: {revision.action}."
            if revision is not None
            else "",
            hint="Review the current state and approve it yourselves: offerkit approve --show.",
        )


def _shown(stages: Stages, serial: int) -> tuple[dict[Address, set[ApprovalKey]], list[str]]:
    """The approval keys that revision ``serial`` added, by address; and sentences on those it did not show in full.

    If a resource was already waiting for approval, the pull request shows only a part of what is to be approved, and
    its reviewer has not seen the rest.
    """
    assert stages.store is not None
    design, before = stages.side(Stage.DESIGN), design_at(stages, stages.store, serial - 1)
    changes = [change for change in stages.store.changes(serial) if change.stage.stage is Stage.DESIGN]
    former: dict[Address, Address] = {change.address: change.moved_from for change in changes if change.moved_from}
    changed = {*former.values(), *(change.address for change in changes)}

    def touched(offer: Address) -> bool:
        former_address = former.get(offer, offer)
        relevant = affecting(design, offer) | counted(design, offer)
        if former_address in before.entries:
            relevant |= affecting(before, former_address) | counted(before, former_address)
        return not changed.isdisjoint(relevant)

    affected = list(filter(touched, design.of_kind(Kind.OFFER)))
    affected += [address for address in waiting_settings(stages) if address in changed]
    decisions = stages.effective_decisions(affected)
    settled = _Settled(stages, decisions)
    shown: dict[Address, set[ApprovalKey]] = {}
    reasons: dict[str, None] = {}
    for address in affected:
        for key, earlier in _new_keys(design, before, address, former):
            if earlier is not None and not (earlier and all(map(settled, earlier))):
                reasons[f"the {key.aspect} of {address} already waited before this pull request"] = None
            elif since := _since(stages, design, decisions, key, serial):
                reasons[f"the {key.aspect} of {address} was {since}"] = None
            else:
                shown.setdefault(address, set()).add(key)
    return shown, list(reasons)


def _since(stages: Stages, design: Snapshot, decisions: Decisions, key: ApprovalKey, serial: int) -> str:
    """How ``key`` was rejected or stopped after revision ``serial``, which an older review cannot undo; else empty."""
    last = decisions.on(key)
    if last is not None and last.decision is Decision.REJECTED and approval_revision(last) > serial:
        return f"rejected by {last.operator} in revision {last.revision}, after this pull request was applied"
    review = Approval(key, Decision.APPROVED, "", revision=serial)
    return "stopped after this pull request was applied" if stages.stops.lacks(design, key, review) else ""


def _new_keys(
    design: Snapshot, before: Snapshot, address: Address, former: Mapping[Address, Address]
) -> Iterator[tuple[ApprovalKey, list[ApprovalKey] | None]]:
    """The keys to approve at ``address`` that are new since ``before``, each with its previous keys, by current names.

    For content on a new space, these are the keys of the other spaces. None: the resource did not exist.
    """
    former_address = former.get(address, address)
    keys_before = keys_to_decide(before, former_address) if former_address in before.entries else []
    keys_by_aspect = {
        (key_before.aspect, key_before.space): key_before
        for key_before in (_renamed(former, key, address) for key in keys_before)
    }
    for key in keys_to_decide(design, address):
        previous = keys_by_aspect.get((key.aspect, key.space))
        if previous is None:
            yield (
                key,
                [key_before for key_before in keys_by_aspect.values() if key_before.aspect is key.aspect]
                if former_address in before.entries
                else None,
            )
        elif previous.fingerprint != key.fingerprint:
            yield key, [previous]


def _renamed(former: Mapping[Address, Address], key: ApprovalKey, address: Address) -> ApprovalKey:
    """``key`` after the renames ``former`` (old address by new)."""
    if not key.space:
        return replace(key, address=address)
    former_space = key.address.beside(Kind.SPACE, key.space)
    space = next(
        (address_now.name for address_now, former_address in former.items() if former_address == former_space),
        key.space,
    )
    return replace(key, address=address, space=space)


class _Settled:
    """Tells whether a key did not wait for approval: it was approved, or is what live has."""

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
        live_keys = keys_to_decide(live, address)
        return {
            live_key.fingerprint
            for live_key in live_keys
            if live_key.aspect is key.aspect and (not live_key.space or live_key.space in (entry.activation or ()))
        }
