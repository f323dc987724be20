"""Sorting, and who wins among equals (domain.md §3 steps 9 and 11).

Ties are ordered by a hash of day, seed and contact, mixed with one of the offer's name: each contact sees offers
of equal weight in another order every day, a test can fix it, and taking one offer away does not reorder the rest.
Both hashes are MD5, which every SQL engine has, and the mixing fits into signed 64 bits: batch decisions, here or in
another engine, break ties in the same way (docs/engine.md). It is a shuffle, and keeps no secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from hashlib import md5
from heapq import nsmallest
from typing import NamedTuple

from offerkit.engine.resources import CompiledOffer
from offerkit.hooks import Product

_MASK = (1 << 32) - 1


class RankedOffer(NamedTuple):
    """An offer that may be proposed, by its place in the catalog; ``order``: the product's, among an offer's."""

    weight: Decimal
    place: int
    product: Product | None = None
    order: int = 0


TieKey = Callable[[RankedOffer], tuple[int, int, int]]


def offer_tie(name: str) -> int:
    """The hash of an offer's name: 31 bits."""
    return int(md5(name.encode(), usedforsecurity=False).hexdigest()[:8], 16) >> 1


def tie_text(seed: str, today: date) -> str:
    """What stands before the contact's key in the text that is hashed for its ties of one day."""
    return f"{today.isoformat()}|{seed}|"


def mixing(text: str) -> tuple[int, int]:
    """Factor (odd) and shift, 32 bits each, from :func:`tie_text` with the contact's key behind it."""
    digits = md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return int(digits[8:16], 16) | 1, int(digits[:8], 16)


def tie_key(offers: Sequence[CompiledOffer], seed: str, key: str, today: date) -> TieKey:
    """The order of entries of equal weight, for one contact and day; ``offers`` are the catalog's.

    Multiply-and-add modulo 2³² of the two hashes: of any two offers either wins equally often.
    """
    factor, shift = mixing(tie_text(seed, today) + key)

    def of(entry: RankedOffer) -> tuple[int, int, int]:
        mixed = (offers[entry.place].tie * factor + shift) & _MASK
        return mixed, entry.place, entry.order

    return of


def ranked(entries: Iterable[RankedOffer], tie: TieKey, n: int | None) -> list[RankedOffer]:
    """The first ``n`` (None: all) of ``entries``, which come by weight, highest first; no more are read than needed."""
    result: list[RankedOffer] = []
    group: list[RankedOffer] = []
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


def _close(result: list[RankedOffer], group: list[RankedOffer], tie: TieKey, n: int | None) -> None:
    """Add a group of equals to ``result``, up to ``n`` in all."""
    if len(group) > 1:
        group = sorted(group, key=tie) if n is None else nsmallest(n - len(result), group, key=tie)
    result.extend(group)


def once(entries: Iterable[RankedOffer]) -> list[RankedOffer]:
    """Each offer once: its first entry."""
    seen: set[int] = set()
    return [entry for entry in entries if not (entry.place in seen or seen.add(entry.place))]  # type: ignore[func-returns-value]
