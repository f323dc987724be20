"""Compiles expressions into DuckDB SQL, for many contacts at a time, with the same meaning as in python.py.

The SQL never raises: where DuckDB would (overflow, division by zero, years it cannot represent), it gives null. Every
constant is escaped here; names come from the ``column`` callback, which must quote them. Each operand is written once,
or named first (``let``). Columns have the types VARCHAR (string, enumeration), BIGINT, DECIMAL(18,6), BOOLEAN, DATE,
TIMESTAMP and VARCHAR[].
"""

from __future__ import annotations

import re
from collections.abc import Callable

from offerkit.rules.calendar import FARTHEST
from offerkit.rules.duckdb_literals import TYPES, literal, plain
from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Interval, Literal, Node
from offerkit.rules.numbers import DIGITS
from offerkit.rules.text import LONGEST
from offerkit.rules.types import BaseType

_COMPARED = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ATOM = re.compile(
    r""""(?:[^"]|"")*"(?:\."(?:[^"]|"")*")?|\w+(?:\.\w+)*|(?:DATE |TIMESTAMP )?'(?:[^']|'')*'"""
    r"""|CAST\(-?[\d.]+ AS [^)]*\)?\)"""
)
"""Matches a name or constant, which can be written twice at no cost."""
_PLACES = 2**31 - 1
"""More characters than any text has."""
_FIRST, _BEYOND = "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '10000-01-01 00:00:00'"
_PARTS = {"dow": "dayofweek", "doy": "dayofyear"}
_SAME = {
    "lower": "lower",
    "upper": "upper",
    "length": "length",
    "starts_with": "starts_with",
    "ends_with": "ends_with",
    "contains": "contains",
    "list_length": "len",
}
_SIGNS = {"add": "+", "sub": "-", "mul": "*"}


def to_duckdb(checked: CheckedExpression, column: Callable[[str, str], str], now: str, today: str) -> str:
    """One SQL expression. ``column(namespace, field)``, ``now`` and ``today`` are SQL: a quoted name or a constant.

    The deepest trees that the checker accepts stay below DuckDB's limit of 1,000 levels.
    """
    return _Writer(column, now, today).node(checked.root)


class _Writer:
    def __init__(self, column: Callable[[str, str], str], now: str, today: str) -> None:
        self._column = column
        self._sql = CallWriter(now, today)

    def node(self, node: Node) -> str:
        match node:
            case Literal():
                return literal(node.value, node.type.base)
            case FieldNode():
                return self._column(node.namespace, node.name)
            case Interval():
                raise AssertionError("an interval is no value")
            case CaseNode():
                branches = "".join(f" WHEN {self.node(test)} THEN {self.node(then)}" for test, then in node.branches)
                default = "" if node.default is None else f" ELSE {self.node(node.default)}"
                return f"CASE{branches}{default} END"
            case CallNode():
                return self._call(node)

    def _call(self, node: CallNode) -> str:
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
        """An operand of a comparison: short and easy to push down, because DuckDB converts the types itself."""
        return plain(node.value, node.type.base) if isinstance(node, Literal) else self.node(node)


