"""Contacts told apart by the values of a field: the axes of simulations and impacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from offerkit.batch import People
from offerkit.batch.gates import column

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

OTHERS = "(other values)"


class Segments:
    """The values of one field that most contacts have, up to ``limit``; the rest is one segment of its own.

    So are values that fewer contacts than ``fewest`` have: they would tell who is meant.
    """

    def __init__(self, people: People, field: str, limit: int, fewest: int = 1) -> None:
        """Read ``field`` of all contacts: one byte for each of them is kept."""
        import numpy

        text = f"CAST({column(field)} AS VARCHAR)"
        top: list[tuple[str | None, int]] = people.connection.execute(
            f"SELECT {text} AS v, count(*) FROM contact GROUP BY v HAVING count(*) >= ?"  # noqa: S608 - quoted
            " ORDER BY count(*) DESC, v LIMIT ?",
            [fewest, min(limit, 250)],
        ).fetchall()
        people.connection.register(
            "segment", {"v": numpy.array([value for value, _ in top], dtype=object),
                        "c": numpy.arange(len(top), dtype=numpy.uint8)},
        )  # fmt: skip
        found = people.connection.execute(
            f"SELECT coalesce(c, {len(top)}) AS c FROM contact"  # noqa: S608 - quoted
            f" LEFT JOIN segment ON {text} IS NOT DISTINCT FROM CAST(v AS VARCHAR) ORDER BY n"
        ).fetchnumpy()["c"]
        people.connection.unregister("segment")
        self._codes: NDArray[numpy.uint8] = numpy.asarray(found, dtype=numpy.uint8)
        self.sizes = numpy.bincount(self._codes, minlength=len(top) + 1).tolist()
        self.names = ["unknown" if value is None else value for value, _ in top] + [OTHERS]

    def count(self, first: int, flags: NDArray[numpy.bool_]) -> NDArray[numpy.int64]:
        """By segment, the contacts of a chunk (from number ``first`` on) whose flag is set."""
        import numpy

        codes = self._codes[first : first + len(flags)]
        return numpy.bincount(codes[flags], minlength=len(self.names)).astype(numpy.int64)

    def named(self) -> Sequence[tuple[int, str, int]]:
        """Place, name and size of each segment that somebody is in."""
        return [
            (place, name, size) for place, (name, size) in enumerate(zip(self.names, self.sizes, strict=True)) if size
        ]
