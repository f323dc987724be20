"""What every run has: a project, a store, who is asking, and when."""

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
from offerkit.applier import Applied
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.fingerprint import Json, JsonMap
from offerkit.governance.approvals import Decision
from offerkit.governance.overrides import Lifts
from offerkit.governance.rights import Actor, Scopes
from offerkit.governance.settings import settings_key
from offerkit.plans.plan import Plan, PlanKind
from offerkit.specs import Loaded, Project, load
from offerkit.specs.progress import Progress, no_progress
from offerkit.state.names import Names
from offerkit.store import Holder, Location, RevisionRow, Store, errors
from offerkit.store.heads import SeenHeads
from offerkit.store.views import Stages, seats, taken_back
from offerkit.usecases.requests import (
    NO_ORIGIN,
    ApprovalOutcome,
    ApprovalRequest,
    ImpactRequest,
    OverrideOutcome,
    OverrideRequest,
    PlanOrigin,
    ReadPlan,
    RelayOutcome,
    RelayRequest,
    StopOutcome,
    StopRequest,
)

if TYPE_CHECKING:
    from offerkit.reports.impact import Impact

_LISTED = 1_000
"""Files of a folder that are looked at for a name like a mistyped one."""


class Backend(Protocol):
    """Where the store and the contacts are, and what use cases do there. Each raises Refused with all that is refused.

    :mod:`offerkit.usecases.backends` has both: here, or through a server.
    """

    @property
    def history_only(self) -> bool:
        """Whether the store that can be read is a copy of a history, without people and tokens."""

    def require_local(self) -> None:
        """Raise Refused unless the store itself and the contacts are here."""

    def apply(self, session: Session, plan: Plan, actor: Actor) -> Applied:
        """Carry out a plan, once ``actor`` may."""

    def decide(self, session: Session, request: ApprovalRequest, decision: Decision) -> ApprovalOutcome:
        """Approve or reject."""

    def relay(self, session: Session, request: RelayRequest) -> RelayOutcome:
        """Record reviews as approvals."""

    def stop(self, session: Session, request: StopRequest, decision: Decision) -> StopOutcome:
        """Stop, or resume."""

    def override(self, session: Session, request: OverrideRequest) -> OverrideOutcome:
        """Lift what keeps something out of live."""

    def impact(self, session: Session, plan: Plan, request: ImpactRequest) -> Impact:
        """What a plan changes for people."""

    def impact_record(self, session: Session, store: Store, plan: Plan) -> Mapping[str, Json]:
        """What to record with a promotion, which may not take offers from more people than it may."""


@dataclass(frozen=True)
class Session:
    """One run. ``now`` is ISO 8601 in UTC; ``operator`` is the name asked for, ``email`` what git knows.

    ``store_path`` is where the store is when it is not the project's own.
    ``create_store``: a store that ``store_path`` names is made when there is none; the project's own always is.
    ``store_project``: the project whose store it has to be, by its id; empty: any.
    ``backend``: where the store and the contacts are; through a server, ``store_path`` is a copy of its history.
    ``through_server``: somebody asks over the network, or looks at a page: the contacts are not their own.
    ``override_impact``: why a promotion may take offers from more people than its environment allows.
    ``heads``: what this project saw of the store; None where that is not kept.
    ``origin``: where what is applied comes from. ``as_read``: what was read of it in a pull request, if it was.
    ``scopes``: what the operator's token may be used for; None where no token is asked for.
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
    heads: SeenHeads | None = None
    scopes: Scopes | None = None
    through_server: bool = False
    origin: PlanOrigin = NO_ORIGIN
    as_read: ReadPlan | None = None

    @property
    def store(self) -> Location:
        """Where the store is."""
        return self.store_path or self.project.store

    @property
    def embedded(self) -> bool:
        """Whether the store is a file of this machine."""
        return isinstance(self.store, Path)

    def load(self, *, cases: bool = True) -> Loaded:
        """The project's specs, and its ``cases``, read and checked. Raises Refused with every mistake in them."""
        return load(self.project, use_cache=self.use_cache, progress=self.progress, cases=cases)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Store | None]:
        """The store, to read, all of it as it is at one moment; None while there is none."""
        found = self._recognized(lambda: Store.find(self.store))
        if found is None:
            if not self.may_create_store:
                raise self._not_there()
            yield None
            return
        with self._own(found) as store, store.reading():
            yield store

    @contextlib.contextmanager
    def existing(self) -> Iterator[Store]:
        """The store, to read, all of it as it is at one moment. Raises Refused while there is none."""
        with self._opened() as store, store.reading():
            yield store

    @contextlib.contextmanager
    def auditing(self) -> Iterator[tuple[Store, list[Diagnostic]]]:
        """The store, to be verified, whatever is in it; and that it is not the one that was seen before."""
        with self._opened(audit=True) as store, store.reading():
            yield store, self.heads.findings(store) if self.heads is not None else []
            if self.heads is not None:
                self.heads.went_on(store, self.now)

    @contextlib.contextmanager
    def writing(self, *, create: bool = False, patience: float = 5.0) -> Iterator[Store]:
        """The store, to write; made if there is none and ``create`` says so. Raises Refused for one behind a server.

        ``patience``: seconds to wait for another's transaction.
        """
        self.backend.require_local()
        if create and self.store == self.project.store:
            with contextlib.suppress(OSError):
                self.project.prepare_state()
        with self._opened(create=create and self.may_create_store, write=True, patience=patience) as store:
            yield store
            if self.heads is not None:
                self.heads.went_on(store, self.now)

    def _recognized(self, open_: Callable[[], Store | None], *, audit: bool = False) -> Store | None:
        """What is opened. Raises Refused when its history does not go on from what this project saw of it."""
        return open_() if self.heads is None else self.heads.opened(open_, self.now, audit=audit)

    def remember_revision(self, revision: RevisionRow) -> None:
        """Remember a revision that the server says it made."""
        if self.heads is not None:
            self.heads.told(revision.serial, revision.digest, self.now)

    @property
    def may_create_store(self) -> bool:
        """Whether the first apply may make the store. One that was named has to be there: else its name is wrong."""
        return self.store_path is None or self.create_store

    def _opened(
        self, *, create: bool = False, write: bool = False, audit: bool = False, patience: float = 5.0
    ) -> Store:
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
        """The refusal for a named store that is not there: a mistyped name must not begin another history."""
        begin = "To begin a new store there: offerkit apply --create-store"
        return refuse(
            Code.STORE_MISSING,
            f"there is no store at {self.store}",
            detail="--store or OFFERKIT_STORE names it, and a store that was named is not made by accident.",
            hint=f"{_similar_name(self.store)} {begin}".strip(),
        )


