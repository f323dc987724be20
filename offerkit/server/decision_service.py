"""Decides calls from what is live; the writer stores the propositions before a call is answered."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import replace
from logging import getLogger
from typing import TypeVar
from weakref import WeakValueDictionary

from offerkit.address import Kind
from offerkit.contacts.key_index import IndexingError, KeyIndex
from offerkit.diagnostics import Code, Refused
from offerkit.engine.answer import Answer
from offerkit.engine.bounded_cache import BoundedCache
from offerkit.engine.report import Report
from offerkit.server.background import BackgroundTask, Scheduler, WebhookSender, failures_logged
from offerkit.server.collector import Collector
from offerkit.server.config import ServerConfig
from offerkit.server.contact_keys import verified
from offerkit.server.live import RevisionWatcher, ServedCatalogs, served_catalogs
from offerkit.server.metrics import Metrics
from offerkit.server.store_presence import StorePresence
from offerkit.server.store_reader import StoreReader
from offerkit.server.store_writer import StoreWriter
from offerkit.server.thread_worker import ThreadWorker, now
from offerkit.store import StatusChange, Store, errors
from offerkit.store.database import QuestionReader
from offerkit.usecases.compared_histories import UnreadError
from offerkit.usecases.contact_access import ContactRights, operator_rights
from offerkit.usecases.history_cache import OwnWrites
from offerkit.usecases.history_memory import CAPACITY
from offerkit.usecases.propose import PendingWrite
from offerkit.usecases.requests import ProposeRequest
from offerkit.usecases.session import Session
from offerkit.usecases.update_status import StatusUpdate

T = TypeVar("T")
KNOWN_FOR = 5.0
"""Seconds that an operator's right to read contacts is cached, as their token is."""


