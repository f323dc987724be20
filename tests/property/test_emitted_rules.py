"""Every function means in PostgreSQL and Spark what it means here: random typed expressions on awkward rows.

The text that is run is the one that ``simulate --emit-sql`` writes. Where it differs, the smallest part that does is
shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from helpers.postgres import postgres_server
from helpers.repeats import often
from helpers.spark import spark_session, view
from rule_trees import FIELDS, NOW, TYPES, B, Trees, checked, row
from test_rules_agree import COLUMNS, same

from offerkit.batch.emit.conditions import Conditions
from offerkit.batch.emit.dialects import Dialect
from offerkit.batch.emit.engines import DIALECTS
from offerkit.rules.functions import FUNCTIONS
from offerkit.rules.nodes import CallNode, CaseNode, Literal, Node, walk
from offerkit.rules.python import compile_many
from offerkit.rules.types import BaseType, FieldType, Value

EXPRESSIONS, ROWS = often(800, 5_000), 30
SPACES = ("recipient", "interaction")
Run = Callable[[str], list[tuple[Any, ...]]]


def clean(node: Node) -> Node:
    """Without null characters, which no contact and no rule can have."""
    match node:
        case Literal() if isinstance(node.value, str):
            return replace(node, value=node.value.replace("\0", ""))
        case CallNode():
            return replace(node, args=tuple(map(clean, node.args)))
        case CaseNode():
            branches = tuple((clean(test), clean(then)) for test, then in node.branches)
            return replace(node, branches=branches, default=None if node.default is None else clean(node.default))
        case _:
            return node


def cleaned(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(part.replace("\0", "") for part in value)
    return value.replace("\0", "") if isinstance(value, str) else value


class Asked:
    """Rows and expressions, and what Python says of them."""

    def __init__(self, seed: int, depth: int, expressions: int = EXPRESSIONS) -> None:
        random = Random(seed)
        self.rows = [{key: cleaned(value) for key, value in row(random).items()} for _ in range(ROWS)]
        trees = Trees(random)
        self.roots = [
            clean(trees.tree(random.choice([*TYPES, B, B]), random.randint(1, depth))) for _ in range(expressions)
        ]

    def in_python(self, roots: Sequence[Node]) -> list[tuple[Value, ...]]:
        evaluate = compile_many([checked(root) for root in roots], SPACES)
        split = [
            [{field: value for (of, field), value in one.items() if of == space} for space in SPACES]
            for one in self.rows
        ]
        return [evaluate(*rows, NOW, NOW.date()) for rows in split]

    def table(self) -> tuple[dict[str, str], list[tuple[object, ...]]]:
        columns = {"i": "BIGINT", **{f"{space}_{name}": COLUMNS[base.value] for (space, name), base in FIELDS.items()}}
        values = [
            (place, *(list(v) if isinstance(v, tuple) else v for v in one.values()))
            for place, one in enumerate(self.rows)
        ]
        return columns, values

    def differ(self, dialect: str, run: Run, roots: Sequence[Node]) -> list[tuple[int, int, Value, Value]]:
        """(expression, row, value in Python, value there)."""
        found = run(query(DIALECTS[dialect], roots))
        return [
            (column, number, left, right)
            for number, (mine, theirs) in enumerate(zip(self.in_python(roots), found, strict=True))
            for column, (left, right) in enumerate(zip(mine, map(read, theirs), strict=True))
            if not same(left, right)
        ]

    def explained(self, dialect: str, run: Run, root: Node) -> str:
        parts = [part for part in walk(root) if isinstance(part, (CallNode, CaseNode))]
        for part in sorted(parts, key=lambda part: sum(1 for _ in walk(part))):
            found = self.differ(dialect, run, [part])
            if found:
                _, number, left, right = found[0]
                uses = {key: self.rows[number][key] for key in checked(part).fields}
                return f"{part}\nof {uses}\nin Python: {left!r}\nthere: {right!r}\n{query(DIALECTS[dialect], [part])}"
        return "differs only as a whole"


def read(value: Any) -> Value:
    """As Python has it: engines give decimals of their own scale, which are equal, and lists."""
    return tuple(value) if isinstance(value, list) else value


def query(dialect: Dialect, roots: Sequence[Node]) -> str:
    """All expressions for every row, of the columns as the query for contacts reads them."""
    q = dialect.quoted
    columns = ", ".join(
        f"{dialect.field(q(f'{space}_{name}'), type_of(base))} AS {q(f'f_{space}_{name}')}"
        for (space, name), base in FIELDS.items()
    )

    def column(namespace: str, name: str, _: BaseType) -> str:
        return q(f"f_{namespace}_{name}")

    writer = Conditions(dialect, column, NOW, NOW.date())
    parts = ", ".join(f"{writer.sql(root)} AS c{place}" for place, root in enumerate(roots))
    return f"SELECT {parts} FROM (SELECT i, {columns} FROM t) AS r ORDER BY i"


def type_of(base: BaseType) -> FieldType:
    """An enumeration is not held to its values here, which are random."""
    return FieldType(BaseType.STRING if base is BaseType.ENUMERATION else base)


def agree(dialect: str, run: Run, asked: Asked, together: int) -> None:
    for begin in range(0, len(asked.roots), together):
        some = asked.roots[begin : begin + together]
        found = asked.differ(dialect, run, some)
        assert not found, asked.explained(dialect, run, some[found[0][0]])
    made = {part.name for root in asked.roots for part in walk(root) if isinstance(part, CallNode)}
    assert made == set(FUNCTIONS)


@pytest.mark.slow
def test_in_postgres() -> None:
    import psycopg

    asked = Asked(20261129, depth=4)
    columns, rows = asked.table()
    with postgres_server("SELECT 1") as url, psycopg.connect(url) as connection:
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE t ({typed})")
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO t VALUES ({', '.join(['%s'] * len(columns))})", rows)
        agree("postgres", lambda sql: connection.execute(sql).fetchall(), asked, 100)


@pytest.mark.slow
def test_in_spark() -> None:
    asked = Asked(20261130, depth=2)  # Spark's parser is slow with what it sees first
    columns, rows = asked.table()
    with spark_session() as session:
        session.conf.set("spark.sql.codegen.wholeStage", "false")
        session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        session.conf.set("spark.sql.session.timeZone", "America/Sao_Paulo")
        session.conf.set(
            "spark.sql.adaptive.enabled", "false"
        )  # nothing to adapt to in thirty rows, and it plans twice
        session.conf.set("spark.sql.shuffle.partitions", "1")
        view(session, "t", columns, rows)
        agree("spark", lambda sql: [tuple(row) for row in session.sql(sql).collect()], asked, 500)
