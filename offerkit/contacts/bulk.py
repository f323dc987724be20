"""A source as DuckDB reads it by itself: the fast way to all contacts, where it means exactly the same.

Where it might not (quotes in a CSV file, a column of another type), there is none, and the rows are read one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Bulk:
    """``sql`` stands after FROM; ``columns``: by field, the type of its column there, in DuckDB's name.

    ``text``: every column is text as a CSV file has it, with NULL for an empty cell. ``number`` counts the rows from 0.
    """

    sql: str
    columns: Mapping[str, str]
    text: bool
    number: str = "row_number() OVER () - 1"


def plain_csv(file: BinaryIO) -> int | None:
    """How many lines a CSV file has, when cutting it at newlines and commas is all there is to do; else None.

    Neither quotes nor NUL nor empty lines, and no carriage return but before a newline.
    """
    lines = 0
    last = b"\n"  # an empty first line is one as well
    file.seek(0)
    while chunk := file.read(_CHUNK):
        whole = last + chunk
        if b'"' in chunk or b"\0" in chunk or b"\n\n" in whole or b"\n\r" in whole:
            return None
        if b"\r" in whole and whole.count(b"\r") - whole.endswith(b"\r") != whole.count(b"\r\n"):
            return None
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    if last == b"\r":
        return None
    return lines + (last != b"\n")


def csv_bulk(path: str, columns: tuple[str, ...], fields: Mapping[str, object]) -> Bulk:
    """All of a plain CSV file; ``columns`` are those of its header."""
    # numbered, because a header may name a column twice that nothing reads
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(columns)))
    options = (
        "header=true, delim=',', quote='', escape='', nullstr='', auto_detect=false, null_padding=false,"
        " ignore_errors=false, strict_mode=true, max_line_size=1048576"
    )
    inner = ", ".join(f"c{columns.index(name)} AS {quoted(name)}" for name in fields)
    return Bulk(
        f"(SELECT {inner} FROM read_csv({text(path)}, columns={{{names}}}, {options}))",  # noqa: S608 - quoted
        dict.fromkeys(fields, "VARCHAR"), True,
    )  # fmt: skip


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def pattern(path: str) -> str:
    """A path as a pattern that matches it alone: DuckDB takes ``*?[`` for wildcards."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)
