"""Contacts in CSV files: what is read, found and refused."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from contacts_samples import ANA_ROW, only
from hypothesis import given
from hypothesis import strategies as st

from offerkit.batch import open_contact_table
from offerkit.contacts import Contacts, key_index
from offerkit.contacts.csv_contacts import Sieve
from offerkit.contacts.csv_records import MAX_RECORD, cut, plain_lines, records
from offerkit.contacts.fields import check_columns
from offerkit.diagnostics import Code, Position, Refused
from offerkit.rules.types import BaseType, FieldType
from offerkit.rules.values import parse_value

Csv = Callable[..., Contacts]
ANA = "1,ana@example.com,1984-02-29,gold,12.50,true,city|snow,2026-11-20T08:00:00+00:00"
BEN = "2,ben@example.com,1990-01-01,none,,,,"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_rows_with_all_types(csv: Csv, end: bytes, mark: bytes) -> None:
    header = mark + b"id,email,born,tier,balance,consent,tags,seen"
    contacts = csv(ANA, "", BEN, header=header, end=end)
    first, second = contacts.rows()
    assert first == ANA_ROW
    assert second == {
        **dict.fromkeys(ANA_ROW),
        "id": 2,
        "email": "ben@example.com",
        "born": date(1990, 1, 1),
        "tier": "none",
    }
    assert contacts.count() == 2
    assert [row["id"] for row in contacts.rows(limit=1)] == [1]
    assert contacts.notes() == ()


def test_the_wall_clock_is_the_environments(csv: Csv) -> None:
    [row] = csv("1,,,,,,,2026-07-01T00:30:00+00:00").rows()
    assert row["seen"] == datetime(2026, 7, 1, 2, 30)


def test_an_empty_cell_is_unknown_for_every_type(csv: Csv) -> None:
    [row] = csv('7,"",,,,,,').rows()
    assert row == {**dict.fromkeys(ANA_ROW), "id": 7}


def test_columns_may_stand_in_any_order_and_others_are_told_of(csv: Csv) -> None:
    contacts = csv("x,,,,city,3,5.1,a@example.com,", header="note,seen,consent,tier,tags,id,balance,email,born")
    [row] = contacts.rows()
    assert (row["id"], row["balance"], row["tags"], row["email"]) == (3, Decimal("5.1"), ("city",), "a@example.com")
    [note] = contacts.notes()
    assert note.severity == "note" and "note" in note.summary


def test_missing_columns_are_all_named_with_what_was_probably_meant(csv: Csv) -> None:
    problems = only(csv(header="ID,e_mail,born,tier,balance,consent,seen").count, Code.CONTACT_COLUMNS, 3)
    assert [p.summary for p in problems] == [f"the file has no column “{n}”" for n in ("email", "id", "tags")]
    assert problems[0].hint == "Did you mean e_mail?"
    assert problems[1].hint == "Did you mean ID?"


def test_another_separator_is_recognised(csv: Csv) -> None:
    (problem,) = only(csv(header="id;email;born;tier;balance;consent;tags;seen").count, Code.CONTACT_COLUMNS)
    assert problem.summary == "the file has only one column, and should have 8"
    assert "semicolons" in problem.hint


def test_a_column_twice_and_an_empty_file(csv: Csv, tmp_path: Path) -> None:
    only(csv(header="id,id,email,born,tier,balance,consent,tags,seen").count, Code.CONTACT_COLUMNS)
    contacts = csv()
    (tmp_path / "c.csv").write_bytes(b"")
    only(contacts.count, Code.CONTACT_COLUMNS)


def test_found_by_other_fields_than_the_primary_key(csv: Csv) -> None:
    contacts = csv(ANA, BEN)
    for _ in range(key_index.SCANS + 2):  # by a scan, then by the index
        assert contacts.find({"email": "ana@example.com"}) == ANA_ROW
        assert contacts.find({"id": 1, "born": date(1984, 2, 29)}) == ANA_ROW
        assert contacts.find({"id": 1, "born": date(1984, 2, 28)}) is None
        assert contacts.find({"email": "ANA@example.com"}) is None
        assert contacts.find({"balance": Decimal("12.5")}) == ANA_ROW
        assert contacts.find({"email": None}) is None


def test_an_unknown_field_is_a_mistake_of_the_caller(csv: Csv) -> None:
    for values in ({}, {"nope": 1}):
        with pytest.raises(ValueError, match="fields of the dimension"):
            csv(ANA).find(values)


def test_two_contacts_with_one_key_are_ambiguous(csv: Csv) -> None:
    contacts = csv(ANA, "3,ana@example.com,2001-01-01,,77,,secret,", BEN)
    for _ in range(key_index.SCANS + 2):
        [problem] = only(lambda: contacts.find({"email": "ana@example.com"}), Code.CONTACT_AMBIGUOUS)
        assert problem.summary == "more than one recipient has email “ana@example.com”"
        assert not any(secret in str(problem) for secret in ("1984", "2001", "77", "secret"))


def test_the_index_follows_the_file(csv: Csv) -> None:
    contacts = csv(ANA, BEN)
    for _ in range(key_index.SCANS + 2):
        assert contacts.find({"id": 2}) is not None
    csv("9,zoe@example.com,,,,,,", ANA)
    assert contacts.find({"id": 2}) is None
    assert contacts.find({"id": 9}) is not None


@pytest.mark.parametrize(
    ("line", "field", "column"),
    [
        ("x1,,,,,,,", "id", 1),
        ("1,,29/02/1984,,,,,", "born", 4),
        ("1,,,platinum,,,,", "tier", 5),
        ("1,,,,much,,,", "balance", 6),
        ("1,,,,,perhaps,,", "consent", 7),
        ("1,,,,,,,yesterday", "seen", 9),
        (",a@example.com,,,,,,", "id", 1),
    ],
)
def test_a_bad_value_names_file_row_and_column(csv: Csv, line: str, field: str, column: int) -> None:
    contacts = csv(BEN, line)
    [problem] = only(lambda: list(contacts.rows()), Code.CONTACT_VALUE)
    assert problem.position == ("c.csv", 3, column)
    assert f"“{field}”" in problem.summary


def test_a_bad_value_is_cut_and_says_its_line_when_found_by_the_index_as_well(csv: Csv) -> None:
    contacts = csv(BEN, f"5,five@example.com,,,{'9' * 5000}x,,,")
    for _ in range(key_index.SCANS + 2):
        [problem] = only(lambda: contacts.find({"email": "five@example.com"}), Code.CONTACT_VALUE)
        assert problem.position == ("c.csv", 3, 22)
        assert len(problem.summary) < 250


def test_a_bad_value_elsewhere_does_not_hide_a_contact(csv: Csv) -> None:
    contacts = csv("x1,,,,,,,", "4,,bad,,,,,", ANA)
    for _ in range(key_index.SCANS + 2):
        assert contacts.find({"id": 1}) == ANA_ROW


@pytest.mark.parametrize(
    ("lines", "position", "words"),
    [
        (["1,,,,"], (2, 1), "5 cells, but the header names 8"),
        ([BEN, '1,"a,b'], (3, 1), "never closed"),
        (['1,"a"b,,,,,,'], (2, 1), "cut into cells"),
        (['1,5" pipe,,,,,,', '2,6" pipe,,,,,,'], (2, 1), "cut into cells"),
        (["1,a\0b,,,,,,"], (2, 1), "NUL"),
        (["1,a\rb,,,,,,"], (2, 1), "cut into cells"),
        ([b"1,\xe9t\xe9,,,,,,"], (2, 3), "0xE9"),
        ([b'1,"a\n\xe9",,,,,,'], (3, 1), "0xE9"),
        (["1," + "a" * (MAX_RECORD + 1) + ",,,,,,"], (2, 1), "longer than 1,048,576 bytes"),
        (['1,"a', *["b" * 99_999] * 12, '",,,,,,'], (2, 1), "longer than 1,048,576 bytes"),
    ],
)
def test_a_row_that_is_no_csv_is_refused_at_its_place(
    csv: Csv, lines: list[str | bytes], position: tuple[int, int], words: str
) -> None:
    [problem] = only(lambda: list(csv(*lines).rows()), Code.CONTACT_ROW)
    assert problem.position == ("c.csv", *position)
    assert words in problem.summary
    assert len(problem.summary) < 200


def test_quotes_commas_and_lines_within_a_cell(csv: Csv) -> None:
    contacts = csv('1,"a ""b"", c\nd\r\ne",,,,,,', BEN)
    for _ in range(key_index.SCANS + 2):
        row = contacts.find({"email": 'a "b", c\nd\r\ne'})
        assert row is not None and row["id"] == 1
    assert contacts.count() == 2
    assert [row["id"] for row in contacts.rows()] == [1, 2]


def test_files_that_are_none(opened: Callable[..., Contacts], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "in").symlink_to("in")
    for path in ("missing.csv", "folder", "pipe", "in", "a\0b"):
        [problem] = only(opened({"format": "csv", "path": path}).count, Code.CONTACTS_SOURCE)
        assert problem.position is not None
    (tmp_path / "out.csv").symlink_to("/etc/hostname")
    for path in ("out.csv", "/etc/hostname", "../x.csv", "."):
        only(opened({"format": "csv", "path": path}).count, Code.LINK_OUTSIDE)
    only(lambda: opened(None), Code.CONTACTS_SOURCE)


def test_a_link_within_the_project_is_followed(csv: Csv, opened: Callable[..., Contacts], tmp_path: Path) -> None:
    csv(ANA)
    (tmp_path / "link.csv").symlink_to("c.csv")
    assert opened({"format": "csv", "path": "link.csv"}).count() == 1


_SPELLED = st.sampled_from(["{}", "0{}", "+{}", '"{}"', '" {}"', " {} ", "{}.0", "{}e0", '"{}E2"', "{}e3", '"{}."'])


@given(st.integers(-(10**6), 10**6), _SPELLED)
def test_a_sieve_never_stops_a_match(number: int, spelling: str) -> None:
    integer = FieldType(BaseType.INTEGER)
    cell = spelling.format(number)
    try:
        value = parse_value(cell.strip('"'), integer, ZoneInfo("UTC"))
    except ValueError:
        return
    sieve = Sieve({"id": value}, {"id": integer}, {"id": 1})
    raws = [f"a,{cell},b".encode(), f"a,{cell}\r".encode(), f'"x",{cell}'.encode()]
    assert all(map(sieve.passes, raws))
    assert not any(sieve.stops_all(b"x,7\n" + raw + b"\nx,8\n", 0) for raw in raws)


def test_a_sieve_stops_most_others() -> None:
    sieve = Sieve({"id": 12}, {"id": FieldType(BaseType.INTEGER)}, {"id": 0})
    assert [sieve.passes(raw) for raw in (b"12,a", b"012,a", b"112,a", b"1,12", b"x12,a")] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert sieve.stops_all(b"13,a\n4,b\n", 0) and not sieve.stops_all(b"13,a\n4e0,b\n", 0)


@pytest.mark.slow
def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    script = """
        import resource, sys
        from pathlib import Path
        from zoneinfo import ZoneInfo
        from offerkit.contacts import open_contacts
        from offerkit.models.dimension import Dimension
        fields = {"id": {"type": "integer"}, "text": {"type": "string"}}
        source = {"format": "csv", "path": "big.csv"}
        dimension = Dimension.model_validate({"key": ["id"], "fields": fields, "source": source})
        with open("big.csv", "w") as file:
            file.write("id,text\\n")
            file.writelines(f"{number},{'x' * 2500}\\n" for number in range(20_000))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        contacts = open_contacts("r", dimension, Path.cwd(), {}, ZoneInfo("UTC"))
        assert contacts.count() == sum(1 for _ in contacts.rows()) == 20_000
        for _ in range(6):
            assert contacts.find({"id": 19_999}) is not None
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 30  # MB; the file has 50


