"""One writer for many calls: it stores waiting calls in one transaction; they are answered after the commit.

Syncing a file to disk takes longer than deciding. Under load the calls that arrive meanwhile share the next sync, one
statement that adds all their propositions, and one message to the event loop.
"""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from logging import getLogger
from queue import Empty, SimpleQueue
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


@dataclass(frozen=True, slots=True)
class _WriteJob:
    """What an answer leaves, or whatever else is to be done in a transaction."""

    what: PendingWrite | Callable[[Store], object]
    done: Future[Any]
    loop: AbstractEventLoop
    epoch: int


class _Wake:
    """Stands in the queue for no job: look whether the store is still there."""


class _Outcome(NamedTuple):
    """What became of a job: a value, or what was raised."""

    job: _WriteJob
    value: object = None
    error: Exception | None = None


_Jobs: TypeAlias = Sequence[_WriteJob]


class StoreWriter:
    """A thread with a store of its own that runs jobs: together in one transaction where several wait.

    When one of them fails, or the commit does, nothing of it is kept; each then gets a transaction of its own, so
    that a job which is refused hinders no other.
    """

    def __init__(
        self, session: Session, written: OwnWrites | None = None, presence: StorePresence | None = None
    ) -> None:
        """Nothing is opened before :meth:`start`. ``written`` is told what is written."""
        self._session = session
        self._written = written
        self._presence = presence or StorePresence()
        self._presence.listen(self._wake)
        self._jobs: SimpleQueue[_WriteJob | _Wake | None] = SimpleQueue()
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

    def keep(self, kept: PendingWrite, epoch: int | None = None) -> Future[None]:
        """Write what an answer leaves, soon. As :meth:`submit`."""
        return self._put(kept, epoch)

    def submit(self, run: Callable[[Store], T], epoch: int | None = None) -> Future[T]:
        """Run a job soon; called in an event loop. The future ends after the commit.

        Raises Refused when too many wait already. A job whose future is cancelled before its turn is left out. One that
        was decided from the store of another ``epoch`` than that of its turn is refused.
        """
        return self._put(run, epoch)

    def _wake(self) -> None:
        """Let go of a store that is lost, also while nobody calls."""
        self._jobs.put(_Wake())

    def _put(self, what: PendingWrite | Callable[[Store], object], epoch: int | None) -> Future[Any]:
        if self._jobs.qsize() >= WAITING:
            raise refuse(
                Code.BUSY,
                "too many calls are waiting to be stored",
                hint="Try again in a moment; start more workers, or use a faster store.",
            )
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
                            jobs = self._current(jobs)
                        if epoch == self._presence.epoch:  # else they are for the store that was found
                            jobs = ()
            except Exception as error:  # the store cannot be opened: whoever waits is told, and it is tried again
                self._presence.note(error)
                _tell([_Outcome(job, error=error) for job in jobs])
                jobs = ()

    def _current(self, jobs: _Jobs) -> _Jobs:
        """Those of ``jobs`` that are for the store that is there now; the others are refused."""
        found: list[_WriteJob] = []
        for job in jobs:
            try:
                self._presence.check(job.epoch)
                found.append(job)
            except Refused as refused:
                _tell([_Outcome(job, error=refused)])
        return found

    def _taken(self) -> tuple[_Jobs, bool]:
        """The jobs of one transaction, at least one unless the end has come; whether there may be more."""
        found: list[_WriteJob] = []
        job = self._jobs.get()
        while job is not None:
            if isinstance(job, _WriteJob) and not job.done.cancelled():
                found.append(job)
            if len(found) == TOGETHER or isinstance(job, _Wake):
                return found, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return found, True
        return found, False

    def _done(self, store: Store, jobs: _Jobs) -> bool:
        """Run ``jobs`` and tell their callers; whether the store is as good as before."""
        if len(jobs) > 1:
            try:
                outcomes = self._recorded(store, jobs)
            except Exception:  # each alone will show which one it was, and tell it
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
                if len(changes) == len(others):  # else nobody knows what was changed, and all is read anew
                    rows = [row for kept in answers for row in kept.rows]
                    changed = [change.proposition for change in changes if change.changed]
                    self._written.tell(versions, rows, {(row.environment, row.contact) for row in changed})
        return outcomes


def _is_sound(error: Exception | None) -> bool:
    """Whether the store is fit for use after it: a refusal of the job says nothing against the store."""
    if not isinstance(error, Refused):
        return error is None
    return not any(found.code.startswith("OFR6") for found in error.diagnostics)


def _tell(outcomes: Sequence[_Outcome]) -> None:
    for loop in dict.fromkeys(outcome.job.loop for outcome in outcomes):
        with suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_settle, [outcome for outcome in outcomes if outcome.job.loop is loop])


def _settle(outcomes: Sequence[_Outcome]) -> None:
    for job, value, error in outcomes:
        if job.done.done():
            continue
        if error is None:
            job.done.set_result(value)
        else:
            job.done.set_exception(error)
