"""Cells of a delivery: each recipient is in the first cell whose condition holds and that has room for it.

A cell with a limit takes the recipients with the lowest hash of their key, whatever the order of the source. The hash
depends on the seed, the delivery, the slot and the cell, so that a run that is made again chooses the same recipients,
and two cells do not favour the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from offerkit.batch import ContactTable
from offerkit.engine.condition import BoundCondition
from offerkit.rules.duckdb_literals import literal
from offerkit.rules.types import BaseType


class SelectedCell(NamedTuple):
    """A cell: its condition, its offer by position in the catalog or the field that names it, and its limit."""

    when: BoundCondition
    position: int | None
    named: BoundCondition | None
    limit: int | None


@dataclass(frozen=True)
class CellTable:
    """Who is in which cell: in SQL, the number of a contact's cell (NULL: none), and what that needs to be joined.

    ``counts``: for each cell of a part with limits, how many recipients came to it, and how many it took.
    """

    sql: str = "NULL"
    join: str = ""
    counts: tuple[tuple[int, int], ...] = ()


def assign_cells(
    contact_table: ContactTable,
    cells: Sequence[SelectedCell],
    target: str,
    sql: Callable[[BoundCondition], str],
    about: str,
) -> CellTable:
    """Assign the contacts in ``target`` (a condition in SQL) to ``cells``; ``about`` names them, for the hash."""
    if not cells:
        return CellTable()
    if all(cell.limit is None for cell in cells):
        branches = (f"WHEN {sql(cell.when)} THEN {number}" for number, cell in enumerate(cells))
        return CellTable(f"CASE {' '.join(branches)} END")
    run = contact_table.connection.execute
    table, waiting = contact_table.fresh("cell"), contact_table.fresh("waiting")
    run(f"CREATE TEMP TABLE {table} (n BIGINT, cell INTEGER)")
    counts: list[tuple[int, int]] = []
    for number, cell in enumerate(cells):
        run(
            f"CREATE OR REPLACE TEMP TABLE {waiting} AS SELECT n, k FROM contact ANTI JOIN {table} USING (n)"  # noqa: S608 - escaped
            f" WHERE coalesce(({target}) AND ({sql(cell.when)}), FALSE)"
        )
        first = ""
        if cell.limit is not None:
            prefix = literal(f"{about}\n{number}\n", BaseType.STRING)
            first = f" ORDER BY md5({prefix} || k), n LIMIT {cell.limit:d}"
        run(f"INSERT INTO {table} SELECT n, {number} FROM {waiting}{first}")  # noqa: S608 - our own names
        came = run(f"SELECT count(*) FROM {waiting}").fetchone() or (0,)  # noqa: S608 - our own names
        counts.append((came[0], came[0] if cell.limit is None else min(came[0], cell.limit)))
    run(f"DROP TABLE {waiting}")
    return CellTable(f"{table}.cell", f" LEFT JOIN {table} USING (n)", tuple(counts))
