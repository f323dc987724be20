"""``override``: a second operator lifts what blocks something from live, with a reason that is recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

import orjson

from offerkit.address import SHARED, Address, AddressPattern, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused, or_list, ordered, refuse
from offerkit.governance.authors import Authors, authors_in
from offerkit.governance.overrides import (
    OVERRIDE_ACTION,
    Obstacle,
    Operators,
    Override,
    OverrideKind,
    Overrides,
    active_people,
    check_reason,
    override_details,
    override_refusal,
)
from offerkit.governance.rights import TokenScope, missing_scopes
from offerkit.governance.settings import keys_to_decide
from offerkit.plans.make import AddressPatterns
from offerkit.state.names import NameHistory
from offerkit.store import Draft, Store
from offerkit.store.stage_snapshots import Stages
from offerkit.times import instant
from offerkit.usecases.design_access import design_readable, visible
from offerkit.usecases.requests import MAX_DENIALS, OverrideOutcome, OverrideRequest, PolicyDenial
from offerkit.usecases.session import Session, operators, who_is
from offerkit.usecases.settings_approval import waiting_settings
from offerkit.usecases.signing import sealed, signed

_NAMED = 20
"""How many addresses a hint lists."""


def override(session: Session, request: OverrideRequest) -> OverrideOutcome:
    """Override everything that matches, as one revision, or nothing.

    Raises Refused if the reason is empty, nothing that matches is blocked, or the operator lacks the right for any of
    it.
    """
    if found := missing_scopes(session.scopes, (TokenScope.APPROVE,), session.operator):
        raise Refused(found)
    check_reason(request.reason)
    if not session.through_server and (not request.lifts or OverrideKind.POLICIES in request.lifts):
        patterns = [AddressPattern(text) for text in request.patterns]
        denials = [
            denial for denial in _denied_here(session) if any(pattern.matches(denial.address) for pattern in patterns)
        ]
        request = replace(request, found=tuple(denials[:MAX_DENIALS]))
    session = signed(session, lambda store: _drafted(session, store, request)[0])
    return session.backend.override(session, request)


def _denied_here(session: Session) -> list[PolicyDenial]:
    """What policies deny of applying the local specs; empty if they cannot be planned."""
    from offerkit.usecases.plan import plan_design
    from offerkit.usecases.policy_checks import plan_denials

    try:
        loaded = session.load()
        with session.reading() as store:
            if store is None:
                return []
            plan = plan_design(session, loaded, store, AddressPatterns(), check_policies=False)
            return list(plan_denials(session, Stages(store), plan))
    except Refused:
        return []


def override_here(session: Session, request: OverrideRequest) -> OverrideOutcome:
    """:func:`override` on the machine that has the store."""
    with session.existing() as store:
        actor = who_is(session, store)
    with (
        session.writing() as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        draft, says = _drafted(session, store, request)
        return OverrideOutcome(store.append(sealed(session, store, draft)), says)


def _drafted(session: Session, store: Store, request: OverrideRequest) -> tuple[Draft, tuple[str, ...]]:
    """The revision that overrides what matches now, and what that is, a sentence each."""
    from offerkit.usecases import policy_checks

    reason = check_reason(request.reason)
    actor = who_is(session, store)
    stages = Stages(store)
    people = operators(store)
    seen = visible(stages.side(Stage.DESIGN), stages.side(Stage.LIVE), design_readable(session, store))

    def refusal_of(obstacle: Obstacle) -> Diagnostic | None:
        return override_refusal(actor, with_removers_as_authors(store, obstacle, people), people)

    found = [*obstacles(session, stages), *policy_checks.reported_obstacles(stages, request.found)]
    chosen = _chosen(request, found, lambda obstacle: seen(obstacle.address) or refusal_of(obstacle) is None)
    refused = list(filter(None, map(refusal_of, chosen)))
    if refused:
        raise Refused(ordered(refused))
    draft = Draft(OVERRIDE_ACTION, actor.name, session.now, reason, details=override_details(chosen))
    return draft, tuple(f"{obstacle.says} ({obstacle.address})" for obstacle in chosen)


def obstacles(
    session: Session, stages: Stages, kinds: Collection[OverrideKind] = tuple(OverrideKind)
) -> Iterator[Obstacle]:
    """Everything of some ``kinds`` that is blocked now and can be overridden."""
    from offerkit.usecases import applied_cases, policy_checks, promotion_times, settings_approval

    if OverrideKind.SETTINGS in kinds:
        yield from settings_approval.obstacles(stages)
    if OverrideKind.REVIEWERS in kinds:
        yield from missing_reviewers(stages)
    if OverrideKind.CASES in kinds:
        yield from applied_cases.obstacles(session, stages)
    if OverrideKind.POLICIES in kinds:
        yield from policy_checks.obstacles(stages, session.now)
    if OverrideKind.CALENDAR in kinds:
        yield from promotion_times.obstacles(stages, instant(session.now))


def still_lifting(session: Session, stages: Stages, given: Sequence[Override]) -> list[Override]:
    """Those of the recorded overrides ``given`` that lift something now: what would be blocked without them."""
    kinds = {each.lifts for each in given}
    if not kinds:
        return []
    none = Stages(stages.store, overrides=Overrides())
    lifted = {_key(obstacle) for obstacle in obstacles(session, none, kinds)}
    lifted -= {_key(obstacle) for obstacle in obstacles(session, stages, kinds)}
    latest = {_key(each): each for each in stages.overrides.given}  # an earlier one of the same is not needed
    return [each for each in given if _key(each) in lifted and latest[_key(each)] == each]


def _key(one: Obstacle | Override) -> tuple[OverrideKind, Address, str]:
    return one.lifts, one.address, one.fingerprint


def missing_reviewers(stages: Stages) -> Iterator[Obstacle]:
    """Resources that wait for reviewers none of whom is an enabled operator any more.

    Their authors are those who changed them, or what they build on, since they were live, and those who removed the
    reviewers.
    """
    store = stages.store
    assert store is not None
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    decisions = stages.effective_decisions()
    authors = Authors(store, design, lambda: live)
    for address in [*waiting_settings(stages), *design.of_kind(Kind.OFFER)]:
        for demand in {demand for key in keys_to_decide(design, address) for demand in decisions.unmet(key)}:
            if not decisions.gone(demand):
                continue
            layers = [layer.address for layer in design.offer(address).layers] if address.kind is Kind.OFFER else []
            written = authors.of_changes({address, *layers})
            removed = [Address(SHARED, Kind.OPERATOR, name) for name in demand.names]
            written |= _removers(store, removed)
            description = f"the required agreement of {or_list(demand.names)}"
            yield Obstacle(OverrideKind.REVIEWERS, address, demand.fingerprint, description, frozenset(written))


def with_removers_as_authors(store: Store, obstacle: Obstacle, people: Operators) -> Obstacle:
    """If all operators named for an override are gone, those who removed them cannot take their place."""
    if not obstacle.named or active_people(obstacle.named, people):
        return obstacle
    removed = [Address(SHARED, Kind.OPERATOR, name) for name in obstacle.named]
    return replace(obstacle, authors=obstacle.authors | _removers(store, removed))


def _removers(store: Store, people: list[Address]) -> set[str]:
    """The operators who changed ``people`` since these could last decide, by their current names."""
    stage = StageRef(SHARED, Stage.DESIGN)
    names, written = NameHistory(store.moves(stage)), set()
    rows = store.changes_of(stage, people)
    bodies = store.bodies({row.before.fingerprint for row in rows if row.before is not None})
    for person in people:
        for row in sorted((row for row in rows if row.address == person), key=attrgetter("serial"), reverse=True):
            written |= {names.operator(name, row.serial) for name in authors_in(store.revision(row.serial))}
            before = orjson.loads(bodies[row.before.fingerprint].text) if row.before is not None else {}
            if active_people([person.name], {person.name: before} if before else {}):
                break
    return written


def _chosen(request: OverrideRequest, obstacles: list[Obstacle], known: Callable[[Obstacle], bool]) -> list[Obstacle]:
    """What the request matches of the obstacles that the operator may know of."""
    chosen: dict[tuple[OverrideKind, Address, str], Obstacle] = {}
    waiting = [obstacle for obstacle in obstacles if not request.lifts or obstacle.lifts in request.lifts]
    for text in request.patterns:
        pattern = AddressPattern(text)
        matched = [obstacle for obstacle in waiting if pattern.matches(obstacle.address) and known(obstacle)]
        if not matched:
            addresses = sorted({obstacle.address for obstacle in waiting})
            raise refuse(
                Code.NO_MATCH,
                f"nothing that matches “{text[:120]}” waits for an override",
                hint=f"These do: {or_list(addresses[:_NAMED])}." if addresses else "Nothing waits for one.",
            )
        chosen |= {_key(obstacle): obstacle for obstacle in matched}
    return list(chosen.values())
