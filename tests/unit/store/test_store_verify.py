"""Whatever another hand does to the rows of a store, verify() notices."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from store_samples import append, change, draft, entry, sample

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.store import Store

TABLES = ("meta", "snapshot", "revision", "stage", "stage_entry", "change", "outcome", "approval")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pristine") / "store.db"
    with sample(path) as store:
        assert store.verify() == []
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path


@pytest.fixture
def tampered(pristine: Path, tmp_path: Path) -> Callable[..., list[Diagnostic]]:
    """What verify() says of a copy after statements were run on it."""

    numbers = count()

    def run(*statements: str) -> list[Diagnostic]:
        path = tmp_path / f"copy-{next(numbers)}.db"
        shutil.copyfile(pristine, path)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            changed = sum(connection.execute(statement).rowcount for statement in statements)
        assert changed >= len(statements)
        try:
            with Store.open(path) as store:
                return store.verify()
        except Refused as refused:
            return list(refused.diagnostics)
        finally:
            path.unlink()

    return run


def quoted(value: object) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def rows_of(path: Path, table: str) -> tuple[list[str], list[tuple[object, ...]], list[str]]:
    """The table's columns, its rows, and for each row the condition that names it."""
    connection = sqlite3.connect(path)
    info = connection.execute(f"PRAGMA table_info({table})").fetchall()
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    connection.close()
    columns = [column[1] for column in info]
    keys = [(place, name) for place, (_, name, *_, key) in enumerate(info) if key]
    wheres = [" AND ".join(f"{name} = {quoted(row[place])}" for place, name in keys) for row in rows]
    return columns, rows, wheres


def edits(value: object) -> Iterator[str]:
    if isinstance(value, int):
        yield from ("1000", "-1", "'text'", "1.5")
        return
    text = str(value)
    yield from (quoted(text + "x"), quoted(text + " "), "x'00ff'", "77")
    if text:
        yield from ("''", quoted(text.swapcase() if text.swapcase() != text else text[::-1] + "0"))


@pytest.mark.parametrize("table", TABLES)
def test_every_edit_of_every_value_is_found(
    table: str, pristine: Path, tampered: Callable[..., list[Diagnostic]]
) -> None:
    columns, rows, wheres = rows_of(pristine, table)
    assert rows, f"the sample has no {table}"
    tried = 0
    for row, where in zip(rows, wheres, strict=True):
        for column, value in zip(columns, row, strict=True):
            for edit in edits(value):
                try:
                    found = tampered(f"UPDATE {table} SET {column} = {edit} WHERE {where}")
                except sqlite3.IntegrityError:
                    continue  # the database itself refuses this one
                tried += 1
                assert found, f"{table}.{column} = {edit} where {where}"
    assert tried >= len(rows) * len(columns)


@pytest.mark.parametrize("table", TABLES)
def test_every_removed_row_is_found(table: str, pristine: Path, tampered: Callable[..., list[Diagnostic]]) -> None:
    for where in rows_of(pristine, table)[2]:
        assert tampered(f"DELETE FROM {table} WHERE {where}"), where


@pytest.mark.parametrize("table", TABLES)
def test_every_added_row_is_found(table: str, pristine: Path, tampered: Callable[..., list[Diagnostic]]) -> None:
    columns, rows, _ = rows_of(pristine, table)
    for place, column in enumerate(columns):
        for row in rows:
            for value in (77, -77) if isinstance(row[place], int) else ("other",):
                values = [quoted(value if at == place else given) for at, given in enumerate(row)]
                try:
                    found = tampered(f"INSERT INTO {table} VALUES ({', '.join(values)})")
                except sqlite3.IntegrityError:
                    continue
                assert found, (column, value)


