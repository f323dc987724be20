"""A new project from the starter files, and the pipeline of a forge for one that is there."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from offerkit.address import Kind, valid_name
from offerkit.diagnostics import Code, Refused, has_secret, pinned_requirement, reason_of, refuse
from offerkit.specs.git import run
from offerkit.specs.project import CASES

STARTER_ENVIRONMENT = "recipients"
STARTER_EMAIL = "you@example.com"
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9.-]{1,190}")
"""What can stand in YAML and in a Markdown text as it is."""
REQUIREMENTS = "requirements.txt"
_UNSET = "# offerkit @ SOURCE\n"
"""The line of the starter's requirements that says where offerkit comes from, before anybody has said so."""
_NAMED = re.compile(r"^[^#\n]*offerkit", re.MULTILINE)
"""The workflow asks the same before it installs anything."""
_VERSION = re.compile(r"offerkit==[0-9][0-9A-Za-z.!+]{0,60}")
_PLAIN_URL = r"[A-Za-z0-9._~%/:+?&=,-]{1,500}"
_REVISION = re.compile(
    rf"git\+(?:https://|ssh://(?:[A-Za-z0-9._-]+@)?){_PLAIN_URL}@[A-Za-z0-9._/+-]{{1,200}}(?:#[\w=&./-]+)?"
)
_ARCHIVE = re.compile(rf"https://{_PLAIN_URL}\.(?:whl|zip|tar\.gz)(?:#[\w=&./-]+)?")
"""Without a user: what stands there may be a token."""
_WHEEL = re.compile(r"offerkit-[0-9][0-9A-Za-z.!+_]{0,60}-py3-none-any\.whl")
_WHEEL_BYTES = 50_000_000


_PROJECT = ("environments", "specs")
"""The folders that make a project, in which it has its own files."""


@dataclass(frozen=True)
class InitResult:
    """What was written; what was there already and stays as it is; whether a project was there."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    project: bool
    outdated: tuple[str, ...] = ()
    """Those of ``kept`` that offerkit itself makes and that another version of it made."""
    unnamed: bool = False
    """Whether requirements.txt lacks the source that was asked for or, when none was, any offerkit at all."""
    unlike: tuple[str, ...] = ()
    """Those of ``kept`` that are of a pipeline, and another than this offerkit writes."""
    unaware: tuple[str, ...] = ()
    """Those of ``unlike`` in which offerkit is not named: somebody's own, to which something has to be added."""
    folder: str = "."
    """The project as seen from the top of the repository, as YAML."""

    @property
    def fresh(self) -> bool:
        """Whether there are resources now where none were."""
        return any(path.startswith(_PROJECT) for path in self.written)


@dataclass(frozen=True)
class InstallSource:
    """Where colleagues and CI install offerkit from: a line of a requirements file, and the files that it names."""

    line: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    asked: bool = True
    """Whether somebody named it, and it was not found out."""


@dataclass(frozen=True)
class Pipeline:
    """The files of a forge's pipeline, and the folder in which the forge looks for them.

    ``project``: the project's folder as seen from there; ``branch``: what pull requests go into.
    """

    files: Mapping[str, bytes]
    top: Path
    project: str
    branch: str

    def at(self, path: str) -> str:
        """A path below ``top`` as seen from the project."""
        return os.path.relpath(path, self.project)

    @property
    def placed(self) -> dict[str, bytes]:
        """The files for this project and branch, by their paths below ``top``."""
        project, branch = json.dumps(self.project), json.dumps(self.branch)
        return {
            path: content.replace(_STARTER_PROJECT, project.encode()).replace(_STARTER_BRANCH, f"[{branch}]".encode())
            for path, content in self.files.items()
        }


_STARTER_PROJECT, _STARTER_BRANCH = b'"."', b"[main]"
"""What stands in the files of a pipeline for a project at the top of a repository whose default branch is ``main``."""


def pipeline_of(target: Path, files: Mapping[str, bytes]) -> Pipeline:
    """A pipeline for the project ``target``: at the top of the repository that it lies in, else in its own folder."""
    try:
        real = target.resolve()
        top = _repository(real)
    except (OSError, ValueError) as error:
        raise refuse(Code.UNREADABLE, f"{target!s:.200} cannot be written: {reason_of(error)}") from None
    if top is None:
        return Pipeline(files, real, ".", "main")
    return Pipeline(files, top, os.path.relpath(real, top.resolve()), _default_branch(top))


