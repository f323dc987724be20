"""One writer for many calls: it stores waiting calls in one transaction; they are answered after the commit.

Syncing a file to disk takes longer than deciding. Under load the calls that arrive meanwhile, and in the moment after,
share the next sync, one statement that adds all their propositions, and one message to the event loop.
"""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from logging import getLogger
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Any, NamedTuple, TypeAlias, TypeVar

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.server.store_presence import StorePresence
from offerkit.store import StatusChange, Store
from offerkit.usecases.history_cache import OwnWrites
from offerkit.usecases.propose import PendingWrite, write_pending
from offerkit.usecases.session import Session

T = TypeVar("T")

_LOG = getLogger("offerkit.writer")
TOGETHER = 200
"""Jobs of one transaction at most."""
WAITING = 5_000
"""Jobs that may wait; more are refused, so that callers hear at once."""
APART = 0.003
"""Seconds from the beginning of one transaction to the next, at least, while several jobs come at once: each takes much
of the processor, whatever it stores.
"""


@dataclass(frozen=True, slots=True)
class _WriteJob:
    """The writes of an answer, or another function to run in a transaction."""

    what: PendingWrite | Callable[[Store], object]
    done: Future[Any]
    loop: AbstractEventLoop
    epoch: int


@dataclass(frozen=True, slots=True)
class _Wake:
    """In the queue, not a job but a request: to check whether the store still exists, or to ``tidy`` it."""

    tidy: bool = False


class _Outcome(NamedTuple):
    """The result of a job: a value, or the exception that it raised."""

    job: _WriteJob
    value: object = None
    error: Exception | None = None


_Jobs: TypeAlias = Sequence[_WriteJob]


