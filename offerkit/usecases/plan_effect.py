"""What a plan does to decisions: the states before and after it, and the catalogs compiled from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from offerkit.address import Address, Kind, Stage
from offerkit.engine.catalog import Catalog
from offerkit.plans.plan import Plan, PlanKind
from offerkit.state.changes import Change
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.catalogs import Catalogs, catalogs_as_design, catalogs_as_live
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.installed_hooks import load_hooks
from offerkit.usecases.session import Session


@dataclass(frozen=True)
class PlanEffect(BeforeAfter):
    """The states of the stage that a plan changes, before and after it, with their catalogs.

    ``stage``: live for a promotion and a rollback of live; otherwise design, as if every offer in it were approved.
    """

    catalogs_before: Catalogs
    catalogs_after: Catalogs
    stage: Stage

    def old_name(self, kind: Kind, environment: str, name: str) -> str:
        """The name of a resource before the plan."""
        old = self.origins.get(Address(environment, kind, name))
        return old.name if old else name

    def catalog(self, name: str) -> Catalog:
        """The catalog of an environment after the plan, or before it if the plan removes the environment."""
        return self._catalogs(name)[name]

    def _catalogs(self, name: str) -> Catalogs:
        return self.catalogs_after if name in self.catalogs_after else self.catalogs_before

    def identifying(self, name: str) -> set[str]:
        """The fields that identify contacts of an environment: its dimension's key, and the keys that its
        spaces use.
        """
        snapshot, catalog = self._catalogs(name).snapshot, self.catalog(name)
        named: set[str] = set()
        for space in catalog.spaces:
            match snapshot(Address(name, Kind.SPACE, space)):
                case {"identification": {"keys": list(keys)}}:
                    named |= {str(key) for key in keys}
                case _:
                    pass
        return {*catalog.dimension.key, *named}

    @contextmanager
    def people(self, session: Session) -> Iterator[Callable[[str], ContactSources]]:
        """The contact sources by environment: those after the plan, or before it if the plan removes the
        environment.
        """
        root, environ = session.project.root, session.environ
        after, before = self.catalogs_after, self.catalogs_before
        with ContactSources(after, root, environ) as later, ContactSources(before, root, environ) as earlier:
            yield lambda name: later if name in after else earlier

    @property
    def titles(self) -> tuple[str, str]:
        """Where each of the two states is declared. A promotion makes live what design declares."""
        return ("live", "design") if self.stage is Stage.LIVE else ("design", "the specs")


def plan_effect(plan: Plan, store: Store | None, stages: Stages | None = None) -> PlanEffect:
    """The effect of ``plan`` on the store as it is now; without a store, on an empty one.

    ``stages``: the store's stages, if parts of them are loaded already.
    """
    stage = deciding_stage(plan) if store is not None else Stage.DESIGN
    stages = stages or Stages(store)
    states = stages.effect(plan, stage)
    effect = effect_of(states.before, states.after, states.changes, stage, stages)
    if stage is Stage.DESIGN:
        return effect
    names = {old: new for new, old in states.origins.items()}
    return replace(
        effect,
        catalogs_before=replace(effect.catalogs_before, stops=stages.stops),
        catalogs_after=replace(effect.catalogs_after, stops=stages.stops.along(names)),
    )


def deciding_stage(plan: Plan) -> Stage:
    """The stage whose decisions ``plan`` is about: live for a promotion and a rollback of live, otherwise design."""
    goes_live = plan.kind is PlanKind.PROMOTE or (plan.kind is PlanKind.ROLLBACK and bool(plan.steps_on(Stage.LIVE)))
    return Stage.LIVE if goes_live else Stage.DESIGN


def effect_of(
    before: Snapshot, after: Snapshot, changes: Iterable[Change], stage: Stage, stages: Stages | None = None
) -> PlanEffect:
    """The effect of ``changes`` on ``before``: on live, or on design as if every offer in it were approved.

    ``stages``: those of the store, to count what was proposed under former names.
    """
    if stage is Stage.LIVE:
        catalogs_before, catalogs_after = catalogs_as_live(before, load_hooks), catalogs_as_live(after, load_hooks)
    else:
        catalogs_before, catalogs_after = (
            catalogs_as_design(before, "design", load_hooks),
            catalogs_as_design(after, "the specs", load_hooks),
        )
    if stages is not None:
        catalogs_before, catalogs_after = catalogs_before.counting_by(stages), catalogs_after.counting_by(stages)
    return PlanEffect(before, after, tuple(changes), catalogs_before, catalogs_after, stage)
