"""The authors of a project's files according to its commits, and whether the files match the checked out commit.

The names, e-mails, dates and text of a commit are only claims, and can be anything. So raw commits are
read, without mailmap, replacements or grafts; of merges the changes that merging alone would not have made; and
signatures as git verifies them, against keys that do not come with the commits.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from offerkit.diagnostics import Refused
from offerkit.specs.git import checkout, run
from offerkit.specs.project import read_files

if TYPE_CHECKING:
    from subprocess import CompletedProcess

_TOPS = ("cases", "environments", "specs")
_MOST_COMMITS, _MOST_MERGES = 20_000, 2_000
_LARGEST = 64 * 1024
_SECONDS = 60
_PROGRAMS = (
    "core.commitGraph=false",
    "log.showSignature=false",
    "gpg.program=gpg",
    "gpg.openpgp.program=gpg",
    "gpg.ssh.program=ssh-keygen",
    "gpg.x509.program=gpgsm",
)
"""Settings that a repository's configuration must not choose: programs that are run, and what is printed."""
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PERSON = re.compile(r"<([^<>]*)>")
_CO_AUTHOR = re.compile(r"^\s*co-authored-by:([^\n]*)", re.IGNORECASE | re.MULTILINE)
_TRUSTED = ("fully", "ultimate")


class Commit(NamedTuple):
    """A commit: who is named in it, by e-mail, and the one whose good signature it has; empty without one.

    ``files``: those that it touched, from the project's folder.
    """

    oid: str
    author: str
    committer: str
    co_authors: tuple[str, ...]
    signer: str = ""
    files: frozenset[str] = frozenset()


class UntoldError(Exception):
    """git has no answer; the text says why."""


class Commits:
    """The history of the repository that a project's folder lies in."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        """Raises UntoldError where there is no git, no repository or no commit."""
        self._root, self._environ = root, environ
        self._until = time.monotonic() + _SECONDS
        self._prefix = self._text("rev-parse", "--show-prefix")
        self.head = self._text("rev-parse", "--verify", "HEAD^{commit}")

    @property
    def shallow(self) -> bool:
        """Whether a part of the history is missing here."""
        return self._text("rev-parse", "--is-shallow-repository") != "false"

    def follows(self, commit: str) -> bool:
        """Whether ``commit`` is an ancestor of the checked out commit."""
        if not _OID.fullmatch(commit):
            return False
        return self._run("merge-base", "--is-ancestor", commit, self.head).returncode == 0

    def uncommitted(self) -> list[str]:
        """The files of the project that differ from the checked out commit, sorted."""
        working = {file.path: file.content for file in read_files(self._root)[0]}
        try:
            with checkout(self._root, self.head, self._environ) as (folder, _):
                committed = {file.path: file.content for file in read_files(folder)[0]}
        except Refused as refused:
            raise UntoldError(refused.diagnostics[0].summary) from None
        return sorted(path for path in working.keys() | committed.keys() if working.get(path) != committed.get(path))

    def touching(self, files: Collection[str], since: str, *, every: bool, signed: bool) -> list[Commit]:
        """The commits after ``since`` (empty: all) that touched ``files`` or, if it is given, what differs since then.

        ``files``: paths from the project's folder. ``every``: whatever touched any file of the project. ``signed``:
        signatures are verified, too. Raises UntoldError when there are too many commits to look at.
        """
        tops = sorted({*_TOPS, *(path.partition("/")[0] for path in files)})
        paths = [f":(top,literal){self._prefix}{top}" for top in tops]
        span = [self.head, *([f"^{since}"] if since else [])]
        tracked = {self._prefix + path for path in files}
        if since:
            words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", since, self.head, "--", *paths)
            tracked |= {os.fsdecode(path) for path in self._sure(*words).split(b"\0") if path}
        plain = self._listed(_MOST_COMMITS, "--no-merges", "--full-history", *span, "--", *paths)
        merges = self._listed(_MOST_MERGES, "--merges", *span)
        folders = tuple(f"{self._prefix}{top}/" for top in tops) if every else ()
        touched = self._touched(plain) | self._merged(merges)
        counted = _counted(touched, tracked, folders)
        commits = self._read([oid for oid in (*plain, *merges) if oid in counted], signed=signed)
        own = {oid: frozenset(path.removeprefix(self._prefix) for _, path in touched[oid]) for oid in counted}
        return [commit._replace(files=own[commit.oid]) for commit in commits]

    def _listed(self, most: int, *words: str) -> list[str]:
        oids = os.fsdecode(self._sure("rev-list", f"--max-count={most + 1}", *words)).split()
        if len(oids) > most:
            raise UntoldError(f"there are more than {most:,} commits to look at")
        return oids

    def _touched(self, oids: Sequence[str], *words: str) -> dict[str, list[tuple[str, str]]]:
        """The files that each commit touched, with their status."""
        if not oids:
            return {}
        command = ("diff-tree", "--stdin", "-r", "--root", "-z", "--name-status", "--no-renames", *words)
        return _statuses(self._sure(*command, stdin=_lines(oids)))

    def _merged(self, oids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """The files that each merge changed itself; if git cannot tell, all that differ from any of its parents."""
        if not oids:
            return {}
        if self._run("config", "--get-regexp", r"^merge\..*\.driver$").returncode == 0:  # programs
            return self._touched(oids, "-m")
        words = ("log", "--no-walk=unsorted", "--stdin", "--remerge-diff", "-z", "--name-status", "--format=%H")
        log = self._run(*words, "--no-renames", stdin=_lines(oids))
        if log.returncode:
            return self._touched(oids, "-m")
        of_many = self._run("rev-list", "--no-walk", "--min-parents=3", "--stdin", stdin=_lines(oids))
        return _statuses(log.stdout) | self._touched(os.fsdecode(of_many.stdout).split(), "-m")

    def _read(self, oids: Sequence[str], *, signed: bool) -> list[Commit]:
        if not oids:
            return []
        sizes = self._sure("cat-file", "--batch-check=%(objectsize)", stdin=_lines(oids)).split()
        if any(int(size) > _LARGEST for size in sizes):
            raise UntoldError(f"a commit has more than {_LARGEST:,} bytes")
        content, commits = self._sure("cat-file", "--batch", stdin=_lines(oids)), []
        signers = self._signers(oids) if signed else {}
        for oid in oids:
            head, _, content = content.partition(b"\n")
            size = int(head.rsplit(b" ", 1)[1])
            commits.append(_commit(oid, content[:size].decode("utf-8", "replace"), signers.get(oid, "")))
            content = content[size + 1 :]
        return commits

    def _signers(self, oids: Sequence[str]) -> dict[str, str]:
        """By commit, the e-mail address of its signer, if the signature is good and the key is trusted."""
        allowed, revoked = (self._machine_file(name) for name in ("allowedSignersFile", "revocationFile"))
        keys = ("-c", f"gpg.ssh.allowedSignersFile={allowed or os.devnull}", "-c", f"gpg.ssh.revocationFile={revoked}")
        words = ("log", "--no-walk=unsorted", "--stdin", "-z", "--format=%H%x00%G?%x00%GT%x00%GS")
        cells = os.fsdecode(self._sure(*keys, *words, stdin=_lines(oids))).split("\0")
        signers = {}
        for oid, state, trust, signer in zip(cells[::4], cells[1::4], cells[2::4], cells[3::4], strict=False):
            if state == "G" and trust in _TRUSTED:
                named = _PERSON.findall(signer)
                signers[oid] = named[-1] if named else signer
        return signers

    def _machine_file(self, name: str) -> str:
        """A file of SSH keys that the machine's configuration names; empty if it names none, or one in the checkout."""
        command = ("config", "--show-scope", "-z", "--path", "--get-all", f"gpg.ssh.{name}")
        cells = os.fsdecode(self._run(*command).stdout).split("\0")
        named = [path for scope, path in zip(cells[::2], cells[1::2], strict=False) if scope in ("system", "global")]
        if not named or not Path(named[-1]).is_absolute():
            return ""
        real, top = os.path.realpath(named[-1]), os.path.realpath(self._text("rev-parse", "--show-toplevel"))
        return "" if real.startswith(top + os.sep) else real

    def _text(self, *words: str) -> str:
        return os.fsdecode(self._sure(*words)).removesuffix("\n")

    def _sure(self, *words: str, stdin: bytes = b"") -> bytes:
        result = self._run(*words, stdin=stdin)
        if result.returncode:
            lines = result.stderr.decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
            raise UntoldError(f"git says: {lines[0].removeprefix('fatal: ')[:200]}")
        return result.stdout

    def _run(self, *words: str, stdin: bytes = b"") -> CompletedProcess[bytes]:
        remaining = max(self._until - time.monotonic(), 0.01)
        chosen = [word for setting in _PROGRAMS for word in ("-c", setting)]
        try:
            return run(self._root, [*chosen, *words], self._environ, stdin=stdin, timeout=remaining)
        except Refused as refused:
            raise UntoldError(refused.diagnostics[0].summary) from None


