"""Contacts that DuckDB reads by itself are those that are read row by row: the same values, keys and order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.batch import open_contact_table
from offerkit.batch.contact_table import ContactTable
from offerkit.contacts.open import open_contacts
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Refused
from offerkit.models.dimension import Dimension
from offerkit.rules.types import Row

FIELDS: dict[str, Any] = {
    "id": {},
    "part": {"type": "integer"},
    "name": {},
    "kind": {"type": "enumeration", "values": ["a", "b c", "É"]},
    "count": {"type": "integer"},
    "sum": {"type": "decimal"},
    "yes": {"type": "boolean"},
    "day": {"type": "date"},
    "then": {"type": "timestamp"},
    "tags": {"type": "list"},
}
SPACES = st.sampled_from(["", " ", "\t", "\u00a0"])
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters='\0\n\r,"'), max_size=6)
CELLS = {
    "id": TEXT.filter(bool),
    "part": st.integers(0, 9).map(str),
    "name": TEXT,
    "kind": st.sampled_from(["a", "b c", "É", "", " "]),
    "count": st.one_of(
        st.integers(-(2**63), 2**63 - 1).map(str), st.sampled_from(["+5", " 7", "1e3", "08", "2.0", "NaN"])
    ),
    "sum": st.one_of(
        st.decimals(-(10**9), 10**9, allow_nan=False, places=3).map(str),
        st.sampled_from(["-0", "1e-7", "0.0000005", ".5", "5.", "inf", " 1.50 ", "123456789012.1234565"]),
    ),
    "yes": st.sampled_from(["true", "false", "TRUE", "t", "yes", "0", "1", "no", " True "]),
    "day": st.one_of(st.dates().map(str), st.sampled_from([" 2026-02-28 ", "0999-01-01", "2024-02-29"])),
    "then": st.one_of(
        st.datetimes().map(lambda at: at.isoformat(" ")),
        st.datetimes().map(lambda at: at.isoformat(timespec="seconds")),
        st.sampled_from(["2026-01-31", "2026-01-31T18:30Z", "2026-03-29 02:30:00+01:00", "2026-01-31 24:00:00"]),
    ),
    "tags": st.one_of(st.lists(TEXT, max_size=3).map("|".join), st.sampled_from(["[]", '["x"]', "a|b", "a| b |", "|"])),
}
WRONG = {
    "kind": "c",
    "count": "1.5",
    "sum": "1e13",
    "yes": "maybe",
    "day": "2026-02-30",
    "then": "later",
    "part": "x",
    "tags": "[1]",
    "id": "",
}


def contacts(root: Path, path: str) -> Contacts:
    kind = path.rpartition(".")[2]
    made = Dimension.model_validate({"key": ["id", "part"], "fields": FIELDS, "source": {"format": kind, "path": path}})
    return open_contacts("person", made, root, {}, UTC)


def by_rows(source: Contacts) -> list[tuple[object, ...]] | str:
    try:
        rows = list(source.rows())
    except Refused:
        return "refused"
    keys = [source.key_of(row) for row in rows]
    if len(set(keys)) < len(keys):
        return "refused"
    return [(key, *(row[name] for name in FIELDS)) for key, row in zip(keys, rows, strict=True)]


def loaded(source: Contacts) -> list[tuple[object, ...]] | str:
    try:
        with open_contact_table(source, source.key, source.types) as people:
            return _table(people)
    except Refused:
        return "refused"


def _table(people: ContactTable) -> list[tuple[object, ...]]:
    columns = ", ".join(f'"f_{name}"' for name in FIELDS)
    rows = people.connection.execute(f"SELECT n, k, {columns} FROM contact ORDER BY n").fetchall()
    assert [row[0] for row in rows] == list(range(people.count))
    return [tuple(tuple(cell) if isinstance(cell, list) else cell for cell in row[1:]) for row in rows]


@pytest.mark.parametrize("examples", [8, pytest.param(often(14, 60), marks=pytest.mark.slow)])
def test_csv(tmp_path: Path, examples: int) -> None:
    settings(max_examples=examples)(given(st.just(tmp_path), st.data())(_csv))()


def _csv(tmp_path: Path, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries(CELLS), max_size=12))
    if rows and data.draw(st.integers(0, 3)) == 0:
        name = data.draw(st.sampled_from(sorted(WRONG)))
        rows[data.draw(st.integers(0, len(rows) - 1))][name] = WRONG[name]
    names = data.draw(st.permutations([*FIELDS, "more"]))
    newline = data.draw(st.sampled_from(["\n", "\r\n"]))
    lines = [",".join(names), *(",".join({**row, "more": "x"}[name] for name in names) for row in rows)]
    text = newline.join(lines) + data.draw(st.sampled_from(["", newline]))
    (tmp_path / "people.csv").write_bytes(text.encode())
    source = contacts(tmp_path, "people.csv")
    assert loaded(source) == by_rows(source)


@pytest.mark.parametrize("examples", [5, pytest.param(often(10, 30), marks=pytest.mark.slow)])
def test_parquet(tmp_path: Path, examples: int) -> None:
    settings(max_examples=examples)(given(st.just(tmp_path), st.data())(_parquet))()


def _parquet(tmp_path: Path, data: st.DataObject) -> None:
    import duckdb

    file = tmp_path / "people.parquet"
    file.unlink(missing_ok=True)
    row = st.tuples(
        TEXT.filter(bool),
        st.integers(0, 9),
        st.none() | TEXT,
        st.sampled_from(["a", "É", None, "", "wrong"]),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.decimals(-(10**9), 10**9, places=6),
        st.none() | st.booleans(),
        st.none() | st.dates(),
        st.none() | st.datetimes(),
        st.none() | st.lists(st.none() | TEXT, max_size=3),
    )
    rows = data.draw(st.lists(row, max_size=10))
    with duckdb.connect() as db:
        db.execute(
            "CREATE TABLE p (id VARCHAR, part INTEGER, name VARCHAR, kind VARCHAR, count BIGINT, sum DECIMAL(18,6),"
            ' yes BOOLEAN, day DATE, "then" TIMESTAMP, tags VARCHAR[])'
        )
        if rows:
            db.executemany(f"INSERT INTO p VALUES ({', '.join('?' * 10)})", rows)
        db.execute(f"COPY p TO '{file}' (FORMAT parquet)")
    source = contacts(tmp_path, "people.parquet")
    assert loaded(source) == by_rows(source)


def test_a_csv_file_is_not_read_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usual and odd values become values in SQL, quoted or not; a value that fits no type sends it through the rows."""
    head = ",".join(FIELDS)
    row = "1,Ana,a,5,1.50,yes,2026-01-31,2026-01-31T18:30:00,u|v"
    source = contacts(tmp_path, "people.csv")

    def never(**_: object) -> Row:
        raise AssertionError("read row by row")

    monkeypatch.setattr(source, "rows", never)
    for cell in ("x|y", '"x|y"'):
        (tmp_path / "people.csv").write_text(f"{head}\n{cell},{row}\n")
        assert (source.relation(["id"]) is None) is (cell != "x|y"), "DuckDB itself reads what is not quoted"
        expected = ("x\\|y|1", "x|y", 1, "Ana", "a", 5, Decimal("1.5"), True)
        assert loaded(source) == [(*expected, date(2026, 1, 31), datetime(2026, 1, 31, 18, 30), ("u", "v"))]
    (tmp_path / "people.csv").write_text(f"{head}\nx,{row.replace('yes', 'perhaps')}\n")
    with pytest.raises(AssertionError, match="row by row"):
        loaded(source)
