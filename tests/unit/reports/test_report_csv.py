"""CSV that people open in a spreadsheet: no cell of it is run."""

from __future__ import annotations

import csv
import io
import re

import duckdb
import pytest

from offerkit.reports.csv_file import FORMULA, CsvWriter, defused

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\u3000=1", "\u200b=1", "\ufeff=1",
    "\x00=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201", "=HYPERLINK(\"http://evil.example\",\"x\")", "=", "-", "\tx", "\n",
]  # fmt: skip
TEXTS = ["", "a", "a=1", "1", "0.5", "'=1", "a@b.example", " a", "\u00e9=1", "x-1", "\uff11", "(1)", '"=1']


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_becomes_a_text(cell: str) -> None:
    assert defused(cell) == "'" + cell


@pytest.mark.parametrize("cell", TEXTS)
def test_a_text_stays(cell: str) -> None:
    assert defused(cell) == cell


def test_duckdb_takes_the_same_for_formulas() -> None:
    cells = [cell for cell in FORMULAS + TEXTS if "\x00" not in cell]
    rows = duckdb.execute("SELECT regexp_matches(c, ?) FROM (SELECT unnest(?) AS c)", [FORMULA, cells]).fetchall()
    assert [row[0] for row in rows] == [re.match(FORMULA, cell) is not None for cell in cells]


def test_headers_are_cells() -> None:
    out = io.StringIO()
    CsvWriter(out, ("=a", "b")).write([["x", "=1"], ["+", 'a "quoted", one']])
    assert list(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [
        ["'=a", "b"], ["x", "'=1"], ["'+", 'a "quoted", one'],
    ]  # fmt: skip
