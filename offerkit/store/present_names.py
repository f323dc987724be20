"""The columns of propositions with the names that offers, categories and spaces have now, as SQL.

Where nothing was renamed, they are the columns as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.address import Kind
from offerkit.state.former_names import FormerNames, present_name
from offerkit.store.proposition_rows import PropositionRow


def present_column(column: str, former: FormerNames, table: str = "") -> str:
    """The SQL of ``column``: for a name, the name now of what had it when the proposition was made.

    ``table``: what columns begin with, as in ``p.``.
    """
    name, revision = f"{table}{column}", f"{table}revision"
    cases = [
        f"WHEN {name} = {_text(each.name)} AND {revision} >= {each.since:d} AND {revision} < {each.until:d}"
        f" THEN {_text(each.now)}"
        for each in former
        if each.kind == column
    ]
    return f"CASE {' '.join(cases)} ELSE {name} END" if cases else name


def selected(columns: Sequence[str], former: FormerNames) -> str:
    """``columns`` as the list of a SELECT, under their own names."""
    return ", ".join(
        column if (sql := present_column(column, former)) == column else f"{sql} AS {column}" for column in columns
    )


def with_present_names(row: PropositionRow, former: FormerNames) -> PropositionRow:
    """``row`` with the names of now."""
    if not former:
        return row
    return row._replace(
        offer=present_name(former, Kind.OFFER, row.offer, row.revision),
        category=present_name(former, Kind.CATEGORY, row.category, row.revision),
        space=present_name(former, Kind.SPACE, row.space, row.revision),
    )


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
