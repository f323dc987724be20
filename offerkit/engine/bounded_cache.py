"""A small map that forgets the oldest, safe between threads."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Keeps at most ``size`` values; two threads may make the same one, and either is kept."""

    __slots__ = ("_known", "_lock", "_size")

    def __init__(self, size: int) -> None:
        self._known: dict[K, V] = {}
        self._lock = Lock()
        self._size = size

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value kept for ``key``, made when there is none."""
        known = self._known.get(key)
        if known is not None:
            return known
        made = make()
        with self._lock:
            while len(self._known) >= self._size:
                del self._known[next(iter(self._known))]
            self._known[key] = made
        return made

    def peek(self, key: K) -> V | None:
        """The value kept for ``key``, or None."""
        return self._known.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep another value for ``key``."""
        with self._lock:
            while len(self._known) >= self._size and key not in self._known:
                del self._known[next(iter(self._known))]
            self._known[key] = value

    def clear(self) -> None:
        """Keep nothing of what was kept."""
        with self._lock:
            self._known.clear()

    def __len__(self) -> int:
        return len(self._known)
