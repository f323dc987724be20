"""The stages of a store as snapshots, and what follows from them: decisions, overrides, stops, renames."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from math import inf
from typing import NamedTuple, TypeAlias

import orjson

from offerkit.address import SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.fingerprint import JsonMap, json_map, manifest_digest
from offerkit.governance.approvals import Approval, Decisions, by_named_reviewers
from offerkit.governance.cases import ContactsDigest, GuardedCaseChange, guarded_case_changes
from offerkit.governance.overrides import OVERRIDE_ACTION, OverrideKind, Overrides
from offerkit.governance.reviewers import RequiredReviewers
from offerkit.governance.settings import reviewers_in
from offerkit.governance.signatures import demanding_environments, demands_in
from offerkit.governance.stops import Stops
from offerkit.governance.withdrawals import Withdrawal, Withdrawals
from offerkit.plans.plan import ApprovalKey, Plan, PlanKind, StageBase
from offerkit.state.changes import Action, Bodies, Body, Entry, LayeredBodies, by_environment
from offerkit.state.former_names import FormerNames, former_names
from offerkit.state.names import FirstNames, NameHistory
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store.rows import ChangeRow
from offerkit.store.signed_revisions import SignedRevisions
from offerkit.store.store import Store

EMPTY = manifest_digest([])
"""The digest of an empty stage."""


class StoredBodies(Bodies):
    """The bodies of a store by fingerprint, cached once fetched."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Body] = {}

    def fetch(self, fingerprints: Iterable[str]) -> None:
        """Fetch many bodies with one query."""
        missing = {print_ for print_ in fingerprints if print_ not in self._known}
        if missing:
            self._known |= self._store.bodies(missing)

    def __getitem__(self, fingerprint: str) -> Body:
        """The body of that fingerprint. Raises Refused when the store lacks it."""
        if fingerprint not in self._known:
            self.fetch([fingerprint])
        return self._known[fingerprint]

    def __iter__(self) -> Iterator[str]:
        """The fingerprints fetched so far."""
        return iter(self._known)

    def __len__(self) -> int:
        """How many were fetched so far."""
        return len(self._known)


def environments(store: Store) -> list[str]:
    """The environments in the store, sorted."""
    return Stages(store).environments


_Read: TypeAlias = tuple[frozenset[Address] | None, Decisions]
"""Decisions, and the offers they are on; None: all."""


def _covers(offers: frozenset[Address] | None, needed: frozenset[Address] | None) -> bool:
    return offers is None or (needed is not None and needed <= offers)


