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


@dataclass(frozen=True)
class Begun:
    """What was written, and what was there already and stays as it is."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def begin(target: Path, starter: Mapping[str, bytes], environment: str, email: str) -> Begun:
    """Write a new project into ``target``: the starter's files, for one environment, and the JSON Schemas.

    Files that a repository may have already (a README, a workflow) are left alone. Raises Refused where there
    is a project already.
    """
    from offerkit.loader.json_schema import schema_files
    from offerkit.loader.write import add_files

    if not valid_name(Kind.ENVIRONMENT, environment):
        raise refuse(
            Code.BAD_NAME,
            f"“{environment[:60]}” cannot name an environment",
            hint="Names have ASCII letters, digits, - and _, and at most 64 characters; “shared” is taken.",
        )
    _refuse_project(target)
    email = email if _PLAIN_EMAIL.fullmatch(email) else STARTER_EMAIL
    files = {f".schema/{name}": content for name, content in schema_files().items()}
    for path, content in starter.items():
        text = content.decode().replace(STARTER_ENVIRONMENT, environment)
        files[path.replace(STARTER_ENVIRONMENT, environment)] = text.replace(
            STARTER_EMAIL, email or STARTER_EMAIL
        ).encode()
    kept = tuple(sorted(path for path in files if (target / path).exists()))
    new = {path: content for path, content in files.items() if path not in kept}
    add_files(target, new)
    return Begun(tuple(sorted(new)), kept)


def _refuse_project(target: Path) -> None:
    try:
        if target.exists() and not target.is_dir():
            raise refuse(Code.TARGET_EXISTS, f"{target!s:.200} is not a folder", hint="Name a new folder.")
        there = [name for name in ("specs", "environments", ".offerkit") if (target / name).exists()]
    except (OSError, ValueError) as error:
        raise refuse(Code.UNREADABLE, f"{target!s:.200} cannot be written: {reason_of(error)}") from None
    if there:
        raise refuse(
            Code.TARGET_EXISTS,
            f"there is a project in {target!s:.200} already: it has {there[0]}/",
            hint="Name a new folder, or remove what is there.",
        )
