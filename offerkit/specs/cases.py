"""Decision cases of a project: ``cases/**/*.yaml``, read like specs, never evaluated here (docs/engine.md).

Those that ask the project's own catalog are applied with the specs: a file gives one resource for each environment that
its cases ask, named after the file. Those with a catalog of their own say nothing of what is applied.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from offerkit.address import Address, Kind, environment_address, valid_name
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, refuse
from offerkit.fingerprint import canonical, fingerprint
from offerkit.governance.cases import with_names
from offerkit.specs.limits import MAX_BYTES
from offerkit.specs.project import CASES as FOLDER
from offerkit.specs.project import SpecFile
from offerkit.specs.record import Record
from offerkit.specs.yaml_reader import parse
from offerkit.specs.yaml_values import Value, YamlList, YamlMap, locate, unpack
from offerkit.state.changes import final_names
from offerkit.state.references import Ref

KEYS = ("version", "catalog", "activated", "cases")


@dataclass(frozen=True)
class RawCase:
    """One case as it is written, and where."""

    name: str
    value: object
    position: Position


@dataclass(frozen=True)
class CaseFile:
    """A file of cases. ``catalog``: its own resources by section; None: the project's."""

    path: str
    catalog: Mapping[str, object] | None
    activated: Mapping[str, object]
    cases: tuple[RawCase, ...]


def read_cases(root: Path, paths: Sequence[Path] = ()) -> list[CaseFile]:
    """The files of cases in ``paths``, or of the folder ``cases`` in ``root``; by path.

    Raises Refused with every mistake in any of them.
    """
    files: list[CaseFile] = []
    diagnostics: list[Diagnostic] = []
    for path in _files(root, paths):
        try:
            files.append(_file(root, path, diagnostics))
        except Refused as refused:
            diagnostics += refused.diagnostics
    if diagnostics:
        raise Refused(diagnostics)
    return files


def own_files(root: Path) -> dict[str, bytes]:
    """What lies in the folder of cases and is not applied: cases with a catalog of their own, and other files."""
    folder = root / FOLDER
    contents: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file():
            shown, content = path.relative_to(root).as_posix(), path.read_bytes()
            if path.suffix not in (".yaml", ".yml") or not _is_applied(shown, content):
                contents[shown] = content
    return contents


def _is_applied(path: str, content: bytes) -> bool:
    try:
        return _case_file(path, parse(path, content)[0], []).catalog is None
    except Refused:
        return False


def _files(root: Path, paths: Sequence[Path]) -> list[Path]:
    if not paths:
        folder = root / FOLDER
        return sorted(_below(folder)) if folder.is_dir() else []
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(_below(path))
        elif path.is_file():
            files.append(path)
        else:
            hint = f"Cases are in the folder {FOLDER} of the project."
            raise refuse(Code.UNREADABLE, f"there is no file or folder {str(path)[:200]}", hint=hint)
    return files


def _below(folder: Path) -> Iterator[Path]:
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(place, name) for name in files if name.endswith((".yaml", ".yml")) and name[0] != ".")


def _file(root: Path, path: Path, diagnostics: list[Diagnostic]) -> CaseFile:
    shown = os.path.relpath(path, root) if path.is_relative_to(root) else str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(Code.UNREADABLE, f"{shown} cannot be read: {error.strerror}") from None
    document, mistakes = parse(shown, content)
    diagnostics += mistakes
    return _case_file(shown, document, diagnostics)


def _case_file(shown: str, document: Value, diagnostics: list[Diagnostic]) -> CaseFile:
    if not isinstance(document, YamlMap):
        raise _wrong(shown, 0, "a file of cases is a map with version and cases", "Start with version: 1.")
    if str(document.get("version", "")) != "1":
        raise _wrong(shown, locate(document, ("version",)), "a file of cases starts with version: 1", "Add version: 1.")
    for key in document:
        if key not in KEYS:
            diagnostics.append(
                _mistake(
                    shown,
                    locate(document, (key,), on_key=True),
                    f"“{key[:80]}” is not known here",
                    f"A file of cases can have {', '.join(KEYS)}.",
                )
            )
    cases, catalog, activated = (document.get(key) for key in ("cases", "catalog", "activated"))
    if not isinstance(cases, YamlMap) or not cases:
        raise _wrong(
            shown, locate(document, ("cases",)), "cases is a map by name", "Give each case a descriptive name."
        )
    for key, value in (("catalog", catalog), ("activated", activated)):
        if value is not None and not isinstance(value, YamlMap):
            raise _wrong(shown, locate(document, (key,)), f"{key} is a map by name", "")
    return CaseFile(
        shown,
        None if catalog is None else _map(catalog),
        _map(activated or {}),
        tuple(
            RawCase(name, _plain(value), unpack(shown, locate(document, ("cases", name), on_key=True)))
            for name, value in cases.items()
        ),
    )


def _wrong(file: str, at: int, summary: str, hint: str) -> Refused:
    return Refused([_mistake(file, at, summary, hint)])


def _mistake(file: str, at: int, summary: str, hint: str) -> Diagnostic:
    return Diagnostic(Code.BAD_CASE, summary, hint=hint, position=unpack(file, at))


