"""A small thread-safe cache that drops its oldest entry when full."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Keeps at most ``size`` values. Two threads may create the same value at once; one of the two is kept."""

    __slots__ = ("_known", "_lock", "_size")

    def __init__(self, size: int) -> None:
        self._known: dict[K, V] = {}
        self._lock = Lock()
        self._size = size

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The cached value of ``key``; if missing, the value that ``make`` returns is cached and returned."""
        known = self._known.get(key)
        if known is not None:
            return known
        value = make()
        with self._lock:
            while len(self._known) >= self._size:
                del self._known[next(iter(self._known))]
            self._known[key] = value
        return value

    def peek(self, key: K) -> V | None:
        """The cached value of ``key``, or None."""
        return self._known.get(key)

    def put(self, key: K, value: V) -> None:
        """Replace the value of ``key``."""
        with self._lock:
            while len(self._known) >= self._size and key not in self._known:
                del self._known[next(iter(self._known))]
            self._known[key] = value

    def clear(self) -> None:
        with self._lock:
            self._known.clear()

    def __len__(self) -> int:
        return len(self._known)
