"""Catalogs for the engine, compiled from a state environment by environment when first used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from offerkit.address import SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.engine.bounded_cache import BoundedCache
from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.compile import compile_catalog
from offerkit.engine.evidence import EvidenceScope, counted_conditions, fields_read
from offerkit.engine.extra_data import ExtraData
from offerkit.engine.hooks import NO_HOOKS, Hooks
from offerkit.engine.identify import IdentifyingSpace
from offerkit.fingerprint import JsonMap
from offerkit.governance.stops import Stops, stop_sentence
from offerkit.models.space import Space
from offerkit.plans.plan import Reason
from offerkit.state.former_names import FormerNames
from offerkit.state.snapshot import Snapshot
from offerkit.store import StageHead, Store
from offerkit.store.stage_snapshots import Stages

if TYPE_CHECKING:
    from offerkit.models.status import Status
    from offerkit.usecases.content_renderer import ContentRenderer

FORMS = 1_000
"""How many forms of calls are remembered."""
HookLoader = Callable[[Mapping[Address, JsonMap]], Hooks]
"""Maps the bodies of a catalog to the hooks that they name."""


def no_hooks(bodies: Mapping[Address, JsonMap]) -> Hooks:
    return NO_HOOKS


@dataclass
class Catalogs:
    """The catalogs of one stage at one moment, each compiled when first used."""

    snapshot: Snapshot
    names: tuple[str, ...]
    activated: Callable[[Address], tuple[str, ...]]
    revisions: Mapping[str, int]
    hooks: HookLoader = no_hooks
    stage: str = Stage.LIVE
    stops: Stops | None = None
    former_names: Mapping[str, FormerNames] = field(default_factory=dict)
    """By environment, what propositions may call otherwise."""
    forms: BoundedCache[Hashable, SpaceForm] = field(default_factory=lambda: BoundedCache(FORMS), init=False)
    """By what calls ask, the forms they share (:mod:`offerkit.usecases.space_calls`)."""
    _compiled: dict[str, Catalog] = field(default_factory=dict)
    _spaces: dict[tuple[str, str], LiveSpace] = field(default_factory=dict)

    def __getitem__(self, environment: str) -> Catalog:
        """The catalog of ``environment``. Raises Refused if the stage has no such environment."""
        if environment not in self._compiled:
            self._compiled[environment] = self._compile(environment)
        return self._compiled[environment]

    def space(self, environment: str, space: str) -> LiveSpace:
        """A space of this stage with everything derived from it so far; the stage possibly lacks it."""
        live_space = self._spaces.get((environment, space))
        if live_space is None:
            live_space = LiveSpace(self, environment, space)
            if live_space.exists:  # made-up names in calls must not fill the cache
                self._spaces[environment, space] = live_space
        return live_space

    def __contains__(self, environment: object) -> bool:
        return environment_address(str(environment)) in self.snapshot.entries

    def _compile(self, environment: str) -> Catalog:
        if environment not in self:
            known = [name for name in self.names if name in self]
            raise refuse(
                Code.UNKNOWN_SPACE,
                f"there is no environment “{environment[:80]}” in {self.stage}",
                hint=suggestion(environment, known, "“offerkit promote” takes what is approved from design to live."),
            )
        bodies = deciding_bodies(self.snapshot, environment)
        offers = {address: self.activated(address) for address in self.snapshot.of_kind(Kind.OFFER, environment)}
        hooks = self.hooks(bodies)
        revision = self.revisions.get(environment, 0)
        return compile_catalog(
            environment,
            bodies,
            offers,
            hooks,
            revision=revision,
            stopped=self._stopped(environment),
            former_names=self.former_names.get(environment, ()),
        )

    def counting_by(self, stages: Stages, view: Snapshot | None = None) -> Catalogs:
        """These catalogs, not yet compiled, with the names that propositions in the store of ``stages`` may have.

        ``view``: their state with the first names of its resources, if their own snapshot lacks them.
        """
        former = {name: stages.former_names(view or self.snapshot, name) for name in _names(self.snapshot)}
        return replace(self, former_names=former) if any(former.values()) else self

    def after_stops(self, store: Store, heads: Mapping[StageRef, StageHead]) -> Catalogs | None:
        """The catalogs that are live now if only stops changed since ``heads``; otherwise None.

        Compiled catalogs are reused except for the stopped offers, so that a stop takes effect without recompiling.
        """
        current_heads = store.heads()
        live = [stage for stage in current_heads if stage.stage is Stage.LIVE]
        if {*live} != {stage for stage in heads if stage.stage is Stage.LIVE}:
            return None
        entries = {**self.snapshot.entries}
        for stage in live:
            if current_heads[stage] == heads[stage]:
                continue
            for row in store.changes_since(stage, heads[stage].revision):
                entry = entries.get(row.address)
                if row.reason != Reason.STOPPED or row.after is None or entry is None or row.before != entry:
                    return None
                if row.moved_from or row.after.fingerprint != entry.fingerprint:
                    return None
                entries[row.address] = row.after
        view = self.snapshot.with_entries(entries)
        catalogs = catalogs_as_live(view, self.hooks)
        catalogs = replace(
            catalogs,
            names=self.names,
            revisions=_revisions(current_heads),
            stops=Stages(store).stops,
            former_names=self.former_names,
        )
        for name, catalog in self._compiled.items():
            catalogs._compiled[name] = catalogs._reused(catalog, name)
        return catalogs

    def _reused(self, catalog: Catalog, environment: str) -> Catalog:
        """``catalog`` with the current activation and stops of its offers; nothing is recompiled."""
        stopped = self._stopped(environment)
        offers = []
        for offer in catalog.offers:
            spaces = frozenset(self.activated(offer.address))
            why = stopped.get(offer.address, {})
            unchanged = spaces == offer.spaces and why == offer.stopped
            offers.append(offer if unchanged else replace(offer, spaces=spaces, stopped=why))
        return replace(catalog, offers=tuple(offers), revision=self.revisions.get(environment, 0))

    def _stopped(self, environment: str) -> dict[Address, dict[str, str]]:
        """By offer and space, the reason why it is stopped there."""
        reasons: dict[Address, dict[str, str]] = {}
        if self.stops:
            spaces = [address.name for address in self.snapshot.of_kind(Kind.SPACE, environment)]
            for offer in self.snapshot.of_kind(Kind.OFFER, environment):
                rows = ((space, self.stops.on(self.snapshot, offer, space)) for space in spaces)
                reasons[offer] = {space: stop_sentence(row) for space, row in rows if row is not None}
        return reasons


class LiveSpace:
    """One space of a stage: how it identifies contacts, renders and stores.

    Each part is computed when first used and kept as long as the stage's catalogs.
    """

    def __init__(self, catalogs: Catalogs, environment: str, space: str) -> None:
        """``space``: its name in ``environment``."""
        self._catalogs, self._environment, self._space = catalogs, environment, space
        self._renderers: dict[tuple[str, Status | None], ContentRenderer] = {}
        self._status_data: dict[Status, ExtraData | None] = {}

    @property
    def address(self) -> Address:
        return Address(self._environment, Kind.SPACE, self._space)

    @cached_property
    def exists(self) -> bool:
        """Whether the stage has this space."""
        return self.address in self._catalogs.snapshot.entries

    @cached_property
    def model(self) -> Space:
        """The space's model. Raises pydantic.ValidationError if the stage has no such space."""
        return Space.model_validate(self._catalogs.snapshot(self.address))

    @property
    def catalog(self) -> Catalog:
        """The catalog of the space's environment."""
        return self._catalogs[self._environment]

    @cached_property
    def identification(self) -> IdentifyingSpace:
        """How the space identifies contacts (domain.md §3, step 1)."""
        identification = self.model.identification
        # A fallback that is not live cannot answer.
        linked = identification.fallback or ""
        environment, _, space = linked.partition("/")
        fallback_exists = environment in self._catalogs and self._catalogs.space(environment, space).exists
        anonymous = self.catalog.anonymous
        return IdentifyingSpace(
            self._environment,
            self._space,
            anonymous,
            identification.implicit or anonymous,
            linked if fallback_exists else "",
            identification.anonymous_categories,
            identification.keys,
        )

    def renderer(self, status_base: str = "", clicked: Status | None = None) -> ContentRenderer:
        """The space's renderer; for the arguments see :class:`ContentRenderer`."""
        key = status_base, clicked
        known = self._renderers.get(key)
        if known is None:
            # Loads the template language: deciding needs none of it.
            from offerkit.usecases.content_renderer import ContentRenderer

            known = ContentRenderer(self._catalogs.snapshot, self.catalog, self._space, status_base, clicked)
            self._renderers[key] = known
        return known

    @cached_property
    def proposed_data(self) -> ExtraData:
        """The extra data stored with a proposition when it is made."""
        return self._extra("proposed_data", self.model.storage.proposed_data)

    @property
    def evidence(self) -> EvidenceScope | None:
        """What is kept of decisions on the space; None if it keeps no evidence."""
        return self.reads if self.model.storage.evidence else None

    @cached_property
    def reads(self) -> EvidenceScope:
        """What decisions on the space, and the content of its offers, can read of contact, call data and history."""
        catalog, space = self.catalog, self._space
        offers = [offer.name for offer in catalog.offers if space in offer.spaces]
        fields = fields_read(catalog, space) | self.renderer().fields_read(offers)
        contact = frozenset(name for owner, name in fields if owner == catalog.dimension.name)
        data = frozenset(name for owner, name in fields if owner == "interaction")
        return EvidenceScope(contact, data, counted_conditions(catalog, space))

    def status_data(self, status: Status) -> ExtraData | None:
        """The extra data stored with a proposition that gets ``status``; None if nothing is."""
        if status not in self._status_data:
            storage = self.model.storage
            moment, expressions = f"status_data.{status}", storage.status_data.declared.get(status, {})
            if status == storage.accepted and storage.accepted_data:
                moment, expressions = "accepted_data", storage.accepted_data
            self._status_data[status] = self._extra(moment, expressions) if expressions else None
        return self._status_data[status]

    def _extra(self, moment: str, expressions: dict[str, str]) -> ExtraData:
        return ExtraData(self.catalog, self.address, moment, expressions)


