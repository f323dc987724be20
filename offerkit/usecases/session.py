"""What every run has: a project, a store, an operator and a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from offerkit.address import SHARED, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.fingerprint import Json, JsonMap
from offerkit.governance.approvals import Decision
from offerkit.governance.overrides import OverrideKind, Overrides
from offerkit.governance.profiles import BUILT_IN, Profiles
from offerkit.governance.rights import Actor, TokenScopes
from offerkit.governance.settings import settings_key
from offerkit.plans.plan import NO_ORIGIN, Plan, PlanKind, PlanOrigin
from offerkit.specs import Loaded, Project, load
from offerkit.specs.progress import Progress, no_progress
from offerkit.state.names import NameHistory
from offerkit.state.snapshot import Snapshot
from offerkit.store import Holder, Location, RevisionRow, Store, errors
from offerkit.store.known_heads import KnownHeads
from offerkit.store.stage_snapshots import Stages, listed_operators, rolled_back_settings

if TYPE_CHECKING:
    from offerkit.applier import Applied
    from offerkit.engine.explained import ExplainedProposition
    from offerkit.engine.impact import Impact
    from offerkit.engine.status_report import StatusReport
    from offerkit.governance.signatures import GivenSignature
    from offerkit.usecases.requests import (
        ApprovalOutcome,
        ApprovalRequest,
        ContactExport,
        ContactRequest,
        ErasureOutcome,
        ExportedPage,
        ExportRequest,
        ImpactRequest,
        KeptSimulations,
        OverrideOutcome,
        OverrideRequest,
        ReadPlan,
        RelayOutcome,
        RelayRequest,
        ScheduleRequest,
        SimulationsRequest,
        StatusReportRequest,
        StopOutcome,
        StopRequest,
    )
    from offerkit.usecases.ssh_signer import SshSigner

_LISTED = 1_000
"""How many files of a folder to search for similar names."""


class Backend(Protocol):
    """Access to the store and the contacts. All methods raise Refused with everything that is refused.

    :mod:`offerkit.usecases.backends` has the one through a server, :mod:`offerkit.usecases.local_backend` the other.
    """

    @property
    def history_only(self) -> bool:
        """Whether the readable store is only a copy of a history, without contacts and tokens."""

    def require_local(self) -> None:
        """Raise Refused unless the store itself and the contacts are local."""

    def apply(self, session: Session, plan: Plan, actor: Actor) -> Applied:
        """Execute a plan that ``actor`` may apply."""

    def decide(self, session: Session, request: ApprovalRequest, decision: Decision) -> ApprovalOutcome:
        """Approve or reject."""

    def relay(self, session: Session, request: RelayRequest) -> RelayOutcome:
        """Record reviews as approvals."""

    def stop(self, session: Session, request: StopRequest, decision: Decision) -> StopOutcome:
        """Stop, or resume."""

    def override(self, session: Session, request: OverrideRequest) -> OverrideOutcome:
        """Lift what blocks something from live."""

    def schedule(self, session: Session, plan: Plan, request: ScheduleRequest) -> RevisionRow:
        """Store a promotion for its time."""

    def withdraw_scheduled(self, session: Session, serial: int, reason: str) -> RevisionRow:
        """Take a scheduled promotion back."""

    def export_propositions(self, session: Session, request: ExportRequest) -> ExportedPage:
        """The next changes of propositions after a cursor."""

    def report(self, session: Session, request: StatusReportRequest) -> StatusReport:
        """Propositions counted by groups and status."""

    def simulations(self, session: Session, request: SimulationsRequest) -> KeptSimulations:
        """Kept simulations: listed, read or removed."""

    def explain(self, session: Session, id_: str, *, present: bool) -> ExplainedProposition:
        """What decided a stored proposition."""

    def export_contact(self, session: Session, request: ContactRequest) -> ContactExport:
        """Everything that is stored about a contact."""

    def plan_erasure(self, session: Session, request: ContactRequest) -> ErasureOutcome:
        """What an erasure would erase."""

    def erase_contact(self, session: Session, request: ContactRequest) -> ErasureOutcome:
        """Erase a contact."""

    def clear_erased(self, session: Session, request: ContactRequest) -> list[Diagnostic]:
        """Clear what deleted rows left in the store's files; returns what is not erased after it."""

    def impact(self, session: Session, plan: Plan, request: ImpactRequest) -> Impact:
        """The impact of a plan on contacts."""

    def impact_record(self, session: Session, store: Store, plan: Plan) -> Mapping[str, Json]:
        """What to record about the impact of a promotion, which must stay within its limits."""


