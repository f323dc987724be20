"""The files of a project in a git tree: which of them loading the project can reach, and where its links lead."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from offerkit.diagnostics import Code, refuse

_TOP = ("environments", "specs", "cases")
LINK, SUBMODULE = "120000", "160000"
"""The modes that git gives to a symbolic link and to a submodule."""
_MAX_HOPS = 40


class TreeEntry(NamedTuple):
    """A file of a tree; ``path`` is the one from the project's root."""

    mode: str
    oid: str
    path: str


class GitTree:
    """The project's files at a revision. ``attributes``: the .gitattributes of the folders above it, by full path."""

    def __init__(
        self,
        root: Path,
        prefix: str,
        entries: dict[str, TreeEntry],
        links: dict[str, str],
        attributes: dict[str, TreeEntry],
    ) -> None:
        """``prefix``: the project's folder in its repository, empty or with a slash at its end."""
        self.prefix = prefix
        self.entries = entries
        self.attributes = attributes
        self._root = [part for part in os.path.realpath(root).split("/") if part]
        self._links = links
        self._folders: dict[str, set[str]] = {}
        for path in entries:
            while path:
                parent, _, name = path.rpartition("/")
                names = self._folders.setdefault(parent, set())
                if name in names:
                    break
                names.add(name)
                path = parent

    def needed(self) -> dict[str, TreeEntry]:
        """The files that the loader can reach from specs/, environments/ and cases/: YAML, links and their targets."""
        entries: dict[str, TreeEntry] = {}
        visited: set[str] = set()
        pending = list(_TOP)
        while pending:
            real = self._real(pending.pop(), entries)
            if real is None or real in visited:
                continue
            visited.add(real)
            entry = self.entries.get(real)
            if entry is None:
                pending += [
                    f"{real}/{name}" if real else name
                    for name in self._folders.get(real, ())
                    if not name.startswith(".") and self._read(f"{real}/{name}" if real else name)
                ]
            elif entry.mode == SUBMODULE:
                raise refuse(
                    Code.GIT,
                    f"{real:.200} is a submodule: git keeps its files in another repository",
                    hint="Compare from within the submodule, or keep the specs in the project's own repository.",
                )
            else:
                entries[real] = entry
        return entries

    def target(self, link: str) -> str | None:
        """The target that a link needs in a copy of the tree; None if its own target works there, too.

        An absolute link, and one that leaves the project and comes back, depends on where the project is.
        """
        text = self._links[self.entries[link].oid]
        folder = link.rpartition("/")[0]
        depth = lowest = len(folder.split("/")) if folder else 0
        for part in text.split("/"):
            depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
            lowest = min(lowest, depth)
        if not text.startswith("/") and lowest >= 0:
            return None
        real = self._real(link, {})
        return None if real is None else os.path.relpath(f"/{real}", f"/{folder}")

    def _read(self, path: str) -> bool:
        entry = self.entries.get(path)
        return entry is None or entry.mode in (LINK, SUBMODULE) or path.endswith((".yaml", ".yml"))

    def _real(self, path: str, passed: dict[str, TreeEntry]) -> str | None:
        """``path`` without links; None when it leads out of the project or in a circle. ``passed``: gets the links."""
        parts = list(self._root)
        pending = path.split("/")[::-1]
        hops = 0
        while pending:
            part = pending.pop()
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
                inside = "/".join(parts[len(self._root) :]) if parts[: len(self._root)] == self._root else ""
                entry = self.entries.get(inside)
                if entry is not None and entry.mode == LINK:
                    passed[inside] = entry
                    hops += 1
                    target = self._links.get(entry.oid)
                    if hops > _MAX_HOPS or target is None:
                        return None
                    parts = [] if target.startswith("/") else parts[:-1]
                    pending += target.split("/")[::-1]
        return "/".join(parts[len(self._root) :]) if parts[: len(self._root)] == self._root else None


def tree_entries(output: bytes) -> dict[str, TreeEntry]:
    """The rows of ``git ls-tree -z``, by path."""
    rows = (os.fsdecode(row).partition("\t") for row in output.split(b"\0") if row)
    heads = ((head.split(), path) for head, _, path in rows)
    return {path: TreeEntry(mode, oid, path) for (mode, _, oid), path in heads}
