"""Where a call is decided: a store and the contacts, opened in one thread and used by it alone."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime

from offerkit.engine.answer import Answer
from offerkit.engine.report import Report
from offerkit.server.live import Served
from offerkit.store import Store
from offerkit.workflow.asking import Ask
from offerkit.workflow.people import People
from offerkit.workflow.proposing import Kept, decided
from offerkit.workflow.session import Session
from offerkit.workflow.updating import Change, Update, prepared

PROFILES = 20_000
"""Contacts whose profile is kept in memory, some 3 KB each, as long as their file stays the same."""


class Seat:
    """Decides calls, one after the other, from what is served at that moment."""

    def __init__(self, session: Session) -> None:
        """Opens the store. Raises Refused when it cannot be."""
        self._session = session
        self._stack = ExitStack()
        self.store: Store = self._stack.enter_context(session.writing())
        self._served: Served | None = None
        self._people: People | None = None

    def close(self) -> None:
        """Give back the store and the contacts."""
        if self._people is not None:
            self._people.close()
        self._stack.close()

    def decide(self, served: Served, ask: Ask) -> tuple[Answer, Kept]:
        """The answer to ``ask``, and what has to be kept before it is given. Raises Refused."""
        return decided(served.catalogs, self.people(served), self.store, ask)

    def prepare(self, served: Served, asked: Update) -> tuple[Change, tuple[Report, ...]]:
        """What a change of status comes to. Raises Refused when it makes no sense."""
        return prepared(served.catalogs, self.people(served), self.store, asked)

    def people(self, served: Served) -> People:
        """The contacts as ``served`` declares them: sources are opened anew when it is another revision's."""
        if self._people is None or self._served is not served:
            if self._people is not None:
                self._people.close()
            self._people = People(served.catalogs, self._session.project.root, self._session.environ, remember=PROFILES)
            self._served = served
        return self._people


def now() -> datetime:
    """The moment of a call, aware."""
    return datetime.now(UTC)
