"""The two sides of a plan for the engine: the stage that it changes as it is, and as it would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from offerkit.address import Address, Kind, Stage
from offerkit.engine.catalog import Catalog
from offerkit.planning.plan import Plan, PlanKind
from offerkit.state.snapshot import BeforeAfter
from offerkit.store import Store
from offerkit.store.views import Stages
from offerkit.workflow.catalogs import Catalogs, activated, designed
from offerkit.workflow.hooks import installed
from offerkit.workflow.people import People
from offerkit.workflow.session import Session


@dataclass(frozen=True)
class Sides:
    """What a plan does to decisions: ``states`` as they are and will be, and the catalogs of both."""

    states: BeforeAfter
    before: Catalogs
    later: Catalogs
    stage: Stage

    def old_name(self, kind: Kind, environment: str, name: str) -> str:
        """What ``name`` was called before."""
        old = self.states.origins.get(Address(environment, kind, name))
        return old.name if old else name

    def catalog(self, name: str) -> Catalog:
        """The catalog of an environment as it will be; as it was, if the plan removes it."""
        return (self.later if name in self.later else self.before)[name]

    def identifying(self, name: str) -> set[str]:
        """The fields by which contacts of an environment are found: its dimension's key, and those that spaces name."""
        side, catalog = self.later if name in self.later else self.before, self.catalog(name)
        named: set[str] = set()
        for space in catalog.spaces:
            match side.view(Address(name, Kind.SPACE, space)):
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


def sides(plan: Plan, store: Store | None, stages: Stages | None = None) -> Sides:
    """Live for a promotion; else design, as if every offer in it were approved. No store: nothing was before.

    ``stages``: the store's, where some of it was read already.
    """
    side = Stage.LIVE if plan.kind is PlanKind.PROMOTE and store is not None else Stage.DESIGN
    states = (stages or Stages(store)).effect(plan, side)
    if side is Stage.LIVE:
        return Sides(states, activated(states.before, installed), activated(states.after, installed), side)
    return Sides(
        states, designed(states.before, "design", installed), designed(states.after, "the specs", installed), side
    )
