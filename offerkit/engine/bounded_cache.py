"""A small thread-safe cache that drops its oldest entry when full."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Keeps values of at most ``size`` together, and always the newest.

    ``weigh``: the size of a value; 1 unless given. Two threads may create the same value at once; one of the two is
    kept.
    """

    __slots__ = ("_known", "_lock", "_size", "_total", "_weigh")

    def __init__(self, size: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._known: dict[K, tuple[V, int]] = {}
        self._lock = Lock()
        self._size, self._weigh, self._total = size, weigh, 0

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The cached value of ``key``; if missing, the value that ``make`` returns is cached and returned."""
        known = self._known.get(key)
        if known is not None:
            return known[0]
        value = make()
        self.put(key, value)
        return value

    def peek(self, key: K) -> V | None:
        """The cached value of ``key``, or None."""
        known = self._known.get(key)
        return None if known is None else known[0]

    def known(self) -> list[K]:
        """All keys, the oldest first."""
        return list(self._known)

    def put(self, key: K, value: V) -> None:
        """Replace the value of ``key``."""
        weight = self._weigh(value)
        with self._lock:
            self._total += weight - self._known.pop(key, (value, 0))[1]
            while self._known and self._total > self._size:
                self._total -= self._known.pop(next(iter(self._known)))[1]
            self._known[key] = value, weight

    def clear(self) -> None:
        with self._lock:
            self._known.clear()
            self._total = 0

    def __len__(self) -> int:
        return len(self._known)