class SpaceForm(NamedTuple):
    """What all calls share that ask the same of a space: all that depends on no contact, call data or moment.

    ``call``: checked, without what is each call's own.
    """

    environment: str
    space: str
    catalog: Catalog
    call: Call
    live_space: LiveSpace
    renderer: ContentRenderer
    outputs: tuple[str, ...]
    stores: bool
    batch: bool
    channel: str
    status: str
    evidence: EvidenceScope | None


def deciding_bodies(view: Snapshot, environment: str, *, without: Collection[Kind] = ()) -> dict[Address, JsonMap]:
    """The bodies that decisions in ``environment`` depend on: its own and the shared ones, without campaigns or
    operators. ``without``: other kinds to leave out.
    """
    bodies: dict[Address, JsonMap] = {}
    addresses = [*view.of_kind(Kind.DIMENSION)]
    left_out = {Kind.CAMPAIGN, Kind.CASES, Kind.POLICY, *without}
    for kind in Kind:
        addresses += view.of_kind(kind, environment) if kind not in left_out else ()
    for address in addresses:
        body = view(address)
        if body is not None:
            bodies[address] = body
    return bodies


def live_catalogs(store: Store, hooks: HookLoader = no_hooks) -> Catalogs:
    """The catalogs of what is live, in all environments."""
    stages = Stages(store)
    catalogs = catalogs_as_live(stages.side(Stage.LIVE), hooks).counting_by(stages)
    return replace(catalogs, names=tuple(stages.environments), revisions=_revisions(stages.heads), stops=stages.stops)


