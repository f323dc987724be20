"""One writer for many calls: what waits is written in one transaction, and every caller hears only after the commit.

Syncing a file to disk takes longer than deciding. Under load the calls that arrive meanwhile share the next sync.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from logging import getLogger
from queue import Empty, Full, Queue
from typing import Generic, TypeAlias, TypeVar

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.store import Store
from offerkit.workflow.session import Session

T = TypeVar("T")

_LOG = getLogger("offerkit.writer")
TOGETHER = 200
"""Jobs of one transaction at most."""
WAITING = 5_000
"""Jobs that may wait; more are refused, so that callers hear at once."""


@dataclass
class _Job(Generic[T]):
    run: Callable[[Store], T]
    done: Future[T]

    def answer(self, store: Store) -> Callable[[], None]:
        """Do it; the function given back tells the caller what came of it, once that is kept."""
        made = self.run(store)
        return lambda: self.done.set_result(made)


_Jobs: TypeAlias = list[_Job[object]]


class Writer:
    """A thread with a store of its own that runs jobs: together in one transaction where several wait.

    When one of them fails, or the commit does, nothing of it is kept; each then gets a transaction of its own, so
    that a job which is refused hinders no other.
    """

    def __init__(self, session: Session) -> None:
        """Nothing is opened before :meth:`start`."""
        self._session = session
        self._jobs: Queue[_Job[object] | None] = Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="offerkit-writer", daemon=True)

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end; returns when all of it is kept or refused."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether jobs are taken."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._jobs.qsize()

    def submit(self, run: Callable[[Store], T]) -> Future[T]:
        """Run a job soon. The future ends after the commit. Raises Refused when too many wait already.

        A job whose future is cancelled before its turn is left out.
        """
        job: _Job[T] = _Job(run, Future())
        try:
            self._jobs.put_nowait(job)  # type: ignore[arg-type]  # a queue of jobs, whatever comes of them
        except Full:
            raise refuse(
                Code.BUSY,
                "too many calls wait to be stored",
                hint="Ask again in a moment; start more workers, or a store that is faster.",
            ) from None
        return job.done

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            jobs, goes_on = self._taken()
            try:
                with self._session.writing() as store:
                    sound = _done(store, jobs)
                    while goes_on and sound:
                        jobs, goes_on = self._taken()
                        sound = _done(store, jobs)
            except Exception as error:  # the store cannot be opened: whoever waits is told, and it is tried again
                _failed(jobs, error)

    def _taken(self) -> tuple[_Jobs, bool]:
        """The jobs of one transaction, at least one unless the end has come; whether there may be more."""
        found: _Jobs = []
        job = self._jobs.get()
        while job is not None:
            if job.done.set_running_or_notify_cancel():
                found.append(job)
            if len(found) == TOGETHER:
                return found, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return found, True
        return found, False


def _done(store: Store, jobs: _Jobs) -> bool:
    """Run ``jobs`` and tell their callers; whether the store is as good as before."""
    if len(jobs) > 1:
        try:
            with store.recording():
                told = [job.answer(store) for job in jobs]
        except Exception:  # each alone will show which one it was, and tell it
            _LOG.debug("a shared transaction failed", exc_info=True)
        else:
            for tell in told:
                tell()
            return True
    sound = True
    for job in jobs:
        sound = _alone(store, job) and sound
    return sound


def _alone(store: Store, job: _Job[object]) -> bool:
    try:
        with store.recording():
            tell = job.answer(store)
    except Refused as refused:
        job.done.set_exception(refused)
        return not any(found.code.startswith("OFR6") for found in refused.diagnostics)
    except Exception as error:
        job.done.set_exception(error)
        return False
    tell()
    return True


def _failed(jobs: _Jobs, error: Exception) -> None:
    for job in jobs:
        if not job.done.done():
            job.done.set_exception(error)
