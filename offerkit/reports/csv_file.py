"""CSV files that are safe to open in a spreadsheet: no cell is a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import TextIO

_BLANK = "[\\x00-\\x20\\x7f-\\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]"
FORMULA = f"^(?:{_BLANK}*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\\t\\r\\n])"
"""What a spreadsheet takes for a formula, after blanks and in full width too, and what it takes for another cell's
beginning; as a regular expression of Python and of DuckDB."""
_FORMULA = re.compile(FORMULA)


def defused(cell: str) -> str:
    """``cell`` as a spreadsheet shows it as text: with an apostrophe before what it would run as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


class CsvWriter:
    """Writes rows of texts, each cell :func:`defused`."""

    def __init__(self, target: TextIO, header: Iterable[str], *, lineterminator: str = "\r\n") -> None:
        """The header is written at once."""
        self._rows = csv.writer(target, lineterminator=lineterminator)
        self.write([header])

    def write(self, rows: Iterable[Iterable[str]]) -> None:
        """Some rows."""
        self._rows.writerows([defused(cell) for cell in row] for row in rows)