class CallWriter:
    """Writes calls; ``now`` and ``today`` are SQL."""

    def __init__(self, now: str, today: str) -> None:
        self.now = now
        self.today = today
        self._names = 0

    def let(self, body: Callable[..., str], *values: str) -> str:
        """``body`` of values that it may use several times; long ones are named first.

        No value is inside the lambda, because nesting doubles DuckDB's time for each lambda.
        """
        long = [index for index, value in enumerate(values) if not _ATOM.fullmatch(value)]
        if not long:
            return body(*values)
        self._names += 1
        name = f"v{self._names}"
        if len(long) == 1:
            named, source = {long[0]: name}, values[long[0]]
        else:
            named = {index: f"{name}.p{index}" for index in long}
            source = f"struct_pack({', '.join(f'p{index} := {values[index]}' for index in long)})"
        known = [named.get(index, value) for index, value in enumerate(values)]
        return f"list_transform([{source}], lambda {name}: {body(*known)})[1]"

    def call(self, node: CallNode, operands: list[str]) -> str:
        """A call; ``operands`` are its arguments as SQL, without intervals."""
        match node.name:
            case "add" | "sub" | "mul" | "div" | "neg" | "abs" | "mod" | "round" | "floor" | "ceil" | "to_decimal":
                return arithmetic(node, operands)
            case "nullif":
                return self.let(lambda x, y: f"CASE WHEN {x} = {y} THEN NULL ELSE {x} END", *operands)
            case "concat":
                return "(" + " || ".join(operands) + ")"
            case "trim":
                return f"trim({operands[0]}, ' ')"
            case "like":
                return f"({operands[0]} LIKE {operands[1]})"
            case "substring":
                return self._substring(node, operands)
            case "replace":
                return self._replace(node, operands)
            case "list_contains":
                return self._list_contains(node, operands)
            case name if name in _SAME:
                return f"{_SAME[name]}({', '.join(operands)})"
            case _:
                return self._time(node, operands)

    def _list_contains(self, node: CallNode, operands: list[str]) -> str:
        if isinstance(node.args[1], Literal) and node.args[1].value is not None:
            return f"list_contains({', '.join(operands)})"
        # For DuckDB, an empty list certainly does not contain null.
        return self.let(lambda a, x: f"CASE WHEN {x} IS NOT NULL THEN list_contains({a}, {x}) END", *operands)

    # Text

    def _substring(self, node: CallNode, operands: list[str]) -> str:
        constants = [part.value if isinstance(part, Literal) else None for part in node.args[1:]]
        if all(isinstance(number, int) and number >= 1 for number in constants):
            return f"substring({', '.join([operands[0], *(str(min(int(str(n)), _PLACES)) for n in constants)])})"
        if len(operands) == 2:
            return self.let(lambda text, s: f"substring({text}, {_clamped(s, 1)})", *operands)

        def body(text: str, s: str, n: str) -> str:
            end = f"CAST({s} AS HUGEINT) + {n} - 1"
            size = self.let(
                lambda size: f"CAST({_clamped(size, 0)} AS BIGINT)", f"CASE WHEN {s} < 1 THEN {end} ELSE {n} END"
            )
            return f"CASE WHEN {n} < 0 THEN NULL ELSE substring({text}, {_clamped(s, 1)}, {size}) END"

        return self.let(body, *operands)

    def _replace(self, node: CallNode, operands: list[str]) -> str:
        _, old, new = (part.value if isinstance(part, Literal) else None for part in node.args)
        if isinstance(old, str) and isinstance(new, str) and len(new) <= len(old):
            return f"replace({', '.join(operands)})"

        def body(text: str, before: str, after: str) -> str:
            count = f"(length({text}) - length(replace({text}, {before}, ''))) // greatest(length({before}), 1)"
            size = f"length({text}) + {count} * (length({after}) - length({before}))"
            grows = f"length({after}) > length({before}) AND {size} > {LONGEST}"
            return f"CASE WHEN {grows} THEN NULL ELSE replace({text}, {before}, {after}) END"

        return self.let(body, *operands)

    # Time

    def _time(self, node: CallNode, operands: list[str]) -> str:
        match node.name:
            case "now":
                return self.now
            case "current_date":
                return self.today
            case "to_timestamp":
                return f"CAST({operands[0]} AS TIMESTAMP)"
            case "days_since":
                return f"date_diff('day', {operands[0]}, {self.today})"
            case "days_until":
                return f"date_diff('day', {self.today}, {operands[0]})"
            case "age_in_years":
                birth, on = (*operands, self.today)[:2]
                return f"(({self.let(_number, on)} - {self.let(_number, birth)}) // 10000)"
            case "date_add":
                return self._date_add(node, operands[0])
            case "date_trunc":
                return f"CAST(date_trunc({operands[0]}, {operands[1]}) AS {TYPES[base_of(node)]})"
            case "date_diff":
                return _date_diff(node, *operands)
            case "extract":
                unit, moment = operands
                name = unit.strip("'")
                clock = name in ("hour", "minute", "second")
                return f"{_PARTS.get(name, name)}({f'CAST({moment} AS TIMESTAMP)' if clock else moment})"
            case _:
                raise AssertionError(node.name)

    def _date_add(self, node: CallNode, moment: str) -> str:
        span = node.args[1]
        assert isinstance(span, Interval)
        units = [("months", span.months), ("days", span.days), ("seconds", span.seconds)]
        if any(abs(number) > FARTHEST[unit] for unit, number in units):
            return literal(None, base_of(node))
        type_ = TYPES[base_of(node)]

        def body(begin: str) -> str:
            sums = [f"CAST({begin} AS TIMESTAMP)"]
            sums += [f"to_{unit}(CAST({number} AS BIGINT))" for unit, number in units if number]
            totals = [" + ".join(sums[:count]) for count in range(2, len(sums) + 1)]
            tests = " AND ".join(f"{total} >= {_FIRST} AND {total} < {_BEYOND}" for total in totals)
            return (
                f"CASE WHEN {tests} THEN CAST({totals[-1]} AS {type_}) END" if totals else f"CAST({begin} AS {type_})"
            )

        return self.let(body, moment)


