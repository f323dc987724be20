"""What every run has: a project, a store, who is asking, and when."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from offerkit.applier.apply import Run
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.loader import Loaded, Project, load
from offerkit.loader.progress import Progress, no_progress
from offerkit.store import Holder, Location, Store
from offerkit.store.remote import Remote


@dataclass(frozen=True)
class Session:
    """One run. ``now`` is ISO 8601 in UTC; ``operator`` is the name asked for, ``email`` what git knows.

    ``store_path`` is where the store is when it is not the project's own.
    ``remote``: the server that holds the store; ``store_path`` is then a copy of its history.
    ``through_server``: somebody asks over the network, or looks at a page: the contacts are not their own.
    ``override_impact``: why a promotion may take offers from more people than its environment allows.
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
    through_server: bool = False

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
        found = Store.find(self.store)
        if found is None:
            yield None
            return
        with found as store, store.reading():
            yield store

    @contextlib.contextmanager
    def existing(self) -> Iterator[Store]:
        """The store, to read, all of it as it is at one moment. Raises Refused while there is none."""
        with Store.open(self.store) as store, store.reading():
            yield store

    @contextlib.contextmanager
    def writing(self, *, create: bool = False) -> Iterator[Store]:
        """The store, to write; made if there is none and ``create`` says so. Raises Refused for one behind a server."""
        if self.remote is not None:
            raise not_there()
        if create and self.store == self.project.store:
            with contextlib.suppress(OSError):
                self.project.prepare_state()
        with Store.open(self.store, create=create, write=True) as store:
            yield store

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
