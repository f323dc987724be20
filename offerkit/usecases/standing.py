"""The standing of a resource: where it is live and since when, who decided on it, and what waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from offerkit.address import Address, Kind, Stage, StageRef
from offerkit.governance.approvals import Approval, Decisions, by_named_reviewers
from offerkit.governance.overrides import OverrideKind
from offerkit.governance.settings import is_setting, keys_to_decide
from offerkit.governance.stops import Stops, stop_revision, stopped_root
from offerkit.plans.fields import field_changes, redacted_fields
from offerkit.plans.plan import ApprovalKey, FieldChange
from offerkit.reports.whole_resource import (
    NO_STANDING,
    DecidedAspect,
    LiveStanding,
    ResourceStanding,
    RevisionStamp,
    ScheduledChange,
    StandingOverride,
    StandingStop,
    WaitingAspect,
)
from offerkit.state.changes import Entry
from offerkit.state.snapshot import Snapshot
from offerkit.store import ChangeRow, Store, scheduled
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.argument_values import shown_time
from offerkit.usecases.awaited_approvals import list_approvals
from offerkit.usecases.history import review_words, signing_key
from offerkit.usecases.list_scheduled import scheduled_plan
from offerkit.usecases.override import still_lifting
from offerkit.usecases.renames import names_of_live, renames_of_live
from offerkit.usecases.review import reviewed_aspects
from offerkit.usecases.session import Session
from offerkit.usecases.settings_approval import waiting_settings
from offerkit.usecases.state_refs import NamedState

SCHEDULED = 20
"""How many of the promotions that wait for their time are searched, the next ones."""


def standing_of(
    session: Session, stages: Stages, state: NamedState, view: Snapshot, address: Address, *, design: bool
) -> ResourceStanding:
    """The standing of ``address`` in ``state``; empty without a store. ``view``: the same state with what is shared.

    ``design``: whether the reader may know of design.
    """
    if stages.store is None:
        return NO_STANDING
    serial = max(state.serials.values(), default=None)  # the same moment in all environments
    now = serial is None and state.specs is None and state.title.rpartition("@")[2] in tuple(Stage)
    design_now, live_now = (now and state.stage is side for side in (Stage.DESIGN, Stage.LIVE))
    live = _Live(stages, stages.store, state, address, serial)
    names = renames_of_live(stages.store, stages.side(Stage.DESIGN), view) if live_now else state.names
    decided = _decided(stages, view, address, serial, names, state.stage)
    if design_now and live.standing is not None:
        decided += _decided_live(stages, address)
    stops = Stops(row for row in stages.store.stops() if serial is None or row.revision <= serial)
    return ResourceStanding(
        _changed(stages.store, address.stage(state.stage), address, serial) if now or serial is not None else None,
        live.standing,
        () if live_now else live.differing(view),
        tuple(each if design else each._replace(lack="") for each in decided),
        tuple(_waiting(session, stages, address)) if design_now and design else (),
        tuple(_stops(stops, view, address, design=design)),
        tuple(_overrides(session, stages, address, serial, now=now)) if design else (),
        tuple(_scheduled(stages.store, address)) if now and design else (),
    )


class _Live:
    """A resource in live, now or right after revision ``serial``."""

    def __init__(self, stages: Stages, store: Store, state: NamedState, address: Address, serial: int | None) -> None:
        stage = address.stage(Stage.LIVE)
        self._stages, self._shown = stages, address
        entries: Mapping[Address, Entry]
        entries = stages.entries(stage) if serial is None else store.entries_at(stage, serial)
        self._address = address if state.stage is Stage.LIVE else _name_in_live(store, stages, state, address, entries)
        self.entry = entries.get(self._address)
        self.standing = self._standing(store, serial) if self.entry is not None else None

    def _standing(self, store: Store, serial: int | None) -> LiveStanding:
        assert self.entry is not None
        rows = list(_back(store, self._address.stage(Stage.LIVE), self._address, serial))
        since: dict[str, ChangeRow] = {}
        active = set(self.entry.activation or ())
        body: ChangeRow | None = None
        for row in rows:
            since |= dict.fromkeys(active, row)
            active &= set((row.before.activation if row.before else None) or ())
            if body is None and (row.before is None or row.before.fingerprint != self.entry.fingerprint):
                body = row
        first = body or (rows[-1] if rows else None)
        return LiveStanding(
            self._address,
            tuple((space, _stamp(store, since[space].serial)) for space in self.entry.activation or ()),
            _stamp(store, first.serial) if first is not None else None,
            _stamp(store, rows[0].serial) if rows and self.entry.activation == () else None,
        )

    def differing(self, view: Snapshot) -> tuple[FieldChange, ...]:
        """What the state that is shown has otherwise than live, in the resource itself."""
        if self.entry is None:
            return ()
        before = Snapshot({self._address: self.entry}, self._stages.bodies)(self._address) or {}
        after = view(self._shown) or {}
        kind = self._address.kind.value
        return field_changes(redacted_fields(kind, before), redacted_fields(kind, after)) if before != after else ()


def _name_in_live(
    store: Store, stages: Stages, state: NamedState, address: Address, entries: Mapping[Address, Entry]
) -> Address:
    """What live calls the resource that design, or the state that is shown, has at ``address``."""
    if not stages.names:
        return address
    current = state.names.get(address, address)
    names = names_of_live(store, entries, state.serials)
    return next((each for each in entries if names.get(each, each) == current), current)


def _back(store: Store, stage: StageRef, address: Address, serial: int | None) -> Iterator[ChangeRow]:
    """The changes of what a stage has at ``address``, newest first, along its renames."""
    name, until = address, serial if serial is not None else store.last_serial()
    while True:
        rows = [row for row in store.changes_of(stage, [name]) if row.serial <= until and row.address == name]
        for row in sorted(rows, key=lambda row: -row.serial):
            yield row
            if row.moved_from:
                name, until = row.moved_from, row.serial - 1
                break
            if row.before is None:
                return
        else:
            return


def _changed(store: Store, stage: StageRef, address: Address, serial: int | None) -> RevisionStamp | None:
    """The last revision that changed ``address`` in a stage."""
    last = next(_back(store, stage, address, serial), None)
    return _stamp(store, last.serial) if last is not None else None


def _stamp(store: Store, serial: int) -> RevisionStamp:
    revision = store.revision(serial)
    return RevisionStamp(serial, revision.time if revision else "", revision.actor if revision else "")


def _decided(
    stages: Stages,
    view: Snapshot,
    address: Address,
    serial: int | None,
    names: Mapping[Address, Address],
    stage: Stage,
) -> list[DecidedAspect]:
    """The last decision on each aspect of ``address``, exactly as ``view`` has it.

    ``names``: the names that design has now, by those in ``view``, where they differ.
    """
    if address.kind is not Kind.OFFER and not is_setting(address, view):
        return []
    assert stages.store is not None
    offer = names.get(address, address)
    former = {new: old for old, new in names.items()}
    rows = stages.store.approvals(stages.names.family([offer]))
    rows = [row for row in rows if serial is None or row.revision <= serial]
    every = Decisions(rows, stages.names, view).for_view(view, former)
    counting = every if stage is Stage.LIVE else by_named_reviewers(every, view)
    if serial is None:
        counting = stages.effective_decisions([offer]).for_view(view, former)
    aspects = []
    for key in keys_to_decide(view, address):
        known = replace(key, address=offer, space=_space_now(key, names))
        aspects.append(_aspect(stages.store, key, every.each(known), (counting, known), stage))
    needs_none = address.kind is not Kind.OFFER  # most settings go live without anybody's approval
    return [aspect for aspect in aspects if aspect.decision or not needs_none]


def _space_now(key: ApprovalKey, names: Mapping[Address, Address]) -> str:
    """The name that design has now for the space of ``key``, under which decisions are found."""
    space = key.address.beside(Kind.SPACE, key.space)
    return names.get(space, space).name if key.space else ""


def _decided_live(stages: Stages, address: Address) -> list[DecidedAspect]:
    """The decisions on what is live, if any of it is otherwise than in design, where it is at ``address``."""
    assert stages.store is not None
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    names = renames_of_live(stages.store, design, live)
    there = next((old for old, new in names.items() if new == address), address)
    if there not in live.entries:
        return []
    is_same = {key.fingerprint for key in keys_to_decide(design, address)} == {
        key.fingerprint for key in keys_to_decide(live, there)
    }
    return [] if is_same else _decided(stages, live, there, None, names, Stage.LIVE)


def _aspect(
    store: Store, key: ApprovalKey, rows: Iterable[Approval], counting: tuple[Decisions, ApprovalKey], stage: Stage
) -> DecidedAspect:
    """The last of ``rows``; ``counting``: the decisions that count, and what they call ``key``."""
    last = max(rows, key=lambda row: row.revision, default=None)
    if last is None:
        return DecidedAspect(stage, key.aspect, key.space)
    revision, (decisions, known) = store.revision(last.revision), counting
    on = decisions.on(known)
    counts = on is not None and on.revision == last.revision
    return DecidedAspect(
        stage,
        key.aspect,
        key.space,
        last.decision.value,
        counts,
        by=last.operator,
        revision=RevisionStamp(last.revision, last.time, revision.actor if revision else ""),
        comment=last.comment,
        review=review_words(revision) if revision is not None else "",
        signed=signing_key(revision) if revision is not None else "",
        lack="" if counts else decisions.lack(known, last),
    )


def _waiting(session: Session, stages: Stages, address: Address) -> Iterator[WaitingAspect]:
    """The aspects in design that wait for somebody, each with what it changes in live."""
    assert stages.store is not None
    if address.kind is not Kind.OFFER and address not in _awaited_settings(stages, address):
        return
    items = [item for item in list_approvals(stages.store, (address,), session.now) if item.state == "waiting"]
    items = [item for item in items if item.address == address]
    keys = keys_to_decide(stages.side(Stage.DESIGN), address) if items else []
    reviewed = {(aspect.key.aspect, aspect.key.space): aspect for aspect in reviewed_aspects(keys, stages)}
    for item in items:
        aspects = [reviewed[item.aspect, space] for space in item.spaces or ("",) if (item.aspect, space) in reviewed]
        changes: list[FieldChange] = []
        for aspect in aspects:
            changes += [change for change in aspect.changes if not aspect.new and change not in changes]
        yield WaitingAspect(item, tuple(changes), all(aspect.new for aspect in aspects))


def _awaited_settings(stages: Stages, address: Address) -> list[Address]:
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    return waiting_settings(stages) if is_setting(address, design, live) else []


def _scheduled(store: Store, address: Address) -> Iterator[ScheduledChange]:
    """The promotions that wait for their time and have a step for ``address``, the next one first."""
    for promotion in scheduled.scheduled(store.database)[:SCHEDULED]:
        steps = scheduled_plan(store, promotion.serial).steps
        if any(address in (step.address, step.moved_from) for step in steps):
            stamp = RevisionStamp(promotion.serial, promotion.time, promotion.by)
            shown = shown_time(store, promotion.environments, promotion.due)
            yield ScheduledChange(promotion.due, shown, stamp)


def _overrides(
    session: Session, stages: Stages, address: Address, serial: int | None, *, now: bool
) -> Iterator[StandingOverride]:
    """The overrides that were given for ``address``, under any of its names, up to revision ``serial``.

    ``now``: whether to find out which still lift something.
    """
    family = stages.names.family([address])
    given = [each for each in stages.overrides.given if each.address in family]
    given = [each for each in given if serial is None or each.revision <= serial]
    lifting = still_lifting(session, stages, given) if now else []
    for override in given:
        elsewhere = override.lifts is OverrideKind.CASES and session.backend.history_only  # the contacts' files
        yield StandingOverride(override, None if not now or elsewhere else override in lifting)


def _stops(stops: Stops, view: Snapshot, address: Address, *, design: bool) -> Iterator[StandingStop]:
    """The stops that ``address`` is under, each once; without ``design``, by the names that ``view`` has."""
    rows: Iterable[Approval | None]
    rows = stops.about(view, address) if address.kind is Kind.OFFER else [stops.at(address)]
    seen: set[str] = set()
    for row in rows:
        if row is None:
            continue
        root = stopped_root(row)
        root = root if design or root in view.entries else row.key.address
        if root not in seen:
            seen.add(root)
            stamp = RevisionStamp(stop_revision(row), stops.since(row), row.operator)
            yield StandingStop(root, stamp, row.comment)
