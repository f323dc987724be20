"""``stop``, ``resume`` and ``stops``: takes offers out of live at once, until they are resumed.

    check rights → one transaction: find all current and former names → stop rows, live's activation → one revision

A stop does not wait for the store's lock, which other runs may hold while they ask questions or count. The transaction
alone separates it from theirs, and theirs check against the state at that time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from offerkit.address import Address, AddressPattern, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, Refused, ordered, refuse, suggestion
from offerkit.governance.approvals import Approval, Decision, Decisions
from offerkit.governance.aspects import approval_keys
from offerkit.governance.authors import Authors
from offerkit.governance.notices import stop_notices
from offerkit.governance.rights import Actor, TokenScope, may_resume, may_stop, missing_scopes, only_people
from offerkit.governance.stopped import Stopped
from offerkit.governance.stops import (
    STOPPABLE_KINDS,
    Stops,
    resources_below,
    stop_deltas,
    stop_sentence,
    stopped_root,
    stopping_addresses,
)
from offerkit.plans.plan import ApprovalKey, Aspect, Reason
from offerkit.state.snapshot import Snapshot
from offerkit.store import ChangeRow, Draft, Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.design_access import design_readable, visible
from offerkit.usecases.renames import renames_of_live
from offerkit.usecases.requests import StopOutcome, StopRequest
from offerkit.usecases.session import Session, promotion_settings, who_is
from offerkit.usecases.signing import sealed, signed

PATIENCE = 60.0
"""How long a stop waits for another transaction, in seconds, unless told to wait longer."""
LONGEST_REASON = 2_000
_SEPARATED = "separation_of_duties"


def stop(session: Session, request: StopRequest) -> StopOutcome:
    """Take what matches out of live at once and keep it out, as one revision.

    Raises Refused if the operator lacks the right, no reason is given, or nothing matches; then nothing has changed.
    """
    reason = request.reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise refuse(
            Code.BAD_VALUE,
            f"a stop needs a reason of up to {LONGEST_REASON:,} characters",
            detail="Whoever resumes it needs to know why it was stopped.",
            hint="Give it with --message.",
        )
    return _through_backend(session, request, TokenScope.STOP, Decision.STOPPED)


def resume(session: Session, request: StopRequest) -> StopOutcome:
    """Let what matches go live again with the next promotion, as one revision.

    Raises Refused if the operator lacks the right, nothing that matches is stopped, or none of it was approved since;
    then nothing has changed.
    """
    if len(request.reason) > LONGEST_REASON:
        raise refuse(Code.BAD_VALUE, f"the reason is longer than {LONGEST_REASON:,} characters")
    return _through_backend(session, request, TokenScope.PROMOTE, Decision.RESUMED)


def _through_backend(session: Session, request: StopRequest, scope: TokenScope, decision: Decision) -> StopOutcome:
    if found := missing_scopes(session.scopes, (scope,), session.operator):
        raise Refused(found)
    session = signed(session, lambda store: _drafted(session, store, request, decision)[1])
    return session.backend.stop(session, request, decision)


def stop_here(session: Session, request: StopRequest, decision: Decision) -> StopOutcome:
    """:func:`stop` and :func:`resume` on the machine that has the store."""
    with session.existing() as store:
        actor = who_is(session, store)
    if decision is Decision.STOPPED:
        with session.writing(patience=max(PATIENCE, session.lock_timeout)) as store, store.transaction():
            return _recorded(session, store, *_drafted(session, store, request, decision))
    with (
        session.writing() as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        return _recorded(session, store, *_drafted(session, store, request, decision))


def _drafted(
    session: Session, store: Store, request: StopRequest, decision: Decision
) -> tuple[StopOutcome, Draft | None]:
    """What would be stopped or resumed now, and the revision of it; None if nothing would change."""
    actor = who_is(session, store)
    if decision is Decision.STOPPED:
        return _Stopping(session, store, actor, request).stop()
    return _Resuming(session, store, actor, request).resume()


def _recorded(session: Session, store: Store, outcome: StopOutcome, draft: Draft | None) -> StopOutcome:
    return outcome if draft is None else replace(outcome, revision=store.append(sealed(session, store, draft)))


class StopGate:
    """What may be stopped and resumed, and by whom: both stages, current stops, and the operator who acts."""

    def __init__(self, store: Store, actor: Actor) -> None:
        self.store, self.actor = store, actor
        self.stages = Stages(store)
        self.design, self.live = self.stages.side(Stage.DESIGN), self.stages.side(Stage.LIVE)
        self.stops = self.stages.stops
        self.names = LiveNames(store, self.design, self.live)
        self.settings = promotion_settings(store)

    def stop_refusals(self, environments: Iterable[str]) -> list[Diagnostic]:
        """Why the operator cannot stop anything in some environments: one for each where they lack the right."""
        judged = (may_stop(self.actor, name, self._named_in(name, "stoppers")) for name in sorted({*environments}))
        return [refusal for refusal in judged if refusal is not None]

    def resume_refusals(self, environments: Iterable[str]) -> list[Diagnostic]:
        """Why the operator cannot resume anything in some environments: one for each where they lack the right."""
        if refused := only_people(self.actor, "resume what is stopped"):
            return refused
        judged = (may_resume(self.actor, name, self._named_in(name, "promoters")) for name in sorted({*environments}))
        return [refusal for refusal in judged if refusal is not None]

    def _named_in(self, environment: str, what: str) -> tuple[str, ...]:
        return tuple(self.settings.get(environment, {}).get(what, ()))

    def not_resumed(self, heads: Collection[Address]) -> Iterator[Diagnostic]:
        """Why some of ``heads``, by current names, stay stopped although the operator may resume there."""
        decisions = self.stages.effective_decisions()
        if any(settings.get(_SEPARATED) for settings in self.settings.values()):
            self._authors.look_at(heads)
        for address in heads:
            covering_stop = None if self.stops.named(address) else self.over(address)
            if covering_stop is not None and covering_stop.key.address not in heads:
                yield Diagnostic(
                    Code.STOPPED,
                    f"{address} is stopped with {covering_stop.key.address}",
                    f"{stop_sentence(covering_stop)}.",
                    f"Resume {covering_stop.key.address}, and stop by name what should stay out.",
                    address,
                )
            elif covering_stop is None:
                yield from self._unapproved(address, decisions)

    def over(self, address: Address) -> Approval | None:
        """The stop of a category above ``address`` that covers it."""
        for view in (self.design, self.live):
            for category in stopping_addresses(view, address):
                row = self.stops.named(category)
                if category != address and row is not None:
                    return row
        return None

    @cached_property
    def _authors(self) -> Authors:
        return Authors(self.store, self.design, lambda: self.live)

    def _unapproved(self, address: Address, decisions: Decisions) -> Iterator[Diagnostic]:
        """A finding if nothing of it was approved since the stop, or only by its author. Without offers, no approval is
        needed.
        """
        if address.kind is Kind.SPACE:
            all_offers = self.design.of_kind(Kind.OFFER, address.environment)
            offers = [offer for offer in all_offers if address.name in self.design.offer(offer).shown_on]
        else:
            offers = [a for a in (address, *resources_below(self.design, address)) if a.kind is Kind.OFFER]
        declared_offers = [offer for offer in offers if offer in self.design.entries]
        approvers = {offer: by for offer in declared_offers if (by := self._approvers(offer, decisions, address))}
        if offers and not approvers:
            yield _unapproved(address, self.stops, declared=bool(declared_offers) or address in self.design.entries)
        elif approvers and self.settings.get(address.environment, {}).get(_SEPARATED) and self._alone(approvers):
            yield Diagnostic(
                Code.SEPARATION,
                f"{self.actor.name} is not allowed to resume {address}: only its authors have approved it since",
                f"{address.environment} separates duties: nobody takes live alone what they wrote.",
                "Let another operator approve or resume it.",
                address,
            )

    def _alone(self, approvers: Mapping[Address, set[str]]) -> bool:
        """Whether those who approved and resume each offer are all among its authors."""
        self._authors.look_at(approvers)
        return all(by | {self.actor.name} <= self._authors.ever(offer).keys() for offer, by in approvers.items())

    def _approvers(self, offer: Address, decisions: Decisions, stopped: Address) -> set[str]:
        """Who gave an offer's approvals, if it has all that it needs to be live again."""
        eligibility, *contents = approval_keys(self.design, offer)
        keys = [key for key in contents if stopped.kind is not Kind.SPACE or key.space == stopped.name]
        approvals = [
            row for key in keys if (row := decisions.on(key)) is not None and row.decision is Decision.APPROVED
        ]
        eligibility_decision = decisions.on(eligibility)
        if not approvals or eligibility_decision is None or eligibility_decision.decision is not Decision.APPROVED:
            return set()
        return {row.operator for row in (*([] if stopped.kind is Kind.SPACE else [eligibility_decision]), *approvals)}


