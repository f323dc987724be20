"""Evaluates formulas for one contact with the rule evaluators, independently of the encoding."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

from offerkit.prove.question import AllOf, AnyOf, DayRange, Fixed, Formula, Holds
from offerkit.rules.flatten import nodes_of
from offerkit.rules.nodes import FieldNode
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, Row, Value

if TYPE_CHECKING:
    import duckdb

Values = Mapping[tuple[str, str], Value]
"""The values of fields by namespace and name; a missing one is unknown."""


class _Defaults(dict[str, Value]):
    """A row in which a missing field is unknown."""

    def __missing__(self, key: str) -> Value:
        return None


class Replay:
    """Evaluates formulas in Python; each expression is compiled once."""

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[Holds, tuple[str, ...], Callable[..., Value]]] = {}

    def is_true(self, formula: Formula, values: Values, now: datetime) -> bool:
        """Whether a formula is true for a contact with ``values`` at the wall clock ``now``."""
        rows: dict[str, _Defaults] = {}
        for (space, name), value in values.items():
            rows.setdefault(space, _Defaults())[name] = value

        def holds(part: Holds) -> bool:
            if id(part) not in self._compiled:
                names = tuple(dict.fromkeys(space for space, _ in part.expression.fields))
                self._compiled[id(part)] = part, names, compile_one(part.expression, names)
            _, names, function = self._compiled[id(part)]
            bound: dict[str, Row] = dict(part.bound)
            given = [bound[name] if name in bound else rows.get(name, _Defaults()) for name in names]
            return _holds(part, function(*given, now, now.date()))

        return evaluated(formula, holds, now)


def is_true(formula: Formula, values: Values, now: datetime) -> bool:
    """Whether a formula is true for a contact with ``values`` at the wall clock ``now``."""
    return Replay().is_true(formula, values, now)


def _holds(part: Holds, value: Value) -> bool:
    if part.positive:
        return isinstance(value, int | Decimal) and not isinstance(value, bool) and value > 0
    return value is True


class DuckReplay:
    """Evaluates formulas in DuckDB, where that is installed; it is opened for the first one."""

    def __init__(self) -> None:
        self._database: duckdb.DuckDBPyConnection | None = None
        self._is_missing = False

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def denies(self, true: Formula, not_true: Formula, values: Values, now: datetime) -> bool:
        """Whether DuckDB denies that one formula is true for a contact and the other is not."""
        database = self._opened()
        if database is None:
            return False
        import duckdb

        def holds(part: Holds) -> bool:
            row = database.execute(_query(part, values, now)).fetchone()
            return row is not None and _holds(part, row[0])

        try:
            return not evaluated(true, holds, now) or evaluated(not_true, holds, now)
        except (duckdb.Error, UnicodeError):
            return True

    def _opened(self) -> duckdb.DuckDBPyConnection | None:
        if self._database is None and not self._is_missing:
            try:
                with _uninterrupted():
                    import duckdb
            except ImportError:
                self._is_missing = True
                return None
            self._database = duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": 1})
        return self._database


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """An interruption comes afterwards: in the midst of its import, DuckDB aborts the process."""
    former = signal.getsignal(signal.SIGINT)
    if not callable(former) or current_thread() is not main_thread():
        yield
        return
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
        if held:
            former(held[0], None)


def _query(part: Holds, values: Values, now: datetime) -> str:
    """The expression for one contact, whose values stand in the query."""
    from offerkit.rules.duckdb import to_duckdb
    from offerkit.rules.duckdb_literals import literal

    bound: dict[str, Row] = dict(part.bound)
    columns: dict[tuple[str, str], tuple[str, str]] = {}
    for node in nodes_of(part.expression.root):
        if isinstance(node, FieldNode) and (node.namespace, node.name) not in columns:
            space, name = node.namespace, node.name
            value = bound[space].get(name) if space in bound else values.get((space, name))
            columns[space, name] = f"c{len(columns)}", literal(value, node.type.base)
    sql = to_duckdb(
        part.expression,
        lambda space, name: columns[space, name][0],
        literal(now, BaseType.TIMESTAMP),
        literal(now.date(), BaseType.DATE),
    )
    contact = ", ".join(f"{value} AS {name}" for name, value in columns.values()) or "1 AS nothing"
    return f"SELECT {sql} FROM (SELECT {contact}) AS contact"  # noqa: S608 - every value is written as a literal


def evaluated(formula: Formula, holds: Callable[[Holds], bool], now: datetime) -> bool:
    """Whether a formula is true at ``now`` if its expressions are as ``holds`` says."""
    match formula:
        case Fixed():
            return formula.value
        case DayRange():
            today = now.date()
            return (formula.first is None or formula.first <= today) and (formula.last is None or today <= formula.last)
        case AllOf():
            return all(evaluated(part, holds, now) for part in formula.parts)
        case AnyOf():
            return any(evaluated(part, holds, now) for part in formula.parts)
        case Holds():
            return holds(formula)
