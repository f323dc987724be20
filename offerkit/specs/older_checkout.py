"""Finds out whether the checkout is only older than a branch: then nobody deleted what its specs lack.

Only uses this repository, never the network, and only for a few seconds; when in doubt it reports nothing.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from offerkit.address import SHARED, Address
from offerkit.diagnostics import Refused
from offerkit.specs.git import run
from offerkit.specs.limits import MAX_BYTES
from offerkit.specs.project import CASES, SpecFile

if TYPE_CHECKING:
    from subprocess import CompletedProcess

_SECONDS = 5
_MOST_BRANCHES = 8
_MOST_FILES, _MOST_BYTES = 500, 32 * 1024 * 1024


class BranchAhead(NamedTuple):
    """A branch that is ``commits`` ahead of the checkout; ``declared``: the resources in these, with their files."""

    branch: str
    commits: int
    declared: dict[Address, str]


def in_repository(root: Path) -> bool:
    """Whether a folder seems to be in a git repository; a quick check without running git."""
    folder = Path(os.path.realpath(root))
    return any((parent / ".git").exists() for parent in (folder, *folder.parents))


def declared_ahead(root: Path, addresses: Collection[Address], environ: Mapping[str, str]) -> BranchAhead | None:
    """The upstream branch, or else a main one, that declares some of ``addresses`` since HEAD left it.

    None when there is no such branch or no git, and when git cannot tell in time.
    """
    git = _Git(root, environ)
    try:
        branches = islice(git.branches(), _MOST_BRANCHES)
        return next((branch for ref in branches if (branch := git.ahead(ref, addresses)).declared), None)
    except (Refused, _UntoldError):
        return None


class _UntoldError(Exception):
    """git gave no answer."""


class _Git:
    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root, self._environ = root, environ
        self._until = time.monotonic() + _SECONDS

    def _run(self, *words: str, stdin: bytes = b"") -> CompletedProcess[bytes]:
        remaining = max(self._until - time.monotonic(), 0.01)
        return run(self._root, words, self._environ, stdin=stdin, timeout=remaining)

    def _text(self, *words: str) -> str:
        result = self._run(*words)
        if result.returncode:
            raise _UntoldError
        return os.fsdecode(result.stdout).strip()

    def branches(self) -> Iterator[str]:
        """The branch that HEAD follows, and the main ones, of the remote and here; full names of what is there.

        Without a branch, HEAD may be an older commit of any that contains it.
        """
        yielded = {""}
        for words in (
            ("rev-parse", "--symbolic-full-name", "@{upstream}"),
            ("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"),
            ("for-each-ref", "--format=%(refname)", "refs/remotes/origin/main", "refs/remotes/origin/master"),
            ("for-each-ref", "--format=%(symref)", "refs/remotes/*/HEAD"),
            ("for-each-ref", "--format=%(refname)", "refs/remotes/*/main", "refs/remotes/*/master"),
            ("for-each-ref", "--format=%(refname)", "refs/heads/main", "refs/heads/master"),
            ("for-each-ref", f"--count={_MOST_BRANCHES}", "--format=%(refname)", "--contains=HEAD", "refs/heads"),
        ):
            if "--contains=HEAD" in words and self._run("symbolic-ref", "--quiet", "HEAD").returncode == 0:
                return
            result = self._run(*words)
            names = os.fsdecode(result.stdout).split("\n") if result.returncode == 0 else []
            for name in names:
                if name.startswith("refs/") and name not in yielded:
                    yielded.add(name)
                    yield name

    def ahead(self, branch: str, addresses: Collection[Address]) -> BranchAhead:
        """Those of ``addresses`` that ``branch`` declares and its merge base with HEAD does not."""
        short = re.sub(r"^refs/(remotes|heads)/", "", branch)
        tip = self._text("rev-parse", "--verify", f"{branch}^{{commit}}")
        commits = int(self._text("rev-list", "--count", f"HEAD..{tip}"))
        if not commits:
            return BranchAhead(short, 0, {})
        base = self._text("merge-base", "HEAD", tip)
        words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--relative", base, tip)
        diff = self._run(*words, "--", "specs", "environments", CASES)
        paths = [os.fsdecode(path) for path in diff.stdout.split(b"\0") if path.endswith((b".yaml", b".yml"))]
        if diff.returncode or len(paths) > _MOST_FILES:
            raise _UntoldError
        declared_at_base = self._declared(base, paths, addresses)
        declared_at_tip = self._declared(tip, paths, addresses)
        return BranchAhead(
            short,
            commits,
            {address: path for address, path in declared_at_tip.items() if address not in declared_at_base},
        )

    def _declared(self, commit: str, paths: list[str], addresses: Collection[Address]) -> dict[Address, str]:
        """Where each of ``addresses`` is declared in files of a commit."""
        names = {address.name.encode() for address in addresses}
        paths_by_address: dict[Address, str] = {}
        for path, content in self._contents(commit, paths):
            if any(name in content for name in names):
                paths_by_address |= dict.fromkeys(_declared_in(path, content) & set(addresses), path)
        return paths_by_address

    def _contents(self, commit: str, paths: list[str]) -> Iterator[tuple[str, bytes]]:
        listed = [path for path in paths if "\n" not in path]
        objects = "".join(f"{commit}:./{path}\n" for path in listed).encode("utf-8", "surrogateescape")
        sizes = self._run("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=objects)
        rows = [row.split(b" ") for row in sizes.stdout.splitlines()]
        if sizes.returncode or len(rows) != len(listed):
            raise _UntoldError
        blobs = [(path, int(row[1])) for path, row in zip(listed, rows, strict=True) if row[0] == b"blob"]
        blobs = [(path, size) for path, size in blobs if size <= MAX_BYTES]
        if sum(size for _, size in blobs) > _MOST_BYTES:
            raise _UntoldError
        objects = "".join(f"{commit}:./{path}\n" for path, _ in blobs).encode("utf-8", "surrogateescape")
        content = self._run("cat-file", "--batch", stdin=objects).stdout if blobs else b""
        for path, _ in blobs:
            head, _, content = content.partition(b"\n")
            size = int(head.rsplit(b" ", 1)[1])
            yield path, content[:size]
            content = content[size + 1 :]


def _declared_in(path: str, content: bytes) -> set[Address]:
    from offerkit.specs.parse import parse_file

    top, _, below = path.partition("/")
    name = below.rpartition("/")[2].rpartition(".")[0]
    environment = name if top == "environments" else below.partition("/")[0] if "/" in below else SHARED
    environment = "" if top == CASES else environment
    try:
        parsed = parse_file(SpecFile(path, environment, top == "environments", content))
    except (Refused, ValueError):
        return set()
    return {record.address for record in parsed.records}