class _StopWork(StopGate):
    """Common parts of stopping and resuming: what a request is about."""

    def __init__(self, session: Session, store: Store, actor: Actor, request: StopRequest) -> None:
        super().__init__(store, actor)
        self.session, self.request = session, request

    def draft(
        self,
        decision: Decision,
        named: Sequence[Address],
        rows: Iterable[Approval],
        changes: tuple[ChangeRow, ...] = (),
    ) -> Draft:
        action = "stop" if decision is Decision.STOPPED else "resume"
        reason = self.request.reason.strip()
        out = [change.address for change in changes]
        notices = tuple(stop_notices(named, out, decision)) if self.store.tells() else ()
        rows = tuple(rows)
        return Draft(
            action, self.actor.name, self.session.now, reason, changes=changes, approvals=rows, notices=notices
        )

    def row(self, address: Address, root: str, decision: Decision) -> Approval:
        key = ApprovalKey(address, Aspect.STOP, root, "")
        return Approval(key, decision, self.actor.name, self.request.reason.strip())


class _Stopping(_StopWork):
    def stop(self) -> tuple[StopOutcome, Draft | None]:
        named = self._named()
        if refused := self.stop_refusals(address.environment for address in named):
            raise Refused(refused)
        rows = list(self._rows(named))
        if not rows:
            return StopOutcome(None, tuple(named)), None
        deltas = stop_deltas(self.live, self.stops.with_rows(rows))
        changes = tuple(
            ChangeRow(0, d.stage, d.address, d.action, d.before, d.after, "", Reason.STOPPED) for d in deltas
        )
        outcome = StopOutcome(None, tuple(named), tuple(change.address for change in changes))
        return outcome, self.draft(Decision.STOPPED, named, rows, changes)

    def _named(self) -> list[Address]:
        """What to stop, by current names. Raises Refused for patterns that match nothing."""
        known_to_them = visible(self.design, self.live, design_readable(self.session, self.store))
        every = (a for view in (self.design, self.live) for kind in STOPPABLE_KINDS for a in view.of_kind(kind))
        known = {*filter(known_to_them, every)}
        return sorted(
            {self.names.now(address) for address in matching(self.request.patterns, known)},
            key=lambda address: address.sort_key,
        )

    def _rows(self, named: list[Address]) -> Iterator[Approval]:
        """A row for each named resource, for everything below it, and for former names; except those
        stopped already.
        """
        stopped_names: set[Address] = set()
        for address in named:
            if self.stops.named(address) is None:
                stopped_names.add(address)
                yield self.row(address, "", Decision.STOPPED)
        heads = set(named)
        for head in named:
            below = [a for view in (self.design, self.live) for a in resources_below(view, head)]
            for address in (head, *below):
                for name in (address, *self.names.others(address)):
                    if name not in stopped_names and name not in heads and head not in self.stops.roots(name):
                        stopped_names.add(name)
                        yield self.row(name, head, Decision.STOPPED)


