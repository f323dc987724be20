"""A new project from the starter files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from offerkit.address import Kind, valid_name
from offerkit.diagnostics import Code, reason_of, refuse

STARTER_ENVIRONMENT = "recipients"
STARTER_EMAIL = "you@example.com"
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9.-]{1,190}")
"""What can stand in YAML and in a Markdown text as it is."""


_PROJECT = ("environments", "specs")
"""The folders that make a project, in which it has its own files."""


@dataclass(frozen=True)
class Begun:
    """What was written; what was there already and stays as it is; whether a project was there."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    project: bool
    outdated: tuple[str, ...] = ()
    """Those of ``kept`` that offerkit itself makes and that another version of it made."""


def begin(target: Path, starter: Mapping[str, bytes], environment: str, email: str) -> Begun:
    """Write what ``target`` lacks of a project: the starter's files, for one environment, and the JSON Schemas.

    Nothing that is there is changed. A project with resources of its own gets what stands around them (schemas, a
    workflow, a README), no resources; one that another run has begun and not finished is completed. Raises Refused
    for a folder that has a store and no project.
    """
    from offerkit.loader.json_schema import schema_files
    from offerkit.loader.write import add_missing

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
    own = _has_own_resources(target, files)
    wanted = schemas | {path: content for path, content in files.items() if not (own and path.startswith(_PROJECT))}
    written = add_missing(target, wanted)
    kept = tuple(sorted(wanted.keys() - set(written)))
    outdated = tuple(path for path in kept if path in schemas and _content(target / path) != schemas[path])
    return Begun(written, kept, own, outdated)


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
