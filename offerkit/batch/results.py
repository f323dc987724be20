"""What a batch decided, as a Parquet or CSV file: a row for each contact and rank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from offerkit.batch.decide import Decided
from offerkit.batch.people import People
from offerkit.batch.program import Program

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

FORMATS = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".csv": "FORMAT csv, HEADER true"}
"""By the file's ending, what DuckDB is told."""


class Results:
    """Collects the chunks in the people's database, which spills to disk, and writes them at the end."""

    def __init__(self, people: People) -> None:
        """An empty result for ``people``."""
        self._people = people
        people.connection.execute(
            "CREATE TABLE pick (space VARCHAR, n BIGINT, rank INTEGER, offer VARCHAR, category VARCHAR)"
        )

    def add(self, made: Program, chunk: Decided) -> None:
        """The picks of one chunk."""
        import numpy

        catalog = made.catalog
        offers = [catalog.offers[item.place] for item in made.items]
        if not offers:
            return
        names = numpy.array([offer.name for offer in offers], dtype=object)
        paths = numpy.array([offer.category for offer in offers], dtype=object)
        for rank, picks in enumerate(chunk.picks, 1):
            columns: NDArray[numpy.intp] = numpy.flatnonzero(picks >= 0)
            if not len(columns):
                continue
            rows = {"n": columns + chunk.first, "offer": names[picks[columns]], "category": paths[picks[columns]]}
            self._people.connection.register("picked", rows)
            self._people.connection.execute(
                "INSERT INTO pick SELECT ?, n, ?, offer, category FROM picked",
                [f"{catalog.environment}/{made.call.space}", rank],
            )
            self._people.connection.unregister("picked")

    def write(self, target: Path) -> None:
        """Write all of it to ``target``, whose ending (.parquet, .csv) says how; never half a file.

        Raises OSError when the file cannot be written.
        """
        import duckdb

        partial = target.with_name(f".{target.name}.partial")
        quoted = str(partial).replace("'", "''")
        try:
            self._people.connection.execute(
                "COPY (SELECT space, k AS contact, rank, offer, category FROM pick JOIN contact USING (n)"  # noqa: S608
                f" ORDER BY space, n, rank) TO '{quoted}' ({FORMATS[target.suffix]})"
            )
            partial.replace(target)
        except duckdb.Error as error:
            raise OSError(str(error).splitlines()[0][:200]) from error
        finally:
            partial.unlink(missing_ok=True)