def operators(store: Store | None) -> dict[str, dict[str, Any]]:
    """The operators' bodies by name, as applied; empty while there is no store."""
    if store is None:
        return {}
    entries = store.entries(StageRef(SHARED, Stage.DESIGN), Kind.OPERATOR)
    bodies = store.bodies(entry.fingerprint for entry in entries.values())
    return {address.name: orjson.loads(bodies[entry.fingerprint].text) for address, entry in entries.items()}


def who_is(session: Session, store: Store | None, plan: Plan | None = None) -> Actor:
    """The operator who runs this: named with --as, in OFFERKIT_OPERATOR, or the one whose e-mail git knows.

    While the store knows no operator, anyone may make the first apply (``plan``); it is signed with the name
    given or the user's. Raises Refused when nobody is named, or the one named is unknown or disabled.
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
            "it is not known who is asking",
            detail="Every change is signed by an operator.",
            hint="Name one with --as OPERATOR or OFFERKIT_OPERATOR, or use the e-mail of one in git. Operators: "
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
    return Actor(name, body["profile"], bool(body.get("automation", False)))


def promoters(store: Store) -> dict[str, tuple[str, ...]]:
    """The operators whom an environment lets promote, of those that name them: by what live and design say.

    An edit lifts no gate that it has to pass itself: where both name promoters, who promotes is named by both.
    """
    found: dict[str, tuple[str, ...]] = {}
    names = Names(store.moves(StageRef(SHARED, Stage.DESIGN)))
    design = promotion_settings(store) if names else {}
    for name, every in _gates(store).items():
        said = [tuple(settings.get("promoters", ())) for settings in every]
        if names:
            said = [*seats(store, name, names, _promoters_in), tuple(design.get(name, {}).get("promoters", ()))]
        lists = [named for named in said if named]
        if not lists:
            continue
        found[name] = tuple(each for each in lists[-1] if all(each in named for named in lists))
        if not found[name] and _overridden(store, name):
            found[name] = tuple(dict.fromkeys(each for named in lists for each in named))
    return found


def _promoters_in(environment: JsonMap) -> tuple[str, ...]:
    promotion = environment.get("promotion")
    listed = promotion.get("promoters") if isinstance(promotion, dict) else None
    return tuple(map(str, listed)) if isinstance(listed, list) else ()


def _overridden(store: Store, name: str) -> bool:
    """Whether somebody has lifted that live and design name no promoter in common, for the environment as it is."""
    stages, address = Stages(store), environment_address(name)
    design = stages.snapshot([StageRef(name, Stage.DESIGN)], Kind.ENVIRONMENT)
    print_ = settings_key(design, address).fingerprint
    return stages.overrides.lifting(Lifts.SETTINGS, address, print_, after=stages.live_since(address)) is not None


def separating_environments(store: Store) -> set[str]:
    """The environments that separate duties, in live or in design."""
    return {
        name for name, every in _gates(store).items() if any(settings.get("separation_of_duties") for settings in every)
    }


def _gates(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Each environment's promotion settings, all of which hold: those of live, and of design last.

    A rollback lifts no gate either: what it took out of live holds until a promotion, which has to pass it.
    """
    live, design = (promotion_settings(store, side) for side in (Stage.LIVE, Stage.DESIGN))
    found: dict[str, list[dict[str, Any]]] = {}
    rolled_back = store.revisions(action=PlanKind.ROLLBACK, limit=1)  # most stores never were: one question for all
    for name in sorted(live.keys() | design.keys()):
        asked = rolled_back and name in live
        before = [body.get("promotion", {}) for body in taken_back(store, name)] if asked else []
        every = [live.get(name), *before, design.get(name)]
        found[name] = [settings for settings in every if isinstance(settings, dict)]
    return found


def promotion_settings(store: Store, side: Stage = Stage.DESIGN) -> dict[str, dict[str, Any]]:
    """Each environment's promotion settings, as applied to design, or as they are live."""
    found: dict[str, dict[str, Any]] = {}
    for stage in store.heads():
        if stage.stage is side and stage.environment != SHARED:
            for entry in store.entries(stage, Kind.ENVIRONMENT).values():
                body = store.bodies([entry.fingerprint])[entry.fingerprint]
                found[stage.environment] = orjson.loads(body.text).get("promotion", {})
    return found


def _similar_name(location: Location) -> str:
    """Which files beside a path have a name like it."""
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
    """The operators' bodies that ``plan`` brings, by name."""
    return {
        step.address.name: orjson.loads(plan.bodies[step.after.fingerprint].text)
        for step in plan.steps
        if step.after is not None and step.address.kind is Kind.OPERATOR
    }