@pytest.mark.parametrize(
    ("content", "said", "line"),
    [
        (b"id,name\r1,x\r2,y\r", "a carriage return (CR) stands alone, without a line feed (character 8)", 1),
        (b'"id"\r"a"\n', "a carriage return (CR) stands alone, without a line feed (character 5)", 1),
        (b"id\nx\ry,z\n", "a carriage return (CR) stands alone, without a line feed (character 2)", 2),
        (b'id\n"a"b,c\n', "more text follows the closing double quote of a cell (character 4)", 2),
        (b'id\nx,"a" ,c\n', "more text follows the closing double quote of a cell (character 6)", 2),
        (b'id\n"a\n"",x",b\n"c"d\n', "more text follows the closing double quote of a cell (character 4)", 4),
        (b'id\n"' + b"x" * 200_000 + b'"\n', "a cell is longer than 131,072 characters (character 1)", 2),
    ],
)
def test_rows_that_cannot_be_cut(content: bytes, said: str, line: int) -> None:
    with pytest.raises(Refused) as raised:
        for record in records(BytesIO(content), "f.csv"):
            cut(record, "f.csv")
    (found,) = raised.value.diagnostics
    assert found.summary == f"the row cannot be cut into cells: {said}"
    assert found.hint
    assert str(found.position) == f"f.csv:{line}:1"
    assert not any(word in found.summary for word in ("expected after", "seen in unquoted", "field limit"))


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        (["id", " name"], "Column 2 is “ name”, with blanks around the name; remove them from the header."),
        (["id", "name\u200b"], "Column 2 is “name\u200b”, with blanks around the name; remove them from the header."),
        (
            ["id", "\tname\xa0", "nam"],
            "Column 2 is “\tname\xa0”, with blanks around the name; remove them from the header.",
        ),
        (["id", " nome "], "Did you mean nome?"),
        (["id", "", "  "], ""),
        (["id ; name"], "Separate the columns by commas; they seem to be separated by semicolons."),
    ],
)
def test_headers_with_blanks(header: list[str], hint: str) -> None:
    with pytest.raises(Refused) as raised:
        check_columns(header, ["id", "name"], "the file", None)
    assert raised.value.diagnostics[-1].hint == hint


