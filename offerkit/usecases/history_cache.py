"""Contacts' propositions, cached in memory while they match the store.

Reading a history takes longer than a decision. A file store changes its version with every write
(:meth:`offerkit.store.Store.version`); while the version stays, so does everything read from it. Writes of this process
are added to the cache; after a write by any other process, everything is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain
from math import inf
from time import monotonic
from typing import NamedTuple

from offerkit.diagnostics import Refused
from offerkit.engine.catalog import Catalog
from offerkit.engine.history import PastProposition, RememberedHistory
from offerkit.state.former_names import FormerNames
from offerkit.store import PropositionRow, Store
from offerkit.store.present_names import with_present_names
from offerkit.store.proposition_rows import past_of
from offerkit.times import utc
from offerkit.usecases.history_memory import (
    CAPACITY,
    CONTACT_SIZE,
    ContactKey,
    HistoryMemory,
    KeptData,
    Pasts,
    history_size,
    with_kept_data,
)
from offerkit.usecases.propose import history_start

FRESH_SECONDS = 0.02
"""How often to check for writes by others, in seconds."""
_REMEMBERED_WRITES = 10_000
"""How many written propositions to keep for threads that have not checked the store since."""


class _Transaction(NamedTuple):
    """One transaction: the version before it, the propositions it adds, and the contacts it changes otherwise."""

    before: int
    added: Sequence[PropositionRow]
    changed: frozenset[ContactKey]


class OwnWrites:
    """The writes of this process. The writer thread adds them; the deciding threads read them."""

    def __init__(self) -> None:
        self._parts: dict[int, _Transaction] = {}
        self._size = 0

    def tell(self, versions: tuple[int, int], rows: Sequence[PropositionRow], changed: Collection[ContactKey]) -> None:
        """Record a transaction before its commit; for ``versions`` see :meth:`Store.renew`."""
        before, now = versions
        self._parts[now] = _Transaction(before, rows, frozenset(changed))
        self._size += 1 + len(rows)
        while self._size > _REMEMBERED_WRITES and len(self._parts) > 1:
            self._size -= 1 + len(self._parts.pop(next(iter(self._parts))).added)

    def between(self, known: int, now: int) -> list[_Transaction] | None:
        """The transactions between two versions; None if others wrote, too, or it is too long ago."""
        transactions: list[_Transaction] = []
        while now != known:
            part = self._parts.get(now)
            if part is None or len(transactions) > _REMEMBERED_WRITES:
                return None
            transactions.append(part)
            now = part.before
        return transactions[::-1]


class _CachedHistory(NamedTuple):
    """A history as read from the store, from ``since`` on, with what is ``kept`` of stored data and deliveries."""

    since: datetime
    pasts: Pasts
    kept: KeptData
    former: FormerNames
    size: int
    """The capacity it takes."""


class HistoryCache:
    """The histories of the contacts that called most recently. For use in one thread, like its store.

    Writes of this process count immediately; writes of others, after at most :data:`FRESH_SECONDS`.
    """

    def __init__(self, store: Store, written: OwnWrites, room: int = CAPACITY, timer: Callable[[], float] = monotonic):
        """``room``: how many propositions to cache."""
        self._store, self._written, self._timer = store, written, timer
        self._known = HistoryMemory[_CachedHistory](room)
        self._version: int | None = None
        self._looked = -inf
        self._under_way: dict[ContactKey, list[list[PropositionRow]]] = {}
        self._ended: list[tuple[ContactKey, list[PropositionRow]]] = []

    def of(self, catalog: Catalog, key: str, now: datetime) -> Sequence[PastProposition]:
        """All propositions that rules and conditions may count at ``now``, and maybe more, in any order.

        Includes propositions that are still :meth:`under_way`. Raises Refused if the store cannot be read.
        """
        if not key or not catalog.reads_history:
            return ()
        since = history_start(catalog, now)
        contact = (catalog.environment, key)
        if self._due():
            self._look()
        read = self._known.peek(contact)
        if (
            read is None
            or read.since > since
            or not catalog.seldom_read <= read.kept
            or read.former != catalog.former_names
        ):
            read = self._read(contact, since, catalog)
        else:
            self._known.use(contact)
        pending = self._under_way.get(contact)
        if not pending:
            return read.pasts
        new = _pasts(chain.from_iterable(pending), read)
        return read.pasts.extended(past for past in new if past not in read.pasts)

    @contextmanager
    def under_way(self, rows: Sequence[PropositionRow]) -> Iterator[None]:
        """Count ``rows``, which are decided and being stored, until they are stored or that fails.

        Concurrent calls of one contact thus see each other's propositions.
        """
        parts = _by_contact(rows)
        for contact, own in parts.items():
            self._under_way.setdefault(contact, []).append(own)
        try:
            yield
        finally:
            self._ended += parts.items()
            if self._due():  # without reads of histories, nothing else would check the store
                with suppress(Refused):  # the next read will raise it
                    self._look()

    def look(self) -> None:
        """Check the store before the next answer: something else than :meth:`under_way` was written."""
        self._looked = -inf

    def close(self) -> None:
        """Stop checking the store, which is about to be closed while some propositions may still be
        :meth:`under_way`.
        """
        self._looked = inf

    def forget(self) -> None:
        """Clear the cache."""
        self._known.forget()

    def _due(self) -> bool:
        return self._timer() - self._looked >= FRESH_SECONDS

    def _look(self) -> None:
        self._follow(self._store.version())
        self._looked = self._timer()

    def _follow(self, version: int | None) -> None:
        """Apply the writes up to ``version``; propositions that have ended are among them, or were not stored."""
        if version != self._version:
            known = self._version
            parts = self._written.between(known, version) if known is not None and version is not None else None
            if parts is None:
                self.forget()
            for part in parts or ():
                self._add(part)
            self._version = version
        for contact, own in self._ended:
            self._under_way[contact].remove(own)
            if not self._under_way[contact]:
                del self._under_way[contact]
        self._ended.clear()

    def _add(self, part: _Transaction) -> None:
        for contact in part.changed:
            self._known.drop(contact)
        for contact, rows in _by_contact(part.added).items():
            read = self._known.peek(contact)
            if read is not None:
                new = _pasts(rows, read)
                size = read.size + history_size(new, read.kept)
                self._known.keep(contact, read._replace(pasts=read.pasts.extended(new), size=size))

    def _read(self, contact: ContactKey, since: datetime, catalog: Catalog) -> _CachedHistory:
        kept, asked = catalog.seldom_read, (*contact, utc(since), catalog.former_names)
        with self._store.reading():  # the version belongs to what is read: no write is added a second time
            version = self._store.version()
            if kept:
                pasts = [with_kept_data(past, kept) for past in self._store.past_with_data(*asked)]
            else:
                pasts = self._store.past(*asked)
        size = CONTACT_SIZE + history_size(pasts, kept)
        read = _CachedHistory(since, RememberedHistory(pasts), kept, catalog.former_names, size)
        if version is not None:
            self._follow(version)
            self._known.keep(contact, read)
        return read


def _by_contact(rows: Iterable[PropositionRow]) -> dict[ContactKey, list[PropositionRow]]:
    found: dict[ContactKey, list[PropositionRow]] = {}
    for row in rows:
        found.setdefault((row.environment, row.contact), []).append(row)
    return found


def _pasts(rows: Iterable[PropositionRow], read: _CachedHistory) -> list[PastProposition]:
    if read.former:
        rows = [with_present_names(row, read.former) for row in rows]
    if not read.kept:
        return [*map(past_of, rows)]
    return [with_kept_data(past_of(row, data=True), read.kept) for row in rows]