@dataclass(frozen=True)
class Session:
    """One run. ``now``: ISO 8601 in UTC. ``operator``: the name given; ``email``: the e-mail that git knows.

    ``store_path``: the store, if it is not the project's own. ``create_store``: create the store at ``store_path`` if
    it does not exist; the project's own is always created. ``store_project``: the id of the project that the store must
    belong to; empty: any. ``backend``: access to store and contacts; with a server, ``store_path`` is a copy of its
    history. ``through_server``: the operator uses the network or a page, so contacts are not their own.
    ``override_impact``: why a promotion may exceed its environment's impact limit. ``heads``: the revisions that this
    project has seen of the store; None if not recorded. ``origin``: where the applied plan comes from. ``as_read``: the
    plan as read in a pull request. ``scopes``: what the operator's token allows; None without a token.
    ``signer``: signs what the operator decides; ``signature``: the signature of what is to be recorded. ``scheduled``:
    the revision that scheduled the applied plan, if one did. ``keep``: holds what was loaded, so that nobody waits
    while it is freed. ``known``: what planning derived from bodies, for applying; None in a process that stays.
    ``withheld``: why a server keeps its history from the operator; then there is no store to read.
    """

    project: Project
    now: str
    operator: str = ""
    email: str = ""
    user: str = ""
    store_path: Location | None = None
    lock_timeout: float = 0.0
    use_cache: bool = True
    message: str = ""
    waiting: Callable[[Holder], None] | None = None
    progress: Progress = no_progress
    environ: Mapping[str, str] = field(default_factory=dict)
    override_impact: str = ""
    backend: Backend = field(kw_only=True)
    create_store: bool = False
    store_project: str = ""
    heads: KnownHeads | None = None
    scopes: TokenScopes | None = None
    through_server: bool = False
    origin: PlanOrigin = NO_ORIGIN
    as_read: ReadPlan | None = None
    signer: SshSigner | None = None
    signature: GivenSignature | None = None
    scheduled: int = 0
    keep: Callable[[Loaded], None] = lambda loaded: None
    known: Snapshot | None = None
    withheld: Refused | None = None

    @property
    def store(self) -> Location:
        """Where the store is."""
        return self.store_path or self.project.store

    @property
    def embedded(self) -> bool:
        """Whether the store is a local file."""
        return isinstance(self.store, Path)

    def load(self, *, cases: bool = True) -> Loaded:
        """Read and check the project's specs, with its ``cases``. Raises Refused with all mistakes in them."""
        loaded = load(self.project, use_cache=self.use_cache, progress=self.progress, cases=cases)
        self.keep(loaded)
        return loaded

    @contextlib.contextmanager
    def reading(self) -> Iterator[Store | None]:
        """The store for reading, as a consistent snapshot; None if it does not exist yet."""
        self._check_given()
        store_found = self._recognized(lambda: Store.find(self.store))
        if store_found is None:
            if not self.may_create_store:
                raise self._not_there()
            yield None
            return
        with self._own(store_found) as store, store.reading():
            yield store

    @contextlib.contextmanager
    def existing(self) -> Iterator[Store]:
        """The store for reading, as a consistent snapshot. Raises Refused if it does not exist."""
        with self._opened() as store, store.reading():
            yield store

    @contextlib.contextmanager
    def auditing(self) -> Iterator[tuple[Store, list[Diagnostic]]]:
        """The store, opened whatever its condition, and findings if it is not the one seen before."""
        with self._opened(audit=True) as store, store.reading():
            yield store, self.heads.findings(store) if self.heads is not None else []
            if self.heads is not None:
                self.heads.remember_appended(store, self.now)

    @contextlib.contextmanager
    def writing(self, *, create: bool = False, patience: float = 5.0) -> Iterator[Store]:
        """The store for writing, created if missing and ``create``. Raises Refused through a server.

        ``patience``: seconds to wait for another transaction.
        """
        self.backend.require_local()
        if create and self.store == self.project.store:
            with contextlib.suppress(OSError):
                self.project.prepare_state()
        with self._opened(create=create and self.may_create_store, write=True, patience=patience) as store:
            yield store
            if self.heads is not None:
                self.heads.remember_appended(store, self.now)

    def recognize(self) -> None:
        """Raise Refused if a server's store is not the one that was seen before, as far as its history is known."""
        if self.withheld is None:
            with self.existing():
                pass

    def _check_given(self) -> None:
        if self.withheld is not None:
            raise Refused(self.withheld.diagnostics)

    def _recognized(self, open_: Callable[[], Store | None], *, audit: bool = False) -> Store | None:
        """The opened store. Raises Refused if its history does not continue what this project has seen."""
        return open_() if self.heads is None else self.heads.opened(open_, self.now, audit=audit)

    def remember_revision(self, revision: RevisionRow) -> None:
        """Record a revision that a server has made as seen."""
        if self.heads is not None:
            self.heads.remember_reported(revision.serial, revision.digest, self.now)

    @property
    def may_create_store(self) -> bool:
        """Whether the first apply may create the store. A named store must exist, since its name may be mistyped."""
        return self.store_path is None or self.create_store

    def _opened(
        self, *, create: bool = False, write: bool = False, audit: bool = False, patience: float = 5.0
    ) -> Store:
        self._check_given()
        create = create and not (self.heads is not None and self.heads.known)
        try:
            opened = self._recognized(
                lambda: Store.open(self.store, create=create, write=write, busy_timeout=patience, audit=audit),
                audit=audit,
            )
        except Refused as refused:
            if refused.diagnostics[0].code is not Code.STORE_MISSING or self.may_create_store:
                raise
            raise self._not_there() from None
        assert opened is not None
        return self._own(opened)

    def _own(self, store: Store) -> Store:
        if self.store_project not in ("", store.project):
            store.close()
            raise errors.other_project(str(self.store), store.project, self.store_project)
        return store

    def _not_there(self) -> Refused:
        """The refusal if a named store does not exist: a mistyped name must not start another history."""
        begin = "To create a new store there: offerkit apply --create-store"
        return refuse(
            Code.STORE_MISSING,
            f"there is no store at {self.store}",
            detail="A store named by --store or OFFERKIT_STORE is not created by accident.",
            hint=f"{_similar_name(self.store)} {begin}".strip(),
        )


