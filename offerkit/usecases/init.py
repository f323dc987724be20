"""``init``: a new project from the starter files, or what an existing one lacks, such as a forge's pipeline."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from offerkit.address import Kind, valid_name
from offerkit.diagnostics import Code, Refused, has_secret, pinned_requirement, reason_of, refuse
from offerkit.specs.git import run
from offerkit.specs.project import CASES

STARTER_ENVIRONMENT = "recipients"
STARTER_EMAIL = "you@example.com"
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9.-]{1,190}")
"""An e-mail that needs no escaping in YAML and Markdown."""
REQUIREMENTS = "requirements.txt"
_UNSET = "# offerkit @ SOURCE\n"
"""The starter's line in requirements.txt before a source is known."""
_NAMED = re.compile(r"^[^#\n]*offerkit", re.MULTILINE)
"""The pipeline checks the same before installing."""
_VERSION = re.compile(r"offerkit==[0-9][0-9A-Za-z.!+]{0,60}")
_PLAIN_URL = r"[A-Za-z0-9._~%/:+?&=,-]{1,500}"
_REVISION = re.compile(
    rf"git\+(?:https://|ssh://(?:[A-Za-z0-9._-]+@)?){_PLAIN_URL}@[A-Za-z0-9._/+-]{{1,200}}(?:#[\w=&./-]+)?"
)
_ARCHIVE = re.compile(rf"https://{_PLAIN_URL}\.(?:whl|zip|tar\.gz)(?:#[\w=&./-]+)?")
"""No user part, because it may be a token."""
_WHEEL = re.compile(r"offerkit-[0-9][0-9A-Za-z.!+_]{0,60}-py3-none-any\.whl")
_WHEEL_BYTES = 50_000_000


_PROJECT = ("environments", "specs")
"""The folders that make up a project and hold its own files."""


@dataclass(frozen=True)
class InitResult:
    """The files written, and those kept; ``project``: whether there was a project already."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    project: bool
    outdated: tuple[str, ...] = ()
    """Kept files that offerkit generates, written by another version."""
    unnamed: bool = False
    """Whether requirements.txt lacks the requested source or, without a request, offerkit itself."""
    unlike: tuple[str, ...] = ()
    """Kept pipeline files that differ from this offerkit's."""
    unaware: tuple[str, ...] = ()
    """Those of ``unlike`` that do not mention offerkit: the user's own, which need an addition."""
    folder: str = "."
    """The project folder relative to the repository root, as YAML."""

    @property
    def fresh(self) -> bool:
        """Whether there are resources now and were none before."""
        return not self.project and any(path.startswith(_PROJECT) for path in self.written)


@dataclass(frozen=True)
class InstallSource:
    """Where colleagues and CI install offerkit from: a line for requirements.txt, and files that it refers to."""

    line: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    asked: bool = True
    """Whether the user gave it, instead of being detected."""


@dataclass(frozen=True)
class Pipeline:
    """A forge's pipeline files, and the folder where the forge expects them.

    ``project``: the project folder relative to ``top``; ``branch``: the target branch of pull requests.
    """

    files: Mapping[str, bytes]
    top: Path
    project: str
    branch: str

    def at(self, path: str) -> str:
        """A path below ``top``, relative to the project."""
        return os.path.relpath(path, self.project)

    @property
    def placed(self) -> dict[str, bytes]:
        """The files adapted to this project and branch, by path below ``top``."""
        project, branch = json.dumps(self.project), json.dumps(self.branch)
        return {
            path: content.replace(_STARTER_PROJECT, project.encode()).replace(_STARTER_BRANCH, f"[{branch}]".encode())
            for path, content in self.files.items()
        }


_STARTER_PROJECT, _STARTER_BRANCH = b'"."', b"[main]"
"""The values in pipeline files for a project at the top of a repository with the default branch ``main``."""


def pipeline_of(target: Path, files: Mapping[str, bytes]) -> Pipeline:
    """A pipeline for the project ``target``: at the top of its repository, or in its own folder without one."""
    try:
        real = target.resolve()
        top = _repository(real)
    except (OSError, ValueError) as error:
        raise refuse(Code.UNREADABLE, f"{target!s:.200} cannot be written: {reason_of(error)}") from None
    if top is None:
        return Pipeline(files, real, ".", "main")
    return Pipeline(files, top, os.path.relpath(real, top.resolve()), _default_branch(top))


