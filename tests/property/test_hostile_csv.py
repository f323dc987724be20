"""A contact is the same read alone, in a sample and in bulk, whatever a CSV file holds: one reader knows the format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from helpers.repeats import often
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from offerkit.batch import open_contact_table
from offerkit.contacts import Contacts, open_contacts
from offerkit.contacts.bad_rows import BadRows
from offerkit.contacts.csv_contacts import CsvContacts
from offerkit.contacts.csv_records import MAX_RECORD
from offerkit.contacts.key_index import SCANS
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.models.dimension import Dimension
from offerkit.rules.types import Row, Value

FIELDS: dict[str, Any] = {
    "id": {},
    "part": {"type": "integer"},
    "name": {},
    "kind": {"type": "enumeration", "values": ["a", "b, c", 'd"e']},
    "sum": {"type": "decimal"},
    "yes": {"type": "boolean"},
    "day": {"type": "date"},
    "tags": {"type": "list"},
}
TEXT = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8),
    st.text(st.sampled_from([*'a",\n\r |é']), max_size=6),
    st.sampled_from(["", " ", "null", "NULL", "\r\n", '""', "\ufeff", "a\rb", "x" * 2000, "=1+1"]),
)
CELLS = {
    "id": st.one_of(st.sampled_from(["1", "2", "3", 'a"b', "a,b", "a\nb", "|", "\\"]), TEXT.filter(bool)),
    "part": st.sampled_from(["1", "2", "01", " 2", "2.0", "1e0"]),
    "name": TEXT,
    "kind": st.sampled_from(["a", "b, c", 'd"e', "", " "]),
    "sum": st.sampled_from(["1.5", "", " 7 ", "1e3", "-0", "NaN", "0.0000005"]),
    "yes": st.sampled_from(["true", "false", "", "yes", "0"]),
    "day": st.sampled_from(["2026-01-31", "", " 2024-02-29 "]),
    "tags": st.one_of(
        st.sampled_from(["", "a|b", "[]", '["x,y"]', "a | b", "|"]), TEXT.map(lambda text: text.lstrip(" \t\r\n[")[:6])
    ),
}
WRONG = {"part": "one", "kind": "c", "sum": "much", "yes": "perhaps", "day": "2026-02-30", "tags": "[1]", "id": ""}
BROKEN = (
    b"1,1",
    b"1,1,a,a,1,true,,,,",
    b'1,1,"a"b,a,1,true,,',
    b'2,1,a"b,a,1,true,,"',
    b"2,1,a\rb,a,1,true,,",
    b"2,1,\xff\xfe,a,1,true,,",
    b"\xff1,1,a,a,1,true,,",
    b"3,1,a\0b,a,1,true,,",
)
"""Rows that cannot be cut into cells, or not into as many as there are columns."""
ENDLESS = (b'9,9,"never closed', b"9,9," + b"x" * (MAX_RECORD + 1))
"""Rows after which nothing can be read."""

Outcome = Row | None | tuple[Diagnostic, ...]


class _Aside:
    """Keeps what is set aside."""

    name = "aside"

    def __init__(self) -> None:
        self.rows: list[tuple[str, ...]] = []

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        self.rows += [tuple(row) for row in rows]

    def close(self) -> None:
        pass


@st.composite
def csv_files(draw: st.DrawFn) -> bytes:
    """A file with a header, good rows, rows with a wrong value, and broken ones."""
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    quoting = draw(st.sampled_from(["always", "sometimes", "needed"]))

    def written(cell: str) -> str:
        needed = any(letter in cell for letter in ',"\r\n')
        quoted = needed or quoting == "always" or (quoting == "sometimes" and draw(st.booleans()))
        return '"' + cell.replace('"', '""') + '"' if quoted else cell

    lines = [",".join(map(written, FIELDS)).encode()]
    for kind in draw(st.lists(st.sampled_from(["good"] * 6 + ["wrong", "broken", "empty"]), max_size=9)):
        if kind in ("good", "wrong"):
            row = draw(st.fixed_dictionaries(CELLS))
            if kind == "wrong":
                name = draw(st.sampled_from(sorted(WRONG)))
                row[name] = WRONG[name]
            lines.append(",".join(written(row[name]) for name in FIELDS).encode())
        else:
            lines.append(draw(st.sampled_from(BROKEN)) if kind == "broken" else b"")
    if draw(st.integers(0, 9)) == 0:
        lines.append(draw(st.sampled_from(ENDLESS)))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + end.join(lines) + draw(st.sampled_from([b"", end]))


HEAD = ",".join(FIELDS).encode() + b"\n"


@pytest.mark.parametrize("examples", [15, pytest.param(often(40, 150), marks=pytest.mark.slow)])
def test_one_meaning(tmp_path: Path, examples: int) -> None:
    run: Callable[[bytes], None] = lambda content: _check(tmp_path, content)  # noqa: E731 - hypothesis wraps it
    run = example(HEAD + b'1,1,"a""b",a,1.5,true,,a|b\n1,1,x,a,,,,\n2,1,,"b, c",,,,\n')(run)
    run = example(HEAD + b"1,1,a,a,1,true,,\n" + BROKEN[5] + b"\n2,1,b,a,1,true,,\n")(run)
    run = example(HEAD + b"1,1,a,a,1,true,,\n" + ENDLESS[0])(run)
    settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])(
        given(csv_files())(run)
    )()


def _check(folder: Path, content: bytes) -> None:
    (folder / "people.csv").write_bytes(content)
    aside = _Aside()
    try:
        rows = list(_opened(folder).rows(bad=BadRows(aside)))
    except Refused as refused:
        _check_unreadable(folder, refused.diagnostics)
        return
    _check_bulk(folder, rows, aside.rows)
    values: list[tuple[Value, ...]] = [(row["id"], row["part"]) for row in rows]
    for key in dict.fromkeys([*values, ("1", 1), ("2", 1), ("nobody", 7)]):
        _check_alone(
            folder, key, [row for row, own in zip(rows, values, strict=True) if own == key], bad=bool(aside.rows)
        )


def _opened(folder: Path) -> Contacts:
    source = {"format": "csv", "path": "people.csv"}
    dimension = Dimension.model_validate({"key": ["id", "part"], "fields": FIELDS, "source": source})
    return open_contacts("person", dimension, folder, {}, UTC)


def _check_unreadable(folder: Path, said: tuple[Diagnostic, ...]) -> None:
    """A file that cannot be read to its end is refused alike by every way, and says where."""
    contacts = _opened(folder)
    for _ in range(SCANS + 2):
        assert _outcome(contacts, {"id": "nobody", "part": 7}) == said
    with (
        pytest.raises(Refused) as caught,
        open_contact_table(contacts, contacts.key, contacts.types, bad=BadRows(_Aside())),
    ):
        pass
    assert caught.value.diagnostics == said


def _check_bulk(folder: Path, rows: Sequence[Row], aside: Sequence[tuple[str, ...]]) -> None:
    """All of them in bulk: the same values, the first of each key, the same rows set aside."""
    contacts, told = _opened(folder), _Aside()
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(contacts.key_of(row), row)
    with open_contact_table(contacts, contacts.key, contacts.types, bad=BadRows(told)) as people:
        columns = ", ".join(f'"f_{name}"' for name in FIELDS)
        loaded = people.connection.execute(f"SELECT k, {columns} FROM contact ORDER BY n").fetchall()
    assert [(key, *(row[name] for name in FIELDS)) for key, row in first.items()] == [
        tuple(tuple(cell) if isinstance(cell, list) else cell for cell in row) for row in loaded
    ]
    duplicates = [row for row in told.rows if row[1] == Code.CONTACT_TWICE.value]
    assert len(duplicates) == len(rows) - len(first)
    assert [row for row in told.rows if row[1] != Code.CONTACT_TWICE.value] == list(aside)


def _check_alone(folder: Path, key: tuple[Value, ...], matching: Sequence[Row], *, bad: bool) -> None:
    """One of them by its key, scanning the file or by its index: the same contact, or the same words."""
    contacts = _opened(folder)
    assert isinstance(contacts, CsvContacts)
    values = dict(zip(("id", "part"), key, strict=True))
    scanned, *others = [_outcome(contacts, values) for _ in range(SCANS + 2)]
    assert others == [scanned] * len(others)
    if isinstance(scanned, tuple):
        assert bad or len(matching) > 1
        if not bad:
            assert [one.code for one in scanned] == [Code.CONTACT_AMBIGUOUS]
    else:
        assert [scanned] == (list(matching) or [None])


def _outcome(contacts: Contacts, values: dict[str, Value]) -> Outcome:
    try:
        return contacts.find(values)
    except Refused as refused:
        return refused.diagnostics