def operators(store: Store | None) -> dict[str, dict[str, Any]]:
    """The operators' bodies by name, as applied; empty without a store."""
    if store is None:
        return {}
    entries = store.entries(StageRef(SHARED, Stage.DESIGN), Kind.OPERATOR)
    bodies = store.bodies(entry.fingerprint for entry in entries.values())
    return {address.name: orjson.loads(bodies[entry.fingerprint].text) for address, entry in entries.items()}


def profiles(store: Store | None) -> Profiles:
    """What the applied profiles allow."""
    if store is None:
        return BUILT_IN
    entries = store.entries(StageRef(SHARED, Stage.DESIGN), Kind.PROFILE)
    if not entries:
        return BUILT_IN
    bodies = store.bodies(entry.fingerprint for entry in entries.values())
    return Profiles({address.name: orjson.loads(bodies[entry.fingerprint].text) for address, entry in entries.items()})


def who_is(session: Session, store: Store | None, plan: Plan | None = None) -> Actor:
    """The operator: named with --as or OFFERKIT_OPERATOR, or whose e-mail git knows.

    While the store has no operators, anybody may make the first apply (``plan``), which is signed with the name given
    or the system user's. Raises Refused if no operator is named, or the operator is unknown or disabled.
    """
    known = operators(store)
    if not known and plan is not None:
        return Actor(
            session.operator or _by_email(declared_operators(plan), session.email) or session.user or "bootstrap", None
        )
    name = session.operator or _by_email(known, session.email)
    if not name:
        raise refuse(
            Code.NO_OPERATOR,
            "no operator given",
            detail="The history records who does what.",
            hint="Use --as OPERATOR or OFFERKIT_OPERATOR, or set an operator's e-mail in git. Operators: "
            + ", ".join(sorted(known))
            + ".",
        )
    body = known.get(name)
    if body is None:
        raise refuse(
            Code.NO_OPERATOR,
            f"there is no operator “{name[:80]}”",
            hint=suggestion(name, known, "Operators: " + ", ".join(sorted(known)) + "."),
        )
    if body.get("enabled") is False:
        raise refuse(Code.NOT_ALLOWED, f"operator {name} is disabled", hint="An administrator can enable them.")
    return Actor(name, body["profile"], bool(body.get("automation", False)), profiles(store))