@pytest.mark.parametrize("serial", [1, 2, 3, 4, 5])
def test_a_removed_revision_is_found(serial: int, tampered: Callable[..., list[Diagnostic]]) -> None:
    tables = {1: ("change", "outcome"), 3: ("approval",)}.get(serial, ("change", "outcome"))
    found = tampered(*(f"DELETE FROM {table} WHERE serial = {serial}" for table in (*tables, "revision")))
    said = [d.summary for d in found]
    if serial < 5:
        assert f"revision {serial} is missing" in said
    else:
        assert any("does not end with its newest revision (now: 4)" in text for text in said)
    assert all(d.code is Code.HISTORY_BROKEN for d in found)


def test_several_removed_revisions_are_named_together(tampered: Callable[..., list[Diagnostic]]) -> None:
    found = tampered("DELETE FROM revision WHERE serial IN (2, 3)")
    assert "revisions 2 to 3 are missing" in [d.summary for d in found]


def test_a_removed_tail_whose_head_was_mended_is_found_by_the_stages(
    pristine: Path, tampered: Callable[..., list[Diagnostic]]
) -> None:
    connection = sqlite3.connect(pristine)
    digest = connection.execute("SELECT digest FROM revision WHERE serial = 4").fetchone()[0]
    connection.close()
    found = tampered(
        *(f"DELETE FROM {table} WHERE serial = 5" for table in ("change", "outcome", "revision")),
        f"UPDATE meta SET value = '{digest}' WHERE key = 'head'",
    )
    assert any("the entries of recipients@design differ from what its history" in d.summary for d in found)


def test_reordered_revisions_are_found(tampered: Callable[..., list[Diagnostic]]) -> None:
    swap = [
        f"UPDATE {table} SET serial = {to} WHERE serial = {at}"
        for at, to in ((1, 99), (2, 1), (99, 2))
        for table in ("revision", "change", "outcome")
    ]
    said = [d.summary for d in tampered(*swap)]
    assert "revision 1 was edited" in said
    assert "revision 2 was edited" in said
    assert "revision 1 does not fit the state of recipients@design before it" in said


def test_findings_name_the_revision_and_do_not_spread(tampered: Callable[..., list[Diagnostic]]) -> None:
    found = tampered("UPDATE revision SET message = 'another' WHERE serial = 2")
    assert [d.summary for d in found] == ["revision 2 was edited"]
    found = tampered("UPDATE snapshot SET body = body || ' ' WHERE fingerprint = '" + entry("two").fingerprint + "'")
    assert [d.summary for d in found] == [f"snapshot {entry('two').fingerprint[:12]}, of revision 1, was edited"]
    assert all(d.hint for d in found)


def test_a_history_of_another_project_is_found(pristine: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with Store.open(path, create=True) as store:
        append(store, draft(change("z", None, entry("four"))))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"ATTACH '{pristine}' AS theirs")
    for table in reversed(TABLES):
        where = " WHERE key <> 'project'" if table == "meta" else ""
        connection.execute(f"DELETE FROM {table}{where}")
        connection.execute(f"INSERT INTO {table} SELECT * FROM theirs.{table}{where}")
    connection.close()
    with Store.open(path) as store:
        said = [d.summary for d in store.verify()]
    assert "revision 1 does not follow revision 0" in said


def test_a_damaged_file_is_told_not_raised(pristine: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    blob = bytearray(pristine.read_bytes())
    for start in range(8192, len(blob), 4096):
        blob[start : start + 64] = b"\xff" * 64
    path.write_bytes(blob)
    try:
        with Store.open(path) as store:
            found = store.verify()
    except Refused as refused:
        found = list(refused.diagnostics)
    assert {d.code for d in found} >= {Code.STORE_DAMAGED}


def test_text_that_is_not_utf8_is_told_not_raised(tampered: Callable[..., list[Diagnostic]]) -> None:
    found = tampered("UPDATE revision SET message = CAST(x'ff41' AS TEXT) WHERE serial = 2")
    assert Code.STORE_DAMAGED in {d.code for d in found}