def _map(value: Mapping[str, object]) -> dict[str, object]:
    return {key: _plain(item) for key, item in value.items()}


def _plain(value: object) -> object:
    """Plain data; a number stays the text it is written as, because only its field knows what it means."""
    if isinstance(value, YamlMap):
        return _map(value)
    if isinstance(value, YamlList):
        return [_plain(item) for item in value]
    return value


def applied_cases(file: SpecFile, document: Value, diagnostics: list[Diagnostic]) -> Iterator[tuple[Record, bytes]]:
    """What a file of cases gives to be applied: by environment, its cases as a resource; none with its own catalog."""
    try:
        cases = _case_file(file.path, document, diagnostics)
    except Refused as refused:
        diagnostics += refused.diagnostics
        return
    if cases.catalog is not None:
        return
    name = file.path.partition("/")[2].rpartition(".")[0]
    if not valid_name(Kind.CASES, name):
        hint = "Use ASCII letters, digits, - and _ in the names of files and folders, at most 64 characters in each."
        diagnostics.append(
            Diagnostic(
                Code.BAD_NAME,
                f"“{name[:80]}” is not a valid name for cases, which are named after their file",
                hint=hint,
                position=Position(file.path, 1, 1),
            )
        )
        return
    for environment, asking in _by_environment(cases.cases, diagnostics).items():
        address = Address(environment, Kind.CASES, name)
        body = _body(address, cases.activated, asking, diagnostics)
        refs = (Ref(environment_address(environment), ()),)
        print_ = fingerprint(address.kind, body)
        valid = bool(body)
        yield Record(address, environment, address.kind, name, print_, asking[0].position, refs, valid=valid), body


def former_names(
    files: Iterable[SpecFile], moves: Mapping[Address, Address], declared: Container[Address]
) -> Iterator[Diagnostic]:
    """The cases to be applied that call something by the name that it had before a rename of the specs."""
    from offerkit.engine.cases import read_case

    gone = {old: new for old, new in moves.items() if old not in declared}
    for file in files if gone else ():
        cases = _case_file(file.path, parse(file.path, file.content)[0], []) if file.has_cases else None
        for raw in cases.cases if cases is not None and cases.catalog is None else ():
            environment = read_case(raw.name, raw.value).environment
            renamed: dict[Address, Address] = {}

            def called(kind: Kind, name: str, here: str = environment, names: dict[Address, Address] = renamed) -> str:
                old = Address(here, kind, name)
                if old in gone:
                    names[old] = final_names(moves, declared)[old]
                return name

            assert cases is not None
            with_names(raw.value, called)
            with_names({"activated": dict(cases.activated)}, called)
            for old, new in renamed.items():
                yield Diagnostic(
                    Code.BAD_CASE,
                    f"the case “{raw.name[:120]}” names {old}, which is renamed to {new.name}",
                    "After the rename, that name means something else, or nothing.",
                    f"Write {new.name} in its place.",
                    old,
                    raw.position,
                )


def _by_environment(cases: Sequence[RawCase], diagnostics: list[Diagnostic]) -> dict[str, list[RawCase]]:
    """The cases by the environment whose spaces they ask, those that cannot be run told."""
    from offerkit.engine.case_values import CaseError
    from offerkit.engine.cases import read_case

    asking: dict[str, list[RawCase]] = {}
    for raw in cases:
        try:
            environment = read_case(raw.name, raw.value).environment
            if not environment:
                raise CaseError("name the space with its environment: ENVIRONMENT/SPACE")
            if not valid_name(Kind.ENVIRONMENT, environment):
                raise CaseError(f"“{environment[:80]}” is not an environment’s name")
        except CaseError as error:
            summary = f"the case “{raw.name[:120]}” cannot be run: {error}"
            diagnostics.append(Diagnostic(Code.BAD_CASE, summary, position=raw.position))
            continue
        asking.setdefault(environment, []).append(raw)
    return asking


def _body(
    address: Address, activated: Mapping[str, object], asking: Sequence[RawCase], diagnostics: list[Diagnostic]
) -> bytes:
    """The canonical body of cases; empty, and told, for cases that are too many, too large or no plain data."""
    from pydantic import ValidationError

    from offerkit.models.cases import MAX_BODY, MAX_CASES, Cases

    where = asking[0].position
    if len(asking) > MAX_CASES:
        diagnostics.append(_too_much(address, f"the file has {len(asking):,} cases; at most {MAX_CASES:,}", where))
        return b""
    try:
        cases = Cases.model_validate({"activated": activated, "cases": {raw.name: raw.value for raw in asking}})
    except ValidationError as error:
        diagnostics += [
            Diagnostic(Code.BAD_CASE, detail["msg"], address=address, position=where)
            for detail in error.errors(include_url=False)
        ]
        return b""
    body = canonical(cases.body())
    if len(body) > MAX_BODY:
        diagnostics.append(_too_much(address, f"these cases have {len(body):,} bytes; at most {MAX_BODY:,}", where))
        return b""
    return body


def _too_much(address: Address, summary: str, where: Position) -> Diagnostic:
    return Diagnostic(
        Code.CASES_TOO_MANY,
        f"{summary} are applied as one",
        "The reviewers of a plan have to read them.",
        "Split the file: cases can be in any number of files.",
        address,
        where,
    )
