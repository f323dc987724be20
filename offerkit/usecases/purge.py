"""``purge``: removes what is past its retention, deactivated offers from live by a plan, propositions for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.governance.rights import check_administrator
from offerkit.plans.make import StepContext, steps_for
from offerkit.plans.plan import Plan, PlanKind, Reason, Step
from offerkit.state.changes import delta
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.times import duration, instant, utc
from offerkit.usecases.argument_values import known_environments
from offerkit.usecases.rollback import plan_with_steps
from offerkit.usecases.session import Session, promotion_settings, who_is

if TYPE_CHECKING:
    from offerkit.usecases.catalogs import Catalogs

BATCH = 1_000
"""How many propositions one transaction deletes; calls are served between transactions."""


def plan_purge(session: Session, store: Store, names: tuple[str, ...]) -> Plan:
    """The plan that removes deactivated offers past their retention from live; the history keeps them."""
    settings = promotion_settings(store)
    known_environments(names, settings)
    stages = Stages(store)
    steps: list[Step] = []
    waiting = []
    bases = tuple(stage for n in (names or sorted(settings)) if (stage := StageRef(n, Stage.LIVE)) in stages.heads)
    for stage in bases:
        offers = stages.entries(stage, Kind.OFFER)
        deactivated = {address: entry for address, entry in offers.items() if entry.activation == ()}
        days = str(settings[stage.environment].get("retention", "90d"))
        limit = _before(session.now, days)
        expired = {}
        for address, change in store.last_change(stage, deactivated).items():
            revision = store.revision(change.serial)
            if revision is not None and revision.time <= limit:
                expired[address] = deactivated[address]
            else:
                waiting.append(kept_note(address, days))
        deltas = delta(stage, expired, {})
        stages.bodies.fetch(entry.fingerprint for entry in expired.values())
        steps += steps_for(deltas, StepContext(stages.bodies, {}, {}), dict.fromkeys(expired, Reason.RETENTION_OVER))
    return plan_with_steps(stages, PlanKind.PURGE, steps, tuple(waiting), bases)


def kept_note(address: Address, retention: str) -> str:
    """The note about a deactivated offer within its retention."""
    return f"{address} is kept: it was deactivated less than {retention} ago."


def may_be_kept(store: Store, plan: Plan) -> set[str]:
    """All notes that a purge may contain: one for each deactivated offer that is not removed."""
    settings, stages = promotion_settings(store), Stages(store)
    purged = {step.address for step in plan.steps}
    return {
        kept_note(address, str(settings[base.stage.environment].get("retention", "90d")))
        for base in plan.base
        for address, entry in stages.entries(base.stage, Kind.OFFER).items()
        if entry.activation == () and address not in purged
    }


def check_retention(session: Session, store: Store, plan: Plan) -> None:
    """Raise Refused if a purge removes an offer within its retention, whenever it was planned."""
    expired = {step.address for step in plan_purge(session, store, ()).steps}
    early = [step.address for step in plan.steps if step.address not in expired]
    if early:
        raise Refused(
            [
                Diagnostic(
                    Code.RETENTION,
                    f"{address} cannot be purged yet: its retention is not over",
                    "A removed offer stays in live for the retention of its environment.",
                    "Wait, or shorten promotion.retention in the environment.",
                    address,
                )
                for address in early
            ]
        )


@dataclass(frozen=True)
class ExpiredEvidence:
    """The evidence of a space past its ``retention``: how much is older than ``before`` (UTC)."""

    space: str
    retention: str
    before: str
    count: int


@dataclass(frozen=True)
class ExpiredPropositions:
    """The propositions of an environment past its dimension's ``retention`` (empty: unlimited).

    ``before``: in UTC, in the store's format. ``longest``: the longest period of presentation rules. ``evidence``:
    what its spaces kept of decisions and is past its own retention, or that of the propositions.
    """

    environment: str
    retention: str
    before: str
    count: int
    longest: timedelta
    evidence: tuple[ExpiredEvidence, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether presentation rules still count some of them."""
        return bool(self.retention) and self.longest > duration(self.retention)