class Stages:
    """The stages of a store at one moment, each read lazily; without a store, all are empty.

    Results are cached, and snapshots share bodies and what was computed from them: use it inside one transaction.
    """

    def __init__(
        self, store: Store | None, known: Snapshot | None = None, *, overrides: Overrides | None = None
    ) -> None:
        """``known``: a snapshot that has derived something from bodies already, for all that have the same.

        ``overrides``: those to go by instead of the recorded ones.
        """
        self.store = store
        self._other_overrides = overrides
        self.heads = store.heads() if store is not None else {}
        self.bodies: Bodies = StoredBodies(store) if store is not None else LayeredBodies()
        self._entries: dict[tuple[StageRef, str], dict[Address, Entry]] = {}
        self._sides: dict[Stage, Snapshot] = {}
        self._effects: dict[Stage, tuple[Plan, BeforeAfter]] = {}
        self._empty = (known or Snapshot()).nothing_of(self.bodies)
        self._decided: _Read | None = None
        self._effective: _Read | None = None

    @property
    def stages(self) -> list[StageRef]:
        """The stages in the store."""
        return list(self.heads)

    @property
    def environments(self) -> list[str]:
        """The environments in the store, sorted."""
        return sorted({stage.environment for stage in self.stages} - {SHARED})

    def digest(self, stage: StageRef) -> str:
        """The manifest digest of a stage; :data:`EMPTY` if the store does not have it."""
        return self.heads[stage].digest if stage in self.heads else EMPTY

    def base(self, stage: StageRef) -> StageBase:
        """The head of a stage, as plans record it."""
        head = self.heads.get(stage)
        return StageBase(stage, head.revision, head.digest) if head is not None else StageBase(stage, 0, EMPTY)

    def entries(self, stage: StageRef, kind: str = "") -> Mapping[Address, Entry]:
        """The entries of a stage, of one kind or all."""
        if self.store is None or stage not in self.heads:
            return {}
        if (stage, kind) not in self._entries:
            self._entries[stage, kind] = self.store.entries(stage, kind)
        return self._entries[stage, kind]

    def moves(self, stage: StageRef) -> list[tuple[int, Address, Address]]:
        """The renames in a stage, oldest first: the revision, the address before and after."""
        return self.store.moves(stage) if self.store is not None else []

    @cached_property
    def overrides(self) -> Overrides:
        """All overrides in the history, without those that are not signed although their environments demand it."""
        if self._other_overrides is not None:
            return self._other_overrides
        overrides = Overrides.of(self.store.revisions(action=OVERRIDE_ACTION) if self.store is not None else ())
        if not overrides.given or not self.signature_demands:
            return overrides
        return Overrides(each for each in overrides.given if self._signed_as_demanded(each.address, each.revision))

    @cached_property
    def contacts_kept(self) -> ContactsDigest:
        """The digests of contacts' files that were recorded when cases were applied or promoted."""
        assert self.store is not None
        return _contacts_kept(self.store)

    def live_since(self, address: Address) -> int:
        """The last revision that changed ``address`` in live; 0 if none did."""
        assert self.store is not None
        change = self.store.last_change(address.stage(Stage.LIVE), [address]).get(address)
        return change.serial if change is not None else 0

    def cases_lifted(self, address: Address, fingerprint: str) -> bool:
        """Whether an override lifts the cases at an address, as they are with ``fingerprint``."""
        return self.overrides.lifting(OverrideKind.CASES, address, fingerprint) is not None

    def _change_lifted(self, address: Address, fingerprint: str) -> bool:
        """As :meth:`cases_lifted`, for a change of cases: an override is valid only for the live it was given for."""
        return (
            self.overrides.lifting(OverrideKind.CASES, address, fingerprint, after=self.live_since(address)) is not None
        )

    def withheld_cases(self, effect: BeforeAfter) -> Iterator[GuardedCaseChange]:
        """The cases of live that ``effect`` would change without a second operator."""
        return guarded_case_changes(effect, self.side(Stage.DESIGN), self.contacts_kept, self._change_lifted)

    @cached_property
    def names(self) -> NameHistory:
        """The earlier names of the resources of all design stages."""
        designs = [stage for stage in self.heads if stage.stage is Stage.DESIGN]
        return NameHistory(rename for stage in designs for rename in self.moves(stage))

    def former_names(self, view: Snapshot, environment: str) -> FormerNames:
        """What propositions may call otherwise than ``view``: live, or a state that may become live."""
        if not self.names and not view.origins:
            return ()
        names = NameHistory(self.moves(StageRef(environment, Stage.LIVE)))
        return former_names(names, self.side(Stage.LIVE), view, environment)

    def decisions(self, offers: Iterable[Address] | None = None) -> Decisions:
        """All decisions, or those on ``offers`` under all their names, compared with what design has now."""
        if self.store is None:
            return Decisions()
        addresses = None if offers is None else frozenset(offers)
        if self._decided is None or not _covers(self._decided[0], addresses):
            rows = self.store.approvals(self.names.family(addresses) if addresses is not None else None)
            if self.names:
                now = ((row, self.names.operator(row.operator, row.revision)) for row in rows)
                rows = [row if row.operator == name else replace(row, operator=name) for row, name in now]
            self._decided = addresses, Decisions(rows, self.names, self.side(Stage.DESIGN))
        return self._decided[1]

    def withdrawals(self, environments: Iterable[str] | None = None) -> Withdrawals:
        """What was taken out of live and therefore needs a new approval; in some environments or all."""
        assert self.store is not None
        losses: list[Withdrawal] = []
        moves: list[tuple[Address, Address]] = []
        disabled: dict[Address, int] = {}
        for name in self.environments if environments is None else sorted(environments):
            live = StageRef(name, Stage.LIVE)
            if live not in self.heads:
                continue
            losses += self.store.losses(live)
            disabled |= self.store.disabled(live)
            moves += [move[1:] for stage in (StageRef(name, Stage.DESIGN), live) for move in self.moves(stage)]
        return Withdrawals(losses, moves, disabled, self.side(Stage.DESIGN) if losses or disabled else None)

    @cached_property
    def stops(self) -> Stops:
        """All stops."""
        return Stops(self.store.stops() if self.store is not None else ())

    def effective_decisions(self, offers: Iterable[Address] | None = None) -> Decisions:
        """The effective decisions, on ``offers`` or all.

        An approval is effective if design names its reviewer, and if it was given after its subject was last taken out
        of live, or stopped.
        """
        addresses = None if offers is None else frozenset(offers)
        if self._effective is None or not _covers(self._effective[0], addresses):
            self._effective = addresses, self._counting(addresses)
        return self._effective[1]

    def _counting(self, offers: frozenset[Address] | None) -> Decisions:
        design = self.side(Stage.DESIGN)
        every = self.decisions(offers)
        decisions = by_named_reviewers(every, design).with_demands(self.reviewers(every))
        if any("approvals" in wanted for wanted in self.signature_demands.values()):
            decisions = decisions.signed(self.is_signed)
        environments = None if offers is None else {address.environment for address in offers}
        if not decisions:
            return decisions
        withdrawn, stops = self.withdrawals(environments), self.stops

        def lapse(key: ApprovalKey, row: Approval) -> str:
            if stops.lacks(design, key, row):
                return "it was stopped after the approval"
            if not withdrawn.lacks(key, row):
                return ""
            since = withdrawn.since(key.address, key.aspect, key.space)
            return f"it was taken out of live in revision {since}, after the approval"

        return decisions.without_lapsed(lapse) if withdrawn or stops.ever else decisions

    @cached_property
    def signature_demands(self) -> Mapping[str, frozenset[str]]:
        """What each environment demands to be signed: in design, in live, and in live before rollbacks."""
        if self.store is None:
            return {}
        bodies: list[tuple[str, JsonMap | None]] = []
        for side in Stage:  # of all kinds, only this one is read: most projects demand nothing
            view = self.snapshot((StageRef(name, side) for name in self.environments), Kind.ENVIRONMENT)
            bodies += [(name, view(environment_address(name))) for name in self.environments]
        if _rollbacks(self.store):
            bodies += [(name, body) for name in self.environments for body in rolled_back_settings(self.store, name)]
        return (
            demands_in(bodies)
            if any("signatures" in json_map((each or {}).get("promotion")) for _, each in bodies)
            else {}
        )

    @cached_property
    def signatures(self) -> SignedRevisions:
        """The signatures in the history."""
        assert self.store is not None
        return SignedRevisions(self.store.database, self.store.project)

    def is_signed(self, approval: Approval) -> bool:
        """Whether an approval is signed, or need not be."""
        return self._signed_as_demanded(approval.key.address, approval.revision)

    def _signed_as_demanded(self, address: Address, serial: int) -> bool:
        demanding = demanding_environments(self.signature_demands, "approvals", [address.environment])
        return not demanding or not self.signatures.fault(serial)

    def reviewers(self, decisions: Decisions) -> RequiredReviewers:
        """The reviewers that are needed, given all ``decisions``."""
        assert self.store is not None
        design, live = self.side(Stage.DESIGN), self.side(Stage.LIVE)
        return RequiredReviewers(design, live, decisions, self.store, lambda: self.overrides, self)

    def promotion_serials(self, addresses: Iterable[Address]) -> dict[Address, int]:
        """For each of ``addresses`` in live, the revision that promoted its entry from design."""
        assert self.store is not None
        serials: dict[Address, int] = {}
        for name, addresses_here in by_environment(dict.fromkeys(addresses)).items():
            promotions = promoted_as(self.store, StageRef(name, Stage.LIVE), addresses_here, None)
            serials |= {address: serial for address, (_, serial) in promotions.items()}
        return serials

    def settings_reviewers(self, environment: str) -> Iterator[tuple[str, ...]]:
        """The reviewers of an environment's settings that live names, and that it named before rollbacks."""
        assert self.store is not None
        if self.names.operators:
            yield from listed_operators(self.store, environment, self.names, reviewers_in)
            return
        yield reviewers_in(self.side(Stage.LIVE)(environment_address(environment)))
        yield from map(reviewers_in, rolled_back_settings(self.store, environment))

    def side(self, side: Stage) -> Snapshot:
        """Design or live of all environments, with what they share."""
        if side not in self._sides:
            snapshot = self.snapshot(StageRef(name, side) for name in (SHARED, *self.environments))
            self._sides[side] = self.with_first_names(snapshot, side)
        return self._sides[side]

    def with_first_names(self, snapshot: Snapshot, side: Stage) -> Snapshot:
        """A snapshot of design or live, with the first names of its resources."""
        if not self.names:
            return snapshot
        return snapshot.with_entries(snapshot.entries, origins=self._origins(snapshot, side))

    def _origins(self, snapshot: Snapshot, side: Stage) -> FirstNames:
        """The first names of resources in design or live; in live, as they came from design."""
        renamed = self.names.touched() & snapshot.entries.keys()
        if side is Stage.DESIGN:
            return FirstNames({address: self.names.origin(address) for address in renamed})
        assert self.store is not None
        first_names: dict[Address, str] = {}
        for name, addresses in sorted(by_environment(dict.fromkeys(renamed)).items()):
            promotions = promoted_as(self.store, StageRef(name, Stage.LIVE), addresses, None)
            first_names |= {address: self.names.origin(*promotions.get(address, (address, 0))) for address in addresses}
        return FirstNames(first_names, self.side(Stage.DESIGN).origins)

    def effect(self, plan: Plan, side: Stage) -> BeforeAfter:
        """The effect of ``plan`` on design or live of all environments; cached for one plan."""
        cached = self._effects.get(side)
        if cached is None or cached[0] is not plan:
            cached = plan, BeforeAfter.of(self.side(side), plan.steps_on(side), plan.bodies)
            self._effects[side] = cached
        return cached[1]

    def snapshot(self, stages: Iterable[StageRef], *kinds: Kind) -> Snapshot:
        """Some stages as one snapshot, of some kinds or all, with its bodies fetched."""
        entries: dict[Address, Entry] = {}
        for stage in stages:
            for kind in kinds or ("",):
                entries |= self.entries(stage, kind)
        self.bodies.fetch(entry.fingerprint for entry in entries.values())
        return self._empty.with_entries(entries)


