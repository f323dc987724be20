"""The two sides of a plan for the engine: the stage that it changes as it is, and as it would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from offerkit.address import SHARED, Kind, Stage, parse_address
from offerkit.engine.catalog import Catalog
from offerkit.planning.plan import Plan, PlanKind, Step
from offerkit.state.changes import with_changes
from offerkit.state.entries import Layered
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.views import StoredBodies, stage_view
from offerkit.workflow.catalogs import Catalogs, after, designed, live
from offerkit.workflow.hooks import installed
from offerkit.workflow.people import People
from offerkit.workflow.points import Point
from offerkit.workflow.session import Session


@dataclass(frozen=True)
class Sides:
    """``renamed``: where what the plan renames stood before, by the address that it will have."""

    before: Catalogs
    later: Catalogs
    stage: Stage
    renamed: Mapping[str, str]
    steps: tuple[Step, ...]

    def old_name(self, kind: Kind, environment: str, name: str) -> str:
        """What ``name`` was called before."""
        old = self.renamed.get(f"{environment}/{kind}.{name}")
        return parse_address(old).name if old else name

    def catalog(self, name: str) -> Catalog:
        """The catalog of an environment as it will be; as it was, if the plan removes it."""
        return (self.later if name in self.later else self.before)[name]

    def identifying(self, name: str) -> set[str]:
        """The fields by which contacts of an environment are found: its dimension's key, and those that spaces name."""
        side, catalog = self.later if name in self.later else self.before, self.catalog(name)
        named: set[str] = set()
        for space in catalog.spaces:
            match side.view(f"{name}/{Kind.SPACE}.{space}"):
                case {"identification": {"keys": list(keys)}}:
                    named |= {str(key) for key in keys}
                case _:
                    pass
        return {*catalog.dimension.key, *named}

    @contextmanager
    def people(self, session: Session) -> Iterator[Callable[[str], People]]:
        """The contacts by environment, from the source that it will have; as it was, if the plan removes it."""
        root, environ = session.project.root, session.environ
        with People(self.later, root, environ) as later, People(self.before, root, environ) as before:
            yield lambda name: later if name in self.later else before

    @property
    def titles(self) -> tuple[str, str]:
        """Where each side is said: what a promotion makes of live stands in design."""
        return ("live", "design") if self.stage is Stage.LIVE else ("design", "the specs")

    @property
    def names(self) -> list[str]:
        """The environments on either side, sorted."""
        return sorted({name for side in (self.before, self.later) for name in side.names if name in side})

    @property
    def touched(self) -> list[str]:
        """The environments in which the plan changes what decides; all when it changes what they share."""
        idle = (Kind.CAMPAIGN, Kind.OPERATOR)
        deciding = [step for step in self.steps if parse_address(step.address).kind not in idle]
        stages = {step.stage.partition("@")[0] for step in deciding}
        return [name for name in self.names if SHARED in stages or name in stages]


def sides(plan: Plan, store: Store | None) -> Sides:
    """Live for a promotion; else design, as if every offer in it were approved. No store: nothing was before."""
    stage = Stage.LIVE if plan.kind is PlanKind.PROMOTE and store is not None else Stage.DESIGN
    steps = tuple(step for step in plan.steps if step.stage.endswith(f"@{stage}"))
    renamed = {step.address: step.moved_from for step in steps if step.moved_from}
    if stage is Stage.LIVE and store is not None:
        return Sides(live(store, installed), after(plan, store, installed), stage, renamed, steps)
    was = stage_view(store, Stage.DESIGN) if store is not None else Snapshot({}, {})
    entries = with_changes(was.entries, steps)
    bodies = Layered(plan.bodies, StoredBodies(store)) if store is not None else plan.bodies
    before = Point("design", was.entries, was.bodies, frozenset(), Stage.DESIGN)
    later = Point("the specs", entries, bodies, frozenset(), Stage.DESIGN)
    return Sides(designed(before, installed), designed(later, installed), stage, renamed, steps)
