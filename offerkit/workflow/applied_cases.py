"""Decision cases as they were applied, and the files of contacts that they were applied with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from offerkit.address import SHARED, Address, Kind, environment_address
from offerkit.diagnostics import Position, Refused
from offerkit.fingerprint import Json, JsonMap
from offerkit.governance.cases import names_contacts
from offerkit.loader.cases import CaseFile, RawCase
from offerkit.state.snapshot import Snapshot

MISSING = "missing"
"""Kept in place of a digest where the file could not be read when the cases were applied."""


def case_file(state: Snapshot, address: Address) -> CaseFile:
    """The cases that stand at ``address``, to be run."""
    body = state(address) or {}
    cases, activated = body.get("cases"), body.get("activated")
    place = Position(str(address), 1, 1)
    return CaseFile(
        str(address),
        None,
        activated if isinstance(activated, dict) else {},
        tuple(RawCase(name, case, place) for name, case in (cases.items() if isinstance(cases, dict) else ())),
    )


def contacts_to_keep(
    addresses: Iterable[Address], state: Snapshot, root: Path, environ: Mapping[str, str]
) -> dict[str, Json]:
    """By address of cases that ask for stored contacts, the digest of the project's file that these are in."""

    @cache
    def of(environment: str) -> str | None:
        return contacts_digest(state, environment, root, environ)

    found: dict[str, Json] = {}
    for address in addresses:
        print_ = of(address.environment) if names_contacts(state(address) or {}) else None
        if print_ is not None:
            found[str(address)] = print_
    return found


def contacts_digest(state: Snapshot, environment: str, root: Path, environ: Mapping[str, str]) -> str | None:
    """The sha256 of the file that holds an environment's contacts; None where they are in no file of the project.

    A file that is not there, or no plain file of the project, has a word in place of a digest.
    """
    source = _source(state, environment)
    path = _file(source, root, environ)
    if path is None:
        return None
    hasher = hashlib.sha256()
    try:
        _hash(root, path, hasher)
        if source.get("format") == "sql" and (root / f"{path}-wal").exists():  # what is not in the file itself yet
            _hash(root, f"{path}-wal", hasher)
    except (OSError, Refused):
        return MISSING
    return hasher.hexdigest()


def _source(state: Snapshot, environment: str) -> JsonMap:
    dimension = (state(environment_address(environment)) or {}).get("dimension")
    source = (state(Address(SHARED, Kind.DIMENSION, str(dimension))) or {}).get("source")
    return source if isinstance(source, dict) else {}


def _file(source: JsonMap, root: Path, environ: Mapping[str, str]) -> str | None:
    """The path, from the project's root, of the file that ``source`` names."""
    if source.get("format") != "sql":
        path = source.get("path")
        return path if isinstance(path, str) else None
    url = str(source.get("url") or environ.get(str(source.get("url_env")), "").strip())
    if not url.lower().startswith("sqlite://"):
        return None
    from offerkit.contacts.sqlite_table import sqlite_path

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
