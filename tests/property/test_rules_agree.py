"""The two evaluators of the rule language agree: random typed expressions on random rows, value by value, null by null.

Where they do not, the smallest part of the expression on which they differ is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import duckdb
import pytest
from helpers.repeats import often
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rule_trees import FIELDS, NOW, TYPES, B, Trees, checked, row

from offerkit.rules.duckdb import to_duckdb
from offerkit.rules.functions import FUNCTIONS
from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, Interval, Literal, Node, walk
from offerkit.rules.python import compile_many, compile_one
from offerkit.rules.types import Value

SPACES = ("recipient", "interaction")
COLUMNS = {
    "string": "VARCHAR", "enumeration": "VARCHAR", "integer": "BIGINT", "decimal": "DECIMAL(18,6)", "boolean": "BOOLEAN",
    "date": "DATE", "timestamp": "TIMESTAMP", "list": "VARCHAR[]",
}  # fmt: skip
ROWS, EXPRESSIONS, TOGETHER = 30, 100, 10
"""Of one example; so many expressions stand in one query."""


def name(space: str, field: str) -> str:
    return f'"{space}.{field}"'


class Contacts:
    """The same rows for both."""

    def __init__(self, random: Random) -> None:
        self.rows = [row(random) for _ in range(ROWS)]
        self.split = [
            [{field: value for (of, field), value in one.items() if of == space} for space in SPACES]
            for one in self.rows
        ]
        self.database = duckdb.connect()
        columns = ", ".join(f"{name(*key)} {COLUMNS[base.value]}" for key, base in FIELDS.items())
        self.database.execute(f"CREATE TABLE t (i BIGINT, {columns})")
        marks = ", ".join("?" * (len(FIELDS) + 1))
        values = [
            [i, *(list(v) if isinstance(v, tuple) else v for v in one.values())] for i, one in enumerate(self.rows)
        ]
        self.database.executemany(f"INSERT INTO t VALUES ({marks})", values)

    def in_python(self, expressions: Sequence[CheckedExpression]) -> list[tuple[Value, ...]]:
        """The results by row: all three ways give the same."""
        exact = compile_many(expressions, SPACES)
        merged = compile_many(expressions, SPACES, exact=False)
        single = [[compile_one(one, SPACES, exact=exact) for exact in (True, False)] for one in expressions]
        found = []
        for rows in self.split:
            results = exact(*rows, NOW, NOW.date())
            plain = tuple(r is True if one.type.base is B else r for r, one in zip(results, expressions, strict=True))
            assert merged(*rows, NOW, NOW.date()) == plain
            for (precise, quick), result, truth in zip(single, results, plain, strict=True):
                assert same(precise(*rows, NOW, NOW.date()), result)
                assert same(quick(*rows, NOW, NOW.date()), truth)
            found.append(results)
        return found

    def in_duckdb(self, expressions: Sequence[CheckedExpression]) -> list[tuple[Value, ...]]:
        now, today = f"TIMESTAMP '{NOW}'", f"DATE '{NOW.date()}'"
        columns = ", ".join(to_duckdb(one, name, now, today) for one in expressions)
        rows = self.database.execute(f"SELECT {columns} FROM t ORDER BY i").fetchall()
        return [tuple(tuple(v) if isinstance(v, list) else v for v in found) for found in rows]


def same(left: Value, right: Value) -> bool:
    return type(left) is type(right) and left == right


def differ(contacts: Contacts, expressions: Sequence[CheckedExpression]) -> list[tuple[int, int, Value, Value]]:
    """(expression, row, value in Python, value in DuckDB) where they are not the same."""
    pairs = zip(contacts.in_python(expressions), contacts.in_duckdb(expressions), strict=True)
    return [
        (column, number, left, right)
        for number, (python, sql) in enumerate(pairs)
        for column, (left, right) in enumerate(zip(python, sql, strict=True))
        if not same(left, right)
    ]


def explained(contacts: Contacts, root: Node) -> str:
    """The smallest part that differs."""
    parts = [part for part in walk(root) if isinstance(part, (CallNode, CaseNode, Literal))]
    for part in sorted(parts, key=lambda part: sum(1 for _ in walk(part))):
        found = differ(contacts, [checked(part)])
        if found:
            _, number, left, right = found[0]
            uses = {key: contacts.rows[number][key] for key in checked(part).fields}
            sql = to_duckdb(checked(part), name, "now", "today")
            return f"{part}\nof {uses}\nin Python: {left!r}\nin DuckDB: {right!r}\n{sql}"
    return "differs only as a whole"


def agree(seed: int) -> None:
    random = Random(seed)
    contacts, trees = Contacts(random), Trees(random)
    roots = [trees.tree(random.choice([*TYPES, B, B]), random.randint(1, 4)) for _ in range(EXPRESSIONS)]
    assert not any(isinstance(root, Interval) for root in roots)
    for begin in range(0, EXPRESSIONS, TOGETHER):
        some = [checked(root) for root in roots[begin : begin + TOGETHER]]
        found = differ(contacts, some)
        assert not found, f"seed {seed}: {explained(contacts, some[found[0][0]].root)}"


def test_every_function_is_compared() -> None:
    random = Random(1)
    trees = Trees(random)
    made = {
        part.name
        for _ in range(3_000)
        for part in walk(trees.tree(random.choice(TYPES), 3))
        if isinstance(part, CallNode)
    }
    assert made == set(FUNCTIONS), "a maker in tests/property/rule_trees.py must make each function"


@settings(max_examples=3, derandomize=True, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_hundreds_of_expressions(seed: int) -> None:
    agree(seed)


@pytest.mark.slow
@settings(max_examples=often(14, 60), phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_many_thousand_expressions(seed: int) -> None:
    agree(seed)
