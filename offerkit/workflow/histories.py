"""What contacts were offered before, kept in memory as long as it is what the store holds.

Reading a contact's history takes longer than a decision. A store that is a file changes its version with every write
(:meth:`offerkit.store.Store.version`): while that stays, so does all that was read from it. What this process writes it
adds to what it remembers; when anybody else has written, everything is read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from sys import intern
from time import monotonic
from typing import NamedTuple, TypeAlias

from offerkit.engine.catalog import Catalog
from offerkit.engine.history import Past, Remembered
from offerkit.store import PropositionRow, Store
from offerkit.store.proposition_rows import past_of
from offerkit.workflow.proposing import reach, utc

Contact: TypeAlias = tuple[str, str]
"""An environment, and a contact's key."""

ROWS = 300_000
"""Propositions that are remembered at most, some 200 bytes each."""
LONGEST = 500
"""A longer history is read at every call."""
FRESH = 0.02
"""Seconds after which it is looked at whether others have written."""
_TOLD = 256
"""Transactions that are known to those who have not looked at the store meanwhile."""


class _Part(NamedTuple):
    """One transaction: the version before it, what it adds, and whose history it changes otherwise."""

    before: int
    rows: tuple[PropositionRow, ...]
    changed: frozenset[Contact]


class Written:
    """What this process writes to the store; its writer tells it, in another thread than those who ask."""

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}

    def tell(self, versions: tuple[int, int], rows: Sequence[PropositionRow], changed: Collection[Contact]) -> None:
        """To be called before the commit; ``versions`` as :meth:`Store.renew` gives them."""
        before, now = versions
        self._parts[now] = _Part(before, tuple(rows), frozenset(changed))
        if len(self._parts) > _TOLD:
            del self._parts[next(iter(self._parts))]

    def between(self, known: int, now: int) -> list[_Part] | None:
        """The transactions that led from one version to another; None when not all of them were ours."""
        found: list[_Part] = []
        while now != known:
            part = self._parts.get(now)
            if part is None or len(found) > _TOLD:
                return None
            found.append(part)
            now = part.before
        return found[::-1]


class _Read(NamedTuple):
    """A history as it was read: nothing older than ``since``."""

    since: datetime
    pasts: Remembered[object]


class Histories:
    """The histories of the contacts that called last. For one thread; its store, too.

    What this process stores counts at once; what others store, when :data:`FRESH` is over.
    """

    def __init__(self, store: Store, written: Written, rows: int = ROWS, timer: Callable[[], float] = monotonic):
        """Remembers up to ``rows`` propositions."""
        self._store, self._written, self._room, self._timer = store, written, rows, timer
        self._known: dict[Contact, _Read] = {}
        self._rows = 0
        self._version: int | None = None
        self._looked = -FRESH
        self._under_way: dict[Contact, dict[str, Past]] = {}
        self._over: list[PropositionRow] = []

    def of(self, catalog: Catalog, key: str, now: datetime) -> Sequence[Past]:
        """What presentation rules may count of a contact at ``now``, and more: in no order.

        What :meth:`under_way` is about counts as well.
        """
        if not key or not catalog.rules:
            return ()
        since = reach(catalog, now)
        contact = (catalog.environment, key)
        if self._timer() - self._looked >= FRESH:
            self._catch_up()
        read = self._known.get(contact)
        if read is None or read.since > since:
            read = self._read(contact, since)
        else:
            self._known[contact] = self._known.pop(contact)  # who has not called for longest is forgotten first
        pending = self._under_way.get(contact)
        if not pending:
            return read.pasts
        return (*read.pasts, *(past for past in pending.values() if past not in read.pasts))

    @contextmanager
    def under_way(self, rows: Sequence[PropositionRow]) -> Iterator[None]:
        """Count ``rows``, which are decided and being stored, until they are or cannot be.

        Calls of one contact at the same time then see each other's propositions.
        """
        for row in rows:
            self._under_way.setdefault((row.environment, row.contact), {})[row.id] = past_of(row)
        try:
            yield
        finally:
            self._over += rows  # until the store was looked at, and what is kept was added

    def look(self) -> None:
        """Look at the store before the next answer: something else than :meth:`under_way` was written."""
        self._looked = -FRESH

    def forget(self) -> None:
        """Read everything anew."""
        self._known.clear()
        self._rows = 0

    def _catch_up(self) -> None:
        self._looked, over, self._over = self._timer(), self._over, []
        self._follow(self._store.version())
        for row in over:
            pending = self._under_way[row.environment, row.contact]
            del pending[row.id]
            if not pending:
                del self._under_way[row.environment, row.contact]

    def _follow(self, version: int | None) -> None:
        if version == self._version:
            return
        parts = self._written.between(self._version, version) if self._version and version else None
        if parts is None:
            self.forget()
        for part in parts or ():
            for contact in part.changed:
                self._drop(contact)
            added: dict[Contact, list[PropositionRow]] = {}
            for row in part.rows:
                added.setdefault((row.environment, row.contact), []).append(row)
            for contact, rows in added.items():
                self._add(contact, rows)
        self._version = version

    def _add(self, contact: Contact, rows: Sequence[PropositionRow]) -> None:
        read = self._known.get(contact)
        if read is not None:
            pending = self._under_way.get(contact, {})
            pasts = [pending.get(row.id) or past_of(row) for row in rows]
            self._keep(contact, _Read(read.since, read.pasts.extended(pasts)))

    def _read(self, contact: Contact, since: datetime) -> _Read:
        before = self._store.version()
        found = self._store.past(*contact, utc(since))
        read = _Read(since, Remembered(map(_lean, found)))
        if self._store.version() == before:  # else it may hold what will be added when that is seen
            self._follow(before)
            self._keep(contact, read)
        return read

    def _keep(self, contact: Contact, read: _Read) -> None:
        self._drop(contact)
        if len(read.pasts) > LONGEST:
            return
        self._known[contact] = read
        self._rows += len(read.pasts) + 1
        while self._rows > self._room:
            self._drop(next(iter(self._known)))

    def _drop(self, contact: Contact) -> None:
        read = self._known.pop(contact, None)
        if read is not None:
            self._rows -= len(read.pasts) + 1


def _lean(past: Past) -> Past:
    """The same, sharing its texts with others."""
    offer, category, space, channel = map(intern, past[:4])
    return Past(offer, category, space, channel, past.status, past.time, past.weight, past.rank)