@pytest.mark.parametrize("before", [0, 1, MAX_RECORD // 2, MAX_RECORD - 2])
def test_a_file_with_a_line_too_long_is_not_left_to_duckdb(before: int) -> None:
    """DuckDB drops a line of several hundred MB without a word, and fails at one of 40 MB."""
    start = b"id\n" + b"a" * before + b"\n" * bool(before)
    lines = 2 + bool(before)
    assert plain_lines(BytesIO(start + b"x" * (MAX_RECORD - 1) + b"\n")) == lines
    for end in (b"", b"\n", b"\ny\n"):
        assert plain_lines(BytesIO(start + b"x" * MAX_RECORD + end)) is None
        assert plain_lines(BytesIO(start + b"x" * 3 * MAX_RECORD + end)) is None


def test_no_row_is_lost_beside_one_that_is_too_long(csv: Csv) -> None:
    contacts = csv(BEN, "1," + "x" * 40 * MAX_RECORD + ",,,,,,")
    with (
        pytest.raises(Refused) as refused,
        open_contact_table(contacts, contacts.key, dict(contacts.types)),
    ):
        pass
    assert [(found.code, found.position) for found in refused.value.diagnostics] == [
        (Code.CONTACT_ROW, Position("c.csv", 3, 1))
    ]
