"""Sorting, and who wins among equals (domain.md §3 steps 9 and 11).

Ties are ordered by a hash of seed, contact and day, mixed with one of the offer's name: each contact sees offers
of equal weight in another order every day, a test can fix it, and taking one offer away does not reorder the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from heapq import nsmallest
from typing import NamedTuple

from offerkit.engine.catalog import Catalog
from offerkit.engine.hooks import Product

_MASK = (1 << 64) - 1


class Entry(NamedTuple):
    """An offer that may be proposed, by its place in the catalog; ``order``: the product's, among an offer's."""

    weight: Decimal
    place: int
    product: Product | None = None
    order: int = 0


TieKey = Callable[[Entry], tuple[int, int]]


def tie_key(catalog: Catalog, seed: str, key: str, today: date) -> TieKey:
    """The order of entries of equal weight, for one contact and day.

    Multiply-and-add modulo 2⁶⁴ of the two hashes: a strongly universal family, so any two offers win equally often.
    """
    text = f"{len(seed)}:{seed}{len(key)}:{key}{today.isoformat()}"
    hashed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    factor, shift = int.from_bytes(hashed[:8], "big") | 1, int.from_bytes(hashed[8:], "big")
    offers = catalog.offers

    def of(entry: Entry) -> tuple[int, int]:
        mixed = (offers[entry.place].tie * factor + shift) & _MASK
        return mixed, entry.order

    return of


def ranked(entries: Iterable[Entry], tie: TieKey, n: int | None) -> list[Entry]:
    """The first ``n`` (None: all) of ``entries``, which come by weight, highest first; no more are read than needed."""
    result: list[Entry] = []
    group: list[Entry] = []
    weight: Decimal | None = None
    for entry in entries:
        if entry[0] is not weight and entry[0] != weight:
            _close(result, group, tie, n)
            if n is not None and len(result) >= n:
                return result
            weight = entry[0]
            group = []
        group.append(entry)
    _close(result, group, tie, n)
    return result


def _close(result: list[Entry], group: list[Entry], tie: TieKey, n: int | None) -> None:
    """Add a group of equals to ``result``, up to ``n`` in all."""
    if len(group) > 1:
        group = sorted(group, key=tie) if n is None else nsmallest(n - len(result), group, key=tie)
    result.extend(group)


def once(entries: Iterable[Entry]) -> list[Entry]:
    """Each offer once: its first entry."""
    seen: set[int] = set()
    return [entry for entry in entries if not (entry.place in seen or seen.add(entry.place))]  # type: ignore[func-returns-value]