class StoreWriter:
    """A thread with its own store that runs jobs; those that wait together share a transaction.

    If one of them or the commit fails, the transaction is rolled back, and each job gets its own, so that a refused
    job does not affect the others.
    """

    def __init__(
        self, session: Session, written: OwnWrites | None = None, presence: StorePresence | None = None
    ) -> None:
        """Nothing is opened before :meth:`start`. ``written`` records what is written."""
        self._session = session
        self._written = written
        self._presence = presence or StorePresence()
        self._presence.listen(self._wake)
        self._jobs: SimpleQueue[_WriteJob | _Wake | None] = SimpleQueue()
        self._untidy = self._crowded = False
        self._begun = 0.0
        self._thread = threading.Thread(target=self._run, name="offerkit-writer", daemon=True)

    def start(self) -> None:
        """Start to accept jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end; returns when all jobs are stored or refused."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether jobs are accepted."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """The number of waiting jobs."""
        return self._jobs.qsize()

    def keep(self, pending: PendingWrite, epoch: int | None = None) -> Future[None]:
        """Queue the writes of an answer, like :meth:`submit`."""
        return self._put(pending, epoch)

    def submit(self, run: Callable[[Store], T], epoch: int | None = None) -> Future[T]:
        """Queue a job; called in an event loop. The future is done after the commit.

        Raises Refused if too many jobs wait. A job whose future is cancelled before its turn is skipped. One decided
        from the store of an earlier ``epoch`` is refused.
        """
        return self._put(run, epoch)

    def tidy(self) -> None:
        """Checkpoint between two transactions: only then is nothing left in the log, which begins again."""
        self._jobs.put(_Wake(tidy=True))

    def _wake(self) -> None:
        """Close a lost store, even without calls."""
        self._jobs.put(_Wake())

    def _put(self, what: PendingWrite | Callable[[Store], object], epoch: int | None) -> Future[Any]:
        if self._jobs.qsize() >= WAITING:
            raise busy()
        loop = get_running_loop()
        job = _WriteJob(what, loop.create_future(), loop, self._presence.epoch if epoch is None else epoch)
        self._jobs.put(job)
        return job.done

    def _run(self) -> None:
        goes_on = True
        jobs: _Jobs = ()
        while goes_on or jobs:
            if not jobs:
                jobs, goes_on = self._taken()
            jobs = self._current(jobs)
            epoch = self._presence.epoch
            try:
                if jobs:
                    with self._session.writing() as store:
                        self._presence.check_is(store)
                        while jobs and epoch == self._presence.epoch and self._done(store, jobs):
                            jobs = ()
                            while goes_on and not jobs and not self._presence.lost:
                                jobs, goes_on = self._taken()
                                self._tidied(store)
                            jobs = self._current(jobs)
                        if epoch == self._presence.epoch:  # otherwise they are for the newly found store
                            jobs = ()
            except Exception as error:  # the store cannot be opened: the callers get the error, and it is tried again
                self._presence.note(error)
                _tell([_Outcome(job, error=error) for job in jobs])
                jobs = ()

    def _current(self, jobs: _Jobs) -> _Jobs:
        """The ``jobs`` that are for the current store; the others are refused."""
        current: list[_WriteJob] = []
        for job in jobs:
            try:
                self._presence.check(job.epoch)
                current.append(job)
            except Refused as refused:
                _tell([_Outcome(job, error=refused)])
        return current

    def _tidied(self, store: Store) -> None:
        if self._untidy:
            self._untidy = False
            with suppress(Refused):  # it is tried again, and if the store is lost, the next transaction tells
                store.checkpoint()

    def _taken(self) -> tuple[_Jobs, bool]:
        """The jobs of one transaction, at least one unless the writer ends; and whether more may follow."""
        jobs: list[_WriteJob] = []
        job = self._jobs.get()
        if self._crowded or not self._jobs.empty():
            sleep(max(self._begun + APART - monotonic(), 0.0))
        self._begun = monotonic()
        while job is not None:
            if isinstance(job, _Wake):
                self._untidy |= job.tidy
            elif not job.done.cancelled():
                jobs.append(job)
            self._crowded = len(jobs) > 1
            if len(jobs) == TOGETHER or isinstance(job, _Wake):
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _done(self, store: Store, jobs: _Jobs) -> bool:
        """Run ``jobs`` and return results to their callers; whether the store is still sound."""
        if len(jobs) > 1:
            try:
                outcomes = self._recorded(store, jobs)
            except Exception:  # running each alone will show which one failed
                _LOG.debug("a shared transaction failed", exc_info=True)
            else:
                _tell(outcomes)
                return True
        outcomes = []
        for job in jobs:
            try:
                outcomes += self._recorded(store, [job])
            except Exception as error:
                self._presence.note(error)
                outcomes.append(_Outcome(job, error=error))
            _tell(outcomes[-1:])
        return all(_is_sound(outcome.error) for outcome in outcomes)

    def _recorded(self, store: Store, jobs: _Jobs) -> list[_Outcome]:
        """Run ``jobs`` in one transaction."""
        with store.recording():
            answers = [job.what for job in jobs if isinstance(job.what, PendingWrite)]
            write_pending(store, answers)
            outcomes = [_Outcome(job, None if isinstance(job.what, PendingWrite) else job.what(store)) for job in jobs]
            versions = store.claim_version() if self._written is not None else None
            if self._written is not None and versions is not None:
                others = [outcome.value for outcome in outcomes if not isinstance(outcome.job.what, PendingWrite)]
                changes = [other for other in others if isinstance(other, StatusChange)]
                if len(changes) == len(others):  # otherwise the changes are unknown, and all is read again
                    rows = [row for answer in answers for row in answer.rows]
                    changed = [change.proposition for change in changes if change.changed]
                    self._written.tell(versions, rows, {(row.environment, row.contact) for row in changed})
        return outcomes


def busy() -> Refused:
    """The error for a call when too many wait for the store."""
    return refuse(
        Code.BUSY,
        "too many calls are waiting for the store",
        hint="Try again in a moment; start more workers, or use a faster store.",
    )


def _is_sound(error: Exception | None) -> bool:
    """Whether the store is still usable after an error: a refused job does not mean that the store is damaged."""
    if not isinstance(error, Refused):
        return error is None
    return not any(diagnostic.code.startswith("OFR6") for diagnostic in error.diagnostics)


def _tell(outcomes: Sequence[_Outcome]) -> None:
    for loop in dict.fromkeys(outcome.job.loop for outcome in outcomes):
        with suppress(RuntimeError):  # the loop has ended: no caller waits any more
            loop.call_soon_threadsafe(_settle, [outcome for outcome in outcomes if outcome.job.loop is loop])


def _settle(outcomes: Sequence[_Outcome]) -> None:
    for job, value, error in outcomes:
        if job.done.done():
            continue
        if error is None:
            job.done.set_result(value)
        else:
            job.done.set_exception(error)
