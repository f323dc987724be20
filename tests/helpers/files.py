"""Projects as data: maps by path, merged, written as YAML (JSON is YAML)."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

MEMORY = Path("/dev/shm")
"""Where files are kept in memory, on Linux."""
_ENOUGH = 4 << 30


def temporary() -> Path:
    """Where tests make their projects: in memory if there is room, since every commit waits for a disk.

    Nothing is proven less by that: processes are killed in tests, machines are not.
    """
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return Path("/tmp")
    roomy = found.f_bavail * found.f_frsize >= _ENOUGH
    usable = roomy and not found.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK | os.X_OK)
    return MEMORY if usable else Path("/tmp")


TESTS = Path(__file__).resolve().parents[1]
BASES = TESTS / "cases" / "base"

Files = dict[str, Any]
"""Files by path from the project's root: a map (written as YAML) or a text (written as it is)."""


def load_yaml(path: Path) -> Any:
    """What a data file holds, by ruamel's own reader."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


@cache
def _base(name: str) -> Files:
    files: Files = load_yaml(BASES / f"{name}.yaml")
    return files


def base(name: str = "shop") -> Files:
    """A fresh copy of a project of ``tests/cases/base``."""
    return copy.deepcopy(_base(name))


def patched(value: Any, patch: Any) -> Any:
    """``value`` with a JSON merge patch (RFC 7396): maps are merged, null removes, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for key, part in patch.items():
        if part is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), part)
    return result


def text_of(content: Any) -> str:
    """A file's text: a text as it is, data as YAML."""
    if isinstance(content, str):
        return content
    return json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n"


def write(root: Path, files: Files) -> None:
    """Make ``root`` hold exactly ``files`` below environments/ and specs/."""
    for folder in ("environments", "specs"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for old in sorted((root / folder).rglob("*")):
            if old.is_file() and old.relative_to(root).as_posix() not in files:
                old.unlink()
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text_of(content), encoding="utf-8")
