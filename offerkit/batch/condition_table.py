"""Which conditions hold for which contacts. Conditions are cut at ``and``, and no part is evaluated twice.

A part that reads one field of few values is evaluated once for each value: a contact then has the number of its value,
which stands for the set of conditions that such parts let hold. All other parts are evaluated for each contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from offerkit.batch.condition_sql import condition_parts
from offerkit.batch.contact_table import ContactTable
from offerkit.batch.program import BatchProgram
from offerkit.engine.contact_history import HistoryCondition

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Sets: TypeAlias = NDArray[numpy.uint8]
    """Sets of conditions: a row for each, with a bit for each condition, the first one lowest."""

MANY = 20_000
"""The number of contacts from which on parts that share a field are evaluated by its values."""
_SHARING = 4
"""The fewest parts that share a field."""
_VALUES = 65_536
"""The most values of such a field: a number has two bytes."""
_CELLS = 16_000_000
"""The most values times conditions."""
_Parts: TypeAlias = dict[str, list[int]]
"""By the SQL of a part, the conditions that have it."""


class ConditionTable:
    """A table in DuckDB that tells for each contact which conditions of a program hold; those on counted propositions
    count as if they held.
    """

    def __init__(self, people: ContactTable, program: BatchProgram, further: Sequence[str]) -> None:
        """Create the table; it also has the columns ``further``, which are SQL with a name."""
        self.name = people.fresh("truth")
        self._people, self._count = people, len(program.conditions)
        self._sets: list[Sets] = []
        """By column ``v…``, the set that each number stands for."""
        by_columns: dict[tuple[str, ...], _Parts] = {}
        for number, columns, sql in _parts(program):
            by_columns.setdefault(columns, {}).setdefault(sql, []).append(number)
        self._possible = self._without(self._impossible(by_columns.pop((), {})))
        tables = []
        others: list[tuple[str, list[int]]] = []
        for columns, parts in by_columns.items():
            sharing = len(columns) == 1 and len(parts) >= _SHARING and people.count >= MANY
            table = self._by_value(columns[0], parts) if sharing else ""
            if table:
                tables.append((table, columns[0]))
            else:
                others += parts.items()
        self._others = [numbers for _, numbers in others]
        """The conditions of the parts in the columns ``b…``, eight parts in each."""
        self._create(tables, [sql for sql, _ in others], further)

    def _create(self, tables: Sequence[tuple[str, str]], parts: Sequence[str], further: Sequence[str]) -> None:
        selected = [f"{table}.number AS v{place}" for place, (table, _) in enumerate(tables)]
        joined = [f"JOIN {table} ON {column} IS NOT DISTINCT FROM {table}.value" for table, column in tables]
        for first in range(0, len(parts), 8):
            flags = [
                f"CASE WHEN {sql} THEN {1 << bit}::UTINYINT ELSE 0::UTINYINT END"
                for bit, sql in enumerate(parts[first : first + 8])
            ]
            selected.append(f"{' + '.join(flags)} AS b{first // 8}")
        db = self._people.connection
        db.execute(
            f"CREATE TEMP TABLE {self.name} AS SELECT n, {', '.join([*selected, *further])}"  # noqa: S608 - quoted
            f" FROM {' '.join(['contact', *joined])}"
        )
        for table, _ in tables:
            db.execute(f"DROP TABLE {table}")

    def _impossible(self, constants: _Parts) -> set[int]:
        """The conditions that hold for no contact, because of parts that read nothing of a contact."""
        if not constants:
            return set()
        values = self._people.connection.execute(f"SELECT {', '.join(constants)}").fetchone() or ()
        return {
            number
            for numbers, value in zip(constants.values(), values, strict=True)
            if value is not True
            for number in numbers
        }

    def _by_value(self, field: str, parts: _Parts) -> str:
        """A table with a number for each value of a column; empty if there are too many values."""
        import numpy

        db, table = self._people.connection, self._people.fresh("value")
        most = min(_VALUES, _CELLS // self._count)
        db.execute(
            f"CREATE TEMP TABLE {table} AS SELECT (row_number() OVER () - 1)::UINTEGER AS number, value"  # noqa: S608 - quoted
            f" FROM (SELECT DISTINCT {field} AS value FROM contact LIMIT {most + 1})"
        )
        (size,) = db.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)  # noqa: S608 - our own name
        if size > most:
            db.execute(f"DROP TABLE {table}")
            return ""
        tests = ", ".join(f"coalesce({sql}, FALSE) AS p{place}" for place, sql in enumerate(parts))
        rows = db.execute(
            f"SELECT {tests} FROM (SELECT number, value AS {field} FROM {table}) ORDER BY number"  # noqa: S608 - quoted
        ).fetchnumpy()
        holds = numpy.ones((size, self._count), dtype=bool)
        for place, numbers in enumerate(parts.values()):
            holds[:, numbers] &= numpy.ma.getdata(rows[f"p{place}"])[:, None]
        self._sets.append(numpy.packbits(holds, axis=1, bitorder="little"))
        return table

    def _without(self, numbers: Iterable[int]) -> Sets:
        """The set of all conditions but some."""
        import numpy

        holds = numpy.ones((1, self._count), dtype=bool)
        holds[:, list(numbers)] = False
        return numpy.packbits(holds, axis=1, bitorder="little")

    def holds(self, rows: Mapping[str, NDArray[numpy.generic]], holds: NDArray[numpy.bool_]) -> None:
        """Set ``holds``, by condition and contact, for ``rows`` of the table."""
        import numpy

        alive = numpy.repeat(self._possible, holds.shape[1], axis=0)
        for place, sets in enumerate(self._sets):
            alive &= sets[numpy.ma.getdata(rows[f"v{place}"])]
        alive = numpy.ascontiguousarray(alive.T)
        for number in range(self._count):
            numpy.not_equal(alive[number // 8] & numpy.uint8(1 << number % 8), 0, out=holds[number])
        for place, numbers in enumerate(self._others):
            flags = numpy.ma.getdata(rows[f"b{place // 8}"]) & numpy.uint8(1 << place % 8) != 0
            for number in numbers:
                holds[number] &= flags

    def drop(self) -> None:
        """Remove the table."""
        self._people.connection.execute(f"DROP TABLE {self.name}")


def _parts(program: BatchProgram) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """The parts of all conditions: the number of its condition, the contact's columns that it reads, and its SQL.

    Conditions on counted propositions have none (contact_histories.py).
    """
    for number, condition in enumerate(program.conditions):
        if not isinstance(condition, HistoryCondition):
            for columns, sql in condition_parts(condition, program.facts, program.row_data):
                yield number, columns, sql