class _Resuming(_StopWork):
    def resume(self) -> tuple[StopOutcome, Draft]:
        if lacking := self.resume_refusals(()):
            raise Refused(lacking)
        may_read = design_readable(self.session, self.store)
        known = visible(self.design, self.live, may_read)
        stopped = {a for row in self.stops if may_read((a := row.key.address).environment) or known(a)}
        addresses = matching(self.request.patterns, stopped, "“offerkit stops” lists what is stopped.")
        heads = sorted({self.names.now(address) for address in addresses}, key=lambda address: address.sort_key)
        if lacking := self.resume_refusals(address.environment for address in heads):
            raise Refused(lacking)
        refused = list(self.not_resumed(heads))
        refused_addresses = {diagnostic.address for diagnostic in refused}
        named = [a for a in heads if a not in refused_addresses and (self.stops.named(a) or self.over(a) is None)]
        if not named:
            raise Refused(ordered(refused))
        outcome = StopOutcome(None, tuple(named), (), tuple(ordered(refused)))
        return outcome, self.draft(Decision.RESUMED, named, self._rows(named))

    def _rows(self, named: list[Address]) -> Iterator[Approval]:
        """The rows that undo the stops of named resources and everything stopped with them, under all names."""
        names = {name for address in named for name in (address, *self.names.others(address))}
        alone = {address for address in named if not self.stops.named(address)}
        for row in self.stops:
            key = row.key
            if (key.space or key.address) in names or key.address in alone:
                yield self.row(key.address, key.space, Decision.RESUMED)


