"""The first n of each contact, for a chunk of contacts: arrays have one row an item and one column a contact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags: TypeAlias = NDArray[numpy.bool_]
    Numbers: TypeAlias = NDArray[numpy.int64]
    Ties: TypeAlias = NDArray[numpy.uint32]
    Picks: TypeAlias = NDArray[numpy.int32]

_LAST = numpy.uint64(1 << 40)
"""Behind every tie."""


def by_group(alive: Flags, groups: Sequence[Sequence[int]], ties: Ties, mixing: tuple[Ties, Ties], n: int) -> Picks:
    """The items picked, one row a rank, -1 for none. ``groups``: items of equal weight, the highest weight first.

    ``ties`` are the items' hashes, ``mixing`` factor and shift of each contact (offerkit.engine.ranking).
    """
    width = alive.shape[1]
    picks = numpy.full((n, width), -1, dtype=numpy.int32)
    count = numpy.zeros(width, dtype=numpy.int64)
    for group in groups:
        if len(group) == 1:
            chosen = numpy.flatnonzero(alive[group[0]] & (count < n))
            picks[count[chosen], chosen] = group[0]
            count[chosen] += 1
            continue
        part = alive[list(group)]
        open_ = numpy.flatnonzero(part.any(axis=0) & (count < n))
        if not len(open_):
            continue
        keys = numpy.where(part[:, open_], _mixed(ties[list(group)], mixing, open_), _LAST)
        for _ in range(min(n, len(group))):
            best = keys.argmin(axis=0)
            where = numpy.arange(len(open_))
            good = (keys[best, where] < _LAST) & (count[open_] < n)
            if not good.any():
                break
            columns, items = open_[good], numpy.asarray(group)[best[good]]
            picks[count[columns], columns] = items
            count[columns] += 1
            keys[best, where] = _LAST
    return picks


def by_weight(weights: Numbers, ties: Ties, mixing: tuple[Ties, Ties], n: int) -> Picks:
    """The same when weights differ between contacts; 0: the item is out. ``weights`` are used up."""
    width = weights.shape[1]
    picks = numpy.full((n, width), -1, dtype=numpy.int32)
    columns = numpy.arange(width)
    keys = _mixed(ties, mixing, columns)
    for rank in range(min(n, len(weights))):
        highest = weights.max(axis=0, initial=0)
        candidates = (weights == highest) & (weights > 0)
        if not candidates.any():
            break
        best = numpy.where(candidates, keys, _LAST).argmin(axis=0)
        found = highest > 0
        picks[rank, found] = best[found]
        weights[best, columns] = 0
    return picks


def _mixed(ties: Ties, mixing: tuple[Ties, Ties], columns: NDArray[numpy.intp]) -> NDArray[numpy.uint64]:
    factor, shift = mixing
    mixed = ties[:, None] * factor[columns][None, :] + shift[columns][None, :]  # wraps at 2**32, as it is meant to
    return mixed.astype(numpy.uint64)