def _lines(oids: Sequence[str]) -> bytes:
    return "\n".join(oids).encode() + b"\n"


def _statuses(output: bytes) -> dict[str, list[tuple[str, str]]]:
    """The output of ``--name-status -z``: each commit, followed by pairs of status and file."""
    statuses: dict[str, list[tuple[str, str]]] = {}
    cells: Iterator[str] = iter(os.fsdecode(output).split("\0"))
    files: list[tuple[str, str]] = []
    for cell in cells:
        word = cell.strip("\n")
        if _OID.fullmatch(word):
            files = statuses.setdefault(word, [])
        elif word:
            files.append((word, next(cells, "")))
    return statuses


def _counted(touched: Mapping[str, list[tuple[str, str]]], tracked: set[str], folders: tuple[str, ...]) -> set[str]:
    """The commits that touched files that are ``tracked`` or in ``folders``.

    When a commit adds a tracked file, the files that it deletes may be earlier names of it and are tracked, too."""
    counted: set[str] = set()
    size = -1
    while size != len(counted) + len(tracked):
        size = len(counted) + len(tracked)
        for oid, files in touched.items():
            if any(path in tracked or path.startswith(folders) for _, path in files):
                counted.add(oid)
                if any(status.startswith("A") and path in tracked for status, path in files):
                    tracked |= {path for status, path in files if status.startswith("D")}
    return counted


def _commit(oid: str, text: str, signer: str) -> Commit:
    head, _, message = text.partition("\n\n")
    people: dict[str, str] = {}
    for line in head.split("\n"):
        role, _, identity = line.partition(" ")
        if role in ("author", "committer") and role not in people:
            people[role] = (_PERSON.findall(identity) or [""])[0].strip()
    return Commit(oid, people.get("author", ""), people.get("committer", ""), co_authors(message), signer)


def co_authors(message: str) -> tuple[str, ...]:
    """The e-mail addresses of the co-authors in a commit's message; the whole text of a line without an address."""
    lines = _CO_AUTHOR.findall(message)
    return tuple(email.strip() for line in lines for email in (_PERSON.findall(line) or [line]))
