"""Counts what is given by groups of offers (their category, themes, a field), alone or by a field of contacts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from offerkit.batch.decide import DecidedChunk
from offerkit.batch.segments import Segments

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


class OfferGroups:
    """Groups of items: an item belongs to those of its offer's values, of several themes to several.

    With ``segments`` (few of them: the counts are kept for each), contacts are counted by segment as well.
    """

    def __init__(self, values: Sequence[Sequence[str]], ranks: int, segments: Segments | None = None) -> None:
        """``values``: by item, the names of its groups. ``ranks``: how many offers a contact gets at most."""
        import numpy

        self.names = sorted({name for names in values for name in names})
        place = {name: number for number, name in enumerate(self.names)}
        self._starts = numpy.cumsum([0, *map(len, values)])
        self._members = numpy.array([place[name] for names in values for name in names], dtype=numpy.int64)
        self._segments = segments
        parts = len(segments.names) if segments is not None else 1
        self._by_rank = numpy.zeros((parts * len(self.names), ranks), numpy.int64)
        self._contacts = numpy.zeros(parts * len(self.names), numpy.int64)

    def add(self, chunk: DecidedChunk) -> None:
        """Count the picks of one chunk."""
        import numpy

        ranks, columns = numpy.nonzero(chunk.picks >= 0)
        items = chunk.picks[ranks, columns]
        sizes = self._starts[items + 1] - self._starts[items]
        total = int(sizes.sum())
        if not total:
            return
        # the groups of every pick, one after the other
        within = numpy.arange(total) - numpy.repeat(numpy.cumsum(sizes) - sizes, sizes)
        groups = self._members[numpy.repeat(self._starts[items], sizes) + within]
        ranks, columns = numpy.repeat(ranks, sizes), numpy.repeat(columns, sizes)
        if self._segments is not None:
            codes = self._segments.codes(chunk.first, chunk.picks.shape[1]).astype(numpy.int64)
            groups = codes[columns] * len(self.names) + groups
        flat = groups * self._by_rank.shape[1] + ranks
        self._by_rank += numpy.bincount(flat, minlength=self._by_rank.size).reshape(self._by_rank.shape)
        pairs: NDArray[numpy.int64] = numpy.unique(columns * len(self._contacts) + groups)
        self._contacts += numpy.bincount(pairs % len(self._contacts), minlength=len(self._contacts))

    def counted(self) -> Iterator[tuple[str, str, int, list[int]]]:
        """Segment (empty without), group, number of contacts, and number of picks by rank; only what was given."""
        for number, contacts in enumerate(self._contacts.tolist()):
            if contacts:
                segment, group = divmod(number, len(self.names))
                name = self._segments.names[segment] if self._segments is not None else ""
                yield name, self.names[group], contacts, self._by_rank[number].tolist()

    def whole(self, segment: str, everyone: int) -> int:
        """The number of contacts in a segment."""
        if self._segments is None:
            return everyone
        return self._segments.sizes[self._segments.names.index(segment)]