def _repository(folder: Path) -> Path | None:
    """The root of the repository that contains ``folder``, whether that exists yet or not; or None."""
    existing = next(ancestor for ancestor in (folder, *folder.parents) if ancestor.is_dir())
    top = _git(existing, "rev-parse", "--show-toplevel")
    return Path(top) if top else None


def _default_branch(top: Path) -> str:
    """The target branch of pull requests as far as the clone knows: the remote's, the only one, or ``main``."""
    remote = _git(top, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if remote:
        return remote.removeprefix("origin/")
    names = _git(top, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split()
    if len(names) > 1:
        return next((name for name in ("main", "master") if name in names), "main")
    return names[0] if names else _git(top, "symbolic-ref", "--short", "HEAD") or "main"


def _git(folder: Path, *words: str) -> str:
    """Git's answer without the final newline; empty if git knows nothing or is missing."""
    try:
        answer = run(folder, words, os.environ, timeout=5)
    except Refused:
        return ""
    return answer.stdout.decode("utf-8", "surrogateescape").removesuffix("\n") if answer.returncode == 0 else ""


def install_source(install: str) -> InstallSource:
    """The source named by ``--install``; without it, where this offerkit was installed from, if others can use that.

    A git URL with a revision, an archive on the web, ``offerkit==VERSION``, or a local wheel, which is copied into the
    project. Raises Refused for anything else: an unpinned source could change the meaning of the same specs, and a
    password would be committed.
    """
    if not install:
        return InstallSource(pinned_requirement(), asked=False)
    if has_secret(install):
        raise _no_source(
            "it contains a secret", "It would be committed to git. Let pip read it from ~/.netrc or a keyring."
        )
    if _VERSION.fullmatch(install):
        return InstallSource(install)
    if _REVISION.fullmatch(install) or _ARCHIVE.fullmatch(install):
        return InstallSource(f"offerkit @ {install}")
    if install.endswith(".whl"):
        return _vendored(Path(install))
    raise _no_source(
        "it lacks a revision or version, has a user name, or is malformed",
        "Use git+https://HOST/REPOSITORY@COMMIT, https://HOST/…/offerkit-VERSION-py3-none-any.whl,"
        " offerkit==VERSION, or the path of a wheel.",
    )


def _vendored(wheel: Path) -> InstallSource:
    if not _WHEEL.fullmatch(wheel.name):
        raise _no_source(f"{wheel.name[:80]} is not a wheel of offerkit", "“pip wheel --no-deps CHECKOUT” builds one.")
    try:
        with wheel.open("rb") as file:
            content = file.read(_WHEEL_BYTES + 1)
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise refuse(Code.UNREADABLE, f"{wheel!s:.200} cannot be read: {reason_of(error)}") from None
    if len(content) > _WHEEL_BYTES or "offerkit/__init__.py" not in names:
        raise _no_source(f"{wheel.name} is not a wheel of offerkit", "“pip wheel --no-deps CHECKOUT” builds one.")
    path = f"vendor/{wheel.name}"
    return InstallSource(f"./{path}", {path: content})


def _no_source(why: str, hint: str) -> Refused:
    return refuse(Code.BAD_VALUE, f"--install is not a valid source of offerkit: {why}", hint=hint)


def init_project(
    target: Path,
    starter: Mapping[str, bytes],
    environment: str,
    email: str,
    source: InstallSource | None = None,
    pipeline: Pipeline | None = None,
    brought: Callable[[Mapping[str, bytes]], Mapping[str, bytes]] | None = None,
) -> InitResult:
    """Write what ``target`` lacks of a project: starter files for one environment, JSON Schemas, a pipeline.

    ``brought``: gives further files to add, from the starter's. Existing files are never changed. A project with its
    own resources gets everything except resources (schemas, a README, the pipeline, what was brought); an unfinished
    one is completed. Raises Refused for a folder with a store but no project, and for one inside another's specs.
    """
    from offerkit.specs.json_schema import schema_files
    from offerkit.specs.write_files import add_missing

    _refuse_inside_specs(target)
    if not valid_name(Kind.ENVIRONMENT, environment):
        raise refuse(
            Code.BAD_NAME,
            f"“{environment[:60]}” is not a valid environment name",
            hint="Use up to 64 ASCII letters, digits, - and _. The name “shared” is reserved.",
        )
    email = email if _PLAIN_EMAIL.fullmatch(email) else STARTER_EMAIL
    schemas = {f".schema/{name}": content for name, content in schema_files().items()}
    files = {
        path.replace(STARTER_ENVIRONMENT, environment): content.decode()
        .replace(STARTER_ENVIRONMENT, environment)
        .replace(STARTER_EMAIL, email)
        .encode()
        for path, content in starter.items()
    }
    if source is not None and source.line:
        files[REQUIREMENTS] = files[REQUIREMENTS].replace(_UNSET.encode(), f"{source.line}\n".encode())
        files |= source.files
    own = _has_own_resources(target, files)
    wanted = schemas | {
        path: content for path, content in files.items() if not (own and path.startswith((*_PROJECT, CASES)))
    }
    wanted |= brought(files) if brought is not None else {}
    placed = {} if pipeline is None else {pipeline.at(path): content for path, content in pipeline.placed.items()}
    if pipeline is None:
        written = add_missing(target, wanted)
    else:
        below = {os.path.normpath(f"{pipeline.project}/{path}"): content for path, content in (wanted | placed).items()}
        written = tuple(sorted(pipeline.at(path) for path in add_missing(pipeline.top, below)))
    kept = tuple(sorted((wanted | placed).keys() - set(written)))
    outdated = tuple(path for path in kept if path in schemas and _content(target / path) != schemas[path])
    unlike = tuple(path for path in kept if path in placed and _content(target / path) != placed[path])
    unaware = tuple(path for path in unlike if b"offerkit" not in _content(target / path))
    unnamed = not _names(_content(target / REQUIREMENTS), source)
    folder = json.dumps(pipeline.project) if pipeline else "."
    return InitResult(written, kept, own, outdated, unnamed, unlike, unaware, folder)


def _names(requirements: bytes, source: InstallSource | None) -> bool:
    text = requirements.decode("utf-8", "replace")
    lacking = source is not None and source.asked and source.line not in map(str.strip, text.splitlines())
    return not lacking and _NAMED.search(text) is not None


def _refuse_inside_specs(target: Path) -> None:
    """Refuse a folder inside another project's specs, where the new files would be read as its resources."""
    try:
        folder = target.resolve()
        outer = [
            top.parent
            for top in (folder, *folder.parents)
            if top.name in (*_PROJECT, CASES) and any((top.parent / "environments").glob("*.y*ml"))
        ]
    except (OSError, ValueError) as error:
        raise refuse(Code.UNREADABLE, f"{target!s:.200} cannot be written: {reason_of(error)}") from None
    if outer:
        raise refuse(
            Code.INSIDE_SPECS,
            f"{target!s:.200} is a folder of specs in the project {outer[0]!s:.200}",
            hint="Name a folder outside specs/, environments/ and cases/. To complete that project, name its root.",
        )


def _has_own_resources(target: Path, files: Mapping[str, bytes]) -> bool:
    """Whether ``target`` has YAML files other than the starter's.

    Raises Refused if no project can be created there.
    """
    try:
        if target.exists() and not target.is_dir():
            raise refuse(Code.TARGET_EXISTS, f"{target!s:.200} is not a folder", hint="Name a new folder.")
        yaml_files = {
            path.relative_to(target).as_posix(): path
            for name in _PROJECT
            for path in sorted((target / name).rglob("*"))
            if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")
        }
        if not yaml_files and (target / ".offerkit").exists():
            raise refuse(
                Code.TARGET_EXISTS,
                f"{target!s:.200} already contains a project: it has .offerkit/, but no specs/",
                hint="Export its specs (offerkit export live --to DIR), or name a new folder.",
            )
        return any(path not in files or _content(file) != files[path] for path, file in yaml_files.items())
    except (OSError, ValueError) as error:
        raise refuse(Code.UNREADABLE, f"{target!s:.200} cannot be written: {reason_of(error)}") from None


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
