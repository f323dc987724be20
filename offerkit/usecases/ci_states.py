"""What ``offerkit ci`` compares: the reviewed specs with a store, or with the commit where they left their branch."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, refuse
from offerkit.plans.plan import StageBase
from offerkit.specs import Loaded, load_folder
from offerkit.specs.git import checkout, run
from offerkit.state.changes import Entry, LayeredBodies
from offerkit.state.snapshot import Snapshot
from offerkit.store.stage_snapshots import EMPTY, Stages
from offerkit.usecases.ci_bundle import PullRequestRef
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import state_named

_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PULL = re.compile(r"refs/pull/([0-9]{1,15})/(?:merge|head)")
_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([0-9]{1,15})-[0-9a-f]+")
_MERGED = re.compile(r"refs/pull/[0-9]+/merge")


def subject_of(session: Session, requested: PullRequestRef) -> PullRequestRef:
    """The reviewed pull request by the options, else by the CI's variables and the checked-out commit.

    The head is the pull request's own commit, even if a merge of it with its target is checked out. Raises Refused
    if no commit is checked out.
    """
    environ = session.environ
    ref = environ.get("GITHUB_REF", "")
    number = requested.number or number_of(environ)
    base = (
        requested.base or environ.get("GITHUB_BASE_REF", "") or environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "")
    )
    return PullRequestRef(number, _head(session, requested.head, merged=_MERGED.fullmatch(ref) is not None), base)


def number_of(environ: Mapping[str, str]) -> int:
    """The number of the pull request of a CI run, by the CI's variables; 0: none."""
    ref = environ.get("GITHUB_REF", "")
    pulled = _PULL.fullmatch(ref) or _QUEUE.fullmatch(ref)
    return int(pulled[1] if pulled else _number(environ.get("CI_MERGE_REQUEST_IID", "")))


def expected(session: Session, requested: PullRequestRef) -> PullRequestRef:
    """The pull request that a bundle must be of, as far as options and the CI tell; a merge queue gives no head."""
    if requested.head or not (session.environ.get("GITHUB_REF") or session.environ.get("CI_MERGE_REQUEST_IID")):
        return PullRequestRef(
            requested.number, requested.head and _head(session, requested.head, merged=False), requested.base
        )
    subject = subject_of(session, requested)
    reviewed = _PULL.fullmatch(session.environ.get("GITHUB_REF", "")) or session.environ.get("CI_MERGE_REQUEST_IID")
    return subject if reviewed else PullRequestRef(subject.number, "", subject.base)


def checked_out(session: Session) -> str:
    """The checked-out commit. Raises Refused if there is no commit."""
    head = _commit(session, "HEAD")
    if head is None:
        raise refuse(Code.GIT, "no commit is checked out", hint="Name the pull request's head with --head.")
    return head


def _number(text: str) -> str:
    return text if re.fullmatch(r"[0-9]{1,15}", text) else "0"


def _head(session: Session, revision: str, *, merged: bool) -> str:
    if revision:
        if _OID.fullmatch(revision.lower()):
            return revision.lower()
        commit = _commit(session, revision)
        if commit is None:
            raise refuse(
                Code.GIT, f"“{revision[:120]}” is not a commit of this clone", hint="Fetch it, or write it in full."
            )
        return commit
    source = session.environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")
    if _OID.fullmatch(source):  # a pipeline of merged results
        return source
    head = checked_out(session)
    parents = _parents(session, "HEAD") if merged else ()
    return parents[1] if len(parents) > 1 else head


def _commit(session: Session, revision: str) -> str | None:
    process = run(
        session.project.root, ["rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"], session.environ
    )
    commit = process.stdout.decode("ascii", "replace").strip()
    return commit if process.returncode == 0 and _OID.fullmatch(commit) else None


def contains(session: Session, commit: str) -> bool:
    """Whether the checked-out commit is of a pull request, by the CI's variables, or has ``commit`` in its history."""
    ref = session.environ.get("GITHUB_REF", "")
    if _PULL.fullmatch(ref) or _QUEUE.fullmatch(ref) or session.environ.get("CI_MERGE_REQUEST_IID"):
        return True
    return run(session.project.root, ["merge-base", "--is-ancestor", commit, "HEAD"], session.environ).returncode == 0


def has_commit(session: Session, commit: str) -> bool:
    """Whether this clone has ``commit``."""
    return _commit(session, commit) is not None


def _parents(session: Session, revision: str) -> tuple[str, ...]:
    process = run(session.project.root, ["rev-list", "--parents", "--max-count=1", revision], session.environ)
    return tuple(process.stdout.decode("ascii", "replace").split()[1:]) if process.returncode == 0 else ()


@dataclass(frozen=True)
class ReviewedSpecs:
    """The reviewed specs; ``revision``: the commit that they were read from; empty: the files on disk."""

    loaded: Loaded
    revision: str


