"""The contacts of a batch as a DuckDB table, which spills to disk; they are never all in Python's memory.

Call data that each contact has for itself can be joined to it, by the contact's key.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count as count_from
from types import MappingProxyType
from typing import TYPE_CHECKING

from offerkit.contacts.bad_rows import NAMED, BadRows
from offerkit.contacts.bulk import BATCH, Progress, column, data_column, fill
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.rules.types import FieldType, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    import numpy
    from numpy.typing import NDArray

    Connection = duckdb.DuckDBPyConnection

_MEND_ROW = "Mend the row; an empty cell means unknown."
_VALUE = re.compile(r"(is not a value of type \w+): .*", re.DOTALL)
"""What a message says about a value; the value itself must not be shown."""
_OF_ROWS = (Code.CONTACT_VALUE, Code.CONTACT_ROW)
MEMORY = "512MB"
"""How much memory DuckDB uses before it spills to disk."""


@dataclass(frozen=True)
class ContactData:
    """Call data with a row for each contact: the source, whose key is that of contacts, and the fields with types."""

    source: Contacts
    types: Mapping[str, FieldType]


class ContactTable:
    """The table ``contact``: ``n`` from 0 in the source's order, ``k`` the key as text, ``f_…`` the fields.

    ``data``: the call data that each contact has for itself, in columns ``d_…``; unknown for contacts without a row.
    ``unmatched``: how many rows of it are for no contact.
    """

    def __init__(
        self,
        connection: Connection,
        count: int,
        types: Mapping[str, FieldType],
        data: Mapping[str, FieldType] = MappingProxyType({}),
        unmatched: int = 0,
    ) -> None:
        self.connection = connection
        self.count = count
        self.types = types
        self.data = data
        self.unmatched = unmatched
        self._numbers = count_from(1)

    def narrow(self, condition: str) -> None:
        """Keep only the contacts for whom an SQL condition over the columns holds."""
        self.connection.execute(
            "CREATE OR REPLACE TABLE contact AS SELECT row_number() OVER (ORDER BY n) - 1 AS n, * EXCLUDE (n)"  # noqa: S608 - compiled
            f" FROM contact WHERE {condition} ORDER BY n"
        )
        row = self.connection.execute("SELECT count(*) FROM contact").fetchone()
        self.count = int(row[0]) if row is not None else 0

    def by_code(
        self, table: str, columns: Sequence[str], first: int, last: int
    ) -> Iterator[tuple[int, list[NDArray[numpy.int64]]]]:
        """The rows of ``table`` (n, code and ``columns``) for the contacts from ``first`` to before ``last``.

        By code, the contacts (from 0) and their ``columns``.
        """
        import numpy

        rows = self.connection.execute(
            f"SELECT {', '.join(('n', 'code', *columns))} FROM {table} WHERE n >= ? AND n < ? ORDER BY code",  # noqa: S608
            [first, last],
        ).fetchnumpy()
        codes, starts = numpy.unique(numpy.ma.getdata(rows["code"]), return_index=True)
        arrays = [numpy.ma.getdata(rows["n"]) - first, *(numpy.ma.getdata(rows[name]) for name in columns)]
        parts = (numpy.split(array, starts[1:]) for array in arrays)
        for code, *found in zip(codes.tolist(), *parts, strict=False):
            yield code, found

    def fresh(self, name: str) -> str:
        """A name for a table that no other batch with the same contacts uses."""
        return f"{name}_{next(self._numbers)}"


@contextmanager
def open_contact_table(
    source: Iterable[Row] | Contacts,
    key: Sequence[str],
    types: Mapping[str, FieldType],
    progress: Progress | None = None,
    bad: BadRows | None = None,
    data: ContactData | None = None,
) -> Iterator[ContactTable]:
    """Load the contacts with the fields of ``types`` into a database that is deleted afterwards.

    DuckDB reads the source itself where it can (offerkit.contacts.bulk). Contacts that cannot be read, and those with
    a key that occurred before, go to ``bad``, which raises Refused unless it sets them aside. Also raises Refused if
    the disk has no room for what DuckDB spills.
    """
    import duckdb

    bad = BadRows() if bad is None else bad
    with tempfile.TemporaryDirectory(prefix="offerkit-batch-") as folder:
        connection = duckdb.connect(config=settings(folder))
        try:
            connection.execute("SET enable_progress_bar = false")
            if data is not None:
                _load_data(connection, data)
            count = fill(connection, source, key, types, bad, progress)
            count -= _once(connection, bad)
            bad.close()
            unmatched = _join_data(connection, data) if data is not None else 0
            yield ContactTable(connection, count, types, data.types if data is not None else {}, unmatched)
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise refuse(
                Code.NO_ROOM,
                f"there is no room left for the contacts: {str(error).splitlines()[0][:200]}",
                detail=f"What does not fit into {MEMORY} of memory is written to {tempfile.gettempdir()}.",
                hint="Make room there, or name another folder in TMPDIR. Nothing was changed.",
            ) from error
        finally:
            connection.close()


class _DataRows(BadRows):
    """Collects rows of call data that cannot be read; messages say where they are, and never what they hold."""

    def add(self, problems: Sequence[Diagnostic]) -> None:
        """Add one row, with the reasons why it cannot be read."""
        super().add(
            [
                replace(
                    problem, code=Code.DATA_ROW, summary=_VALUE.sub(r"\1", problem.summary), detail="", hint=_MEND_ROW
                )
                for problem in problems
            ]
        )

    def close(self) -> None:
        """Raises Refused when there are bad rows."""
        if self.count:
            problems = self._first
            if self.count > NAMED:
                more = f"{self.count - NAMED:,} more rows of the data cannot be read"
                problems = [*problems, Diagnostic(Code.DATA_ROW, more, hint=_MEND_ROW)]
            raise Refused(problems)


def _load_data(connection: Connection, data: ContactData) -> None:
    """Load the call data as the table ``given``. Raises Refused for rows that cannot be read, and for keys twice."""
    bad = _DataRows()
    try:
        fill(connection, data.source, data.source.key, data.types, bad)
    except Refused as refused:
        if not refused.diagnostics or refused.diagnostics[0].code not in _OF_ROWS:
            raise
        bad.add(refused.diagnostics)
    bad.close()
    twice = connection.execute("SELECT coalesce(sum(c - 1), 0) FROM (SELECT count(*) AS c FROM contact GROUP BY k)")
    (others,) = twice.fetchone() or (0,)
    if others:
        repeating = "1 row of the data repeats" if others == 1 else f"{others:,} rows of the data repeat"
        raise refuse(
            Code.DATA_ROW,
            f"{repeating} the key of another",
            detail="Each contact has one row at most, because a message has one value for each name.",
            hint="Keep one row for each contact.",
        )
    connection.execute("ALTER TABLE contact RENAME TO given")


def _join_data(connection: Connection, data: ContactData) -> int:
    """Add the call data to the contacts. Returns how many rows are for no contact."""
    columns = ", ".join(f"given.{column(name)} AS {data_column(name)}" for name in data.types)
    connection.execute(
        f"CREATE OR REPLACE TABLE contact AS SELECT contact.*, {columns} FROM contact LEFT JOIN given USING (k) ORDER BY n"  # noqa: S608, E501 - quoted
    )
    left = connection.execute("SELECT count(*) FROM given ANTI JOIN contact USING (k)").fetchone()
    connection.execute("DROP TABLE given")
    return int(left[0]) if left else 0


def settings(folder: str) -> dict[str, str | bool | int | float | list[str]]:
    """DuckDB's settings: it works in memory and spills to ``folder``, which is twice as fast as a database file."""
    return {"autoinstall_known_extensions": "false", "temp_directory": folder, "memory_limit": MEMORY}


def _once(connection: Connection, bad: BadRows) -> int:
    """Keep only the first contact with each key; returns how many others there were."""
    if connection.execute("SELECT count(*) = count(DISTINCT k) FROM contact").fetchone() == (True,):
        return 0
    others = connection.execute(
        "SELECT k FROM (SELECT n, k, min(n) OVER (PARTITION BY k) AS first FROM contact) WHERE n > first ORDER BY n"
    )
    removed = 0
    while part := others.fetchmany(BATCH):
        for (key,) in part:
            bad.add(
                [
                    Diagnostic(
                        Code.CONTACT_TWICE,
                        f"several contacts have the key “{key[:80]}”",
                        detail="Keys must be unique, because the history of propositions refers to them.",
                        hint="Keep one of them in the source, or set the others aside: --set-aside FILE.csv",
                    )
                ]
            )
        removed += len(part)
    connection.execute(
        "CREATE OR REPLACE TABLE contact AS SELECT row_number() OVER (ORDER BY n) - 1 AS n, * EXCLUDE (n) FROM contact"
        " WHERE n IN (SELECT min(n) FROM contact GROUP BY k) ORDER BY n"
    )
    return removed