def _revisions(heads: Mapping[StageRef, StageHead]) -> dict[str, int]:
    """By environment, the last revision that changed its live stage or the shared resources."""
    revisions = {stage.environment: head.revision for stage, head in heads.items() if stage.stage is Stage.LIVE}
    shared = revisions.pop(SHARED, 0)
    return {name: max(serial, shared) for name, serial in revisions.items()}


def live_revision(store: Store, environment: str) -> int:
    """The last revision that changed an environment's live stage or the shared resources, as in
    :func:`live_catalogs`.
    """
    heads = store.heads()
    return max(
        heads[stage].revision for name in (environment, SHARED) if (stage := StageRef(name, Stage.LIVE)) in heads
    )


def catalogs_as_live(view: Snapshot, hooks: HookLoader = no_hooks) -> Catalogs:
    """Catalogs of a live state: offers are on the spaces where they are activated."""
    return Catalogs(view, _names(view), lambda address: view.entries[address].activation or (), {}, hooks)


def catalogs_as_design(view: Snapshot, title: str, hooks: HookLoader = no_hooks) -> Catalogs:
    """Catalogs of a design state or of specs, as if every offer were approved on all its spaces."""
    return Catalogs(view, _names(view), lambda address: view.offer(address).shown_on, {}, hooks, title)


def _names(view: Snapshot) -> tuple[str, ...]:
    return tuple(sorted(address.name for address in view.of_kind(Kind.ENVIRONMENT)))