@contextlib.contextmanager
def specs_of(session: Session, head: str, *, merged: bool) -> Iterator[ReviewedSpecs]:
    """The specs of ``head``: the files on disk if it is checked out, alone or merged; otherwise from git.

    So a job with secrets need not check out untrusted commits. ``merged``: as they will be after a merge into the
    checked-out commit, if git can merge them.
    """
    checked_out_commit = _commit(session, "HEAD")
    if checked_out_commit is None or head == checked_out_commit or head in _parents(session, "HEAD"):
        yield ReviewedSpecs(session.load(), "")
        return
    tree = _merged(session, checked_out_commit, head) if merged else ""
    with checkout(session.project.root, tree or head, session.environ) as (folder, _):
        for name in ("specs", "environments"):
            with contextlib.suppress(OSError):  # a file has that name: the loader reports it
                (folder / name).mkdir(exist_ok=True)
        yield ReviewedSpecs(load_folder(folder), head)


def _merged(session: Session, checked_out_commit: str, head: str) -> str:
    """The tree of a merge of ``head``, which git makes without touching files; empty if it cannot merge them."""
    process = run(
        session.project.root, ["merge-tree", "--write-tree", "--no-messages", checked_out_commit, head], session.environ
    )
    tree = process.stdout.decode("ascii", "replace").strip()
    return tree if process.returncode == 0 and _OID.fullmatch(tree) else ""


class AtCommit(Stages):
    """The specs of a commit in the role of a store's stages: what it declares counts as design and as live."""

    def __init__(self, state: Snapshot) -> None:
        """``state`` has the specs, campaigns included."""
        super().__init__(None)
        self.bodies = LayeredBodies(state.bodies)
        self._empty = Snapshot({}, self.bodies)
        self._state = state
        names = sorted({SHARED, *(address.environment for address in state.entries)})
        self._stages = [StageRef(name, side) for name in names for side in Stage]

    @property
    def stages(self) -> list[StageRef]:
        """All stages."""
        return list(self._stages)

    @property
    def environments(self) -> list[str]:
        """The environments that the commit declares, sorted."""
        return sorted({stage.environment for stage in self._stages} - {SHARED})

    def digest(self, stage: StageRef) -> str:
        """Empty: a commit has no manifest, so every stage is compared in full."""
        return ""

    def base(self, stage: StageRef) -> StageBase:
        """The base of a stage to which nothing was applied."""
        return StageBase(stage, 0, EMPTY)

    def entries(self, stage: StageRef, kind: str = "") -> Mapping[Address, Entry]:
        """The entries of a stage, of one kind or all; only live has campaigns."""
        return {
            address: entry
            for address, entry in self._of(stage.environment).items()
            if (not kind or address.kind == kind) and (address.kind is not Kind.CAMPAIGN or stage.stage is Stage.LIVE)
        }

    def _of(self, environment: str) -> dict[Address, Entry]:
        return {address: entry for address, entry in self._state.entries.items() if address.environment == environment}


@dataclass(frozen=True)
class Base:
    """The commit where a pull request left its target branch: ``words`` to show, and ``commit`` in full."""

    stages: AtCommit
    words: str
    commit: str


def base_of(session: Session, subject: PullRequestRef, head: str) -> Base:
    """Where ``head`` left its target branch. Raises Refused if that branch is unknown, or missing in this clone."""
    branch, ref = _target(session, subject.base)
    process = run(session.project.root, ["merge-base", ref, head or "HEAD"], session.environ)
    commit = process.stdout.decode("ascii", "replace").strip()
    begins = bool(commit) and not any(_holds(session, commit, name) for name in ("specs", "environments"))
    state = Snapshot() if begins else state_named(session, None, f"git:{ref}...{head or 'HEAD'}")
    return Base(AtCommit(state), f"{branch} at {commit[:12]}", commit)


def _holds(session: Session, commit: str, folder: str) -> bool:
    """Whether the project has a folder at a commit; if it has no specs, the pull request starts the project."""
    command = ["rev-parse", "--verify", "--quiet", f"{commit}:./{folder}"]
    return run(session.project.root, command, session.environ).returncode == 0


def _target(session: Session, branch_name: str) -> tuple[str, str]:
    """The branch's short name, and its ref in this clone."""
    if branch_name.startswith("-") or ".." in branch_name:
        raise refuse(Code.NO_BASE, f"“{branch_name[:120]}” is not a branch", hint="Write --base main.")
    short = branch_name.removeprefix("refs/heads/")
    refs = [f"refs/remotes/origin/{short}", branch_name] if branch_name else []
    for ref in refs or _usual(session):
        if _commit(session, ref) is not None:
            return re.sub(r"^refs/(?:remotes/origin|heads)/", "", ref), ref
    if branch_name:
        raise refuse(
            Code.NO_BASE,
            f"there is no branch “{branch_name[:120]}” in this clone",
            detail="Without a store, a pull request is compared with the commit where it left its target branch.",
            hint=f"Fetch it with its history: git fetch --unshallow origin {short[:120]}",
        )
    raise refuse(
        Code.NO_BASE,
        "there is no store, and the target branch is unknown",
        detail="Without a store, a pull request is compared with the commit where it left its target branch.",
        hint="Name the branch (--base main), or the store (--store URL).",
    )


def _usual(session: Session) -> list[str]:
    process = run(session.project.root, ["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"], session.environ)
    default_branch = os.fsdecode(process.stdout).strip()
    return [ref for ref in (default_branch, "refs/remotes/origin/main", "refs/remotes/origin/master") if ref]
