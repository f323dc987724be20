"""Opens what commands need to decide: catalogs, contacts and the store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from offerkit.address import Stage
from offerkit.diagnostics import Code, refuse
from offerkit.engine.reasons import Finding
from offerkit.specs import Loaded
from offerkit.specs.record import Mistake
from offerkit.state.names import FirstNames
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.catalogs import Catalogs, catalogs_as_design, live_catalogs
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.installed_hooks import load_hooks
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import NamedState, state_named

STAGES = ("specs", Stage.DESIGN.value, Stage.LIVE.value)


@dataclass(frozen=True)
class StageEngine:
    """The catalogs of a stage and their contacts; ``store`` is None before the first apply."""

    catalogs: Catalogs
    people: ContactSources
    store: Store | None


@contextlib.contextmanager
def open_live(session: Session, *, write: bool) -> Iterator[tuple[Catalogs, ContactSources, Store]]:
    """Open what is live, with the store; for writing propositions if ``write``."""
    session.backend.require_local()
    opened = session.writing() if write else session.existing()
    with opened as store:
        catalogs = live_catalogs(store, load_hooks)
        with ContactSources(catalogs, session.project.root, session.environ) as people:
            yield catalogs, people, store


@contextlib.contextmanager
def open_stage(session: Session, stage: str) -> Iterator[StageEngine]:
    """Open the specs, design or live for inspection. In the first two, offers count as approved on all their spaces."""
    session.backend.require_local()
    if stage not in STAGES:
        raise refuse(Code.BAD_POINT, f"there is no stage {stage[:60]}", hint=f"One of: {', '.join(STAGES)}.")
    with session.reading() as store:
        if stage == Stage.LIVE and store is not None:
            catalogs = live_catalogs(store, load_hooks)
        else:
            state = state_named(session, store, stage, cases=False)
            catalogs = catalogs_as_design(state, state.title, load_hooks)
            if store is not None:
                catalogs = _counting(catalogs, state, Stages(store))
        with ContactSources(catalogs, session.project.root, session.environ) as people:
            yield StageEngine(catalogs, people, store)


def _counting(catalogs: Catalogs, state: NamedState, stages: Stages) -> Catalogs:
    """``catalogs`` of ``state`` with the names that propositions of its resources may have."""
    design = stages.side(Stage.DESIGN).origins
    if not state.names and not design:
        return catalogs
    first = {address: design.of(state.names.get(address, address)) for address in state.entries}
    named = {address: name for address, name in first.items() if name != address.name}
    return catalogs.counting_by(stages, Snapshot(state.entries, state.bodies, origins=FirstNames(named)))


class RulePositions:
    """Where the rules of a stage stand in the specs, as long as specs and stage agree."""

    def __init__(self, session: Session, catalogs: Catalogs) -> None:
        """The specs are read when the first position is asked for."""
        self._session, self._catalogs = session, catalogs
        self._loaded: Loaded | None = None

    def __call__(self, finding: Finding) -> str:
        """``file:line:column`` of the rule that ``finding`` is about; empty if the specs have changed since."""
        if not finding.address:
            return ""
        if self._loaded is None:
            self._loaded = self._session.load(cases=False)
        record = self._loaded.records.get(finding.address)
        entry = self._catalogs.snapshot.entries.get(finding.address)
        if record is None or entry is None or record.fingerprint != entry.fingerprint:
            return ""
        mistake = Mistake(record, finding.path, Code.EXPRESSION, "", offset=finding.offset if finding.text else None)
        placed = self._loaded.placed([mistake])[0].position
        return str(placed) if placed is not None else ""
