"""``export``: writes stages of the store as the YAML files of a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from offerkit.address import ADMINISTRATIVE_KINDS, SECTION_OF, SHARED, Address, Kind, Stage, StageRef, parse_stage
from offerkit.diagnostics import Code, refuse
from offerkit.state.changes import Body, Entry
from offerkit.state.references import references_of
from offerkit.store import Store
from offerkit.store.stage_snapshots import environments
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import serial_of, zone_of, zone_said

LIMIT = 4 * 1024 * 1024
"""The size in bytes at which files are split; loading refuses files over 16 MiB."""
_REFERRING = (Kind.SPACE, Kind.RULE, Kind.CAMPAIGN)
"""Kinds that may refer to other environments, or to offers."""


@dataclass
class Exported:
    """The stages and resources to write, with their bodies and notes for the user."""

    stages: list[StageRef] = field(default_factory=list)
    entries: dict[Address, Entry] = field(default_factory=dict)
    bodies: dict[str, Body] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def body(self, address: Address) -> str:
        """The canonical body at ``address``."""
        return self.bodies[self.entries[address].fingerprint].text


def export(session: Session, stage: str, target: Path, *, force: bool = False) -> tuple[Exported, int]:
    """Write the YAML of a stage into the folder ``target``; returns what was exported, and the number of files.

    Raises Refused if there is no such stage, or ``target`` is not empty and ``force`` is not set.
    """
    from offerkit.specs.cases import own_files
    from offerkit.specs.write_files import check_target, write_project

    check_target(target, force=force)
    with session.existing() as store, store.reading():
        exported = _Collector(store, _refs(store, stage)).collect()
    with session.progress("Writing", len(exported.entries)) as advance:
        files = {}
        for path, text, count in texts(exported):
            files[path] = text.encode()
            advance(count)
    files = {**(own_files(target) if force else {}), **files}
    write_project(target, files, force=force)
    return exported, len(files)


def _refs(store: Store, text: str) -> list[StageRef]:
    side, _, at = text.partition(":")
    try:
        refs = [StageRef(name, Stage(side), at or None) for name in environments(store)]
    except ValueError:
        try:
            refs = [parse_stage(text)]
        except ValueError as error:
            hint = "Examples: recipients@live, recipients@design:12, or live (all environments)."
            raise refuse(Code.BAD_POINT, str(error), hint=hint) from None
    known = dict.fromkeys(environments(store))
    for ref in refs:
        if ref.environment != SHARED and ref.environment not in known:
            stages = ", ".join(StageRef(name, side) for name in known for side in Stage)
            raise refuse(Code.BAD_POINT, f"there is no environment “{ref.environment}”", hint=f"Stages: {stages}.")
    return refs


class _Collector:
    """Collects the stages, and what is needed to load them."""

    def __init__(self, store: Store, refs: list[StageRef]) -> None:
        self._store = store
        self._refs = refs
        self._stage = refs[0].stage
        self._heads = store.heads()
        zone = zone_of(store, refs)
        self._serial = None if refs[0].at is None else serial_of(store, refs[0], zone)
        self._dormant: dict[Address, Entry] = {}
        self.exported = Exported()
        if said := zone_said(refs[0].at, zone):
            self.exported.notes.append(f"It is revision {self._serial}, the last one at {refs[0].at}{said}.")

    def collect(self) -> Exported:
        """Collect everything. Raises Refused if the stages are empty."""
        exported = self.exported
        self._shared()
        for ref in self._refs:
            if ref.environment == SHARED:
                exported.stages.append(StageRef(SHARED, self._stage))
            else:
                self._environment(ref.environment)
        environments = {ref.environment for ref in self._refs}
        if not any(address.environment in environments for address in exported.entries):
            raise refuse(
                Code.NO_MATCH,
                f"{self._refs[0]} is empty",
                hint="“offerkit history” lists what was applied and promoted, and when.",
            )
        self._campaigns_that_load()
        return exported

    def _shared(self) -> None:
        if self._stage is Stage.DESIGN:
            self._take(self._entries(SHARED, Stage.DESIGN))
        else:
            self._take(self._entries(SHARED, Stage.LIVE))
            for kind in ADMINISTRATIVE_KINDS:
                self._take(self._entries(SHARED, Stage.DESIGN, kind))

    def _environment(self, name: str) -> None:
        """Collect an environment, and those that its spaces fall back to."""
        stage = StageRef(name, self._stage)
        if stage in self.exported.stages:
            return
        self.exported.stages.append(stage)
        entries = self._entries(name, self._stage)
        if self._stage is Stage.DESIGN:
            entries |= self._entries(name, Stage.LIVE, Kind.CAMPAIGN)
        self._dormant |= {address: entry for address, entry in entries.items() if entry.activation == ()}
        entries = {address: entry for address, entry in entries.items() if entry.activation != ()}
        self._take(entries)
        for address in entries:
            if address.kind is Kind.CAMPAIGN:
                continue
            for target in self._references(address):
                if target in self._dormant:
                    self._take({target: self._dormant.pop(target)})
                    self.exported.notes.append(
                        f"{target} is no longer active; it is included because {address} refers to it."
                    )
                elif (
                    target.environment not in (name, SHARED)
                    and StageRef(target.environment, self._stage) not in self.exported.stages
                ):
                    self.exported.notes.append(
                        f"{target.environment}@{self._stage} is included because {address} refers to it."
                    )
                    self._environment(target.environment)

    def _campaigns_that_load(self) -> None:
        """Leave out campaigns that refer to something that is not exported: they could not be loaded."""
        for address in [a for a in self.exported.entries if a.kind is Kind.CAMPAIGN]:
            missing = [target for target in self._references(address) if target not in self.exported.entries]
            if missing:
                del self.exported.entries[address]
                self.exported.notes.append(
                    f"{address} was left out because it refers to {missing[0]}, which is not in the stage."
                )

    def _references(self, address: Address) -> tuple[Address, ...]:
        if address.kind not in _REFERRING:
            return ()
        return references_of(address, orjson.loads(self.exported.body(address)))

    def _entries(self, environment: str, stage: Stage, kind: str = "") -> dict[Address, Entry]:
        name = StageRef(environment, stage)
        if name not in self._heads:
            return {}
        if self._serial is None:
            return self._store.entries(name, kind)
        entries = self._store.entries_at(name, self._serial)
        return {a: entry for a, entry in entries.items() if not kind or a.kind == kind}

    def _take(self, entries: dict[Address, Entry]) -> None:
        self.exported.entries |= entries
        self.exported.bodies |= self._store.bodies({entry.fingerprint for entry in entries.values()})


def texts(exported: Exported) -> Iterator[tuple[str, str, int]]:
    """The files: path, text, and number of resources."""
    from offerkit.specs.serialize import environment_text, section_texts

    groups: dict[tuple[str, Kind, str], list[tuple[str, str]]] = {}
    cases: dict[str, list[str]] = {}
    for address in exported.entries:
        body = exported.body(address)
        if address.kind is Kind.ENVIRONMENT:
            yield f"environments/{address.name}.yaml", environment_text(body), 1
        elif address.kind is Kind.CASES:
            cases.setdefault(address.name, []).append(body)
        else:
            groups.setdefault((address.environment, address.kind, _base(address, body)), []).append(
                (address.name, body)
            )
    for (_, kind, base), resources in groups.items():
        for number, (text, count) in enumerate(section_texts(kind, resources, LIMIT), 1):
            yield f"{base}.yaml" if number == 1 else f"{base}.{number}.yaml", text, count
    yield from case_files(cases)


def case_files(cases: Mapping[str, Sequence[str | bytes]]) -> Iterator[tuple[str, str, int]]:
    """The files with cases: path, text, and number of resources.

    Raises Refused if environments have different cases under the same name, which one file cannot hold: they were
    promoted to one environment only and changed since.
    """
    from offerkit.specs.serialize import cases_text

    for name, bodies in sorted(cases.items()):
        path = f"cases/{name}.yaml"
        text = cases_text(bodies)
        if text is None:
            raise refuse(
                Code.BAD_CASE,
                f"{path} cannot hold the cases of several environments: one case is in more than one of them",
                hint="Export the stages one by one, for example recipients@live.",
            )
        yield path, text, len(bodies)


def _base(address: Address, body: str) -> str:
    """The path of a resource's file, without number and extension."""
    section = SECTION_OF[address.kind]
    if address.environment == SHARED:
        return f"specs/{section}"
    if address.kind is Kind.OFFER:
        top: str = orjson.loads(body)["category"].partition("/")[0]
        # Lower case: some file systems do not distinguish Travel.yaml and travel.yaml.
        return f"specs/{address.environment}/{section}/{top.lower()}"
    return f"specs/{address.environment}/{section}"