class DecisionService:
    """One for each worker process, used in its event loop. It decides there, or in threads where reading takes long."""

    def __init__(self, session: Session, config: ServerConfig, metrics: Metrics) -> None:
        """Reads what is live. Raises Refused when the store cannot be opened."""
        self._config, self._metrics = config, metrics
        alone = session.embedded and config.workers == 1  # others write to a team's store at any time
        self._written = OwnWrites() if alone else None
        self._worker: ThreadWorker | None = ThreadWorker(session, self._written, in_loop=True)
        self.session = session = replace(session, store_project=self._worker.store.project)
        self._serve(served_catalogs(self._worker.store))
        self._reader = StoreReader(self._connect)
        self.presence = StorePresence()
        self.presence.identity = self.served.identity
        self.presence.listen(self._lost)
        self.writer = StoreWriter(session, self._written, self.presence)
        self._tidy = checkpoint_task(session, self.writer) if session.embedded else None  # others do that by themselves
        self._webhooks, self._schedule = WebhookSender(session, now), Scheduler(session, now)
        self.watch = RevisionWatcher(session, config.poll, self._hand_over, self.presence)
        self._readers: BoundedCache[str, tuple[ContactRights, float]] = BoundedCache(1_000)
        self._collector = Collector()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pools: dict[bool, ThreadPoolExecutor] = {}
        """The threads that decide, by whether they run hooks."""
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._workers: list[ThreadWorker] = []
        self._own = threading.local()
        self.counting = asyncio.Lock()  # one report at a time: counting takes the database a while, calls continue
        self._indexing: list[Future[KeyIndex | None]] = []

    async def open(self) -> None:
        """Begin to watch the store and to write."""
        self._loop = asyncio.get_running_loop()
        self.writer.start()
        self.watch.start(self.served)
        self._collector.start(self._loop)
        if self._tidy is not None:
            self._tidy.start()
        self._webhooks.start()
        self._schedule.start()
        if self._has_files and self._worker is not None:  # so that the first calls need not wait for it
            self._indexing = [*self._worker.people(self.served).indexing()]

    async def close(self) -> None:
        """Store what waits, then give everything back."""
        self._collector.stop()
        await asyncio.to_thread(self.watch.stop)
        await asyncio.to_thread(self._webhooks.stop)
        await asyncio.to_thread(self._schedule.stop)
        if self._tidy is not None:
            await asyncio.to_thread(self._tidy.stop)
        await asyncio.to_thread(self.writer.stop)
        for hooked, pool in self._pools.items():
            pool.shutdown(wait=not hooked, cancel_futures=hooked)
        for worker in self._workers:
            worker.close()
        self._let_go()

    async def propose(self, ask: ProposeRequest, *, insider: bool = False) -> tuple[Answer, int]:
        """The answer to ``ask``, stored, and the revision of the store that it is from.

        Unless an ``insider`` asks, the contact's key has to be signed where an environment says so.
        Raises Refused; then nothing is stored.
        """
        if self.served.runs_hooks(ask.spaces):
            async with self._turn(ask):  # in threads, and yet a contact's calls see what the others were given
                return await self._proposed(ask, insider=insider)
        return await self._proposed(ask, insider=insider)

    async def _proposed(self, ask: ProposeRequest, *, insider: bool) -> tuple[Answer, int]:
        epoch = self.presence.epoch
        try:
            served, answer, pending = await self._decided(ask, epoch, insider=insider)
        except IndexingError as indexing:
            await asyncio.wrap_future(indexing.made)
            return await self._proposed(ask, insider=insider)
        if pending:
            with self._worker.under_way(pending) if self._worker is not None else nullcontext():
                await self.writer.keep(pending, epoch)
        self._metrics.answered(answer)
        return answer, served.serial

    async def may_read(self, operator: str, environments: Sequence[str]) -> bool:
        """Whether an operator may read the contacts of all ``environments``."""
        known = self._readers.peek(operator)
        if known is None or known[1] <= time.monotonic():
            rights = await self._with_worker(lambda worker: operator_rights(worker.store, operator))
            known = rights, time.monotonic() + KNOWN_FOR
            self._readers.put(operator, known)
        rights, catalogs = known[0], self.served.catalogs
        return rights.all or all(
            name in catalogs and rights.may_read(name, catalogs[name].dimension.name) for name in environments
        )

    def environments(self, spaces: Sequence[str], *, cookie: bool) -> list[str]:
        """Whose contacts a call for ``spaces`` may be about; with a ``cookie``, where they fall back too."""
        catalogs, names = self.served.catalogs, set[str]()
        for name in spaces:
            environment, _, space = name.partition("/")
            names.add(environment)
            live_space = catalogs.space(environment, space)
            if cookie and live_space.exists and environment in catalogs and live_space.identification.fallback:
                names.add(live_space.identification.fallback.partition("/")[0])
        return sorted(names)

    async def update(self, asked: StatusUpdate) -> tuple[StatusChange, tuple[Report, ...]]:
        """Give a proposition a status. Raises Refused; then nothing is changed."""
        served, epoch = self.served, self.presence.epoch
        wish, reports = await self._with_worker(lambda worker: worker.prepare(served, asked))
        change = await self.writer.submit(wish.write, epoch)
        if self._worker is not None:
            self._worker.look()
        if change.changed:
            self._metrics.updates.labels(str(change.proposition.status)).inc()
        return change, reports if change.changed else ()

    @property
    def preparing(self) -> str:
        """What was begun with the server and is not yet done, in public words; empty when all is."""
        self._indexing = [made for made in self._indexing if not made.done()]
        return "the contacts are being indexed" if self._indexing else ""

    def trouble(self) -> str:
        """Why calls cannot be answered now, or the first ones would wait; empty when they can."""
        if not self.writer.alive:
            return "the thread that writes to the store has ended"
        if self.preparing:
            return self.preparing
        return self.presence.reason or self.watch.failing

    async def _decided(
        self, ask: ProposeRequest, epoch: int, *, insider: bool
    ) -> tuple[ServedCatalogs, Answer, PendingWrite]:
        served = self.served
        checked = ask if insider else verified(served.inbound, self.session.environ, ask)
        hooked = served.runs_hooks(ask.spaces)
        if self._worker is not None and self._waits_for_nothing and not hooked:
            self._called()
            return served, *self._worker.decide(served, checked)
        if hooked or self.session.embedded or not self._has_files or self._worker is None:
            return served, *await self._with_worker(lambda worker: worker.decide(served, checked), hooked=hooked)
        self._collector.called()
        reads = self._worker.reads(served, checked)
        while self.served is served:
            self.presence.check(epoch)
            if reads.missing:
                reads.take(await self._reader.answers(reads.missing))
                continue
            with suppress(UnreadError):
                return served, *self._worker.decide(served, checked, reads)
        return await self._decided(ask, epoch, insider=insider)  # a new revision is live: it decides

    def _turn(self, ask: ProposeRequest) -> asyncio.Lock:
        """What calls of the same contact wait for, one after the other."""
        key = ask.contact or ask.cookie
        lock = self._turns.get(key)
        if lock is None:
            lock = asyncio.Lock()
            if key:
                self._turns[key] = lock
        return lock

    def _serve(self, served: ServedCatalogs) -> None:
        self.served: ServedCatalogs = served
        self._has_files = _has_files(served)
        self._waits_for_nothing = self._has_files and self.session.embedded

    def _called(self) -> None:
        self._collector.called()
        self.presence.check()

    async def _with_worker(self, work: Callable[[ThreadWorker], T], *, hooked: bool = False) -> T:
        """What ``work`` gives; with ``hooked`` in a thread, since hooks take as long as they take."""
        self._called()
        if self._worker is not None and self._waits_for_nothing and not hooked:
            try:
                return work(self._worker)
            except IndexingError as indexing:
                await asyncio.wrap_future(indexing.made)
                return await self._with_worker(work)
        pool = self._pools.get(hooked)
        if pool is None:  # what runs hooks has threads of its own: if they hang, only calls with hooks wait
            name = "offerkit-hooks" if hooked else "offerkit-worker"
            pool = self._pools[hooked] = ThreadPoolExecutor(self._config.threads, name)
        return await asyncio.get_running_loop().run_in_executor(pool, self._in_thread, work)

    def _in_thread(self, work: Callable[[ThreadWorker], T]) -> T:
        """What ``work`` reads; once more if the store's connection was lost since the last call of this thread."""
        worker: ThreadWorker | None = getattr(self._own, "worker", None)
        if worker is not None and self._own.epoch == self.presence.epoch:
            try:
                return work(worker)
            except Refused as refused:
                if refused.diagnostics[0].code is not Code.STORE_CONNECTION:
                    raise
        self._end_worker()
        worker = self._own.worker = ThreadWorker(self.session, room=CAPACITY // self._config.threads)
        self._own.epoch = self.presence.epoch
        self._workers.append(worker)
        return work(worker)

    def _end_worker(self) -> None:
        """Close what this thread has of the store."""
        worker: ThreadWorker | None = getattr(self._own, "worker", None)
        if worker is not None:
            self._own.worker = None
            self._workers.remove(worker)
            worker.close()

    def _connect(self) -> QuestionReader:
        worker = self._worker  # which the event loop may let go meanwhile
        self.presence.check()
        reader = worker.store.reader() if worker is not None else None
        if reader is None:
            raise RuntimeError("a store on this machine is read by its worker")
        return reader

    def _lost(self) -> None:
        """Called from whichever thread finds that the store is lost."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
            self._reader.let_go()

    def _hand_over(self, served: ServedCatalogs) -> None:
        """Called from the watching thread: the swap itself is done between two calls."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._swap, served)

    def _swap(self, served: ServedCatalogs) -> None:
        if self.presence.lost:
            self._let_go()
            try:
                self._worker = ThreadWorker(self.session, self._written, in_loop=True)
                if self._worker.store.identity() != served.identity:
                    raise errors.replaced(str(self.session.store), "was replaced")
            except Refused as refused:
                self.presence.lose(refused)
                return
        self._serve(served)
        if self.presence.lost:
            self.presence.find(served.identity)


def _has_files(served: ServedCatalogs) -> bool:
    """Whether contacts are files of this machine: reading them takes less time than changing threads."""
    view = served.catalogs.snapshot
    sources = [(view(address) or {}).get("source") for address in view.of_kind(Kind.DIMENSION)]
    return not any(isinstance(s, dict) and s.get("format") == "sql" for s in sources)


_LOG = getLogger("offerkit.tidy")
EVERY = 0.05
"""Seconds between two checkpoints; commits take longer during one, so each must have little to move and to sync."""
LONG = 8_000
"""Pages of a log that is to begin again, 32 MB: that moment delays all calls, so it must not come often."""


def checkpoint_task(session: Session, writer: StoreWriter) -> BackgroundTask:
    """Moves SQLite's log into its file in the background; from a long one, ``writer`` moves what was added meanwhile.
    Failures are logged.
    """
    length = 0

    def checkpoint(store: Store) -> None:
        nonlocal length
        before, length = length, store.checkpoint()
        if length > LONG and length != before:
            writer.tidy()

    told = failures_logged(_LOG, "the store could not be tidied")
    return BackgroundTask("offerkit-tidy", session, EVERY, checkpoint, told)
