"""A small thread-safe cache that drops what was not asked for again when it is full."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Kept(Generic[V]):
    """A value, its size, and whether it was asked for since it was made or last spared."""

    __slots__ = ("used", "value", "weight")

    def __init__(self, value: V, weight: int) -> None:
        self.value, self.weight, self.used = value, weight, False


class BoundedCache(Generic[K, V]):
    """Keeps values of at most ``size`` together, and always the newest.

    The oldest is dropped first. If it was asked for meanwhile, it is spared once and counts as new: any number of new
    keys leaves what is in use.

    ``weigh``: the size of a value; 1 unless given. Two threads may create the same value at once; one of the two is
    kept.
    """

    __slots__ = ("_known", "_lock", "_size", "_total", "_weigh")

    def __init__(self, size: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._known: dict[K, _Kept[V]] = {}
        self._lock = Lock()
        self._size, self._weigh, self._total = size, weigh, 0

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The cached value of ``key``; if missing, the value that ``make`` returns is cached and returned."""
        known = self._known.get(key)
        if known is not None:
            known.used = True
            return known.value
        value = make()
        self.put(key, value)
        return value

    def peek(self, key: K) -> V | None:
        """The cached value of ``key``, or None."""
        known = self._known.get(key)
        if known is None:
            return None
        known.used = True
        return known.value

    def known(self) -> list[K]:
        """All keys: those that were asked for again first, then the oldest."""
        return [key for key, _ in sorted(self._known.items(), key=lambda item: not item[1].used)]

    def put(self, key: K, value: V) -> None:
        """Replace the value of ``key``."""
        kept = _Kept(value, self._weigh(value))
        with self._lock:
            self._remove(key)
            self._total += kept.weight
            while self._known and self._total > self._size:
                oldest = next(iter(self._known))
                spared = self._known[oldest] if self._known[oldest].used else None
                self._remove(oldest)
                if spared is not None:
                    spared.used = False
                    self._total += spared.weight
                    self._known[oldest] = spared
            self._known[key] = kept

    def _remove(self, key: K) -> None:
        found = self._known.pop(key, None)
        self._total -= found.weight if found is not None else 0

    def clear(self) -> None:
        with self._lock:
            self._known.clear()
            self._total = 0

    def __len__(self) -> int:
        return len(self._known)
