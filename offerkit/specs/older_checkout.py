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
    return any((at / ".git").exists() for at in (folder, *folder.parents))


def declared_ahead(root: Path, addresses: Collection[Address], environ: Mapping[str, str]) -> BranchAhead | None:
    """The upstream branch, or else a main one, that declares some of ``addresses`` since HEAD left it.

    None when there is no such branch or no git, and when git cannot tell in time.
    """
    git = _Git(root, environ)
    try:
        branches = islice(git.branches(), _MOST_BRANCHES)
        return next((found for ref in branches if (found := git.ahead(ref, addresses)).declared), None)
    except (Refused, _UntoldError):
        return None


class _UntoldError(Exception):
    """git has no answer."""


class _Git:
    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root, self._environ = root, environ
        self._until = time.monotonic() + _SECONDS

    def _run(self, *words: str, given: bytes = b"") -> CompletedProcess[bytes]:
        left = max(self._until - time.monotonic(), 0.01)
        return run(self._root, words, self._environ, given=given, timeout=left)

    def _text(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode:
            raise _UntoldError
        return os.fsdecode(done.stdout).strip()

    def branches(self) -> Iterator[str]:
        """The branch that HEAD follows, and the main ones, of the remote and here; full names of what is there.

        Without a branch, HEAD may be an older commit of any that contains it.
        """
        seen = {""}
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
            done = self._run(*words)
            names = os.fsdecode(done.stdout).split("\n") if done.returncode == 0 else []
            for name in names:
                if name.startswith("refs/") and name not in seen:
                    seen.add(name)
                    yield name

    def ahead(self, branch: str, addresses: Collection[Address]) -> BranchAhead:
        """What ``branch`` declares of ``addresses`` that the commit at which HEAD left it does not."""
        short = re.sub(r"^refs/(remotes|heads)/", "", branch)
        tip = self._text("rev-parse", "--verify", f"{branch}^{{commit}}")
        commits = int(self._text("rev-list", "--count", f"HEAD..{tip}"))
        if not commits:
            return BranchAhead(short, 0, {})
        base = self._text("merge-base", "HEAD", tip)
        words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--relative", base, tip)
        done = self._run(*words, "--", "specs", "environments", CASES)
        paths = [os.fsdecode(path) for path in done.stdout.split(b"\0") if path.endswith((b".yaml", b".yml"))]
        if done.returncode or len(paths) > _MOST_FILES:
            raise _UntoldError
        before = self._declared(base, paths, addresses)
        after = self._declared(tip, paths, addresses)
        return BranchAhead(short, commits, {address: path for address, path in after.items() if address not in before})

    def _declared(self, commit: str, paths: list[str], addresses: Collection[Address]) -> dict[Address, str]:
        """Where each of ``addresses`` is declared in files of a commit."""
        names = {address.name.encode() for address in addresses}
        found: dict[Address, str] = {}
        for path, content in self._contents(commit, paths):
            if any(name in content for name in names):
                found |= dict.fromkeys(_declared_in(path, content) & set(addresses), path)
        return found

    def _contents(self, commit: str, paths: list[str]) -> Iterator[tuple[str, bytes]]:
        wanted = [path for path in paths if "\n" not in path]
        asked = "".join(f"{commit}:./{path}\n" for path in wanted).encode("utf-8", "surrogateescape")
        sizes = self._run("cat-file", "--batch-check=%(objecttype) %(objectsize)", given=asked)
        rows = [row.split(b" ") for row in sizes.stdout.splitlines()]
        if sizes.returncode or len(rows) != len(wanted):
            raise _UntoldError
        there = [(path, int(row[1])) for path, row in zip(wanted, rows, strict=True) if row[0] == b"blob"]
        there = [(path, size) for path, size in there if size <= MAX_BYTES]
        if sum(size for _, size in there) > _MOST_BYTES:
            raise _UntoldError
        asked = "".join(f"{commit}:./{path}\n" for path, _ in there).encode("utf-8", "surrogateescape")
        content = self._run("cat-file", "--batch", given=asked).stdout if there else b""
        for path, _ in there:
            head, _, content = content.partition(b"\n")
            size = int(head.rsplit(b" ", 1)[1])
            yield path, content[:size]
            content = content[size + 1 :]


def _declared_in(path: str, content: bytes) -> set[Address]:
    from offerkit.specs.parse import parse_file

    top, _, rest = path.partition("/")
    name = rest.rpartition("/")[2].rpartition(".")[0]
    environment = name if top == "environments" else rest.partition("/")[0] if "/" in rest else SHARED
    environment = "" if top == CASES else environment
    try:
        parsed = parse_file(SpecFile(path, environment, top == "environments", content))
    except (Refused, ValueError):
        return set()
    return {record.address for record in parsed.records}
