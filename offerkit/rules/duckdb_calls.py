"""Each function of the rule language as DuckDB SQL. Every operand is written once, or named first (``let``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from offerkit.rules.nodes import Call, Interval, Literal, Node
from offerkit.rules.numbers import DIGITS
from offerkit.rules.text import LONGEST
from offerkit.rules.types import Base, Value

_TYPES = {
    Base.STRING: "VARCHAR",
    Base.ENUMERATION: "VARCHAR",
    Base.INTEGER: "BIGINT",
    Base.DECIMAL: "DECIMAL(18,6)",
    Base.BOOLEAN: "BOOLEAN",
    Base.DATE: "DATE",
    Base.TIMESTAMP: "TIMESTAMP",
    Base.LIST: "VARCHAR[]",
}
_ATOM = re.compile(
    r""""(?:[^"]|"")*"(?:\."(?:[^"]|"")*")?|\w+(?:\.\w+)*|(?:DATE |TIMESTAMP )?'(?:[^']|'')*'"""
    r"""|CAST\(-?[\d.]+ AS [^)]*\)?\)"""
)
"""A name or a constant: to be written twice without regret."""
_PLACES = 2**31 - 1
"""More characters than any text has."""
_FARTHEST = {"months": 120_000, "days": 3_700_000, "seconds": 320_000_000_000}
"""Longer intervals lead out of the years 1 to 9999 from anywhere."""
_FIRST, _BEYOND = "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '10000-01-01 00:00:00'"
_PARTS = {"dow": "dayofweek", "doy": "dayofyear"}
_SIGNS = {"add": "+", "sub": "-", "mul": "*"}
_SAME = {
    "lower": "lower", "upper": "upper", "length": "length", "starts_with": "starts_with", "ends_with": "ends_with",
    "contains": "contains", "list_contains": "list_contains", "list_length": "len",
}  # fmt: skip


def literal(value: Value, base: Base) -> str:
    """A constant that has exactly the type of its kind."""
    match value:
        case None:
            return f"CAST(NULL AS {_TYPES[base]})" if base in _TYPES else "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | Decimal():
            return f"CAST({value:f} AS {_TYPES[base]})" if isinstance(value, Decimal) else f"CAST({value} AS BIGINT)"
        case str():
            # A NUL would end DuckDB's reading of the statement.
            return "(" + text.replace("\0", "' || chr(0) || '") + ")" if "\0" in (text := _quoted(value)) else text
        case datetime():
            return f"TIMESTAMP '{value.isoformat(' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case tuple():
            return f"CAST([{', '.join(literal(part, Base.STRING) for part in value)}] AS VARCHAR[])"


