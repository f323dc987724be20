"""Writes the decisions of a batch as a Parquet or CSV file with a row for each contact and rank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from offerkit.batch.contact_table import ContactTable
from offerkit.batch.decide import DecidedChunk
from offerkit.batch.program import BatchProgram
from offerkit.engine.extra_data import stored_product
from offerkit.fingerprint import canonical
from offerkit.reports.csv_file import FORMULA

if TYPE_CHECKING:
    import duckdb

FORMATS = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".csv": "FORMAT csv, HEADER true"}
"""DuckDB's COPY options, by the file's ending."""
_CONTACT = {".parquet": "k", ".csv": f"CASE WHEN regexp_matches(k, '{FORMULA}') THEN concat(chr(39), k) ELSE k END"}
"""A contact's key as SQL: keys come from outside and CSV files are opened in spreadsheets, so formulas are quoted."""


def copy_results(
    connection: duckdb.DuckDBPyConnection, rows: str, target: Path, ending: str, *, products: bool = False
) -> int:
    """Write ``rows``, a FROM clause with the contacts' key ``k`` and order ``n``; returns the number of rows.

    ``ending`` is .parquet or .csv. ``products``: ``rows`` have what dynamic offers became. Raises OSError if the file
    cannot be written.
    """
    import duckdb

    quoted = str(target).replace("'", "''")
    try:
        written = connection.execute(
            f"COPY (SELECT space, {_CONTACT[ending]} AS contact, CAST(rank AS INTEGER) AS rank, offer, category"  # noqa: S608
            f"{', product' if products else ''}"
            f" FROM {rows} ORDER BY space, n, rank) TO '{quoted}' ({FORMATS[ending]}, USE_TMP_FILE false)"
        ).fetchone()
    except duckdb.Error as error:
        raise OSError(str(error).splitlines()[0][:200]) from error
    return int(written[0]) if written else 0


class Results:
    """Collects chunks in the contacts' database, which spills to disk, and writes them at the end."""

    def __init__(self, people: ContactTable) -> None:
        self._people = people
        people.connection.execute("CREATE TABLE pick (n BIGINT, rank INTEGER, item INTEGER, product VARCHAR)")
        people.connection.execute("CREATE TABLE item (item INTEGER, space VARCHAR, offer VARCHAR, category VARCHAR)")
        self._first: dict[str, int] = {}
        """By space, the number of its first item."""
        self._items = 0
        self._products = False

    def add(self, program: BatchProgram, chunk: DecidedChunk) -> None:
        """Add the picks of one chunk."""
        import numpy

        if not program.items:
            return
        first = self._first_item(program)
        ranks, columns = numpy.nonzero(chunk.picks >= 0)
        rows = {"n": columns + chunk.first, "rank": ranks + 1, "item": chunk.picks[ranks, columns] + first}
        product = "NULL"
        if chunk.products:
            self._products, product = True, "product"
            texts = {place: canonical(stored_product(made)).decode() for place, made in chunk.products.items()}
            places = zip(ranks.tolist(), columns.tolist(), strict=True)
            rows["product"] = numpy.array([texts.get(place) for place in places], dtype=object)
        self._people.connection.register("picked", rows)
        self._people.connection.execute(f"INSERT INTO pick SELECT n, rank, item, {product} FROM picked")  # noqa: S608
        self._people.connection.unregister("picked")

    def _first_item(self, program: BatchProgram) -> int:
        space = f"{program.catalog.environment}/{program.call.space}"
        if space not in self._first:
            offers = [program.catalog.offers[item.position] for item in program.items]
            rows = [(self._items + number, space, offer.name, offer.category) for number, offer in enumerate(offers)]
            self._people.connection.executemany("INSERT INTO item VALUES (?, ?, ?, ?)", rows)
            self._first[space] = self._items
            self._items += len(offers)
        return self._first[space]

    def write(self, target: Path, ending: str) -> None:
        """Write everything to ``target``, once; ``ending`` is .parquet or .csv.

        Raises OSError if the file cannot be written.
        """
        db, names = self._people.connection, ("space", "offer", "category")
        for name in names:  # as numbers in the order of the names, rows are sorted in half the time
            db.execute(f"CREATE TYPE {name}_name AS ENUM (SELECT DISTINCT {name} FROM item ORDER BY {name})")  # noqa: S608
        named = ", ".join(f"CAST({name} AS {name}_name) AS {name}" for name in names)
        rows = f"pick JOIN contact USING (n) JOIN (SELECT item, {named} FROM item) AS named USING (item)"  # noqa: S608
        copy_results(db, rows, target, ending, products=self._products)
