"""Each function that is emitted means in other engines what it means here: row by row, unknown by unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import duckdb
import pytest
from helpers.postgres import postgres_server
from helpers.rules import checked
from helpers.spark import spark_session, view

from offerkit.batch.emit import DIALECTS
from offerkit.batch.emit.common import NotEmittedError
from offerkit.batch.emit.conditions import Conditions
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, FieldType, Value
from offerkit.rules.values import parse_value

NOW = datetime(2026, 3, 1, 12, 30)
TYPES = {"i": "BIGINT", "age": "BIGINT", "score": "DECIMAL(18,6)", "name": "VARCHAR", "end": "VARCHAR", "tier": "VARCHAR",
         "consent": "BOOLEAN", "birth_date": "DATE", "last_login": "TIMESTAMP", "products": "VARCHAR[]"}  # fmt: skip
EXPRESSIONS = (
    "recipient.consent is true", "recipient.consent is not true", "recipient.consent is false",
    "recipient.consent is not false", "not (recipient.consent is not false)", "not recipient.consent",
    "not contains(recipient.products, recipient.name)", "contains(recipient.products, recipient.name)",
    "contains(recipient.products, 'gold')", "not contains(recipient.products, 'gold')",
    "contains(recipient.name, recipient.\"end\")", "not contains(recipient.name, '')",
    "starts_with(recipient.name, recipient.\"end\")", "ends_with(recipient.name, recipient.\"end\")",
    "recipient.name like 'a\\%'", "recipient.name like '%\\'", "recipient.name like 'a_%'", "recipient.name like '%''%'",
    "not (recipient.name like '%o%')", "trim(recipient.name) = 'a'", "length(trim(recipient.name)) = 3",
    "lower(recipient.name) = 'go\\ld'", "upper(recipient.name) = 'GO\\LD'", "length(recipient.name) > 2",
    "recipient.name || recipient.\"end\" = 'aa'", "recipient.\"end\" = 'a\\b'", "recipient.\"end\" <> ''",
    "greatest(recipient.age, 30) = 30", "least(recipient.age, 30) = 30", "greatest(recipient.score, recipient.age) > 20",
    "greatest(recipient.tier, 'h') = 'h'", "coalesce(recipient.age, 0) < 20", "recipient.age in (20, 33)",
    "recipient.tier not in ('gold', 'silver')", "recipient.age between 20 and 33", "-recipient.age < -20",
    "recipient.age + 1 = 34", "recipient.age * 2 - 3 = 37", "recipient.score * recipient.age > 14.0",
    "recipient.age > recipient.score", "recipient.score * 1.5 >= 1.05", "recipient.score = recipient.age",
    "age_in_years(recipient.birth_date) >= 26", "age_in_years(recipient.birth_date) = 25",
    "age_in_years(recipient.birth_date, date '2025-02-28') = 24", "days_since(recipient.birth_date) > 9500",
    "days_until(recipient.birth_date) < -9500", "date_diff('day', recipient.birth_date, current_date) = 9497",
    "date_diff('day', recipient.last_login, now) = 1", "extract(year from recipient.birth_date) = 2000",
    "extract(month from recipient.last_login) = 2", "extract(day from recipient.birth_date) = 29",
    "recipient.last_login < now", "recipient.birth_date >= date '2000-02-29'",
    "case when recipient.consent then recipient.age > 20 when recipient.tier = 'gold' then true end",
    "case when recipient.age > 20 then 'x' else recipient.tier end <> 'gold'", "recipient.age is null",
    "recipient.consent or recipient.age > 20", "recipient.consent and not (recipient.age > 20)",
)  # fmt: skip


def rows() -> list[dict[str, Value]]:
    """Values that meet each other, unknown ones among them."""
    names = (None, "", "a", " a ", "\ta\t", "a\\b", "a%", "gold", "Go\\ld", "o'k", "é😀a")
    ends = (None, "", "a", "a\\b", "d")
    others = (
        (None, None, None, None, None, None, None),
        (20, Decimal("0.7"), "gold", True, date(2000, 2, 29), datetime(2026, 2, 28, 23, 59), ()),
        (33, Decimal("33"), "silver", False, date(2000, 3, 1), datetime(2026, 3, 1, 12, 30), ("gold", "a")),
        (40, Decimal("-1.000001"), "", None, date(2001, 3, 2), datetime(2026, 4, 1), ("a\\b", "o'k", "")),
    )
    fields = ("age", "score", "tier", "consent", "birth_date", "last_login", "products")
    return [
        {"i": number, "name": name, "end": end, **dict(zip(fields, other, strict=True))}
        for number, (name, end, other) in enumerate(product(names, ends, others))
    ]


Truths = list[tuple[object, ...]]


def expected() -> Truths:
    evaluators = [compile_one(checked(text), ("recipient",), exact=True) for text in EXPRESSIONS]
    known = dict.fromkeys(("country", "home"))
    return [tuple(one({**known, **row}, NOW, NOW.date()) for one in evaluators) for row in rows()]


def query(dialect: str) -> str:
    words = DIALECTS[dialect]

    def column(_: str, name: str, base: BaseType) -> str:
        return words.quoted(name)

    writer = Conditions(words, column, NOW, NOW.date())
    parts = [f"{writer.sql(checked(text).root)} AS c{number}" for number, text in enumerate(EXPRESSIONS)]
    return f"SELECT {', '.join(parts)} FROM person ORDER BY i"


def given() -> list[tuple[object, ...]]:
    return [
        tuple(list(cell) if isinstance(cell := row[name], tuple) else cell for name in TYPES) for row in rows()
    ]  # fmt: skip


def same(found: Sequence[tuple[object, ...]]) -> None:
    wrong = {
        text: (row, mine[number], theirs[number])
        for row, mine, theirs in zip(rows(), expected(), found, strict=True)
        for number, text in enumerate(EXPRESSIONS)
        if mine[number] is not theirs[number]
    }
    assert not wrong, "\n".join(f"{text}: {case}" for text, case in wrong.items())


def test_each_is_not_the_same_for_everybody() -> None:
    """Else the comparison would say little."""
    for text, values in zip(EXPRESSIONS, zip(*expected(), strict=True), strict=True):
        assert len(set(values)) > 1, text
    assert sum(None in values for values in zip(*expected(), strict=True)) > 40


def _columns(listed: str = "VARCHAR[]") -> str:
    return ", ".join(f'"{name}" {listed if kind == "VARCHAR[]" else kind}' for name, kind in TYPES.items())


def test_in_duckdb() -> None:
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE person ({_columns()})")
        db.executemany(f"INSERT INTO person VALUES ({', '.join('?' * len(TYPES))})", given())
        same(db.execute(query("duckdb")).fetchall())


NUMBERS = ("0", "2.0", "1.5", "-0.5", "1e3", "0.0000005", "1.0000025", "123456789012.34568", "12345678901234567",
           "999999999999.9999996", "9223372036854775807", "9223372036854775808", "1e30", "NaN", "Infinity")  # fmt: skip
"""Cells of columns that hold more than the fields that are read from them."""


def cells(dialect: str, floating: str, exact: str) -> tuple[str, list[Value]]:
    """A query that reads each number as an integer and as a decimal, and what it gives: null where it is not read."""
    words, columns, values = DIALECTS[dialect], [], []
    for type_, known in ((floating, NUMBERS), (exact, NUMBERS[:-3])):
        for text in known:
            raw = float(text) if type_ == floating else Decimal(text).quantize(Decimal("1e-8"))
            for base in (BaseType.INTEGER, BaseType.DECIMAL):
                cell = words.field(words.quoted("x"), FieldType(base))
                columns.append(f"(SELECT {cell} FROM (SELECT CAST('{text}' AS {type_}) AS x) AS s)")
                try:
                    values.append(parse_value(raw, FieldType(base), UTC))
                except ValueError:
                    values.append(None)
    return f"SELECT {', '.join(columns)}", values


@pytest.mark.slow
def test_in_postgres() -> None:
    import psycopg

    with postgres_server("SELECT 1") as url, psycopg.connect(url) as connection:
        connection.execute(f"CREATE TABLE person ({_columns()})")
        for row in given():
            connection.execute(f"INSERT INTO person VALUES ({', '.join(['%s'] * len(row))})", row)
        same(connection.execute(query("postgres")).fetchall())


@pytest.mark.slow
def test_in_spark() -> None:
    with spark_session() as session:
        view(session, "person", TYPES, given())
        same([tuple(row) for row in session.sql(query("spark")).collect()])
        columns, expected = cells("spark", "DOUBLE", "DECIMAL(38, 8)")
        assert [tuple(row) for row in session.sql(columns).collect()] == [tuple(expected)]


def test_columns_in_duckdb() -> None:
    query, expected = cells("duckdb", "DOUBLE", "DECIMAL(38, 8)")
    with duckdb.connect() as db:
        assert db.execute(query).fetchall() == [tuple(expected)]
    assert expected.count(None) > 20 and len(set(expected)) > 12


@pytest.mark.slow
def test_columns_in_postgres() -> None:
    import psycopg

    query, expected = cells("postgres", "DOUBLE PRECISION", "NUMERIC")
    with postgres_server("SELECT 1") as url, psycopg.connect(url) as connection:
        assert connection.execute(query).fetchall() == [tuple(expected)]
        cell = DIALECTS["postgres"].field("x", FieldType(BaseType.LIST))
        rows = "SELECT ARRAY['a'] AS x UNION ALL SELECT ARRAY[]::TEXT[] UNION ALL SELECT ARRAY['a', NULL]"
        rows += " UNION ALL SELECT ARRAY[ARRAY['a'], ARRAY['b']]"
        found = [row[0] for row in connection.execute(f"SELECT {cell} FROM ({rows}) AS s").fetchall()]
        assert found == [["a"], [], None, None]


def test_bigquery_and_snowflake_are_told_what_they_do_differently() -> None:
    """They cannot be run here: BigQuery's ``IN UNNEST`` is false for null in an empty list, its TRIM takes tabs."""
    for dialect in ("bigquery", "snowflake"):
        text = query(dialect)
        assert "TRIM(" + DIALECTS[dialect].quoted("name") + ", ' ')" in text
        assert f"CASE WHEN {DIALECTS[dialect].quoted('name')} IS NOT NULL THEN" in text
    assert "LIKE 'a\\\\\\\\%'" in query("bigquery")
    assert "LIKE 'a\\\\%'" in query("snowflake")


def test_an_unknown_function_is_refused_by_name() -> None:
    with pytest.raises(NotEmittedError, match="date_trunc"):
        writer = Conditions(DIALECTS["snowflake"], lambda _, name, __: name, NOW, NOW.date())
        writer.sql(checked("date_trunc('month', recipient.birth_date) = current_date").root)
