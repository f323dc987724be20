"""When promotions are possible: the windows and freezes of environments, and overrides of them.

All that live and design declare is held to, as with other gates: a promotion cannot lift the freeze that it must pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from offerkit.address import SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Diagnostic, Refused, Severity
from offerkit.fingerprint import Json, canonical, digest
from offerkit.governance.authors import Authors
from offerkit.governance.overrides import Obstacle, Override, OverrideKind
from offerkit.governance.promotion_calendar import (
    Closure,
    PromotionCalendar,
    closed_diagnostics,
    closure_obstacle,
    closures,
    next_opening,
)
from offerkit.governance.settings import environments_of
from offerkit.plans.plan import Plan, PlanKind
from offerkit.store import Store, scheduled
from offerkit.store.stage_snapshots import Stages, rolled_back_settings
from offerkit.times import instant
from offerkit.usecases.session import Session


def check_open(session: Session, store: Store, plan: Plan, operator: str) -> list[Override]:
    """The overrides that let ``operator`` promote ``plan`` now. Raises Refused in a freeze, or outside of a window."""
    if not plan.promotes:
        return []
    found, lifted = closed_at(Stages(store), promoted_environments(store, plan), instant(session.now), operator)
    if found:
        raise Refused(found)
    return lifted


def foreseen(store: Store, plan: Plan, moment: datetime, operator: str) -> list[Diagnostic]:
    """Warnings of what will be against ``operator``'s promotion of ``plan`` at ``moment``, by what holds now."""
    found, _ = closed_at(Stages(store), promoted_environments(store, plan), moment, operator)
    return [
        Diagnostic(one.code, f"then, {one.summary}", one.detail, one.hint, one.address, severity=Severity.WARNING)
        for one in found
    ]


def closed_at(
    stages: Stages, environments: Iterable[str], moment: datetime, operator: str
) -> tuple[list[Diagnostic], list[Override]]:
    """What keeps ``operator`` from promoting to some environments at ``moment``; the overrides that lift the rest."""
    calendars = calendars_of(stages, environments)
    lifted: list[Override] = []
    held: list[Closure] = []
    own: list[Closure] = []
    for closure in closures(calendars, moment):
        override = _override(stages, closure)
        if override is None:
            held.append(closure)
        elif stages.names.operator(override.operator, override.revision) == operator:
            own.append(closure)
        else:
            lifted.append(override)
    opening = next_opening(calendars, moment) if held or own else None
    return [*closed_diagnostics([*held, *own], opening, own)], lifted


def promoted_environments(store: Store, plan: Plan) -> list[str]:
    """The environments whose live stage ``plan`` changes; for what is shared, those that use it."""
    addresses = {step.address for step in plan.steps_on(Stage.LIVE)}
    names = {address.environment for address in addresses} - {SHARED}
    if shared := [address for address in addresses if address.environment == SHARED]:
        stages = Stages(store)
        views = (stages.side(Stage.LIVE), stages.side(Stage.DESIGN))
        for address in shared:
            names.update(environments_of(address, *views) if address.kind is Kind.DIMENSION else stages.environments)
    return sorted(names)


def calendars_of(stages: Stages, environments: Iterable[str]) -> list[PromotionCalendar]:
    """All that live, design and what rollbacks took out of live declare for some environments."""
    store = stages.store
    assert store is not None
    rolled_back = bool(store.revisions(action=PlanKind.ROLLBACK, limit=1))
    calendars: list[PromotionCalendar] = []
    for name in environments:
        address = environment_address(name)
        bodies = [
            stages.snapshot([StageRef(name, side)], Kind.ENVIRONMENT)(address) for side in (Stage.LIVE, Stage.DESIGN)
        ]
        if rolled_back and bodies[0] is not None:
            bodies += rolled_back_settings(store, name)
        calendars += filter(None, (PromotionCalendar.of(name, body) for body in bodies))
    return calendars


def obstacles(stages: Stages, now: datetime) -> Iterator[Obstacle]:
    """Freezes, and gaps between windows, that hold ``now`` or when a promotion is scheduled: for what waits now.

    Their authors are those of everything that waits in the environment.
    """
    store = stages.store
    assert store is not None
    moments = [(now, stages.environments)]
    moments += [(instant(one.due), list(one.environments)) for one in scheduled.scheduled(store.database)]
    found = {closure for moment, names in moments for closure in closures(calendars_of(stages, names), moment)}
    written: dict[str, set[str]] = {}
    for closure in sorted(found, key=lambda one: (one.environment, one.meaning, str(one.until))):
        if _override(stages, closure) is not None:
            continue
        if closure.environment not in written:
            written[closure.environment] = waiting_authors(stages, closure.environment)
        yield closure_obstacle(closure, _changes(stages, closure.environment), written[closure.environment])


def waiting_authors(stages: Stages, environment: str) -> set[str]:
    """Whoever wrote anything that waits in an environment, or in its dimension."""
    store = stages.store
    assert store is not None
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    authors = Authors(store, design, lambda: live)

    def waits(address: Address) -> bool:
        shared = address.environment == SHARED and address.kind is not Kind.DIMENSION
        campaign = address.kind is Kind.CAMPAIGN
        return not shared and not campaign and environment in environments_of(address, design, live)

    return authors.of_changes(filter(waits, {*design.entries, *live.entries}))


def _override(stages: Stages, closure: Closure) -> Override | None:
    print_ = closure.fingerprint(_changes(stages, closure.environment))
    return stages.overrides.lifting(OverrideKind.CALENDAR, closure.address, print_)


def _changes(stages: Stages, environment: str) -> str:
    """What waits in an environment: its design and live, with the dimensions. Once any of it changes, an override
    lifts nothing any more, also when it is changed back: the revisions of the last changes count as well.
    """
    store = stages.store
    assert store is not None
    facts: list[Json] = []
    for side in (Stage.DESIGN, Stage.LIVE):
        base = stages.base(StageRef(environment, side))
        dimensions = stages.entries(StageRef(SHARED, side), Kind.DIMENSION)
        changes = store.last_change(StageRef(SHARED, side), dimensions)
        entries: dict[str, Json] = {
            str(address): [entry.fingerprint, changes[address].serial if address in changes else 0]
            for address, entry in dimensions.items()
        }
        facts += [base.revision, base.digest, entries]
    return digest(b"waiting", canonical(facts))
