"""Expressions as DuckDB SQL, for many contacts at a time: the same meaning as the Python of python.py.

Nothing in the text raises when it runs: where DuckDB would (overflow, division by zero, years it cannot show), it gives
null. Every constant is escaped here; names come from the ``column`` callback, which has to quote them. Columns have the
types VARCHAR (string, enumeration), BIGINT, DECIMAL(18,6), BOOLEAN, DATE, TIMESTAMP and VARCHAR[].
"""

from __future__ import annotations

from collections.abc import Callable

from offerkit.rules.duckdb_calls import Sql
from offerkit.rules.duckdb_literals import literal, plain
from offerkit.rules.nodes import Call, Case, Checked, Field, Interval, Literal, Node

_COMPARED = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def to_duckdb(checked: Checked, column: Callable[[str, str], str], now: str, today: str) -> str:
    """One SQL expression. ``column(namespace, field)``, ``now`` and ``today`` are SQL: a quoted name or a constant.

    Trees as deep as the checker lets through stay below DuckDB's limit of 1,000 levels.
    """
    return _Writer(column, now, today).node(checked.root)


class _Writer:
    def __init__(self, column: Callable[[str, str], str], now: str, today: str) -> None:
        self._column = column
        self._sql = Sql(now, today)

    def node(self, node: Node) -> str:
        match node:
            case Literal():
                return literal(node.value, node.type.base)
            case Field():
                return self._column(node.namespace, node.name)
            case Interval():
                raise AssertionError("an interval is no value")
            case Case():
                branches = "".join(f" WHEN {self.node(test)} THEN {self.node(then)}" for test, then in node.branches)
                default = "" if node.default is None else f" ELSE {self.node(node.default)}"
                return f"CASE{branches}{default} END"
            case Call():
                return self._call(node)

    def _call(self, node: Call) -> str:
        match node.name:
            case "and" | "or":
                return "(" + f" {node.name.upper()} ".join(map(self.node, node.args)) + ")"
            case "not":
                return f"(NOT {self.node(node.args[0])})"
            case "is_null" | "is_true" | "is_false":
                return f"({self.node(node.args[0])} IS {node.name.removeprefix('is_').upper()})"
            case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
                left, right = map(self._plain, node.args)
                return f"({left} {_COMPARED[node.name]} {right})"
            case "in":
                operand, *items = map(self._plain, node.args)
                return f"({operand} IN ({', '.join(items)}))"
            case "coalesce" | "greatest" | "least":
                return f"{node.name}({', '.join(map(self.node, node.args))})"
            case _:
                return self._sql.call(node, [self.node(arg) for arg in node.args if not isinstance(arg, Interval)])

    def _plain(self, node: Node) -> str:
        """As it is compared with: short and easy to push down, because DuckDB sees to the types."""
        return plain(node.value, node.type.base) if isinstance(node, Literal) else self.node(node)
