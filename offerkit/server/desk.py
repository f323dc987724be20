"""Where calls come in: decided from what is live, stored by the writer, answered when that is kept."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import TypeVar

from offerkit.address import Kind
from offerkit.diagnostics import Refused
from offerkit.engine.answer import Answer
from offerkit.engine.bounded_cache import BoundedCache
from offerkit.engine.report import Report
from offerkit.server.garbage import Sweep
from offerkit.server.keys import opened
from offerkit.server.live import Served, Watch, compiled
from offerkit.server.metrics import Metrics
from offerkit.server.seat import Seat
from offerkit.server.settings import Settings
from offerkit.server.standing import Standing
from offerkit.server.tidy import tidying
from offerkit.server.writer import Writer
from offerkit.store import StatusChange, errors
from offerkit.usecases.contact_access import ContactAccess, operator_access
from offerkit.usecases.history_cache import OwnWrites
from offerkit.usecases.requests import ProposeRequest
from offerkit.usecases.session import Session
from offerkit.usecases.update_status import StatusUpdate

T = TypeVar("T")
KNOWN_FOR = 5.0
"""Seconds that what an operator may read is believed without asking the store again, as their token is."""


class Desk:
    """One for each worker. Made and used in the event loop; decides there, or in threads where reading takes long."""

    def __init__(self, session: Session, settings: Settings, metrics: Metrics) -> None:
        """Reads what is live. Raises Refused when the store cannot be opened."""
        self._settings, self._metrics = settings, metrics
        alone = session.embedded and settings.workers == 1  # others write to a team's store at any time
        self._written = OwnWrites() if alone else None
        self._seat: Seat | None = Seat(session, self._written)
        self.session = session = replace(session, store_project=self._seat.store.project)
        self.served: Served = compiled(self._seat.store)
        self._near = _near(session, self.served)
        self.standing = Standing()
        self.standing.identity = self.served.identity
        self.standing.listen(self._lost)
        self.writer = Writer(session, self._written, self.standing)
        self._tidy = tidying(session) if session.embedded else None  # others do that by themselves
        self.watch = Watch(session, settings.poll, self._hand_over, self.standing)
        self._readers: BoundedCache[str, tuple[ContactAccess, float]] = BoundedCache(1_000)
        self._calls = 0
        self._sweep = Sweep(lambda: self._calls)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._seats: list[Seat] = []
        self._own = threading.local()

    async def open(self) -> None:
        """Begin to watch the store and to write."""
        self._loop = asyncio.get_running_loop()
        self.writer.start()
        self.watch.start(self.served)
        self._sweep.start(self._loop)
        if self._tidy is not None:
            self._tidy.start()

    async def close(self) -> None:
        """Store what waits, then give everything back."""
        self._sweep.stop()
        await asyncio.to_thread(self.watch.stop)
        if self._tidy is not None:
            await asyncio.to_thread(self._tidy.stop)
        await asyncio.to_thread(self.writer.stop)
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        for seat in self._seats:
            seat.close()
        self._let_go()

    async def propose(self, ask: ProposeRequest, *, insider: bool = False) -> tuple[Answer, int]:
        """The answer to ``ask``, stored, and the revision of the store that it is from.

        Unless an ``insider`` asks, the contact's key has to be signed where an environment says so.
        Raises Refused; then nothing is stored.
        """
        served, epoch = self.served, self.standing.epoch
        if not insider:
            ask = opened(served.declared, self.session.environ, ask)
        answer, kept = await self._seated(lambda seat: seat.decide(served, ask))
        if kept:
            with self._seat.under_way(kept) if self._seat is not None else nullcontext():
                await self.writer.keep(kept, epoch)
        self._metrics.answered(answer)
        return answer, served.serial

    async def may_read(self, operator: str, environments: Sequence[str]) -> bool:
        """Whether an operator may read the contacts of all ``environments``."""
        known = self._readers.peek(operator)
        if known is None or known[1] <= time.monotonic():
            rights = await self._seated(lambda seat: operator_access(seat.store, operator))
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
            place = catalogs.space(environment, space)
            if cookie and place.exists and environment in catalogs and place.identification.fallback:
                names.add(place.identification.fallback.partition("/")[0])
        return sorted(names)

    async def update(self, asked: StatusUpdate) -> tuple[StatusChange, tuple[Report, ...]]:
        """Give a proposition a status. Raises Refused; then nothing is changed."""
        served, epoch = self.served, self.standing.epoch
        wish, reports = await self._seated(lambda seat: seat.prepare(served, asked))
        change = await self.writer.submit(wish.write, epoch)
        if self._seat is not None:
            self._seat.look()
        if change.changed:
            self._metrics.updates.labels(str(change.proposition.status)).inc()
        return change, reports if change.changed else ()

    def trouble(self) -> str:
        """Why calls cannot be answered now; empty when they can."""
        if not self.writer.alive:
            return "nothing is stored any more"
        return self.standing.reason or self.watch.failing

    async def _seated(self, work: Callable[[Seat], T]) -> T:
        self._calls += 1
        self.standing.check()
        if self._near and self._seat is not None:
            return work(self._seat)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._settings.threads, "offerkit-seat")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._in_thread, work)

    def _in_thread(self, work: Callable[[Seat], T]) -> T:
        seat: Seat | None = getattr(self._own, "seat", None)
        if seat is not None and self._own.epoch != self.standing.epoch:
            self._seats.remove(seat)
            seat.close()
            seat = None
        if seat is None:
            self._own.epoch = self.standing.epoch
            seat = self._own.seat = Seat(self.session)
            self._seats.append(seat)
        return work(seat)

    def _lost(self) -> None:
        """Called from whichever thread finds that the store is lost."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        seat, self._seat = self._seat, None
        if seat is not None:
            seat.close()

    def _hand_over(self, served: Served) -> None:
        """Called from the watching thread: the swap itself is done between two calls."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._swap, served)

    def _swap(self, served: Served) -> None:
        if self.standing.lost:
            self._let_go()
            try:
                self._seat = Seat(self.session, self._written)
                if self._seat.store.identity() != served.identity:
                    raise errors.replaced(str(self.session.store), "was replaced")
            except Refused as refused:
                self.standing.lose(refused)
                return
        self.served = served
        self._near = _near(self.session, served)
        if self.standing.lost:
            self.standing.find(served.identity)


def _near(session: Session, served: Served) -> bool:
    """Whether store and contacts are files of this machine: reading them takes less time than changing threads."""
    view = served.catalogs.snapshot
    sources = [(view(address) or {}).get("source") for address in view.of_kind(Kind.DIMENSION)]
    return session.embedded and not any(isinstance(s, dict) and s.get("format") == "sql" for s in sources)