class LiveNames:
    """Current and former names of resources, where live and design differ."""

    def __init__(self, store: Store, design: Snapshot, live: Snapshot) -> None:
        self._now = renames_of_live(store, design, live)
        self._other: dict[Address, set[Address]] = {}
        for old, new in self._now.items():
            self._other.setdefault(new, set()).add(old)
        current = design.entries.keys() | live.entries.keys()
        for stage in store.heads():
            for _, old, new in store.moves(stage):
                # A name that another resource has now is not a former name: it is stopped separately.
                others = self._other.setdefault(new, set())
                others |= self._other.get(old, set())
                if old not in current or self._now.get(old) == new:
                    others.add(old)

    def now(self, address: Address) -> Address:
        """The name in design."""
        return self._now.get(address, address)

    def others(self, address: Address) -> list[Address]:
        """The other names of a resource: current ones, and former ones that are free."""
        return sorted(self._other.get(address, set()) - {address})


def list_stops(store: Store, may_read: Callable[[str], bool] = lambda environment: True) -> list[Stopped]:
    """Everything that is stopped, by address; of what is only in design, what somebody ``may_read`` there."""
    stages = Stages(store)
    stops = stages.stops
    if not stops:
        return []
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    offers: dict[Address, set[Address]] = {}
    known = visible(design, live, may_read)
    for view in (design, live):
        for offer in filter(known, view.of_kind(Kind.OFFER)):
            for row in stops.about(view, offer):
                offers.setdefault(stopped_root(row), set()).add(offer)
    listed = [row for row in stops if stopped_root(row) == row.key.address or stops.named(stopped_root(row)) is None]
    return [
        Stopped(
            row.key.address,
            row.operator,
            stops.since(row),
            row.comment,
            int(row.key.fingerprint or row.revision),
            tuple(sorted(offers.get(row.key.address, ()))),
            row.key.address in design.entries or row.key.address in live.entries,
        )
        for row in listed
        if may_read(row.key.address.environment) or known(row.key.address) or row.key.address in offers
    ]


def matching(patterns: Iterable[str], known: Collection[Address], where: str = "") -> set[Address]:
    """The ``known`` addresses that match ``patterns``. Raises Refused for patterns that match nothing."""
    chosen: set[Address] = set()
    diagnostics: list[Diagnostic] = []
    for text in patterns:
        pattern = AddressPattern(text)
        matched = {address for address in known if pattern.matches(address)}
        if not matched:
            what = "nothing that is stopped matches" if where else "no offer, category or space matches"
            hint = suggestion(text, known, where or "“offerkit graph” lists the resources.")
            diagnostics.append(Diagnostic(Code.NO_MATCH, f"{what} “{text[:120]}”", hint=hint))
        chosen |= matched
    if diagnostics or not chosen:
        raise Refused(
            diagnostics
            or [Diagnostic(Code.NO_MATCH, "no address given", hint="Name what to stop or resume by its address.")]
        )
    return chosen


def _unapproved(address: Address, stops: Stops, *, declared: bool) -> Diagnostic:
    row = stops.at(address)
    assert row is not None
    how = {
        Kind.OFFER: f"offerkit approve {address}",
        Kind.CATEGORY: f"offerkit approve --category {address.name}",
    }.get(address.kind, f"offerkit approve '{address.environment}/offer.*' --space {address.name}")
    return Diagnostic(
        Code.NOT_APPROVED_SINCE,
        f"{address} cannot be resumed: nothing of it was approved since it was stopped",
        f"{stop_sentence(row)}. Earlier approvals no longer count.",
        how if declared else f"It is not in design. Declare and apply it, then run: {how}",
        address,
    )
