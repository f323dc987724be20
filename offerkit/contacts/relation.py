"""A source as a relation of DuckDB: the fast way to load all contacts, where DuckDB reads exactly the same cells.

Each format says in its own module whether it can be read that way; where it cannot, its contacts are read one by one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """A FROM item with a column for every field, by its name.

    ``text``: every column is text as in the file, NULL for an unknown value; otherwise columns have DuckDB's
    type of their field. ``number`` numbers the rows from 0, in the file's order.
    """

    sql: str
    text: bool
    number: str = "row_number() OVER () - 1"


def quote_name(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def literal_path(path: str) -> str:
    """A pattern that matches ``path`` alone: DuckDB takes ``*?[`` for wildcards."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)