def plain(value: Value, base: Base) -> str:
    """A constant to compare with, as one would write it."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return literal(value, base)
    written = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, Decimal) and "." not in written:
        written += ".0"
    return f"({written})" if value < 0 else written


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class Sql:
    """Writes calls; ``now`` and ``today`` are SQL."""

    def __init__(self, now: str, today: str) -> None:
        self.now = now
        self.today = today
        self._names = 0

    def let(self, value: str, body: Callable[[str], str]) -> str:
        """``body`` of the value, which may stand in it several times: named first, unless it is short."""
        if _ATOM.fullmatch(value):
            return body(value)
        self._names += 1
        name = f"v{self._names}"
        return f"list_transform([{value}], lambda {name}: {body(name)})[1]"

    def call(self, node: Call, operands: list[str]) -> str:
        """A call whose arguments are written already, without intervals."""
        match node.name:
            case "add" | "sub" | "mul" | "div" | "neg" | "abs" | "mod" | "round" | "floor" | "ceil" | "to_decimal":
                whole = _base(node.args[0]) is Base.INTEGER
                return _integers(node, operands) if whole else _decimals(node, operands)
            case "nullif":
                return self.let(operands[0], lambda x: f"CASE WHEN {x} = {operands[1]} THEN NULL ELSE {x} END")
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
            case name if name in _SAME:
                return f"{_SAME[name]}({', '.join(operands)})"
            case _:
                return self._time(node, operands)

    # Text

    def _substring(self, node: Call, operands: list[str]) -> str:
        constants = [part.value if isinstance(part, Literal) else None for part in node.args[1:]]
        if all(isinstance(number, int) and number >= 1 for number in constants):
            return f"substring({', '.join([operands[0], *(str(min(int(str(n)), _PLACES)) for n in constants)])})"
        if len(operands) == 2:
            return self.let(operands[1], lambda s: f"substring({operands[0]}, {_clamped(s, 1)})")
        text, start, length = operands

        def body(s: str, n: str) -> str:
            end = f"CAST({s} AS HUGEINT) + {n} - 1"
            size = self.let(
                f"CASE WHEN {s} < 1 THEN {end} ELSE {n} END", lambda size: f"CAST({_clamped(size, 0)} AS BIGINT)"
            )
            return f"CASE WHEN {n} < 0 THEN NULL ELSE substring({text}, {_clamped(s, 1)}, {size}) END"

        return self.let(start, lambda s: self.let(length, lambda n: body(s, n)))

    def _replace(self, node: Call, operands: list[str]) -> str:
        _, old, new = (part.value if isinstance(part, Literal) else None for part in node.args)
        if isinstance(old, str) and isinstance(new, str) and len(new) <= len(old):
            return f"replace({', '.join(operands)})"

        def body(text: str, before: str, after: str) -> str:
            count = f"(length({text}) - length(replace({text}, {before}, ''))) // greatest(length({before}), 1)"
            size = f"length({text}) + {count} * (length({after}) - length({before}))"
            grows = f"length({after}) > length({before}) AND {size} > {LONGEST}"
            return f"CASE WHEN {grows} THEN NULL ELSE replace({text}, {before}, {after}) END"

        text, before, after = operands
        return self.let(text, lambda x: self.let(before, lambda y: self.let(after, lambda z: body(x, y, z))))

    # Time

    def _time(self, node: Call, operands: list[str]) -> str:
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
                return f"(({self.let(on, _number)} - {self.let(birth, _number)}) // 10000)"
            case "date_add":
                return self._date_add(node, operands[0])
            case "date_trunc":
                return f"CAST(date_trunc({operands[0]}, {operands[1]}) AS {_TYPES[_base(node)]})"
            case "date_diff":
                return _date_diff(node, *operands)
            case "extract":
                unit, moment = operands
                name = unit.strip("'")
                clock = name in ("hour", "minute", "second")
                return f"{_PARTS.get(name, name)}({f'CAST({moment} AS TIMESTAMP)' if clock else moment})"
            case _:
                raise AssertionError(node.name)

    def _date_add(self, node: Call, moment: str) -> str:
        span = node.args[1]
        assert isinstance(span, Interval)
        units = [("months", span.months), ("days", span.days), ("seconds", span.seconds)]
        if any(abs(number) > _FARTHEST[unit] for unit, number in units):
            return literal(None, _base(node))
        type_ = _TYPES[_base(node)]

        def body(begin: str) -> str:
            sums = [f"CAST({begin} AS TIMESTAMP)"]
            sums += [f"to_{unit}(CAST({number} AS BIGINT))" for unit, number in units if number]
            totals = [" + ".join(sums[:count]) for count in range(2, len(sums) + 1)]
            tests = " AND ".join(f"{total} >= {_FIRST} AND {total} < {_BEYOND}" for total in totals)
            return (
                f"CASE WHEN {tests} THEN CAST({totals[-1]} AS {type_}) END" if totals else f"CAST({begin} AS {type_})"
            )

        return self.let(moment, body)


def _base(node: Node) -> Base:
    assert not isinstance(node, Interval)
    return node.type.base


def _clamped(number: str, least: int) -> str:
    return f"CASE WHEN {number} < {least} THEN {least} WHEN {number} > {_PLACES} THEN {_PLACES} ELSE {number} END"


def _number(day: str) -> str:
    return f"(year({day}) * 10000 + month({day}) * 100 + day({day}))"


def _integers(node: Call, operands: list[str]) -> str:
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


def _decimals(node: Call, operands: list[str]) -> str:
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
            kept = min(digits, DIGITS)
            return f"CAST(TRY_CAST({first} AS DECIMAL({12 + kept},{kept})) AS DECIMAL(18,6))"


def _scaled(number: str, digits: int) -> str:
    return f"CAST(CAST({number} AS DECIMAL(38,6)) * CAST({10**digits} AS DECIMAL({digits + 1},0)) AS HUGEINT)"


def _quotient(tenfold: str, divisor: str) -> str:
    """Cut off after the seventh digit, which is all that rounding to the sixth needs; so it is exact."""
    cut = f"CAST(TRY({tenfold} // {divisor}) AS DECIMAL(38,0))"
    return f"TRY_CAST({cut} * CAST(0.0000001 AS DECIMAL(7,7)) AS DECIMAL(18,6))"


def _date_diff(node: Call, unit: str, begin: str, end: str) -> str:
    if unit == "'week'":
        # DuckDB's weeks change at the wrong day before 1970.
        first, last = (f"((CAST({moment} AS DATE) - DATE '0001-01-01') // 7)" for moment in (begin, end))
        return f"({last} - {first})"
    if unit in ("'hour'", "'minute'", "'second'"):
        # Whole units, because DuckDB cuts off towards 1970, not towards the past.
        begin, end = (f"date_trunc({unit}, CAST({moment} AS TIMESTAMP))" for moment in (begin, end))
    return f"date_diff({unit}, {begin}, {end})"
