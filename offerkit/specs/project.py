"""Finds the project and reads its files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from offerkit.address import SHARED, Kind, valid_name
from offerkit.diagnostics import Code, Diagnostic, Position, refuse
from offerkit.specs.limits import MAX_BYTES

CASES = "cases"
"""The folder of decision cases."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project: the folder that holds ``specs/`` and ``environments/``."""

    root: Path

    @property
    def state(self) -> Path:
        """The folder of the embedded store and the parse cache; it is never committed."""
        return self.root / ".offerkit"

    def prepare_state(self) -> None:
        """Create the state folder, with an ignore file that keeps it out of version control."""
        self.state.mkdir(parents=True, exist_ok=True)
        ignore = self.state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")

    @property
    def store(self) -> Path:
        """The embedded store."""
        return self.state / "store.db"


class SpecFile(NamedTuple):
    """A file of the project: its path from the root with ``/``, the environment it belongs to, its role.

    ``environment`` is ``shared`` for files directly in ``specs/``; ``declares`` is true for the files of
    ``environments/``. Files of decision cases belong to none: each case names its space.
    """

    path: str
    environment: str
    declares: bool
    content: bytes

    @property
    def has_cases(self) -> bool:
        """Whether it is a file of decision cases."""
        return self.path.startswith(f"{CASES}/")


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder; also false if it cannot be a path at all."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def find_project(start: Path) -> Project:
    """The project that ``start`` is in: the nearest folder with ``specs/`` and ``environments/``.

    Raises Refused when no folder above it is a project.
    """
    for folder in (start, *start.parents):
        if is_folder(folder / "environments") and is_folder(folder / "specs"):
            return Project(folder)
    searchable = os.access(start, os.X_OK)
    raise refuse(
        Code.NO_PROJECT,
        "there is no offerkit project here",
        detail="Neither this folder nor one above it has specs/ and environments/."
        if searchable
        else "This folder cannot be searched: permission denied. No folder above it has specs/ and environments/.",
        hint="Change into the project, name it with --project DIR, or create one with “offerkit init DIR”.",
    )


def read_files(root: Path) -> tuple[list[SpecFile], list[Diagnostic]]:
    """Every YAML file of the project in path order, and what could not be read."""
    files: list[SpecFile] = []
    diagnostics: list[Diagnostic] = []
    real_root = os.path.realpath(root)
    for path in sorted(_walk(root, real_root, diagnostics)):
        top, _, below = path.partition("/")
        name = below.rpartition("/")[2].rpartition(".")[0]
        if top == "environments":
            environment, declares = name, True
            if "/" in below or not valid_name(Kind.ENVIRONMENT, name):
                diagnostics.append(_misplaced(path, "environments/ holds one file per environment, named after it"))
                continue
        elif top == CASES:
            environment, declares = "", False
        else:
            environment, declares = (below.partition("/")[0] if "/" in below else SHARED), False
            if "/" in below and not valid_name(Kind.ENVIRONMENT, environment):
                diagnostics.append(_misplaced(path, f"“{environment[:80]}” is not a valid environment name"))
                continue
        content = _read(root, path, diagnostics)
        if content is not None:
            files.append(SpecFile(path, environment, declares, content))
    return files, diagnostics


def _misplaced(path: str, reason: str) -> Diagnostic:
    return Diagnostic(
        Code.MISPLACED,
        f"this file is in the wrong place: {reason}",
        hint="environments/NAME.yaml declares an environment; specs/NAME/ holds what belongs to it.",
        position=Position(path, 1, 1),
    )


def _walk(root: Path, real_root: str, diagnostics: list[Diagnostic]) -> Iterator[str]:
    pending = ["environments", "specs", *([CASES] if is_folder(root / CASES) else ())]
    visited: set[str] = set()
    while pending:
        folder = pending.pop()
        real = os.path.realpath(root / folder)
        if real in visited:
            continue
        visited.add(real)
        if not _inside(real, real_root):
            diagnostics.append(_link_outside(folder))
            continue
        try:
            entries = list(os.scandir(root / folder))
        except OSError as error:
            diagnostics.append(_unreadable(folder, error))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = f"{folder}/{entry.name}"
            if not path.isprintable() and path != path.encode(errors="replace").decode():
                diagnostics.append(_misplaced(path.encode(errors="replace").decode(), "its name is not UTF-8"))
                continue
            if entry.is_symlink() and not _inside(os.path.realpath(entry.path), real_root):
                diagnostics.append(_link_outside(path))
            elif _is_folder(entry):
                pending.append(path)
            elif entry.name.endswith((".yaml", ".yml")):
                yield path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: reading it reports that
        return False


def _link_outside(path: str) -> Diagnostic:
    return Diagnostic(
        Code.LINK_OUTSIDE,
        "this link points outside the project",
        "Everything that a plan is made from must be in the project, where it is reviewed.",
        "Copy the file into the project.",
        position=Position(path, 1, 1),
    )


def _inside(real: str, real_root: str) -> bool:
    return real == real_root or real.startswith(real_root + os.sep)


def _read(root: Path, path: str, diagnostics: list[Diagnostic]) -> bytes | None:
    # O_NONBLOCK: opening a named pipe would otherwise wait for a writer forever.
    try:
        descriptor = os.open(f"{root}{os.sep}{path}", os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        diagnostics.append(_unreadable(path, error))
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            diagnostics.append(Diagnostic(Code.UNREADABLE, "this is not a regular file", position=Position(path, 1, 1)))
            return None
        if status.st_size > MAX_BYTES:
            diagnostics.append(too_large(path, status.st_size))
            return None
        return file.read()


def too_large(path: str, size: int) -> Diagnostic:
    """The diagnostic for a file that is too large to be read."""
    return Diagnostic(
        Code.FILE_TOO_LARGE,
        f"the file has {size:,} bytes; at most {MAX_BYTES:,} are read",
        hint="Split it: the resources of an environment can be in any number of files.",
        position=Position(path, 1, 1),
    )


def _unreadable(path: str, error: OSError) -> Diagnostic:
    return Diagnostic(
        Code.UNREADABLE,
        f"cannot be read: {error.strerror}",
        position=Position(path, 1, 1),
        hint="Check the file's permissions.",
    )


def read_all(project: Project) -> tuple[list[SpecFile], list[Diagnostic]]:
    """:func:`read_files`. Raises Refused when the project has no files at all."""
    files, diagnostics = read_files(project.root)
    if not files and not diagnostics:
        raise refuse(
            Code.NO_PROJECT,
            "the project has no YAML files yet",
            hint="Start with environments/NAME.yaml, or create an example project with “offerkit init DIR”.",
        )
    return files, diagnostics