def rolled_back_settings(store: Store, environment: str) -> Iterator[JsonMap]:
    """The bodies of an environment in live that rollbacks took away, since the environment was last promoted.

    Reviewers they name are still needed: a rollback lifts no gate.
    """
    for environment_body in _environment_bodies(store, environment)[1:]:
        yield environment_body.body


class _EnvironmentBody(NamedTuple):
    """A body of an environment in live; ``rows``: the changes that led to it, newest first."""

    body: JsonMap
    rows: Sequence[ChangeRow]


def _environment_bodies(store: Store, environment: str) -> list[_EnvironmentBody]:
    """The body of an environment in live, then those that rollbacks took away (:func:`rolled_back_settings`)."""
    stage, address = StageRef(environment, Stage.LIVE), environment_address(environment)
    rollbacks = _rollbacks(store)
    rows = [row for _, row in _back({address: store.changes_of(stage, [address])}, address, rollbacks)]
    entries = [rows[0].after] if rows else []
    for row in rows:
        if row.serial not in rollbacks or row.action == Action.CREATE or row.before is None:
            break
        entries.append(row.before)
    bodies = store.bodies({entry.fingerprint for entry in entries if entry is not None})
    bodies_by_entry = [orjson.loads(bodies[entry.fingerprint].text) if entry is not None else {} for entry in entries]
    return [_EnvironmentBody(body, rows[number:]) for number, body in enumerate(bodies_by_entry)]


