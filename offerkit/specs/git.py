"""git: the configured e-mail, the relation of two commits, and the specs of a revision.

Every call of git goes through :func:`run`. It asks the repository that the folder lies in, whatever the environment
says (git sets GIT_DIR for hooks); it only reads, runs no program that the repository's configuration names, and never
uses the network.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from offerkit.diagnostics import Code, Refused, reason_of, refuse
from offerkit.specs.git_tree import LINK, SUBMODULE, GitTree, TreeEntry, tree_entries
from offerkit.specs.limits import MAX_BYTES
from offerkit.specs.project import too_large

if TYPE_CHECKING:
    from subprocess import CompletedProcess

HEEDED = frozenset(
    {
        "GIT_CEILING_DIRECTORIES",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_EXEC_PATH",
    }
)
"""The variables for git's installation and configuration. All other GIT_ variables are dropped: they name a repository
(``git rev-parse --local-env-vars``), or change what git prints."""

_CONFIG = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.untrackedCache=false",
    "core.warnAmbiguousRefs=true",
    "safe.bareRepository=explicit",
)
_MAX_LINK = 4096
WHOLE_HISTORY = (
    "“git fetch --unshallow” fetches the whole history; in a pipeline, set fetch-depth: 0 (GitHub) or"
    ' GIT_DEPTH: "0" (GitLab).'
)
"""The hint for shallow clones."""
_NO_PROGRAM = {"smudge": "", "process": "", "required": "false"}


def git_email(folder: Path) -> str:
    """The e-mail address configured in git for ``folder``; empty without git."""
    try:
        answer = run(folder, ["config", "user.email"], os.environ, timeout=5)
    except Refused:
        return ""
    return answer.stdout.decode("utf-8", "replace").strip()


def folder_in_repository(root: Path) -> str:
    """The path of ``root`` in its repository, such as ``shop/offers/``; empty at the top level, and without git."""
    try:
        answer = run(root, ["rev-parse", "--show-prefix"], os.environ, timeout=5)
    except Refused:
        return ""
    return answer.stdout.decode("utf-8", "surrogateescape").rstrip("\n") if answer.returncode == 0 else ""


def run(
    folder: Path,
    words: Sequence[str],
    environ: Mapping[str, str],
    *,
    variables: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 120,
) -> CompletedProcess[bytes]:
    """Run git in ``folder``. ``variables``: further environment variables; ``stdin``: its standard input.

    Raises Refused when git cannot be run; the caller checks the exit status.
    """
    import subprocess

    environment = {name: value for name, value in environ.items() if not name.startswith("GIT_") or name in HEEDED}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}  # the first is newer than many a git
    environment |= {
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": os.devnull,
    }  # without replacements and grafts
    command = ["git", "--no-pager", *(word for setting in _CONFIG for word in ("-c", setting)), *words]
    try:
        return subprocess.run(  # noqa: S603 - a fixed program; no word of a user's can be an option
            command,
            cwd=folder,
            env={**environment, **(variables or {})},
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:  # ValueError: a NUL character
        raise refuse(Code.GIT, f"git could not be run: {reason_of(error)}") from None


class Checkout(NamedTuple):
    """A project at a revision: the folder it is checked out in, and the object that the revision names."""

    folder: Path
    commit: str


class Lineage(NamedTuple):
    """How one commit relates to another that it is compared with.

    ``bases``: their merge bases, where the history here has them all. ``behind``: how many commits of the other one it
    lacks. ``shallow``: whether a part of the history is missing, so that the two cannot be told. ``known``: whether
    both are commits that are here.
    """

    bases: tuple[str, ...] = ()
    behind: int = 0
    shallow: bool = False
    known: bool = True


def lineage(root: Path, base: str, head: str, environ: Mapping[str, str]) -> Lineage:
    """How ``head`` relates to ``base``, both given by hash (or ``HEAD``). Raises Refused where git cannot be run."""
    return _Repository(root, environ).lineage(base, head)


@contextlib.contextmanager
def checkout(root: Path, revision: str, environ: Mapping[str, str]) -> Iterator[Checkout]:
    """The project at ``revision`` in a temporary folder: its YAML and what its links lead to, as git checks them out.

    ``A...B`` is the merge base of both. Raises Refused when there is no such revision, when it holds no specs, and when
    a file cannot be shown as a checkout has it: one of a submodule, or one that a filter makes.
    """
    repository = _Repository(root, environ)
    commit = repository.resolve(revision)
    tree = repository.tree(commit, revision)
    needed = tree.needed()
    if not needed:
        raise refuse(
            Code.GIT, f"git has no specs at “{_cut(revision)}”", hint="“git log -- specs” lists the revisions."
        )
    repository.check_sizes(needed, revision)
    with tempfile.TemporaryDirectory(prefix="offerkit-") as folder:
        repository.lay_out(Path(folder), needed, tree, revision)
        yield Checkout(Path(os.path.realpath(folder)) / "tree" / tree.prefix, commit)


class _Repository:
    """The repository that a project's folder lies in, to be read only."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        """Raises Refused when ``root`` is not in a repository, or git does not trust it."""
        self._root = root
        self._environ = environ
        prefix, _, in_work_tree = self._text(["rev-parse", "--show-prefix", "--is-inside-work-tree"]).rpartition("\n")
        if in_work_tree != "true":
            raise refuse(Code.GIT, "the project is not in the working tree of a git repository")
        self._prefix = prefix.removesuffix("\n")
        self._git = self._text(["rev-parse", "--absolute-git-dir"])

    def resolve(self, revision: str) -> str:
        """The object that ``revision`` names: one commit or tree, or the merge base of ``A...B``."""
        a, dots, b = revision.partition("...")
        if not revision or a.startswith("-") or b.startswith("-"):  # git would take it for an option
            raise refuse(
                Code.GIT, f"“{_cut(revision)}” is not a git revision", hint="Write git:main, git:HEAD~1 or git:TAG."
            )
        if not dots or ":" in a or "{/" in a:
            return self._one(revision)
        a, b = a or "HEAD", b or "HEAD"
        first, second = self._one(a), self._one(b)
        merge_base = self._run(["merge-base", first, second])
        if merge_base.returncode not in (0, 1):
            raise refuse(Code.GIT, f"“{_cut(revision)}” has no merge base: {_reason(merge_base.stderr)}")
        if merge_base.returncode:
            shallow = self._shallow
            raise refuse(
                Code.GIT,
                f"“{_cut(a)}” and “{_cut(b)}” have no common ancestor"
                + (" in this clone, which is shallow" if shallow else ""),
                hint=WHOLE_HISTORY if shallow else "Name one revision: git:main.",
            )
        return _decoded(merge_base.stdout).strip()

    def lineage(self, base: str, head: str) -> Lineage:
        """See :func:`lineage`."""
        counted = self._run(["rev-list", "--count", f"{head}..{base}"])
        if counted.returncode:
            return Lineage(shallow=self._shallow, known=False)
        behind = int(counted.stdout)
        if not behind:
            return Lineage((base,))
        if self._shallow:  # a merge base that is found may be older than the one that is missing
            return Lineage((), behind, shallow=True)
        bases = _decoded(self._run(["merge-base", "--all", base, head]).stdout).split()
        return Lineage(tuple(sorted(bases)), behind)

    @property
    def _shallow(self) -> bool:
        return self._text(["rev-parse", "--is-shallow-repository"]) == "true"

    def _one(self, revision: str) -> str:
        result = self._run(["rev-parse", "--verify", revision])
        oid = _decoded(result.stdout).strip()
        if result.returncode or not re.fullmatch(r"[0-9a-f]{40,64}", oid):
            raise self._unknown(revision, _reason(result.stderr))
        if re.search(rb"refname '.*' is ambiguous", result.stderr):
            raise refuse(
                Code.GIT,
                f"“{_cut(revision)}” is ambiguous: a branch and a tag have that name, for instance",
                hint=f"Write which one: git:heads/{_cut(revision)} or git:tags/{_cut(revision)}.",
            )
        return oid

    def _unknown(self, revision: str, reason: str) -> Refused:
        hint = "“git log -- specs” lists the revisions."
        if ".." in revision:
            reason = "a range is not a revision"
            hint = "Name one revision, or the merge base of two: git:A...B."
        elif not self._run(["rev-list", "--max-count=1", "--all"]).stdout.strip():
            reason = "the repository has no commit yet"
            hint = "Commit the specs: “git add environments specs”, then “git commit”."
        elif self._shallow:
            reason, hint = "this clone is shallow and does not have it", WHOLE_HISTORY
        elif "single revision" in reason or revision.startswith("^"):
            reason = f"not a valid object name: {_cut(revision)}"
        return refuse(Code.GIT, f"git has no specs at “{_cut(revision)}”: {reason}", hint=hint)

    def tree(self, oid: str, revision: str) -> GitTree:
        """The project's files at ``oid``."""
        listing = self._run(["ls-tree", "-r", "-z", "--full-tree", f"{oid}:{self._prefix.removesuffix('/')}"])
        if listing.returncode:
            raise refuse(
                Code.GIT,
                f"git has no specs at “{_cut(revision)}”: {_reason(listing.stderr)}",
                hint="“git log -- specs” lists the revisions.",
            )
        entries = tree_entries(listing.stdout)
        parents = self._prefix.split("/")[:-1]
        names = ["/".join([*parents[:depth], ".gitattributes"]) for depth in range(len(parents))]
        attributes = tree_entries(self._sure(["ls-tree", "-z", "--full-tree", oid, *names], revision)) if names else {}
        attributes |= {
            self._prefix + path: entry for path, entry in entries.items() if path.rpartition("/")[2] == ".gitattributes"
        }
        attribute_files = {path: entry for path, entry in attributes.items() if entry.mode not in (LINK, SUBMODULE)}
        return GitTree(self._root, self._prefix, entries, self._links(entries, revision), attribute_files)

    def _links(self, entries: Mapping[str, TreeEntry], revision: str) -> dict[str, str]:
        """The targets of links by object; without links that are too long to be a path."""
        oids = sorted({entry.oid for entry in entries.values() if entry.mode == LINK})
        oids = [oid for oid, size in self._sizes(oids, revision).items() if size <= _MAX_LINK]
        if not oids:
            return {}
        content = self._sure(["cat-file", "--batch"], revision, stdin="\n".join(oids).encode() + b"\n")
        links = {}
        for oid in oids:
            head, _, content = content.partition(b"\n")
            size = int(head.rsplit(b" ", 1)[1])
            links[oid] = _decoded(content[:size])
            content = content[size + 1 :]
        return links

    def _sizes(self, oids: Sequence[str], revision: str) -> dict[str, int]:
        if not oids:
            return {}
        stdin = "\n".join(oids).encode() + b"\n"
        result = self._run(["cat-file", "--batch-check=%(objectname) %(objectsize)"], stdin=stdin)
        rows = [line.split() for line in result.stdout.splitlines()]
        if result.returncode or any(row[1] == b"missing" for row in rows):
            raise refuse(
                Code.GIT,
                f"this clone does not have all files of “{_cut(revision)}”",
                detail="It is a partial clone, or it is damaged; offerkit does not fetch from the network.",
                hint="“git fetch --refetch --no-filter” fetches them.",
            )
        return {row[0].decode(): int(row[1]) for row in rows}

    def check_sizes(self, needed: Mapping[str, TreeEntry], revision: str) -> None:
        """Raises Refused for a file that the loader would not read: nothing of it is written."""
        sizes = self._sizes(sorted({entry.oid for entry in needed.values()}), revision)
        large = {path: size for path, entry in sorted(needed.items()) if (size := sizes[entry.oid]) > MAX_BYTES}
        if large:
            raise Refused([too_large(path, size) for path, size in large.items()])

    def lay_out(self, folder: Path, needed: Mapping[str, TreeEntry], tree: GitTree, revision: str) -> None:
        """Check ``needed`` out into ``folder``, which becomes the top of a working tree of its own.

        git does that itself, since line ends, encodings and $Id$ are its business, and so are names that would lead
        out of the folder. Its index is one of ours.
        """
        entries = {self._prefix + path: entry for path, entry in needed.items()} | tree.attributes
        top = folder / "tree"
        (top / self._prefix).mkdir(parents=True)
        words = [f"--git-dir={self._git}", f"--work-tree={top}"]
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        listed = "".join(f"{entry.mode} {entry.oid}\t{path}\0" for path, entry in sorted(entries.items()))
        stdin = os.fsencode(listed)
        self._sure([*words, "update-index", "-z", "--index-info"], revision, stdin=stdin, variables=index, folder=top)
        drivers = self._drivers()
        if drivers:
            self._refuse_filtered(
                [*words, "check-attr", "--cached", "-z", "--stdin", "filter"], entries, drivers, index
            )
        self._sure(
            [*words, "checkout-index", "--all", "--quiet"], revision, variables=index | _off(drivers), folder=top
        )
        for path, entry in needed.items():
            target = tree.target(path) if entry.mode == LINK else None
            if target is not None:
                (top / self._prefix / path).unlink()
                (top / self._prefix / path).symlink_to(target)

    def _drivers(self) -> list[str]:
        """The configured filters that would change files on checkout. They are programs, which are not run."""
        result = self._run(["config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(smudge|process)$"])
        names = (os.fsdecode(name).partition(".")[2].rpartition(".")[0] for name in result.stdout.split(b"\0") if name)
        return sorted(set(names))

    def _refuse_filtered(
        self, words: Sequence[str], entries: Mapping[str, TreeEntry], drivers: Sequence[str], index: Mapping[str, str]
    ) -> None:
        stdin = os.fsencode("".join(f"{path}\0" for path in entries))
        command = [*words, "check-attr", "--cached", "-z", "--stdin", "filter"]
        cells = os.fsdecode(self._sure(command, "", stdin=stdin, variables=index)).split("\0")
        for path, _, driver in zip(cells[::3], cells[1::3], cells[2::3], strict=False):
            if driver in drivers and path.removeprefix(self._prefix) in entries:
                raise refuse(
                    Code.GIT,
                    f"{path:.200} is produced by git's filter “{_cut(driver)}”, which is a program",
                    detail="Comparing with a revision does not run the programs that git's configuration names.",
                    hint="Check the revision out into another folder, and compare with the specs there.",
                )

    def _text(self, words: Sequence[str]) -> str:
        return _decoded(self._sure(words, "")).removesuffix("\n")

    def _sure(
        self,
        words: Sequence[str],
        revision: str,
        *,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> bytes:
        """The output of git. Raises Refused with git's reason when it fails."""
        result = run(folder or self._root, words, self._environ, variables=variables, stdin=stdin)
        if result.returncode:
            raise self._failed(_reason(result.stderr), revision)
        return result.stdout

    def _failed(self, reason: str, revision: str) -> Refused:
        if "dubious ownership" in reason or "safe.directory" in reason:
            return refuse(
                Code.GIT,
                "git does not trust the project's repository: it belongs to another user",
                hint=f"If you trust it: git config --global --add safe.directory {self._root}",
            )
        if reason.startswith("not a git repository"):
            return refuse(
                Code.GIT,
                "the project is not in a git repository",
                detail="offerkit looks for one from the project's folder upwards and ignores GIT_DIR.",
                hint="“git init” creates one; then commit the specs.",
            )
        summary = f"the specs at “{_cut(revision)}” cannot be checked out" if revision else "git failed"
        return refuse(Code.GIT, f"{summary}: {reason}")

    def _run(self, words: Sequence[str], stdin: bytes = b"") -> CompletedProcess[bytes]:
        return run(self._root, words, self._environ, stdin=stdin)


def _off(drivers: Sequence[str]) -> dict[str, str]:
    """Environment variables that disable the programs of ``drivers``, in case a file uses one of them after all."""
    pairs = [(f"filter.{name}.{key}", value) for name in drivers for key, value in _NO_PROGRAM.items()]
    return {"GIT_CONFIG_COUNT": str(len(pairs))} | {
        f"GIT_CONFIG_{part}_{number}": text
        for number, (key, value) in enumerate(pairs)
        for part, text in (("KEY", key), ("VALUE", value))
    }


def _reason(errors: bytes) -> str:
    """Why git failed, in its own words."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines or ["it gave no reason"]
    return fatal[0].removeprefix("fatal: ").removeprefix("error: ")


def _decoded(output: bytes) -> str:
    return os.fsdecode(output)


def _cut(text: str) -> str:
    return text[:60]