def expired_propositions(session: Session, store: Store, names: Sequence[str] = ()) -> list[ExpiredPropositions]:
    """Expired propositions in the live environments ``names`` (default: all). Raises Refused for unknown names."""
    from offerkit.usecases.catalogs import live_catalogs  # imports the engine, which removing offers does not need

    catalogs = live_catalogs(store)
    unknown = [name for name in names if name not in catalogs]
    if unknown:
        raise refuse(
            Code.NO_MATCH,
            f"there is no live environment “{unknown[0][:80]}”",
            hint=suggestion(unknown[0], catalogs.names),
        )
    return [_of(store, catalogs, name, session.now) for name in names or catalogs.names if name in catalogs]


def purge_propositions(session: Session, expired: Sequence[ExpiredPropositions]) -> Iterator[int]:
    """Delete expired propositions and evidence, oldest first, and yield the size of each batch once it is committed.

    Only administrators may do this. An interrupted run has deleted whole batches; the next run finds the rest.
    """
    with session.writing() as store:
        actor = who_is(session, store)
        check_administrator(actor, "remove propositions")
        for propositions in expired:
            for evidence in propositions.evidence:
                place, count = (propositions.environment, evidence.space), BATCH
                while count == BATCH:
                    count = store.evidence.purge(*place, evidence.before, BATCH)
                    yield count
            while propositions.retention:
                count = store.purge_propositions(propositions.environment, propositions.before, BATCH)
                yield count
                if count < BATCH:
                    break
            if propositions.retention:
                for _ in store.purge_log(propositions.environment, propositions.before):
                    pass


def _of(store: Store, catalogs: Catalogs, name: str, now: str) -> ExpiredPropositions:
    catalog = catalogs[name]
    body = catalogs.snapshot(Address(SHARED, Kind.DIMENSION, catalog.dimension.name)) or {}
    history = body.get("history")
    retention = str(history.get("retention", "")) if isinstance(history, dict) else ""
    until = _before(now, retention) if retention else ""
    count = store.count_before(name, until) if retention else 0
    evidence = tuple(_evidence_of(store, catalogs, name, retention, now))
    return ExpiredPropositions(name, retention, until, count, catalog.longest_period, evidence)


def _evidence_of(
    store: Store, catalogs: Catalogs, environment: str, retention: str, now: str
) -> Iterator[ExpiredEvidence]:
    """The expired evidence of each space that ever kept some; it never outlives its propositions."""
    for name in store.evidence.spaces(environment):
        space = catalogs.space(environment, name)
        keeps = space.exists and space.model.storage.evidence
        own = space.model.storage.evidence_retention if keeps else _retention_once(store, environment, name)
        shorter = min(filter(None, (own, retention)), key=duration, default="")
        if shorter:
            before = _before(now, shorter)
            yield ExpiredEvidence(name, shorter, before, store.evidence.count_before(environment, name, before))


def _retention_once(store: Store, environment: str, name: str) -> str | None:
    """The retention of evidence that a space had when it last kept some: switching it off prolongs nothing."""
    address = Address(environment, Kind.SPACE, name)
    changes = store.changes_of(StageRef(environment, Stage.LIVE), [address])
    entries = [entry for change in reversed(changes) for entry in (change.after, change.before) if entry is not None]
    bodies = store.bodies({entry.fingerprint for entry in entries})
    for entry in entries:
        storage = orjson.loads(bodies[entry.fingerprint].text).get("storage", {})
        if storage.get("evidence"):
            retention = storage.get("evidence_retention")
            return None if retention is None else str(retention)
    return None


def _before(now: str, span: str) -> str:
    """The time ``span`` (such as ``180d``) before ``now``, in UTC."""
    return utc(instant(now) - duration(span))
