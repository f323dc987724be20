"""Contacts in Parquet files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from contacts_samples import ANA_ROW, only

from offerkit.contacts import Contacts
from offerkit.diagnostics import Code, install_hint

Open = Callable[..., Contacts]
SOURCE = {"format": "parquet", "path": "c.parquet"}
ANA = (
    "1::bigint id, 'ana@example.com' email, date '1984-02-29' born, 'gold' tier, 12.5::decimal(9,2) balance,"
    " true consent, ['city', 'snow'] tags, timestamptz '2026-11-20 08:00:00+00' seen"
)
NOBODY = "2, null, null, null, null, null, null, null"


def write(path: Path, *selects: str) -> None:
    sql = " union all ".join(f"select {select}" for select in selects)
    duckdb.connect().execute(f"copy ({sql}) to '{path}' (format parquet)")


def test_rows_with_all_types(opened: Open, tmp_path: Path) -> None:
    write(tmp_path / "c.parquet", ANA, NOBODY)
    contacts = opened(SOURCE)
    assert list(contacts.rows()) == [ANA_ROW, {**dict.fromkeys(ANA_ROW), "id": 2}]
    assert list(contacts.rows(limit=1)) == [ANA_ROW]
    assert contacts.count() == 2
    assert contacts.find({"email": "ana@example.com"}) == ANA_ROW
    assert contacts.find({"id": 1, "born": ANA_ROW["born"], "seen": ANA_ROW["seen"]}) == ANA_ROW
    assert contacts.find({"email": "' or true --"}) is None
    assert contacts.notes() == ()


def test_a_key_that_is_no_uuid_nobody_has(opened: Open, tmp_path: Path) -> None:
    identity = "00000000-0000-0000-0000-000000000007"
    write(tmp_path / "c.parquet", ANA.replace("'ana@example.com'", f"'{identity}'::uuid"))
    contacts = opened(SOURCE)
    assert contacts.find({"email": identity}) == {**ANA_ROW, "email": identity}
    assert contacts.find({"email": "nobody"}) is None


def test_numbers_without_a_value_and_exact_decimals(opened: Open, tmp_path: Path) -> None:
    floats = ANA.replace("12.5::decimal(9,2)", "'{}'::double")
    write(tmp_path / "c.parquet", floats.format("nan"), floats.format("inf"), floats.format("0.1"))
    assert [row["balance"] for row in opened(SOURCE).rows()] == [None, None, Decimal("0.1")]
    write(tmp_path / "d.parquet", ANA.replace("12.5::decimal(9,2)", "999999999999.000001::decimal(18,6)"))
    [row] = opened({**SOURCE, "path": "d.parquet"}).rows()
    assert row["balance"] == Decimal("999999999999.000001")


@pytest.mark.parametrize("when", ["infinity", "-infinity", "12999-01-01", "0044-03-01 (BC)"])
@pytest.mark.parametrize("column", ["date '{}' born", "timestamptz '{}' seen", "timestamp '{}' seen", "date '{}' seen"])
def test_a_day_that_no_field_can_hold_is_reported(opened: Open, tmp_path: Path, column: str, when: str) -> None:
    """Python's driver gives infinity as the last day of 9999, and fails at times with a zone after it."""
    was = "date '1984-02-29' born" if column.endswith("born") else "timestamptz '2026-11-20 08:00:00+00' seen"
    write(tmp_path / "c.parquet", ANA.replace(was, column.format(when)))
    [problem] = only(lambda: list(opened(SOURCE).rows()), Code.CONTACT_VALUE)
    assert f"“{column.split()[-1]}” is not a value of type" in problem.summary


def test_a_column_of_another_type_is_named(opened: Open, tmp_path: Path) -> None:
    write(tmp_path / "c.parquet", ANA.replace("1::bigint", "'1'").replace("'gold'", "3"))
    first, second = only(lambda: list(opened(SOURCE).rows()), Code.CONTACT_COLUMNS, 2)
    assert first.summary == "the column “id” of the file c.parquet has the type VARCHAR, which is not an integer"
    assert "“tier”" in second.summary


def test_missing_and_extra_columns(opened: Open, tmp_path: Path) -> None:
    write(tmp_path / "c.parquet", ANA.replace(" born", " birth").replace(" seen", " note"))
    only(lambda: opened(SOURCE).find({"id": 1}), Code.CONTACT_COLUMNS, 2)
    write(tmp_path / "c.parquet", ANA + ", 1 extra")
    assert "extra" in opened(SOURCE).notes()[0].summary


def test_a_value_that_does_not_fit_names_field_and_key(opened: Open, tmp_path: Path) -> None:
    write(tmp_path / "c.parquet", ANA.replace("'gold'", "'platinum'"))
    [problem] = only(lambda: opened(SOURCE).find({"id": 1}), Code.CONTACT_VALUE)
    assert "“tier”" in problem.summary
    assert problem.detail == "In the row whose key id is “1”."


def test_two_of_one_key(opened: Open, tmp_path: Path) -> None:
    write(tmp_path / "c.parquet", ANA, ANA)
    only(lambda: opened(SOURCE).find({"id": 1}), Code.CONTACT_AMBIGUOUS)


def test_a_path_is_no_pattern(opened: Open, tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", ANA)
    only(opened({**SOURCE, "path": "*.parquet"}).count, Code.CONTACTS_SOURCE)
    (tmp_path / "a.parquet").rename(tmp_path / "[a]*?.parquet")
    write(tmp_path / "a.parquet", ANA, NOBODY)
    assert opened({**SOURCE, "path": "[a]*?.parquet"}).count() == 1


def test_files_that_are_none(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "c.parquet").write_bytes(b"PAR1, or so it says")
    only(opened(SOURCE).count, Code.CONTACTS_DATABASE)
    only(opened({**SOURCE, "path": "../c.parquet"}).count, Code.LINK_OUTSIDE)
    only(opened({**SOURCE, "path": "missing"}).count, Code.CONTACTS_SOURCE)


def test_without_the_package(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "c.parquet", ANA)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    [problem] = only(opened(SOURCE).count, Code.CONTACTS_PACKAGE)
    assert problem.hint == install_hint("parquet")
