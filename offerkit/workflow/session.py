"""What every run has: a project, a store, who is asking, and when."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from offerkit.applier.apply import Run
from offerkit.loader import Project
from offerkit.store import Holder, Store


class Progress(Protocol):
    """A progress bar: called with what is done and how many steps it has; gives a function to advance it."""

    def __call__(self, label: str, length: int) -> contextlib.AbstractContextManager[Callable[[int], None]]:
        """A bar of ``length`` steps."""


@contextlib.contextmanager
def no_progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """The progress bar of a run that nobody watches."""
    yield lambda count: None


@dataclass(frozen=True)
class Session:
    """One run. ``now`` is ISO 8601 in UTC; ``operator`` is the name asked for, ``email`` what git knows."""

    project: Project
    now: str
    operator: str = ""
    email: str = ""
    user: str = ""
    store_path: Path | None = None
    lock_timeout: float = 0.0
    use_cache: bool = True
    message: str = ""
    waiting: Callable[[Holder], None] | None = None
    progress: Progress = no_progress
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        """Where the store is."""
        return self.store_path or self.project.store

    @contextlib.contextmanager
    def reading(self) -> Iterator[Store | None]:
        """The store, to read; None while there is none."""
        if not Store.exists(self.store):
            yield None
            return
        with Store.open(self.store) as store:
            yield store

    @contextlib.contextmanager
    def existing(self) -> Iterator[Store]:
        """The store, to read. Raises Refused while there is none."""
        with Store.open(self.store) as store:
            yield store

    @contextlib.contextmanager
    def writing(self, *, create: bool = False) -> Iterator[Store]:
        """The store, to write; made if there is none and ``create`` says so."""
        if create and self.store == self.project.store:
            with contextlib.suppress(OSError):
                self.project.prepare_state()
        with Store.open(self.store, create=create, write=True) as store:
            yield store

    def run(self, actor: str) -> Run:
        """How the applier is to sign what it does."""
        return Run(actor, self.now, self.lock_timeout, self.message, self.waiting)
