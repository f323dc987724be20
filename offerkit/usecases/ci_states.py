"""What ``offerkit ci`` compares: the specs that are reviewed with a store, or with the commit that they go on from."""

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
from offerkit.usecases.ci_bundle import Subject
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import state_named

_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PULL = re.compile(r"refs/pull/([0-9]{1,15})/(?:merge|head)")
_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([0-9]{1,15})-[0-9a-f]+")
_MERGED = re.compile(r"refs/pull/[0-9]+/merge")


def subject_of(session: Session, given: Subject) -> Subject:
    """What is reviewed, as options say it, else the CI's variables and what is checked out.

    The head is the pull request's own commit, also where a merge of it with its target is checked out. Raises Refused
    when no commit is.
    """
    environ = session.environ
    ref = environ.get("GITHUB_REF", "")
    number = given.number or number_of(environ)
    base = given.base or environ.get("GITHUB_BASE_REF", "") or environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "")
    return Subject(number, _head(session, given.head, merged=_MERGED.fullmatch(ref) is not None), base)


def number_of(environ: Mapping[str, str]) -> int:
    """The pull request that a CI's variables say its run is for; 0: none."""
    ref = environ.get("GITHUB_REF", "")
    pulled = _PULL.fullmatch(ref) or _QUEUE.fullmatch(ref)
    return int(pulled[1] if pulled else _number(environ.get("CI_MERGE_REQUEST_IID", "")))


def expected(session: Session, given: Subject) -> Subject:
    """What a bundle has to be of, as far as options and the CI tell; a queue of merges tells no head."""
    if given.head or not (session.environ.get("GITHUB_REF") or session.environ.get("CI_MERGE_REQUEST_IID")):
        return Subject(given.number, given.head and _head(session, given.head, merged=False), given.base)
    found = subject_of(session, given)
    reviewed = _PULL.fullmatch(session.environ.get("GITHUB_REF", "")) or session.environ.get("CI_MERGE_REQUEST_IID")
    return found if reviewed else Subject(found.number, "", found.base)


def checked_out(session: Session) -> str:
    """The commit that is checked out. Raises Refused when none is."""
    head = _commit(session, "HEAD")
    if head is None:
        raise refuse(Code.GIT, "no commit is checked out", hint="Name the pull request's head with --head.")
    return head


def _number(text: str) -> str:
    return text if re.fullmatch(r"[0-9]{1,15}", text) else "0"


def _head(session: Session, given: str, *, merged: bool) -> str:
    if given:
        if _OID.fullmatch(given.lower()):
            return given.lower()
        found = _commit(session, given)
        if found is None:
            raise refuse(
                Code.GIT, f"“{given[:120]}” is not a commit of this clone", hint="Fetch it, or write it in full."
            )
        return found
    source = session.environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")
    if _OID.fullmatch(source):  # a pipeline of merged results
        return source
    head = checked_out(session)
    parents = _parents(session, "HEAD") if merged else ()
    return parents[1] if len(parents) > 1 else head


def _commit(session: Session, revision: str) -> str | None:
    done = run(
        session.project.root, ["rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"], session.environ
    )
    found = done.stdout.decode("ascii", "replace").strip()
    return found if done.returncode == 0 and _OID.fullmatch(found) else None


def contains(session: Session, commit: str) -> bool:
    """Whether what is checked out is a pull request, as the CI says, or has ``commit`` in its history."""
    ref = session.environ.get("GITHUB_REF", "")
    if _PULL.fullmatch(ref) or _QUEUE.fullmatch(ref) or session.environ.get("CI_MERGE_REQUEST_IID"):
        return True
    return run(session.project.root, ["merge-base", "--is-ancestor", commit, "HEAD"], session.environ).returncode == 0


def here(session: Session, commit: str) -> bool:
    """Whether ``commit`` is in this clone."""
    return _commit(session, commit) is not None


def _parents(session: Session, revision: str) -> tuple[str, ...]:
    done = run(session.project.root, ["rev-list", "--parents", "--max-count=1", revision], session.environ)
    return tuple(done.stdout.decode("ascii", "replace").split()[1:]) if done.returncode == 0 else ()


@dataclass(frozen=True)
class Reviewed:
    """The specs that are reviewed; ``revision``: the commit that they were read from; empty: the files on disk."""

    loaded: Loaded
    revision: str


