"""Contacts' histories in memory: those of the contacts that called most recently, in a bounded room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

from offerkit.engine.history import PastProposition, RememberedHistory
from offerkit.engine.space_program import SpaceProgram
from offerkit.fingerprint import Json

ContactKey: TypeAlias = tuple[str, str]
"""An environment and a contact's key."""
KeptData: TypeAlias = frozenset[tuple[str, str]]
"""What is read of propositions besides the usual (:attr:`Catalog.seldom_read`)."""
Pasts: TypeAlias = RememberedHistory[SpaceProgram]

CAPACITY = 500_000
"""The maximum number of cached propositions, about 250 bytes each including what rules derive from them."""
CONTACT_SIZE = 5
"""The capacity that a contact takes beside its propositions."""
LONGEST_HISTORY = 500
"""Longer histories are not cached."""
_LETTERS = 200
"""Letters of stored data that take the space of a proposition."""


class KnownHistory(Protocol):
    """A cached history."""

    @property
    def pasts(self) -> Pasts:
        """Its propositions."""

    @property
    def size(self) -> int:
        """The capacity it takes."""


H = TypeVar("H", bound=KnownHistory)


class HistoryMemory(Generic[H]):
    """The cache: what has not been used for longest goes first."""

    def __init__(self, room: int = CAPACITY) -> None:
        """``room``: how many propositions to cache."""
        self._room, self._size = room, 0
        self._known: dict[ContactKey, H] = {}

    def peek(self, contact: ContactKey) -> H | None:
        """The cached history; it does not count as used."""
        return self._known.get(contact)

    def use(self, contact: ContactKey) -> None:
        """Most recently used last."""
        self._known[contact] = self._known.pop(contact)

    def keep(self, contact: ContactKey, read: H) -> None:
        """Replace a contact's history, unless the new one is too long."""
        self.drop(contact)
        if len(read.pasts) > LONGEST_HISTORY:
            return
        self._known[contact] = read
        self._size += read.size
        while self._size > self._room:
            self.drop(next(iter(self._known)))

    def drop(self, contact: ContactKey) -> None:
        """Forget a contact's history, if it is cached."""
        read = self._known.pop(contact, None)
        if read is not None:
            self._size -= read.size

    def forget(self) -> None:
        """Clear the cache."""
        self._known.clear()
        self._size = 0


def with_kept_data(past: PastProposition, kept: KeptData) -> PastProposition:
    """``past`` with no more of the data that was stored with it than is ``kept``."""
    return past._replace(
        stored=_only(past.stored, "stored", kept),
        product=_only(past.product, "product", kept),
    )


def history_size(pasts: Sequence[PastProposition], kept: KeptData) -> int:
    """The capacity that cached propositions take, with the stored data that is ``kept``."""
    return len(pasts) + (_data_size(pasts) if kept else 0)


def _data_size(pasts: Sequence[PastProposition]) -> int:
    return sum(
        sum(len(str(value)) for data in (past.stored, past.product) for value in (data or {}).values()) // _LETTERS
        for past in pasts
    )


def _only(data: Mapping[str, Json] | None, namespace: str, kept: KeptData) -> Mapping[str, Json] | None:
    """The values of ``data`` that are kept; None if there are none."""
    return {name: value for name, value in (data or {}).items() if (namespace, name) in kept} or None
