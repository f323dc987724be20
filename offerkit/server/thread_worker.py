"""What one thread decides calls with: its own store connection and contact sources."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import UTC, datetime

from offerkit.engine.answer import Answer
from offerkit.engine.report import Report
from offerkit.server.live import ServedCatalogs
from offerkit.store import Store
from offerkit.usecases.compared_histories import CallReads, ComparedHistories
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.history_cache import HistoryCache, OwnWrites
from offerkit.usecases.history_memory import CAPACITY
from offerkit.usecases.propose import PendingWrite, decide_call
from offerkit.usecases.requests import ProposeRequest
from offerkit.usecases.session import Session
from offerkit.usecases.update_status import PreparedUpdate, StatusUpdate, prepare_update

PROFILES = 20_000
"""Contacts whose profile is kept in memory, some 3 KB each, as long as their file stays the same, by all threads."""


class ThreadWorker:
    """Decides calls, one after the other, from what is served at that moment."""

    def __init__(
        self, session: Session, written: OwnWrites | None = None, room: int = CAPACITY, *, in_loop: bool = False
    ) -> None:
        """Opens the store. Raises Refused when it cannot be.

        With ``written``, which tells what else this process writes, histories are not read at every call. ``room``: how
        many propositions to remember, and that share of profiles. ``in_loop``: it decides in an event loop, and may
        raise IndexingError.
        """
        self._session, self._in_loop = session, in_loop
        self._profiles = PROFILES * room // CAPACITY
        self._stack = ExitStack()
        self.store: Store = self._stack.enter_context(session.writing())
        self._histories = HistoryCache(self.store, written, room) if written is not None else None
        self._compared = ComparedHistories(self.store, room)
        self._served: ServedCatalogs | None = None
        self._people: ContactSources | None = None

    def close(self) -> None:
        """Give back the store and the contacts."""
        if self._people is not None:
            self._people.close()
        if self._histories is not None:
            self._histories.close()
        self._stack.close()

    def reads(self, served: ServedCatalogs, ask: ProposeRequest) -> CallReads:
        """What ``ask`` needs to be told of the store, so that :meth:`decide` need not wait for it."""
        return CallReads(self._compared, served.catalogs, ask)

    def decide(
        self, served: ServedCatalogs, ask: ProposeRequest, reads: CallReads | None = None
    ) -> tuple[Answer, PendingWrite]:
        """The answer to ``ask``, and the writes to store before it is sent.

        Raises Refused, and UnreadError if ``reads`` lack something.
        """
        people = self.people(served)
        if reads is not None:
            return decide_call(served.catalogs, people, ask, reads.contact_of, reads.pasts)
        histories = self._compared if self._histories is None else self._histories
        return decide_call(served.catalogs, people, ask, self.store.contact_of, histories.of)

    def under_way(self, pending: PendingWrite) -> AbstractContextManager[None]:
        """While ``pending`` is being stored: this worker's other calls for the contact already see it."""
        return nullcontext() if self._histories is None else self._histories.under_way(pending.rows)

    def look(self) -> None:
        """Let the next answer include the latest changes."""
        if self._histories is not None:
            self._histories.look()

    def prepare(self, served: ServedCatalogs, asked: StatusUpdate) -> tuple[PreparedUpdate, tuple[Report, ...]]:
        """The writes of a change of status. Raises Refused if it is not possible."""
        return prepare_update(served.catalogs, self.people(served), self.store, asked)

    def people(self, served: ServedCatalogs) -> ContactSources:
        """The contacts as ``served`` declares them."""
        if self._people is None:
            root, environ = self._session.project.root, self._session.environ
            self._people = ContactSources(
                served.catalogs, root, environ, remember=self._profiles, background=self._in_loop
            )
        if self._served is not served:
            self._people.follow(served.catalogs)
            self._served = served
            self._compared.forget()
            if self._histories is not None:
                self._histories.forget()  # rules may look further back now
        return self._people


def now() -> datetime:
    """The current time, with its time zone."""
    return datetime.now(UTC)
