"""``approve`` and ``reject``: decisions on offers and settings in design."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from offerkit.address import SHARED, Address, AddressPattern, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, Refused, or_list, ordered, suggestion
from offerkit.governance.approvals import Approval, Decision, Decisions
from offerkit.governance.authors import Authors
from offerkit.governance.notices import decided_notices
from offerkit.governance.rights import Actor, TokenScope, approvers, may_approve, missing_scopes, only_people
from offerkit.governance.settings import keys_to_decide
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.snapshot import Snapshot
from offerkit.store import Draft, Store
from offerkit.store.stage_snapshots import Stages, stage_view
from offerkit.usecases.design_access import design_readable, visible
from offerkit.usecases.requests import ApprovalOutcome, ApprovalRequest
from offerkit.usecases.review import (
    ExpectedDecision,
    changed_since_plan,
    changed_since_shown,
    decision_digest,
    keys_in_plan,
    reviewed_aspects,
)
from offerkit.usecases.session import Session, separating_environments, who_is
from offerkit.usecases.settings_approval import last_live_change, separates, waiting_settings
from offerkit.usecases.signing import sealed, signed


def approve_or_reject(session: Session, request: ApprovalRequest, decision: Decision) -> ApprovalOutcome:
    """Approve or reject, as one revision. Each offer is decided completely or not at all.

    Refusals of single offers (changed since shown, not allowed, a required field missing, duties separated) do not
    affect the others. Raises Refused if all are refused, or nothing matches.
    """
    if found := missing_scopes(session.scopes, (TokenScope.APPROVE,), session.operator):
        raise Refused(found)
    session = signed(session, lambda store: _drafted(session, store, request, decision)[1])
    return session.backend.decide(session, request, decision)


def approve_or_reject_here(session: Session, request: ApprovalRequest, decision: Decision) -> ApprovalOutcome:
    """:func:`approve_or_reject` on the machine that has the store."""
    with session.existing() as store:
        actor = who_is(session, store)
    if found := only_people(actor, "approve or reject"):
        raise Refused(found)
    with (
        session.writing() as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        outcome, draft = _drafted(session, store, request, decision)
        if draft is None:
            return outcome
        return replace(outcome, revision=store.append(sealed(session, store, draft)))


def _drafted(
    session: Session, store: Store, request: ApprovalRequest, decision: Decision
) -> tuple[ApprovalOutcome, Draft | None]:
    """What would be decided now, and the revision of it; None if all of it is decided already."""
    actor = who_is(session, store)
    outcome = _outcome(session, store, actor, request, decision)
    new = outcome.keys
    if not new:
        return outcome, None
    draft = Draft(
        "approve" if decision is Decision.APPROVED else "reject",
        actor.name,
        session.now,
        request.comment,
        approvals=tuple(Approval(key, decision, actor.name, request.comment) for key in new),
        notices=tuple(decided_notices(new, decision, actor.name)) if store.tells() else (),
    )
    return outcome, draft


def preview_decision(session: Session, request: ApprovalRequest, decision: Decision) -> ApprovalOutcome:
    """What :func:`approve_or_reject` would decide now, and the digest that pins it. Writes nothing.

    Raises Refused as that does.
    """
    with session.existing() as store:
        return _outcome(session, store, who_is(session, store), request, decision)


def _outcome(
    session: Session, store: Store, actor: Actor, request: ApprovalRequest, decision: Decision
) -> ApprovalOutcome:
    """What would be decided, what would be refused, and why. Records nothing."""
    stages = Stages(store)
    gated = waiting_settings(stages, every=request.settings)
    known = _known(stages, actor, design_readable(session, store))
    chosen = _chosen(stages.side(Stage.DESIGN), request, gated, known)
    return _outcome_of(stages, actor, chosen, request, decision, gated)


def _known(stages: Stages, actor: Actor, may_read: Callable[[str], bool]) -> Callable[[Address], bool]:
    """Tells whether ``actor`` may know of a resource: also of what is for them to decide, if they cannot read it."""
    design = stages.side(Stage.DESIGN)
    seen = visible(design, stages.side(Stage.LIVE), may_read)

    def theirs(address: Address) -> bool:
        decisions = stages.effective_decisions([address])
        return any(
            may_approve(actor, reviewers_of(design, decisions, key), address.environment)
            or decisions.asks(actor.name, key)
            for key in keys_to_decide(design, address)
        )

    return lambda address: seen(address) or theirs(address)


def approved_by_review(
    stages: Stages, reviewer: Actor, shown: Mapping[Address, set[ApprovalKey]], comment: str
) -> ApprovalOutcome:
    """What ``reviewer`` approves of what a review has ``shown``. Records nothing. Raises Refused if all of it is
    refused.
    """
    chosen = _ChosenOffers(sorted(shown), shown, reviewed=True)
    return _outcome_of(stages, reviewer, chosen, ApprovalRequest(comment=comment), Decision.APPROVED, ())


def _outcome_of(
    stages: Stages,
    actor: Actor,
    chosen: _ChosenOffers,
    request: ApprovalRequest,
    decision: Decision,
    gated: Collection[Address],
) -> ApprovalOutcome:
    design = stages.side(Stage.DESIGN)
    decisions = stages.effective_decisions(chosen.offers)
    requested = _requested(design, actor, chosen, request, decision, decisions)
    if request.expect:
        expected = ExpectedDecision(
            request.expect,
            decision,
            lambda earlier_design, earlier_decisions: _expected(
                earlier_design, actor, request, decision, earlier_decisions, gated
            ),
        )
        expected.check(stages, requested.keys, decisions)
    keys, refused = _decidable(stages, actor, chosen, request, decision, decisions, requested)
    new = tuple(key for key in keys if _is_new(stages, decisions, key, decision, actor))
    digest = decision_digest(requested.keys, decision, decisions)
    return ApprovalOutcome(None, new, tuple(requested.open), refused, digest, reviewed_aspects(new, stages))


class _ChosenOffers(NamedTuple):
    """The offers to decide on; ``shown``: by offer from a plan or review, what it showed.

    ``reviewed``: a review names them. Nobody approves their own work by a review, whether duties are separated or not.
    """

    offers: list[Address]
    shown: Mapping[Address, set[ApprovalKey]]
    reviewed: bool = False


class _Requested(NamedTuple):
    """What may be decided (``keys``), what is for others (``for_others``; ``open``: undecided), and
    why not (``diagnostics``)."""

    keys: list[ApprovalKey]
    for_others: list[str]
    open: list[str]
    diagnostics: list[Diagnostic]


def _everything(address: Address) -> bool:
    return True


def _chosen(
    design: Snapshot,
    request: ApprovalRequest,
    gated: Collection[Address],
    known: Callable[[Address], bool] = _everything,
) -> _ChosenOffers:
    named = matching_offers(design, request, gated, known)
    shown = keys_in_plan(request.plan) if request.plan is not None else {}
    shown = {address: keys for address, keys in shown.items() if address not in named}
    planned = filter(known, shown.keys() & {*design.entries, *gated})
    return _ChosenOffers(sorted({*named, *planned}), shown)


def matching_offers(
    design: Snapshot,
    request: ApprovalRequest,
    gated: Collection[Address],
    known: Callable[[Address], bool] = _everything,
) -> set[Address]:
    """The offers, and of the settings ``gated``, that the request matches; only ``known`` ones."""
    only_settings = request.settings and not (request.content or request.eligibility or request.spaces)
    offers = [*gated, *(() if only_settings else design.of_kind(Kind.OFFER))]
    chosen: set[Address] = set()
    diagnostics: list[Diagnostic] = []
    for text in request.patterns:
        pattern = AddressPattern(text)
        matched = [address for address in offers if pattern.matches(address) and known(address)]
        if not matched:
            hint = suggestion(text, offers, "“offerkit approvals --all” lists the offers.")
            what = "no changed settings match" if only_settings else "no offer in design matches"
            diagnostics.append(Diagnostic(Code.NO_MATCH, f"{what} “{text[:120]}”", hint=hint))
        chosen.update(matched)
    for path in request.categories:
        matched = [
            a for a in offers if a.kind is Kind.OFFER and _below(str((design(a) or {}).get("category", "")), path)
        ]
        if not matched:
            categories = {str((design(a) or {}).get("category", "")) for a in offers}
            diagnostics.append(
                Diagnostic(
                    Code.NO_MATCH,
                    f"no offer in design has the category “{path[:120]}”",
                    hint=suggestion(path, categories),
                )
            )
        chosen.update(matched)
    if diagnostics:
        raise Refused(diagnostics)
    return chosen


def _below(category: str, path: str) -> bool:
    return category == path or category.startswith(path + "/")


def _requested(
    design: Snapshot,
    actor: Actor,
    chosen: _ChosenOffers,
    request: ApprovalRequest,
    decision: Decision,
    decisions: Decisions,
) -> _Requested:
    """What the request covers. Raises Refused for spaces that none of the offers is shown on."""
    requested = _Requested([], [], [], [])
    known_spaces: set[str] = set()
    spaces = request.spaces
    for address in chosen.offers:
        all_keys = keys_to_decide(design, address)
        known_spaces.update(key.space for key in all_keys if key.space)
        if address in chosen.shown:
            all_keys = [key for key in all_keys if key in chosen.shown[address]]
        for aspect in request.aspects:
            keys = [k for k in all_keys if k.aspect is aspect and (not k.space or not spaces or k.space in spaces)]
            if not keys:
                continue
            named = reviewers_of(design, decisions, keys[0])
            if may_approve(actor, named, address.environment):
                requested.keys.extend(keys)
            elif agreeing := [key for key in keys if decisions.asks(actor.name, key)]:
                requested.keys.extend(agreeing)
            elif request.explicit:
                requested.diagnostics.append(_may_not(actor, address, aspect, named))
            else:
                who = or_list(_approvers(actor, named, address))
                requested.for_others.append(f"the {aspect} of {address} is for {who}")
                if any(_differs(decisions, key, decision) for key in keys):
                    requested.open.append(requested.for_others[-1])
    _check_spaces(request, known_spaces)
    return requested


def _expected(
    then: Snapshot,
    actor: Actor,
    request: ApprovalRequest,
    decision: Decision,
    decisions: Decisions,
    gated: Collection[Address],
) -> list[ApprovalKey]:
    """What the request covered in an earlier state of design; empty if it was invalid there."""
    try:
        return _requested(then, actor, _chosen(then, request, gated), request, decision, decisions).keys
    except Refused:
        return []


def _decidable(
    stages: Stages,
    actor: Actor,
    chosen: _ChosenOffers,
    request: ApprovalRequest,
    decision: Decision,
    decisions: Decisions,
    requested: _Requested,
) -> tuple[list[ApprovalKey], tuple[Diagnostic, ...]]:
    """What is decided of the request, and what is refused. Raises Refused if nothing is left to decide."""
    design = stages.side(Stage.DESIGN)
    diagnostics = [*requested.diagnostics, *changed_since_plan(design, chosen.shown)]
    if request.seen is not None:
        diagnostics += changed_since_shown(design, chosen.offers, request.seen)
    if decision is Decision.APPROVED:
        new = [key for key in requested.keys if _is_new(stages, decisions, key, decision, actor)]
        diagnostics += _missing(design, new)
        diagnostics += author_refusals(stages, design, actor, new, everywhere=chosen.reviewed)
    refused_addresses = {diagnostic.address for diagnostic in diagnostics}
    keys = [key for key in requested.keys if key.address not in refused_addresses]
    if not keys and requested.for_others:
        diagnostics.append(
            Diagnostic(
                Code.NOT_ALLOWED,
                f"{actor.name} ({actor.profile}) is not allowed to approve any of this: {requested.for_others[0]}",
                hint="“offerkit approvals” shows what waits for whom.",
            )
        )
    if not keys and diagnostics:
        raise Refused(diagnostics)
    return keys, ordered(diagnostics)


def _differs(decisions: Decisions, key: ApprovalKey, decision: Decision) -> bool:
    """Whether ``decision`` differs from the latest one on ``key``."""
    last = decisions.on(key)
    return last is None or last.decision is not decision


def _is_new(stages: Stages, decisions: Decisions, key: ApprovalKey, decision: Decision, actor: Actor) -> bool:
    """Whether ``decision`` of ``actor`` on ``key`` adds anything."""
    if not _differs(decisions, key, decision):
        if key.aspect is not Aspect.SETTINGS or decision is not Decision.APPROVED:
            return False
        own = [row.revision for row in decisions.each(key) if row.operator == actor.name]
        return max(own, default=0) <= last_live_change(
            stages, key.address
        )  # a second person's, and once for each promotion
    return not (decision is Decision.APPROVED and decisions.unmet(key) and decisions.given_by(actor.name, key))


def _check_spaces(request: ApprovalRequest, known: set[str]) -> None:
    """Raise Refused for spaces that none of the offers is shown on, such as mistyped names."""
    diagnostics = [
        Diagnostic(
            Code.NO_MATCH,
            f"none of these offers is shown on a space “{space[:80]}”",
            hint=suggestion(space, known),
        )
        for space in sorted(set(request.spaces) - known)
    ]
    if diagnostics:
        raise Refused(diagnostics)


def _may_not(actor: Actor, address: Address, aspect: Aspect, named: tuple[str, ...]) -> Diagnostic:
    who = or_list(_approvers(actor, named, address))
    why = "They are its named reviewers." if named else "It names no reviewers, so these roles may."
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) is not allowed to decide on the {aspect} of {address}: {who} may",
        why,
        address=address,
    )


def _approvers(actor: Actor, named: tuple[str, ...], address: Address) -> tuple[str, ...]:
    return approvers(named, actor.profiles, address.environment)


def _missing(design: Snapshot, keys: Iterable[ApprovalKey]) -> list[Diagnostic]:
    diagnostics = []
    for key in keys:
        lacking = design.offer(key.address).missing(key.space) if key.space else []
        if lacking:
            diagnostics.append(
                Diagnostic(
                    Code.REQUIRED_FIELD,
                    f"{key.address} lacks {or_list(lacking)}, which space {key.space} requires",
                    hint="Add it, apply, and approve again.",
                    address=key.address,
                )
            )
    return diagnostics


def author_refusals(
    stages: Stages, design: Snapshot, actor: Actor, keys: Iterable[ApprovalKey], *, everywhere: bool
) -> list[Diagnostic]:
    """Why ``actor`` cannot approve ``keys``: where duties are separated, or ``everywhere``, they wrote it (see
    :class:`Authors`).
    """
    store = stages.store
    assert store is not None
    apart = set(stages.environments) if everywhere else separating_environments(store)
    authors = Authors(store, design, lambda: stage_view(store, Stage.LIVE))
    every = list(keys)
    offers = (key for key in every if key.aspect is not Aspect.SETTINGS and key.address.environment in apart)
    written = authors.of(offers, actor.name)
    written |= {
        key.address: authors.of_change(key.address)
        for key in every
        if key.aspect is Aspect.SETTINGS and separates(apart, key.address, design, stage_view(store, Stage.LIVE))
    }
    return [
        Diagnostic(
            Code.SEPARATION,
            f"{actor.name} is not allowed to approve {address}: they changed {names[actor.name]}",
            "A review approves only what others wrote."
            if everywhere
            else f"{_where(address)} separates duties: authors are not allowed to approve their own changes.",
            "Let another reviewer approve it.",
            address,
        )
        for address, names in sorted(written.items())
        if actor.name in names
    ]


def _where(address: Address) -> str:
    return address.environment if address.environment != SHARED else "An environment that uses it"


def reviewers_of(design: Snapshot, decisions: Decisions, key: ApprovalKey) -> tuple[str, ...]:
    """The reviewers named for ``key``; empty: everybody whose role may decide."""
    if key.aspect is Aspect.SETTINGS:
        return decisions.wanted(key)
    return design.offer(key.address).reviewers(key.aspect)