def _clamped(number: str, least: int) -> str:
    return f"CASE WHEN {number} < {least} THEN {least} WHEN {number} > {_PLACES} THEN {_PLACES} ELSE {number} END"


def _number(day: str) -> str:
    return f"(year({day}) * 10000 + month({day}) * 100 + day({day}))"


def _date_diff(node: CallNode, unit: str, begin: str, end: str) -> str:
    if unit == "'week'":
        # DuckDB's weeks change at the wrong day before 1970.
        first, last = (f"((CAST({moment} AS DATE) - DATE '0001-01-01') // 7)" for moment in (begin, end))
        return f"({last} - {first})"
    if unit in ("'hour'", "'minute'", "'second'"):
        # Whole units, because DuckDB truncates towards 1970, not towards the past.
        begin, end = (f"date_trunc({unit}, CAST({moment} AS TIMESTAMP))" for moment in (begin, end))
    return f"date_diff({unit}, {begin}, {end})"


def base_of(node: Node) -> BaseType:
    """The base type of an argument, which must not be an interval."""
    assert not isinstance(node, Interval)
    return node.type.base


def arithmetic(node: CallNode, operands: list[str]) -> str:
    """An arithmetic call, whose first argument is an integer or a decimal."""
    return _integers(node, operands) if base_of(node.args[0]) is BaseType.INTEGER else _decimals(node, operands)


def _integers(node: CallNode, operands: list[str]) -> str:
    first, second = (*operands, "")[:2]
    match node.name:
        case "add" | "sub" | "mul":
            return f"TRY({first} {_SIGNS[node.name]} {second})"
        case "neg":
            return f"TRY(CAST(0 AS BIGINT) - {first})"
        case "abs":
            return f"TRY(abs({first}))"
        case "mod":
            return f"CAST(TRY(CAST({first} AS HUGEINT) % {second}) AS BIGINT)"
        case "div":
            return _quotient(f"CAST({first} AS HUGEINT) * 10000000", f"CAST({second} AS HUGEINT)")
        case "floor" | "ceil":
            return first
        case _:
            return f"TRY_CAST({first} AS DECIMAL(18,6))"


def _decimals(node: CallNode, operands: list[str]) -> str:
    first, second = (*operands, "")[:2]
    match node.name:
        case "add" | "sub":
            return f"TRY_CAST({first} {_SIGNS[node.name]} {second} AS DECIMAL(18,6))"
        case "mul":
            return f"TRY_CAST(CAST({first} AS DECIMAL(38,6)) * {second} AS DECIMAL(18,6))"
        case "neg":
            return f"(-{first})"
        case "abs":
            return f"abs({first})"
        case "mod":
            return f"TRY({first} % {second})"
        case "div":
            return _quotient(_scaled(first, 13), _scaled(second, 6))
        case "floor" | "ceil":
            return f"CAST({node.name}({first}) AS BIGINT)"
        case _:
            digits = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], Literal) else 0
            assert isinstance(digits, int)
            digits_kept = min(digits, DIGITS)
            return f"CAST(TRY_CAST({first} AS DECIMAL({12 + digits_kept},{digits_kept})) AS DECIMAL(18,6))"


def _scaled(number: str, digits: int) -> str:
    return f"CAST(CAST({number} AS DECIMAL(38,6)) * CAST({10**digits} AS DECIMAL({digits + 1},0)) AS HUGEINT)"


def _quotient(tenfold: str, divisor: str) -> str:
    """The quotient, truncated after the seventh digit, which is enough to round exactly to the sixth."""
    cut = f"CAST(TRY({tenfold} // {divisor}) AS DECIMAL(38,0))"
    return f"TRY_CAST({cut} * CAST(0.0000001 AS DECIMAL(7,7)) AS DECIMAL(18,6))"