def promoters(store: Store, overrides: Overrides | None = None) -> dict[str, tuple[str, ...]]:
    """The operators who may promote, for environments that name promoters in live or design.

    A change cannot lift a gate that it must pass itself: if both name promoters, a promoter must be named by both.
    ``overrides``: those to go by instead of the recorded ones.
    """
    promoters_of: dict[str, tuple[str, ...]] = {}
    names = NameHistory(store.moves(StageRef(SHARED, Stage.DESIGN)))
    design = promotion_settings(store) if names else {}
    for name, all_settings in _gates(store).items():
        named_lists = [tuple(settings.get("promoters", ())) for settings in all_settings]
        if names:
            named_lists = listed_operators(store, name, names, _promoters_in)
            named_lists.append(tuple(design.get(name, {}).get("promoters", ())))
        lists = [named for named in named_lists if named]
        if not lists:
            continue
        promoters_of[name] = tuple(operator for operator in lists[-1] if all(operator in named for named in lists))
        if not promoters_of[name] and _overridden(store, name, overrides):
            promoters_of[name] = tuple(dict.fromkeys(operator for named in lists for operator in named))
    return promoters_of


def _promoters_in(environment: JsonMap) -> tuple[str, ...]:
    promotion = environment.get("promotion")
    listed = promotion.get("promoters") if isinstance(promotion, dict) else None
    return tuple(map(str, listed)) if isinstance(listed, list) else ()


def _overridden(store: Store, name: str, overrides: Overrides | None) -> bool:
    """Whether an override allows the promoters of the environment although live and design name no promoter
    in common.
    """
    stages, address = Stages(store, overrides=overrides), environment_address(name)
    design = stages.snapshot([StageRef(name, Stage.DESIGN)], Kind.ENVIRONMENT)
    print_ = settings_key(design, address).fingerprint
    return (
        stages.overrides.lifting(OverrideKind.SETTINGS, address, print_, after=stages.live_since(address)) is not None
    )


def separating_environments(store: Store) -> set[str]:
    """The environments that separate duties, in live or in design."""
    return {
        name
        for name, all_settings in _gates(store).items()
        if any(settings.get("separation_of_duties") for settings in all_settings)
    }


def _gates(store: Store) -> dict[str, list[dict[str, Any]]]:
    """By environment, its promotion settings in live and design (last). All of them apply.

    A rollback lifts no gate either: settings that it took out of live apply until the next promotion, which must pass
    them.
    """
    live, design = (promotion_settings(store, side) for side in (Stage.LIVE, Stage.DESIGN))
    settings_of: dict[str, list[dict[str, Any]]] = {}
    rolled_back = store.revisions(action=PlanKind.ROLLBACK, limit=1)  # one query for all: most stores had no rollback
    for name in sorted(live.keys() | design.keys()):
        was_rolled_back = rolled_back and name in live
        before = [body.get("promotion", {}) for body in rolled_back_settings(store, name)] if was_rolled_back else []
        all_settings = [live.get(name), *before, design.get(name)]
        settings_of[name] = [settings for settings in all_settings if isinstance(settings, dict)]
    return settings_of


def promotion_settings(store: Store, side: Stage = Stage.DESIGN) -> dict[str, dict[str, Any]]:
    """By environment, the promotion settings in a stage."""
    settings: dict[str, dict[str, Any]] = {}
    for stage in store.heads():
        if stage.stage is side and stage.environment != SHARED:
            for entry in store.entries(stage, Kind.ENVIRONMENT).values():
                body = store.bodies([entry.fingerprint])[entry.fingerprint]
                settings[stage.environment] = orjson.loads(body.text).get("promotion", {})
    return settings


def _similar_name(location: Location) -> str:
    """Names the files next to a path that have a similar name."""
    if not isinstance(location, Path):
        return "Check database and schema."
    try:
        with os.scandir(location.parent) as entries:
            names = [entry.name for entry in islice(entries, _LISTED) if entry.is_file()]
    except OSError:
        return f"There is no folder {location.parent}."
    stores = [name for name in names if not name.endswith(("-wal", "-shm", ".lock", ".holder"))]
    return suggestion(location.name, stores, "Check its name.")


def _by_email(known: dict[str, dict[str, Any]], email: str) -> str:
    matches = [name for name, body in sorted(known.items()) if email and body.get("email", "").lower() == email.lower()]
    return matches[0] if matches else ""


def declared_operators(plan: Plan) -> dict[str, dict[str, Any]]:
    """The operators' bodies in ``plan``, by name."""
    return {
        step.address.name: orjson.loads(plan.bodies[step.after.fingerprint].text)
        for step in plan.steps
        if step.after is not None and step.address.kind is Kind.OPERATOR
    }