def _repository(folder: Path) -> Path | None:
    """The top of the repository that ``folder`` lies in, or will lie in when it is made; None without one."""
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    top = _git(there, "rev-parse", "--show-toplevel")
    return Path(top) if top else None


def _default_branch(top: Path) -> str:
    """What pull requests go into, as far as a clone knows: the remote's branch, its only one, or ``main``."""
    remote = _git(top, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if remote:
        return remote.removeprefix("origin/")
    names = _git(top, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split()
    if len(names) > 1:
        return next((name for name in ("main", "master") if name in names), "main")
    return names[0] if names else _git(top, "symbolic-ref", "--short", "HEAD") or "main"


def _git(folder: Path, *words: str) -> str:
    """What git answers, without its last line end; empty where it knows nothing, or is not there."""
    try:
        answer = run(folder, words, os.environ, timeout=5)
    except Refused:
        return ""
    return answer.stdout.decode("utf-8", "surrogateescape").removesuffix("\n") if answer.returncode == 0 else ""


def install_source(install: str) -> InstallSource:
    """What ``--install`` asks for; without it, where this offerkit came from, if others can reach that.

    A git address with a revision, an archive on the web, ``offerkit==VERSION`` of an index, or a wheel on this machine,
    which becomes a part of the project. Raises Refused for anything else: a source that is not pinned changes
    what the same specs mean, and one with a password would be committed with it.
    """
    if not install:
        return InstallSource(pinned_requirement(), asked=False)
    if has_secret(install):
        raise _no_source("it holds a secret", "It would be in git: let pip read it from ~/.netrc or a keyring.")
    if _VERSION.fullmatch(install):
        return InstallSource(install)
    if _REVISION.fullmatch(install) or _ARCHIVE.fullmatch(install):
        return InstallSource(f"offerkit @ {install}")
    if install.endswith(".whl"):
        return _vendored(Path(install))
    raise _no_source(
        "it has no revision or version, a user name, or another form",
        "Give git+https://HOST/REPOSITORY@COMMIT, https://HOST/…/offerkit-VERSION-py3-none-any.whl,"
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
    return refuse(Code.BAD_VALUE, f"--install does not name a source of offerkit: {why}", hint=hint)


def init_project(
    target: Path,
    starter: Mapping[str, bytes],
    environment: str,
    email: str,
    source: InstallSource | None = None,
    pipeline: Pipeline | None = None,
) -> InitResult:
    """Write what ``target`` lacks of a project: the starter's files, for one environment, the JSON Schemas, a pipeline.

    Nothing that is there is changed. A project with resources of its own gets what stands around them (schemas, a
    README, the pipeline), no resources; one that another run has begun and not finished is completed. Raises Refused
    for a folder that has a store and no project, and for one among the specs of another project.
    """
    from offerkit.specs.json_schema import schema_files
    from offerkit.specs.write_files import add_missing

    _refuse_inside_specs(target)
    if not valid_name(Kind.ENVIRONMENT, environment):
        raise refuse(
            Code.BAD_NAME,
            f"“{environment[:60]}” cannot name an environment",
            hint="Names have ASCII letters, digits, - and _, and at most 64 characters; “shared” is taken.",
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
    wanted = schemas | {path: content for path, content in files.items() if not (own and path.startswith(_PROJECT))}
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
    """Files of a project among those of another would be read as resources of the outer one, and break it."""
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
            hint="Name a folder outside of specs/, environments/ and cases/; for what that project lacks, name its"
            " own folder.",
        )


def _has_own_resources(target: Path, files: Mapping[str, bytes]) -> bool:
    """Whether ``target`` has YAML of its own, and not only what the starter would write there.

    Raises Refused where nothing can be begun.
    """
    try:
        if target.exists() and not target.is_dir():
            raise refuse(Code.TARGET_EXISTS, f"{target!s:.200} is not a folder", hint="Name a new folder.")
        there = {
            path.relative_to(target).as_posix(): path
            for name in _PROJECT
            for path in sorted((target / name).rglob("*"))
            if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")
        }
        if not there and (target / ".offerkit").exists():
            raise refuse(
                Code.TARGET_EXISTS,
                f"there is a project in {target!s:.200} already: it has .offerkit/, but no specs/",
                hint="Get its specs back: offerkit export live --to DIR; or name a new folder.",
            )
        return any(path not in files or _content(file) != files[path] for path, file in there.items())
    except (OSError, ValueError) as error:
        raise refuse(Code.UNREADABLE, f"{target!s:.200} cannot be written: {reason_of(error)}") from None


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