def listed_operators(
    store: Store, environment: str, names: NameHistory, listed: Callable[[JsonMap], tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """The operators ``listed`` in the body of an environment in live, and in those that rollbacks took away.

    They have their current names: the list means the operator who had the name when the list went live.
    """
    rollbacks, lists_found = _rollbacks(store), []
    for environment_body in _environment_bodies(store, environment):
        prints = {row.after.fingerprint for row in environment_body.rows if row.after is not None}
        lists = {print_: listed(orjson.loads(body.text)) for print_, body in store.bodies(prints).items()}
        operators, since, back = listed(environment_body.body), 0, False
        for row in environment_body.rows:
            is_same = row.after is not None and lists[row.after.fingerprint] == operators
            if not is_same and not back:
                break
            if is_same:
                back = row.serial in rollbacks
                since = since if back else row.serial
        lists_found.append(tuple(names.operator(name, since + 1) for name in operators))
    return lists_found


def stage_view(store: Store, stage: Stage, names: Iterable[str] | None = None) -> Snapshot:
    """Design or live of all environments (or of ``names``), with what they share."""
    stages = Stages(store)
    if names is None:
        return stages.side(stage)
    return stages.snapshot(StageRef(name, stage) for name in (SHARED, *names))


CONTACTS = "contacts"
"""The detail of a revision that records, by address of cases, the digest of their contacts' file."""


def _contacts_kept(store: Store) -> ContactsDigest:
    @cache
    def recorded_digest(address: Address, side: Stage) -> str:
        stage = address.stage(side)
        change = store.last_change(stage, [address]).get(address)
        revision = store.revision(change.serial) if change is not None else None
        digests = revision.details.get(CONTACTS) if revision is not None else None
        digest = digests.get(str(address)) if isinstance(digests, dict) else None
        return digest if isinstance(digest, str) else ""

    return recorded_digest


def promoted_as(
    store: Store, stage: StageRef, addresses: Iterable[Address], serial: int | None
) -> dict[Address, tuple[Address, int]]:
    """For each of ``addresses`` in live, up to ``serial``: its name and revision when it last came from design.

    A rollback takes nothing from design: what it brings back came earlier, possibly under another name.
    """
    rollbacks = _rollbacks(store)
    if serial is None:
        last_serials = {address: change.serial for address, change in store.last_change(stage, addresses).items()}
        if rollbacks.isdisjoint(last_serials.values()):
            return {address: (address, last_serial) for address, last_serial in last_serials.items()}
    changes: dict[Address, list[ChangeRow]] = {}
    for row in store.changes_since(stage, 0):
        if serial is None or row.serial <= serial:
            changes.setdefault(row.address, []).append(row)
    promotions: dict[Address, tuple[Address, int]] = {}
    for address in addresses:
        back: Entry | None = None
        for name, row in _back(changes, address, rollbacks):
            if row.after is None:
                continue
            if row.serial in rollbacks:
                # Earlier versions rolled renames back as other changes: the entry is the one from before.
                back = None if row.moved_from else row.after
                continue
            promotions.setdefault(address, (name, row.serial))
            if back is None or row.after == back:
                promotions[address] = (name, row.serial)
                break
    return promotions


def _rollbacks(store: Store) -> frozenset[int]:
    return frozenset(row.serial for row in store.revisions(action=PlanKind.ROLLBACK))


def _back(
    changes: Mapping[Address, Sequence[ChangeRow]], address: Address, rollbacks: Container[int]
) -> Iterator[tuple[Address, ChangeRow]]:
    """The changes of the entry at ``address``, newest first, each with the name that the entry had after it.

    ``made``: changes by address, oldest first. Only renames that rollbacks took back are followed.
    """
    name, until = address, inf
    while row := next((row for row in reversed(changes.get(name, ())) if row.serial < until), None):
        yield name, row
        until = row.serial
        if row.serial in rollbacks and row.after is not None:
            name = row.moved_from or name
