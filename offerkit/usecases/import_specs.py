"""``import``: adds resources from another project's files to this one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from offerkit.address import SECTION_OF, SHARED, Address, Kind
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, refuse, suggestion
from offerkit.specs import Loaded, load_folder
from offerkit.specs.cache import Cache
from offerkit.specs.load import load_files
from offerkit.specs.project import SpecFile, read_files
from offerkit.specs.record import Record
from offerkit.usecases.export import case_files
from offerkit.usecases.session import Session

LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True)
class PlannedImport:
    """The new files by path, the addresses that they add, and those that exist already."""

    files: dict[str, bytes]
    added: tuple[Address, ...]
    same: tuple[Address, ...]


def plan_import(session: Session, folder: Path, names: tuple[str, ...] = ()) -> PlannedImport:
    """What importing ``folder`` (all of it, or the environments ``names``) would add.

    Raises Refused with all mistakes in ``folder``, all resources that exist here with another body, and if the result
    would be invalid.
    """
    root = session.project.root
    imported = _loaded(root, folder)
    addresses = _wanted(imported, names)
    files, diagnostics = read_files(root)
    existing = load_files(files, diagnostics, Cache(None)).records if files or diagnostics else {}
    conflicts = [
        _conflict(imported.records[address], existing[address], root, folder)
        for address in addresses
        if address in existing and existing[address].fingerprint != imported.records[address].fingerprint
    ]
    if conflicts:
        raise Refused(conflicts)
    added = tuple(address for address in addresses if address not in existing)
    new = _texts(imported, added, {file.path for file in files})
    if new:
        _check_together(files, new, [imported.records[address] for address in added], (root, folder))
    contents = {file.path: file.content for file in new}
    return PlannedImport(contents, added, tuple(address for address in addresses if address in existing))


def write_import(session: Session, planned: PlannedImport) -> None:
    """Write the new files, all or none. Raises Refused if one cannot be written."""
    from offerkit.specs.write_files import add_files

    add_files(session.project.root, planned.files)


def _loaded(root: Path, folder: Path) -> Loaded:
    try:
        complete = all((folder / name).is_dir() for name in ("environments", "specs"))
    except (OSError, ValueError):
        complete = False
    if not complete:
        raise refuse(
            Code.NO_PROJECT,
            f"there is no project in {folder!s:.200}",
            hint="Name a folder that holds environments/ and specs/, such as one made by “offerkit export”.",
        )
    try:
        return load_folder(folder)
    except Refused as refused:
        raise Refused(_moved(d, root, folder) for d in refused.diagnostics) from None


def _moved(diagnostic: Diagnostic, root: Path, folder: Path) -> Diagnostic:
    """A finding in the other project, with paths relative to this one."""
    related = tuple((text, _from_here(position, root, folder)) for text, position in diagnostic.related)
    position = diagnostic.position
    position_here = None if position is None else _from_here(position, root, folder)
    return replace(diagnostic, position=position_here, related=related)


def _from_here(position: Position, root: Path, folder: Path) -> Position:
    path = Path(os.path.relpath(folder.resolve(), root.resolve())) / position.file
    return position._replace(file=path.as_posix())


def _wanted(imported: Loaded, names: tuple[str, ...]) -> list[Address]:
    """The addresses to import: all, or those of some environments with the shared resources that they need."""
    records = imported.records
    known = sorted({record.environment for record in records.values()} - {SHARED})
    for name in names:
        if name not in known:
            raise refuse(
                Code.NO_MATCH, f"the other project has no environment “{name[:80]}”", hint=suggestion(name, known)
            )
    if not names:
        return sorted(records)
    addresses = {address for address, record in records.items() if record.environment in names}
    addresses |= {
        ref.target
        for address in addresses
        for ref in records[address].refs
        if ref.target in records and records[ref.target].environment == SHARED
    }
    return sorted(addresses)


def _conflict(theirs: Record, ours: Record, root: Path, folder: Path) -> Diagnostic:
    return Diagnostic(
        Code.DECLARED_TWICE,
        f"{ours.address} is already declared here, and differs",
        "An import only adds resources; it changes none.",
        "Make them equal, rename one, or choose another environment with --environment.",
        address=ours.address,
        position=ours.position,
        related=(("there", _from_here(theirs.position, root, folder)),),
    )


def _texts(imported: Loaded, added: Iterable[Address], used_paths: set[str]) -> list[SpecFile]:
    """New files with the added resources, under unused names."""
    from offerkit.specs.serialize import environment_text, section_texts

    records = [imported.records[address] for address in added]
    bodies = imported.bodies(record.address for record in records)
    groups: dict[tuple[str, Kind], list[tuple[str, bytes]]] = {}
    files: list[SpecFile] = []
    cases: dict[str, list[bytes]] = {}
    for record in records:
        if record.kind is Kind.ENVIRONMENT:
            path = f"environments/{record.name}.yaml"
            files.append(SpecFile(path, record.name, True, environment_text(bodies[record.address]).encode()))
        elif record.kind is Kind.CASES:
            cases.setdefault(record.name, []).append(bodies[record.address])
        else:
            groups.setdefault((record.environment, record.kind), []).append((record.name, bodies[record.address]))
    files += [SpecFile(path, "", False, text.encode()) for path, text, _ in case_files(cases)]
    for (environment, kind), resources in sorted(groups.items()):
        folder = "specs" if environment == SHARED else f"specs/{environment}"
        number = 1
        for text, _ in section_texts(kind, resources, LIMIT):
            while (path := _path(folder, kind, number)) in used_paths:
                number += 1
            used_paths.add(path)
            files.append(SpecFile(path, environment, False, text.encode()))
    return files


def _path(folder: str, kind: Kind, number: int) -> str:
    return f"{folder}/imported-{SECTION_OF[kind]}{'' if number == 1 else f'.{number}'}.yaml"


def _check_together(files: list[SpecFile], new: list[SpecFile], added: list[Record], roots: tuple[Path, Path]) -> None:
    """Check this project with the new files added. Raises Refused with all mistakes."""
    try:
        load_files(sorted([*files, *new]), [], Cache(None))
    except Refused as refused:
        at: dict[str, Position] = {record.address: _from_here(record.position, *roots) for record in added}
        raise Refused(
            replace(d, position=at.get(d.address, d.position), hint=d.hint or "Also import what it refers to.")
            for d in refused.diagnostics
        ) from None
