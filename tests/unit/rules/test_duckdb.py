"""Rules as SQL: what is written, what it can take, and that letters are the same as in Python."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest
from evaluated import checked

from offerkit.rules.check import DEPTH, check
from offerkit.rules.duckdb import to_duckdb
from offerkit.rules.duckdb_literals import literal, plain
from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Interval, Literal, Node
from offerkit.rules.text import lower, upper
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope, Value

INTEGER, BOOLEAN = FieldType(BaseType.INTEGER), FieldType(BaseType.BOOLEAN)


def sql(text: str) -> str:
    return to_duckdb(checked(text, ExpectedResult.VALUE), lambda space, name: f'{space[0]}."{name}"', "$now", "$today")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age >= 18", """(r."age" >= 18)"""),
        ("country in ('FR', 'BE')", """(r."country" IN ('FR', 'BE'))"""),
        ("score < -0.5", """(r."score" < (-0.5))"""),
        ("name like 'O''%'", """(r."name" LIKE 'O''%')"""),
        ("born > current_date", """(r."born" > $today)"""),
        ("not (active and age is null)", """(NOT (r."active" AND (r."age" IS NULL)))"""),
    ],
)
def test_what_is_simple_stays_simple(text: str, expected: str) -> None:
    assert sql(text) == expected


@pytest.mark.parametrize(
    ("value", "base"),
    [
        ("'; drop table t; --", BaseType.STRING),
        ("a\0b", BaseType.STRING),
        ("\\'\n\"$1?", BaseType.STRING),
        (-(2**63), BaseType.INTEGER),
        (2**63 - 1, BaseType.INTEGER),
        (Decimal("-0.000001"), BaseType.DECIMAL),
        (Decimal("1E+3"), BaseType.DECIMAL),
        (True, BaseType.BOOLEAN),
        (date(1, 1, 1), BaseType.DATE),
        (datetime(9999, 12, 31, 23, 59, 59, 999999), BaseType.TIMESTAMP),
        (None, BaseType.DATE),
    ],
)
def test_a_constant_comes_back_as_it_was(value: Value, base: BaseType) -> None:
    for written in (literal(value, base), plain(value, base)):
        assert duckdb.sql(f"SELECT {written}").fetchall() == [(value,)]


def test_lists_come_back_as_they_were() -> None:
    assert duckdb.sql(f"SELECT {literal(('a', chr(39)), BaseType.LIST)}").fetchall() == [(["a", "'"],)]


DECIMAL, TEXT, MOMENT = FieldType(BaseType.DECIMAL), FieldType(BaseType.STRING), FieldType(BaseType.TIMESTAMP)
ROW = "SELECT CAST(3 AS BIGINT) AS age, CAST(1 AS DECIMAL(18,6)) AS score, 'a' AS name, TIMESTAMP '2024-01-01' AS seen"


def deep(field: FieldNode, function: str, *others: Node) -> Node:
    """The function in itself, as deep as the checker lets through."""
    node: Node = field
    for _ in range(DEPTH - 1):
        node = CallNode(field.type, 0, 0, function, (node, *others))
    return node


@pytest.mark.parametrize(
    "tree",
    [
        deep(FieldNode(DECIMAL, 0, 0, "recipient", "score"), "div", Literal(DECIMAL, 0, 0, Decimal(1))),
        deep(FieldNode(TEXT, 0, 0, "recipient", "name"), "replace", *[FieldNode(TEXT, 0, 0, "recipient", "name")] * 2),
        deep(FieldNode(MOMENT, 0, 0, "recipient", "seen"), "date_add", Interval(0, 0, 1, 1, 1)),
        deep(FieldNode(INTEGER, 0, 0, "recipient", "age"), "nullif", Literal(INTEGER, 0, 0, 9)),
        deep(FieldNode(INTEGER, 0, 0, "recipient", "age"), "coalesce", Literal(INTEGER, 0, 0, 9)),
    ],
)
def test_the_deepest_trees_run(tree: CallNode) -> None:
    text = to_duckdb(CheckedExpression("", tree, tree.type, (), False), lambda _, name: f'"{name}"', "now", "today")
    assert duckdb.sql(f"SELECT ({text}) IS NULL FROM ({ROW})").fetchall() == [(False,)]


def test_the_widest_trees_run() -> None:
    age = FieldNode(INTEGER, 0, 0, "recipient", "age")
    branches = tuple((CallNode(BOOLEAN, 0, 0, "eq", (age, Literal(INTEGER, 0, 0, -n))), age) for n in range(600))
    tree = CaseNode(INTEGER, 0, 0, branches, age)
    text = to_duckdb(CheckedExpression("", tree, INTEGER, (), False), lambda _, name: f'"{name}"', "now", "today")
    assert duckdb.sql(f"SELECT {text} FROM ({ROW})").fetchall() == [(3,)]


def test_nesting_what_needs_its_operand_twice_does_not_double_the_text() -> None:
    text = "name"
    for _ in range(20):
        text = f"nullif({text}, 'x')"
    assert len(sql(text)) < 3_000


@pytest.mark.slow
def test_letters_are_those_of_duckdb() -> None:
    """All code points. Newer versions of Python or DuckDB may know letters that the other does not: then decide."""
    points = "SELECT code, chr(code::INTEGER) AS sign FROM range(1, 1114112) AS r(code) WHERE code NOT BETWEEN 55296 AND 57343"
    differ = [
        (hex(code), sign)
        for code, sign, small, capital in duckdb.sql(
            f"SELECT code, sign, lower(sign), upper(sign) FROM ({points})"
        ).fetchall()
        if (lower(sign), upper(sign)) != (small, capital)
    ]
    assert differ == []


def test_a_name_is_whatever_the_caller_makes_of_it() -> None:
    scope = NameScope({"recipient": {"age": INTEGER}})
    found = to_duckdb(
        check("recipient.age = 1", scope, ExpectedResult.CONDITION), lambda space, name: f"<{space}|{name}>", "", ""
    )
    assert found == "(<recipient|age> = 1)"
