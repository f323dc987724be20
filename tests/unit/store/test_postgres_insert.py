"""Rows that go to PostgreSQL as one JSON text are, value for value, those that were given."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from helpers.postgres import new_schema
from proposition_samples import made

from offerkit.diagnostics import Code, Refused
from offerkit.store import Store, parse_location
from offerkit.store.location import PostgresAddress
from offerkit.store.postgres import _COPY_FROM, PostgresDatabase, open_schema
from offerkit.store.proposition_rows import COLUMNS, PropositionText, proposition_texts

PARTS = (
    "\\", "\\u0000", "\\ud83d", "\\x41", "\\N", '"', "'", "\n", "\r\n", "\t", "\x01", "\x1f", "\x7f", "\u0085", "\u2028",
    "\ufeff", "\ufffe", "\U0001f600", "\U0010ffff", "ä", "e\u0301", "{", "}", "[", "]", ":", ",", "null", "true", "$1", "%s",
    "%", "?", "--", " ", "0e5", "1.0",
)  # fmt: skip


@pytest.fixture
def db() -> Iterator[PostgresDatabase]:
    location = parse_location(new_schema())
    assert isinstance(location, PostgresAddress)
    Store.open(location, create=True).close()
    found = open_schema(location, create=False, write=True, busy_timeout=5)
    yield found
    found.close()


def hostile(rng: Random, number: int) -> PropositionText:
    row = proposition_texts([made(number)])[0]
    values = [
        "".join(rng.choices(PARTS, k=rng.randrange(6))) if isinstance(value, str) else rng.choice((0, -1, 2**31 - 1))
        for value in row
    ]
    return (f"{number}{values[0]}", *values[1:])  # type: ignore[return-value]


@pytest.mark.parametrize("count", [1, 7, _COPY_FROM - 1, _COPY_FROM])
def test_what_is_stored_is_what_was_given(db: PostgresDatabase, count: int) -> None:
    rng = Random(count)
    rows = [hostile(rng, number) for number in range(count)]
    with db.recording():
        db.insert("proposition", COLUMNS, rows)
    assert sorted(db.rows(f"SELECT {COLUMNS} FROM proposition")) == sorted(rows)


@pytest.mark.parametrize(
    ("column", "value"), [("offer", "a\0b"), ("data", "a\ud800"), ("rank", 2**31), ("rank", 2**64), ("rank", "much")]
)
def test_what_cannot_be_stored_is_refused_with_all_of_it(db: PostgresDatabase, column: str, value: str | int) -> None:
    rows: list[list[str | int]] = [list(proposition_texts([made(number)])[0]) for number in range(3)]
    rows[1][COLUMNS.split(", ").index(column)] = value
    with pytest.raises(Refused) as refused, db.recording():
        db.insert("proposition", COLUMNS, rows)
    assert refused.value.diagnostics[0].code is Code.BAD_VALUE
    assert db.rows("SELECT id FROM proposition") == []
