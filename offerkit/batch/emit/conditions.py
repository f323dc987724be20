"""Writes checked expressions in another engine's SQL with the same meaning, or refuses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime

from offerkit.batch.emit.dialects import Dialect, RuleDialect
from offerkit.rules.duckdb import base_of, to_duckdb
from offerkit.rules.duckdb_literals import literal
from offerkit.rules.nodes import (
    CallNode,
    CaseNode,
    FieldNode,
    Interval,
    Literal,
    Node,
    expression_of,
    walk,
)
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, Row


class Conditions:
    """Writes expressions in one dialect. ``column`` returns the SQL of a field; ``now`` and ``today`` are the clock.

    ``rows``: namespaces whose values are known already, but for their ``columns``. What depends on nothing else is
    computed here and written as a constant.
    """

    def __init__(
        self,
        dialect: Dialect,
        column: Callable[[str, str, BaseType], str],
        now: datetime,
        today: date,
        rows: Mapping[str, Row] | None = None,
        columns: AbstractSet[tuple[str, str]] = frozenset(),
    ) -> None:
        self._dialect = dialect
        self._column = column
        self._now, self._today = now, today
        self._rows, self._columns = rows or {}, columns
        self._known: dict[int, bool] = {}

    def sql(self, root: Node) -> str:
        """The expression as SQL. Raises NotEmittedError."""
        if not isinstance(self._dialect, RuleDialect):
            return self._duckdb(root)
        self._known = {}
        self._look(root)
        return self._write(root, self._dialect)

    def _duckdb(self, root: Node) -> str:
        """The expression as the batch itself writes it."""
        bases = {(node.namespace, node.name): node.type.base for node in walk(root) if isinstance(node, FieldNode)}

        def column(namespace: str, name: str) -> str:
            base = bases[namespace, name]
            if self._is_known(namespace, name):
                return literal(self._rows[namespace].get(name), base)
            return self._column(namespace, name, base)

        now, today = literal(self._now, BaseType.TIMESTAMP), literal(self._today, BaseType.DATE)
        return to_duckdb(expression_of(root), column, now, today)

    def _is_known(self, namespace: str, name: str) -> bool:
        return namespace in self._rows and (namespace, name) not in self._columns

    def _look(self, node: Node) -> bool:
        """Record which parts read no row of the engine's tables; whether ``node`` reads none."""
        parts: list[Node] = []
        match node:
            case CallNode():
                parts = list(node.args)
            case CaseNode():
                parts = [part for branch in node.branches for part in branch]
                parts += [] if node.default is None else [node.default]
            case _:
                pass
        below = [self._look(part) for part in parts]  # all of them, because each must be recorded
        self._known[id(node)] = known = all(below) and not (
            isinstance(node, FieldNode) and not self._is_known(node.namespace, node.name)
        )
        return known

    def _write(self, node: Node, dialect: RuleDialect) -> str:
        if self._known[id(node)] and not isinstance(node, (Literal, Interval)):
            return self._constant(node)
        match node:
            case Literal():
                return dialect.constant(node.value, node.type.base)
            case FieldNode():
                return self._column(node.namespace, node.name, node.type.base)
            case Interval():
                raise AssertionError("an interval is no value")
            case CaseNode():
                branches = [[self._write(part, dialect) for part in branch] for branch in node.branches]
                cases = "".join(f" WHEN {test} THEN {then}" for test, then in branches)
                default = "" if node.default is None else f" ELSE {self._write(node.default, dialect)}"
                return f"CASE{cases}{default} END"
            case CallNode():
                return self._call(node, dialect)

    def _call(self, node: CallNode, dialect: RuleDialect) -> str:
        args = [self._write(arg, dialect) for arg in node.args if not isinstance(arg, Interval)]
        today = dialect.constant(self._today, BaseType.DATE)
        match node.name:
            case "days_since":
                return dialect.days(args[0], today)
            case "days_until":
                return dialect.days(today, args[0])
            case "age_in_years" if len(args) == 1:
                return dialect.call(node, [*args, today])
            case _:
                return dialect.call(node, args)

    def _constant(self, node: Node) -> str:
        checked = expression_of(node)
        rows = {
            space: {name: row.get(name) for of, name in checked.fields if of == space}
            for space, row in self._rows.items()
        }
        value = compile_one(checked, tuple(rows))(*rows.values(), self._now, self._today)
        return self._dialect.constant(value, base_of(node))
