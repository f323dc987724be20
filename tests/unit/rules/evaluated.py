"""Expressions written as text, evaluated both ways: what the pinned tests of both evaluators share."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache

import duckdb

from offerkit.rules.check import check
from offerkit.rules.duckdb import to_duckdb
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope, Value

NOW = datetime(2026, 3, 15, 10, 30)
TYPES = {
    "age": BaseType.INTEGER, "score": BaseType.DECIMAL, "country": BaseType.STRING, "name": BaseType.STRING, "active": BaseType.BOOLEAN,
    "born": BaseType.DATE, "seen": BaseType.TIMESTAMP, "tags": BaseType.LIST,
}  # fmt: skip
_COLUMNS = {
    BaseType.INTEGER: "BIGINT", BaseType.DECIMAL: "DECIMAL(18,6)", BaseType.STRING: "VARCHAR", BaseType.BOOLEAN: "BOOLEAN",
    BaseType.DATE: "DATE", BaseType.TIMESTAMP: "TIMESTAMP", BaseType.LIST: "VARCHAR[]",
}  # fmt: skip
SCOPE = NameScope({"recipient": {name: FieldType(base) for name, base in TYPES.items()}, "interaction": {}})


@cache
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def checked(text: str, wanted: ExpectedResult = ExpectedResult.VALUE) -> CheckedExpression:
    """``text`` checked, with ``recipient.`` put before the names of fields."""
    full = re.sub(rf"('[^']*')|\b({'|'.join(TYPES)})\b", lambda m: m[1] or f"recipient.{m[2]}", text)
    return check(full, SCOPE, wanted)


def in_python(text: str, **values: Value) -> Value:
    row = {name: values.get(name) for name in TYPES}
    return compile_one(checked(text), ["recipient"])(row, NOW, NOW.date())


def in_duckdb(text: str, **values: Value) -> Value:
    row = [list(v) if isinstance(v, tuple) else v for v in (values.get(name) for name in TYPES)]
    columns = ", ".join(f'CAST(? AS {_COLUMNS[base]}) AS "{name}"' for name, base in TYPES.items())
    sql = to_duckdb(checked(text), lambda _, name: f'"{name}"', f"TIMESTAMP '{NOW}'", f"DATE '{NOW.date()}'")
    found = database().execute(f"SELECT {sql} FROM (SELECT {columns})", row).fetchall()[0][0]
    return tuple(found) if isinstance(found, list) else found


def both(text: str, **values: Value) -> Value:
    """The value that both give."""
    python, sql = in_python(text, **values), in_duckdb(text, **values)
    assert (type(python), python) == (type(sql), sql)
    return python
