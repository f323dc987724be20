"""What every run has: a project, a store, who is asking, and when."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from offerkit.applier.apply import Run
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.governance.scopes import Scopes
from offerkit.loader import Loaded, Project, load
from offerkit.loader.progress import Progress, no_progress
from offerkit.store import Holder, Location, RevisionRow, Store
from offerkit.store.remote import Remote
from offerkit.workflow.heads import SeenHeads


@dataclass(frozen=True)
class Session:
    """One run. ``now`` is ISO 8601 in UTC; ``operator`` is the name asked for, ``email`` what git knows.

    ``store_path`` is where the store is when it is not the project's own.
    ``remote``: the server that holds the store; ``store_path`` is then a copy of its history.
    ``override_impact``: why a promotion may take offers from more people than its environment allows.
    ``heads``: what this project saw of the store; None where that is not kept.
    ``scopes``: what the operator's token may be used for; None where no token is asked for.
    """

    project: Project
    now: str
    operator: str = ""
    email: str = ""
    user: str = ""
    store_path: Location | None = None
    lock_timeout: float = 0.0
    use_cache: bool = True
    message: str = ""
    waiting: Callable[[Holder], None] | None = None
    progress: Progress = no_progress
    environ: Mapping[str, str] = field(default_factory=dict)
    override_impact: str = ""
    remote: Remote | None = None
    heads: SeenHeads | None = None
    scopes: Scopes | None = None

    @property
    def store(self) -> Location:
        """Where the store is."""
        return self.store_path or self.project.store

    @property
    def embedded(self) -> bool:
        """Whether the store is a file of this machine."""
        return isinstance(self.store, Path)

    def load(self, *, use_cache: bool | None = None) -> Loaded:
        """The project's specs, read and checked. Raises Refused with every mistake in them."""
        return load(self.project, use_cache=self.use_cache if use_cache is None else use_cache, progress=self.progress)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Store | None]:
        """The store, to read, all of it as it is at one moment; None while there is none."""
        found = self._recognized(lambda: Store.find(self.store))
        if found is None:
            yield None
            return
        with found as store, store.reading():
            yield store

    @contextlib.contextmanager
    def existing(self) -> Iterator[Store]:
        """The store, to read, all of it as it is at one moment. Raises Refused while there is none."""
        with self._open() as store, store.reading():
            yield store

    @contextlib.contextmanager
    def auditing(self) -> Iterator[tuple[Store, list[Diagnostic]]]:
        """The store, to be verified, whatever is in it; and that it is not the one that was seen before."""
        with self._open(audit=True) as store, store.reading():
            yield store, self.heads.findings(store) if self.heads is not None else []
            if self.heads is not None:
                self.heads.went_on(store, self.now)

    @contextlib.contextmanager
    def writing(self, *, create: bool = False) -> Iterator[Store]:
        """The store, to write; made if there is none and ``create`` says so. Raises Refused for one behind a server."""
        if self.remote is not None:
            raise not_there()
        if create and self.store == self.project.store:
            with contextlib.suppress(OSError):
                self.project.prepare_state()
        with self._open(create=create, write=True) as store:
            yield store
            if self.heads is not None:
                self.heads.went_on(store, self.now)

    def _open(self, *, create: bool = False, write: bool = False, audit: bool = False) -> Store:
        create = create and not (self.heads is not None and self.heads.known)
        store = self._recognized(lambda: Store.open(self.store, create=create, write=write, audit=audit), audit=audit)
        assert store is not None
        return store

    def _recognized(self, open_: Callable[[], Store | None], *, audit: bool = False) -> Store | None:
        """What is opened. Raises Refused when its history does not go on from what this project saw of it."""
        return open_() if self.heads is None else self.heads.opened(open_, self.now, audit=audit)

    def told(self, revision: RevisionRow) -> None:
        """Remember a revision that the server says it made."""
        if self.heads is not None:
            self.heads.told(revision.serial, revision.digest, self.now)

    def people_needed(self) -> None:
        """Raise Refused where propositions or contacts are needed, which a copy of the history has none of."""
        if self.remote is not None:
            raise not_there()

    def run(self, actor: str) -> Run:
        """How the applier is to sign what it does."""
        return Run(actor, self.now, self.lock_timeout, self.message, self.waiting)


def not_there() -> Refused:
    """What is said of a command that a store behind a server cannot be asked for."""
    return refuse(
        Code.REMOTE_NOT_THERE,
        "this works only where the store is, not through a server",
        detail="Through a server: plan, show, apply, approvals, approve, reject, promote, rollback, purge, diff,"
        " history, audit, graph and export.",
        hint="Run it on the server's machine, or ask the server's own interface: /api/v1/propose, /api/v1/update.",
    )
