"""Checked expressions as SQL of another engine, with the meaning they have here; what has no such form is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from offerkit.batch.emit.dialects import Dialect
from offerkit.rules.nodes import Call, Case, Field, Interval, Literal, Node
from offerkit.rules.types import Base, Value

_COMPARED = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*"}


class NotEmittedError(Exception):
    """A function that has no form with the same meaning in the engine, or none that we know."""


class Conditions:
    """Writes expressions for one dialect. ``column`` gives a field's SQL; ``now`` and ``today`` are the clock's."""

    def __init__(self, dialect: Dialect, column: Callable[[str, str, Base], str], now: datetime, today: date) -> None:
        self._dialect = dialect
        self._column = column
        self._now, self._today = now, today

    def sql(self, node: Node) -> str:
        """The expression. Raises NotEmittedError."""
        match node:
            case Literal():
                return self.constant(node.value, node.type.base)
            case Field():
                return self._column(node.namespace, node.name, node.type.base)
            case Interval():
                raise NotEmittedError("intervals")
            case Case():
                branches = "".join(f" WHEN {self.sql(test)} THEN {self.sql(then)}" for test, then in node.branches)
                default = "" if node.default is None else f" ELSE {self.sql(node.default)}"
                return f"(CASE{branches}{default} END)"
            case Call():
                return self._call(node)

    def constant(self, value: Value, base: Base) -> str:
        """A constant of exactly its type."""
        dialect = self._dialect
        kind = dialect.types.get(base, dialect.types[Base.STRING])
        match value:
            case None:
                return f"CAST(NULL AS {kind})"
            case bool():
                return "TRUE" if value else "FALSE"
            case int():
                return str(value) if value >= 0 else f"({value})"
            case Decimal():
                return f"CAST({dialect.text(format(value, 'f'))} AS {dialect.types[Base.DECIMAL]})"
            case datetime():
                return f"CAST({dialect.text(value.isoformat(' '))} AS {dialect.types[Base.TIMESTAMP]})"
            case date():
                return f"CAST({dialect.text(value.isoformat())} AS DATE)"
            case str():
                return dialect.text(value)
            case _:
                raise NotEmittedError("lists of constants")

    def _call(self, node: Call) -> str:
        name, words = node.name, self._dialect
        args = [] if any(isinstance(arg, Interval) for arg in node.args) else [self.sql(arg) for arg in node.args]
        match name:
            case "and" | "or":
                return "(" + f" {name.upper()} ".join(args) + ")"
            case "not":
                return f"(NOT {args[0]})"
            case "is_null":
                return f"({args[0]} IS NULL)"
            # “IS TRUE” is lost on some engines, and “IS NOT FALSE” turns into “NOT NOT x”: unknown for unknown.
            case "is_true":
                return f"COALESCE({args[0]}, FALSE)"
            case "is_false":
                return f"(NOT COALESCE({args[0]}, TRUE))"
            case _ if name in _COMPARED:
                return f"({args[0]} {_COMPARED[name]} {args[1]})"
            case "in":
                return f"({args[0]} IN ({', '.join(args[1:])}))"
            case "coalesce":
                return f"COALESCE({', '.join(args)})"
            case "greatest" | "least":
                return self._extreme(name.upper(), args)
            case "add" | "sub" | "mul" if len(args) == 2:
                return f"({args[0]} {_ARITHMETIC[name]} {args[1]})"
            case "lower" | "upper":
                return f"{name.upper()}({args[0]})"
            case "trim":
                return words.trim(*args)
            case "neg":
                return f"(- {args[0]})"
            case "to_decimal":
                return f"CAST({args[0]} AS {words.types[Base.DECIMAL]})"
            case "concat":
                return "(" + " || ".join(args) + ")"
            case "like":
                return words.like(args[0], self._pattern(node.args[1]))
            case "length":
                return words.length(*args)
            case "contains":
                return words.contains(*args)
            case "starts_with":
                return words.starts_with(*args)
            case "ends_with":
                return words.ends_with(*args)
            case "list_contains":
                # An empty list holds nothing for some engines, not even something unknown: that is unknown here.
                return f"(CASE WHEN {args[1]} IS NOT NULL THEN {words.list_contains(*args)} END)"
            case _ if node.args or name in ("now", "current_date"):
                return self._time(node, args)
            case _:
                raise NotEmittedError(name)

    def _pattern(self, node: Node) -> str:
        """A pattern, in which a backslash is a sign like any other; for some engines it escapes the next one."""
        if not isinstance(node, Literal) or not isinstance(node.value, str):
            raise NotEmittedError("like with a pattern that is no constant")
        return self._dialect.text(node.value.replace("\\", "\\" * self._dialect.backslashes))

    def _extreme(self, name: str, args: list[str]) -> str:
        """The greatest or least of those known: some engines give null when one is unknown."""
        known = [f"COALESCE({', '.join([arg, *(other for other in args if other is not arg)])})" for arg in args]
        return f"{name}({', '.join(known)})"

    def _time(self, node: Call, args: list[str]) -> str:
        today = self.constant(self._today, Base.DATE)
        match node.name:
            case "now":
                return self.constant(self._now, Base.TIMESTAMP)
            case "current_date":
                return today
            case "days_since":
                return self._dialect.date_diff(args[0], today)
            case "days_until":
                return self._dialect.date_diff(today, args[0])
            case "date_diff" if isinstance(node.args[0], Literal) and node.args[0].value == "day":
                return self._dialect.date_diff(args[1], args[2])
            case "age_in_years":
                first, last = self._number(args[0]), self._number(args[1] if len(args) > 1 else today)
                return f"CAST(FLOOR(({last} - {first}) / 10000.0) AS {self._dialect.types[Base.INTEGER]})"
            case "extract" if isinstance(node.args[0], Literal) and node.args[0].value in ("year", "month", "day"):
                return f"EXTRACT({str(node.args[0].value).upper()} FROM {args[1]})"
            case name:
                raise NotEmittedError(name)

    def _number(self, day: str) -> str:
        return f"(EXTRACT(YEAR FROM {day}) * 10000 + EXTRACT(MONTH FROM {day}) * 100 + EXTRACT(DAY FROM {day}))"