@contextlib.contextmanager
def specs_of(session: Session, head: str, *, merged: bool) -> Iterator[Reviewed]:
    """The specs of ``head``: the files on disk where it is checked out, alone or merged; else as git has them.

    So that a job that holds secrets need not check out what others wrote. ``merged``: as they will be once it is merged
    into what is checked out, if it can be.
    """
    here = _commit(session, "HEAD")
    if here is None or head == here or head in _parents(session, "HEAD"):
        yield Reviewed(session.load(), "")
        return
    tree = _merged(session, here, head) if merged else ""
    with checkout(session.project.root, tree or head, session.environ) as (folder, _):
        for name in ("specs", "environments"):
            with contextlib.suppress(OSError):  # a file of that name: the loader says so
                (folder / name).mkdir(exist_ok=True)
        yield Reviewed(load_folder(folder), head)


def _merged(session: Session, here: str, head: str) -> str:
    """The tree that merging ``head`` into ``here`` makes, as git makes it without any file; empty where it cannot."""
    done = run(session.project.root, ["merge-tree", "--write-tree", "--no-messages", here, head], session.environ)
    tree = done.stdout.decode("ascii", "replace").strip()
    return tree if done.returncode == 0 and _OID.fullmatch(tree) else ""


class AtCommit(Stages):
    """The specs of a commit in the place of a store's stages: what is declared there counts as design, and as live."""

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
        """The stages that there are."""
        return list(self._stages)

    @property
    def environments(self) -> list[str]:
        """The environments that the commit declares, sorted."""
        return sorted({stage.environment for stage in self._stages} - {SHARED})

    def digest(self, stage: StageRef) -> str:
        """No manifest's: whatever is asked about is looked at."""
        return ""

    def base(self, stage: StageRef) -> StageBase:
        """A stage that nothing was applied to."""
        return StageBase(stage, 0, EMPTY)

    def entries(self, stage: StageRef, kind: str = "") -> Mapping[Address, Entry]:
        """What stands in a stage, of one kind or all; campaigns stand in live alone."""
        return {
            address: entry
            for address, entry in self._of(stage.environment).items()
            if (not kind or address.kind == kind) and (address.kind is not Kind.CAMPAIGN or stage.stage is Stage.LIVE)
        }

    def _of(self, environment: str) -> dict[Address, Entry]:
        return {address: entry for address, entry in self._state.entries.items() if address.environment == environment}


@dataclass(frozen=True)
class Base:
    """The commit that a pull request goes on from: ``words`` for people, ``commit`` in full."""

    stages: AtCommit
    words: str
    commit: str


def base_of(session: Session, subject: Subject, head: str) -> Base:
    """Where ``head`` left the branch that it goes into. Raises Refused when that branch is not known, or not here."""
    branch, ref = _target(session, subject.base)
    done = run(session.project.root, ["merge-base", ref, head or "HEAD"], session.environ)
    commit = done.stdout.decode("ascii", "replace").strip()
    begins = bool(commit) and not any(_holds(session, commit, name) for name in ("specs", "environments"))
    state = Snapshot() if begins else state_named(session, None, f"git:{ref}...{head or 'HEAD'}")
    return Base(AtCommit(state), f"{branch} at {commit[:12]}", commit)


def _holds(session: Session, commit: str, folder: str) -> bool:
    """Whether the project has a folder at a commit: where it has none of its own, a pull request begins it."""
    words = ["rev-parse", "--verify", "--quiet", f"{commit}:./{folder}"]
    return run(session.project.root, words, session.environ).returncode == 0


def _target(session: Session, named: str) -> tuple[str, str]:
    """The branch's short name, and what git calls it here."""
    if named.startswith("-") or ".." in named:
        raise refuse(Code.NO_BASE, f"“{named[:120]}” is not a branch", hint="Write --base main.")
    short = named.removeprefix("refs/heads/")
    asked = [f"refs/remotes/origin/{short}", named] if named else []
    for ref in asked or _usual(session):
        if _commit(session, ref) is not None:
            return re.sub(r"^refs/(?:remotes/origin|heads)/", "", ref), ref
    if named:
        raise refuse(
            Code.NO_BASE,
            f"there is no branch “{named[:120]}” in this clone",
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
    done = run(session.project.root, ["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"], session.environ)
    found = os.fsdecode(done.stdout).strip()
    return [ref for ref in (found, "refs/remotes/origin/main", "refs/remotes/origin/master") if ref]
