"""Decision cases of a project: ``cases/**/*.yaml``, read like specs, never evaluated here (docs/engine.md)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, refuse
from offerkit.loader.limits import MAX_BYTES
from offerkit.loader.yaml_events import YamlList, YamlMap, locate, parse, unpack
from offerkit.models.base import Number

FOLDER = "cases"
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
    found: list[Diagnostic] = []
    for path in _files(root, paths):
        try:
            files.append(_file(root, path, found))
        except Refused as refused:
            found += refused.diagnostics
    if found:
        raise Refused(found)
    return files


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
            hint = f"Cases lie in the folder {FOLDER} of the project."
            raise refuse(Code.UNREADABLE, f"there is no file or folder {str(path)[:200]}", hint=hint)
    return files


def _below(folder: Path) -> Iterator[Path]:
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(place, name) for name in files if name.endswith((".yaml", ".yml")) and name[0] != ".")


def _file(root: Path, path: Path, found: list[Diagnostic]) -> CaseFile:
    shown = os.path.relpath(path, root) if path.is_relative_to(root) else str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(Code.UNREADABLE, f"{shown} cannot be read: {error.strerror}") from None
    document, mistakes = parse(shown, content)
    found += mistakes
    if not isinstance(document, YamlMap):
        raise _wrong(shown, 0, "a file of cases is a map with version and cases", "Begin with version: 1.")
    if str(document.get("version", "")) != "1":
        raise _wrong(shown, locate(document, ("version",)), "a file of cases begins with version: 1", "Add version: 1.")
    for key in document:
        if key not in KEYS:
            found.append(_mistake(shown, locate(document, (key,), on_key=True), f"“{key[:80]}” is not known here",
                                  f"A file of cases has {', '.join(KEYS)}."))  # fmt: skip
    cases, catalog, activated = (document.get(key) for key in ("cases", "catalog", "activated"))
    if not isinstance(cases, YamlMap) or not cases:
        raise _wrong(shown, locate(document, ("cases",)), "cases is a map by name", "Name each case in words.")
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
    """Plain data; whole numbers as they are, others exact."""
    if isinstance(value, YamlMap):
        return _map(value)
    if isinstance(value, YamlList):
        return [_plain(item) for item in value]
    if isinstance(value, Number):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return str(value)  # a number of YAML that is written otherwise, such as 0x1F
    return value
