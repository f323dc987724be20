"""Groups contacts by the values of a field: the axes of simulations, the segments of impacts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from offerkit.batch.contact_table import ContactTable
from offerkit.batch.decide import DecidedChunk
from offerkit.contacts.bulk import column

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Codes = NDArray[numpy.unsignedinteger]

UNKNOWN = "unknown"
"""The segment of contacts without a value."""
OTHERS = "(other values)"
_PART = 10_000


class Segments:
    """The values of a field, the most frequent first; every contact is in exactly one segment.

    ``names``, which all differ, and ``sizes`` are by segment. With a ``limit``, only that many values have a segment,
    and the others share the last one. So do values of fewer contacts than ``fewest``, which could identify them.
    """

    def __init__(self, people: ContactTable, field: str, limit: int | None = None, fewest: int = 1) -> None:
        """Read ``field`` of all contacts; keeps a segment number for each, in one byte if there are few segments."""
        import numpy

        text = f"CAST({column(field)} AS VARCHAR)"
        self._people, table = people, people.fresh("segment")
        people.connection.execute(
            f"CREATE TEMP TABLE {table} AS SELECT row_number() OVER (ORDER BY size DESC, v) - 1 AS code, v, size"  # noqa: S608 - quoted
            f" FROM (SELECT {text} AS v, count(*) AS size FROM contact GROUP BY v) WHERE size >= ?"
            " ORDER BY code LIMIT ?",
            [fewest, people.count if limit is None else limit],
        )
        segment_rows: list[tuple[str | None, int]] = people.connection.execute(
            f"SELECT v, size FROM {table} ORDER BY code"  # noqa: S608 - our own name
        ).fetchall()
        codes = people.connection.execute(
            f"SELECT coalesce(code, {len(segment_rows)}) AS code FROM contact"  # noqa: S608 - quoted
            f" LEFT JOIN {table} ON {text} IS NOT DISTINCT FROM v ORDER BY n"
        ).fetchnumpy()["code"]
        people.connection.execute(f"DROP TABLE {table}")
        self._codes: Codes = numpy.ma.getdata(codes).astype(numpy.min_scalar_type(len(segment_rows)))
        self.names = [UNKNOWN if value is None else beside(value, UNKNOWN, OTHERS) for value, _ in segment_rows]
        self.sizes = [size for _, size in segment_rows]
        if other_count := people.count - sum(self.sizes):
            self.names.append(OTHERS)
            self.sizes.append(other_count)

    def count(self, first: int, flags: NDArray[numpy.bool_]) -> NDArray[numpy.int64]:
        """By segment, the number of contacts in a chunk (from contact ``first`` on) whose flag is set."""
        import numpy

        codes = self._codes[first : first + len(flags)]
        return numpy.bincount(codes[flags], minlength=len(self.names)).astype(numpy.int64)

    def codes(self, first: int, size: int) -> Codes:
        """The numbers of the segments of ``size`` contacts from contact ``first`` on."""
        return self._codes[first : first + size]

    def given(self) -> GivenCounts:
        """A counter of the offers that each segment gets."""
        return GivenCounts(self._people, self._codes)


def beside(value: str, *names: str) -> str:
    """``value`` as it is named beside ``names`` of ours: in quotes if it could be taken for one of them."""
    return f'"{value}"' if value.strip('"') in names else value


class GivenCounts:
    """Counts which offers each segment gets; in the contacts' database, because there may be many segments."""

    def __init__(self, people: ContactTable, codes: Codes) -> None:
        """``codes``: the segment numbers by contact."""
        self._connection, self._codes, self._table = people.connection, codes, people.fresh("given")
        self._connection.execute(f"CREATE TEMP TABLE {self._table} (code BIGINT, item BIGINT, count BIGINT)")

    def add(self, chunk: DecidedChunk) -> None:
        """Count the picks of one chunk."""
        import numpy

        ranks, columns = numpy.nonzero(chunk.picks >= 0)
        nothing = numpy.flatnonzero((chunk.picks < 0).all(axis=0))
        contacts = numpy.concatenate([columns, nothing]) + chunk.first
        items = numpy.concatenate([chunk.picks[ranks, columns], numpy.full(len(nothing), -1, chunk.picks.dtype)])
        rows = {"code": self._codes[contacts].astype(numpy.int64), "item": items.astype(numpy.int64)}
        self._connection.register("picked", rows)
        self._connection.execute(
            f"INSERT INTO {self._table} SELECT code, item, count(*) FROM picked GROUP BY ALL"  # noqa: S608 - our own name
        )
        self._connection.unregister("picked")

    def counted(self) -> Iterator[tuple[int, int, int]]:
        """Segment, item (-1: nothing) and number of contacts. Can be called once: the counts are then dropped."""
        cursor = self._connection.execute(
            f"SELECT code, item, sum(count)::BIGINT FROM {self._table} GROUP BY ALL"  # noqa: S608 - our own name
        )
        while part := cursor.fetchmany(_PART):
            yield from part
        self._connection.execute(f"DROP TABLE {self._table}")
