"""Decision cases as applied, and the contact files that they were applied with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from offerkit.address import ADMINISTRATIVE_KINDS, SHARED, Address, Kind, Stage, environment_address
from offerkit.diagnostics import Position, Refused
from offerkit.fingerprint import Json, JsonMap
from offerkit.governance.authors import Authors
from offerkit.governance.cases import contacts_fingerprint, names_contacts, promotion_setting
from offerkit.governance.overrides import Obstacle, OverrideKind
from offerkit.specs.cases import CaseFile, RawCase
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.session import Session

_CHANGING = (Kind.CASES, Kind.ENVIRONMENT)
MISSING = "missing"
"""Stored instead of a digest if the file could not be read when the cases were applied."""


def case_file(state: Snapshot, address: Address) -> CaseFile:
    """The cases at ``address``, ready to run."""
    body = state(address) or {}
    cases, activated = body.get("cases"), body.get("activated")
    position = Position(str(address), 1, 1)
    return CaseFile(
        str(address),
        None,
        activated if isinstance(activated, dict) else {},
        tuple(RawCase(name, case, position) for name, case in (cases.items() if isinstance(cases, dict) else ())),
    )


class RequiredCases(NamedTuple):
    """Cases that a promotion must pass, and the stages that have them."""

    address: Address
    state: Snapshot
    sides: tuple[Stage, ...]


def required_cases(live: BeforeAfter, design: Snapshot, environment: str) -> Iterator[RequiredCases]:
    """The cases of design, and those of live that stay and differ from design."""
    staying = {a: live.before.entries.get(a) for a in live.after.of_kind(Kind.CASES, environment)}
    staying = {a: entry for a, entry in staying.items() if entry == live.after.entries[a]}
    for address in design.of_kind(Kind.CASES, environment):
        unchanged = staying.get(address) == design.entries[address]
        yield RequiredCases(address, design, (Stage.DESIGN, Stage.LIVE) if unchanged else (Stage.DESIGN,))
    for address, entry in staying.items():
        if entry != design.entries.get(address):
            yield RequiredCases(address, live.after, (Stage.LIVE,))


def obstacles(session: Session, stages: Stages) -> Iterator[Obstacle]:
    """What a second operator may override for cases: changes to those in live, and changed contact files."""
    yield from withheld_obstacles(stages)
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    names = {a.name for a in (*design.of_kind(Kind.ENVIRONMENT), *live.of_kind(Kind.ENVIRONMENT))}
    for name in sorted(names):
        if any(promotion_setting(state, name, "tests") for state in (live, design)):
            yield from _other_contacts(session, stages, name)


def withheld_obstacles(stages: Stages) -> Iterator[Obstacle]:
    """Changes to cases in live that wait for a second operator."""
    store = stages.store
    assert store is not None
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    authors = Authors(store, design, lambda: live)
    entries = {a: e for a, e in live.entries.items() if a.kind not in _CHANGING or a in design.entries}
    entries |= {a: e for a, e in design.entries.items() if a.kind is Kind.CASES}
    for withheld in stages.withheld_cases(BeforeAfter(live, live.with_entries(entries), ())):
        wrote = frozenset(authors.of_change(withheld.address))
        yield Obstacle(OverrideKind.CASES, withheld.address, withheld.fingerprint, withheld.says, wrote)


def _other_contacts(session: Session, stages: Stages, environment: str) -> Iterator[Obstacle]:
    """Contact files that differ from those with which an environment's cases were applied.

    Where duties are separated, no author of anything that waits for promotion there may accept a new file.
    """
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    root, environ = session.project.root, session.environ
    digests = {contacts_digest(state, environment, root, environ) for state in (live, design)}
    files = sorted(digests - {MISSING})
    wrote: frozenset[str] | None = None
    for required in required_cases(BeforeAfter(live, live, ()), design, environment):
        if not names_contacts(required.state(required.address) or {}):
            continue
        for digest in files:
            print_ = contacts_fingerprint(required.state.entries[required.address].fingerprint, digest)
            if all(
                digest == stages.contacts_kept(required.address, side) for side in required.sides
            ) or stages.cases_lifted(required.address, print_):
                continue
            if wrote is None:
                wrote = separated_authors(stages, environment)
            description = (
                f"that its contacts are in another file ({digest[:12]})"
                if digest
                else "that its contacts are in no file"
            )
            yield Obstacle(OverrideKind.CASES, required.address, print_, description, wrote)


def separated_authors(stages: Stages, environment: str) -> frozenset[str]:
    """Where duties are separated, the authors of everything in design, own or shared, that differs from live in an
    environment: they accept no new file of contacts there.
    """
    store = stages.store
    assert store is not None
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    authors = Authors(store, design, lambda: live)
    if not any(promotion_setting(state, environment, "separation_of_duties") for state in (live, design)):
        return frozenset()
    addresses = (design.entries.keys() | live.entries.keys()) - {a for a in live.entries if a.kind is Kind.CAMPAIGN}
    return frozenset(
        authors.of_changes(
            a for a in addresses if a.environment in (environment, SHARED) and a.kind not in ADMINISTRATIVE_KINDS
        )
    )


def contacts_to_record(
    addresses: Iterable[Address], state: Snapshot, root: Path, environ: Mapping[str, str]
) -> dict[str, Json]:
    """By address of cases that use stored contacts: the digest of the project's contact file."""

    @cache
    def of(environment: str) -> str:
        return contacts_digest(state, environment, root, environ)

    record: dict[str, Json] = {}
    for address in addresses:
        print_ = of(address.environment) if names_contacts(state(address) or {}) else ""
        if print_:
            record[str(address)] = print_
    return record


def contacts_digest(state: Snapshot, environment: str, root: Path, environ: Mapping[str, str]) -> str:
    """The SHA-256 of the file with an environment's contacts; empty if they are not in a file of the project.

    If the file is missing or is not a regular file of the project: :data:`MISSING`.
    """
    source = _source(state, environment)
    path = _file(source, root, environ)
    if path is None:
        return ""
    hasher = hashlib.sha256()
    try:
        _hash(root, path, hasher)
        if source.get("format") == "sql" and (root / f"{path}-wal").exists():  # changes not yet in the main file
            _hash(root, f"{path}-wal", hasher)
    except (OSError, Refused):
        return MISSING
    return hasher.hexdigest()


def _source(state: Snapshot, environment: str) -> JsonMap:
    dimension = (state(environment_address(environment)) or {}).get("dimension")
    source = (state(Address(SHARED, Kind.DIMENSION, str(dimension))) or {}).get("source")
    return source if isinstance(source, dict) else {}


def _file(source: JsonMap, root: Path, environ: Mapping[str, str]) -> str | None:
    """The path of the file that ``source`` names, relative to the project root."""
    if source.get("format") != "sql":
        path = source.get("path")
        return path if isinstance(path, str) else None
    url = str(source.get("url") or environ.get(str(source.get("url_env")), "").strip())
    if not url.lower().startswith("sqlite://"):
        return None
    from offerkit.contacts.sqlite import sqlite_path

    try:
        path = os.path.relpath(os.path.realpath(sqlite_path(url, root)), os.path.realpath(root))
    except Refused:
        return ""
    return None if path.startswith(os.pardir) else path


def _hash(root: Path, path: str, hasher: hashlib._Hash) -> None:
    from offerkit.contacts.files import open_file

    with open_file(root, path) as file:
        while part := file.read(1 << 20):
            hasher.update(part)
