"""Translates each function into a Python expression, for known (not None) arguments."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from offerkit.rules.nodes import CallNode, Interval, Literal
from offerkit.rules.text import like
from offerkit.rules.types import BaseType

NOW: Final = "now"
TODAY: Final = "today"
NEGATED = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}
_SIGNS: dict[str, Callable[[], ast.cmpop]] = {
    "eq": ast.Eq,
    "ne": ast.NotEq,
    "lt": ast.Lt,
    "le": ast.LtE,
    "gt": ast.Gt,
    "ge": ast.GtE,
}
_OPERATORS: dict[str, Callable[[], ast.operator]] = {"add": ast.Add, "sub": ast.Sub, "mul": ast.Mult}
_METHODS = {"starts_with": "startswith", "ends_with": "endswith", "decimal abs": "copy_abs"}
_HELPERS = {"length": "len", "list_length": "len", "div": "divide"}
"""By function, the helper (``HELPERS`` in python.py), where its name differs."""

Constant = Callable[[object], ast.expr]
"""Returns the expression of a constant."""


def read(name: str) -> ast.expr:
    """The value of a local or helper."""
    return ast.Name(name, ast.Load())


def call(name: str, *arguments: ast.expr) -> ast.expr:
    """``name(…)``."""
    return ast.Call(read(name), list(arguments), [])


def compare(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> ast.expr:
    """``left sign right``; ``is`` between two constants is decided here."""
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant) and isinstance(sign, (ast.Is, ast.IsNot)):
        return ast.Constant((left.value is right.value) is isinstance(sign, ast.Is))
    return ast.Compare(left, [sign], [right])


def comparison(name: str, left: ast.expr, right: ast.expr) -> ast.expr:
    """The comparison ``name``: eq, ne, lt, le, gt or ge."""
    return compare(left, _SIGNS[name](), right)


def known_call(node: CallNode, operands: list[ast.expr], constant: Constant) -> ast.expr:
    """The call, whose ``operands`` are its translated arguments, in order, without intervals."""
    match node.name:
        case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
            return comparison(node.name, *operands)
        case "not":
            return ast.UnaryOp(ast.Not(), operands[0])
        case "contains" | "list_contains":
            return compare(operands[1], ast.In(), operands[0])
        case "starts_with" | "ends_with":
            return _method(operands[0], _METHODS[node.name], operands[1])
        case "like":
            return _like(node, operands[0], constant)
        case "concat":
            return ast.JoinedStr([ast.FormattedValue(operand, -1) for operand in operands])
        case "now" | "current_date" | "age_in_years" | "days_since" | "days_until" | "date_add":
            return _time(node, operands, constant)
        case "add" | "sub" | "mul" | "neg" | "abs" | "mod" | "round" | "floor" | "ceil":
            return _arithmetic(node, operands, constant)
        case "date_diff" if isinstance(node.args[0], Literal) and node.args[0].value == "day":
            return _days(operands[1], operands[2])
        case "substring" if len(operands) == 2:
            return call("substring_from", *operands)
        case _:
            return call(_HELPERS.get(node.name, node.name), *operands)


def _method(target: ast.expr, name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(target, name, ast.Load()), list(arguments), [])


def _arithmetic(node: CallNode, operands: list[ast.expr], constant: Constant) -> ast.expr:
    is_integer = node.args[0].type.base is BaseType.INTEGER if not isinstance(node.args[0], Interval) else False
    match node.name:
        case "round":
            return call("round_to", *operands, *([constant(0)] if len(operands) == 1 else []))
        case "floor" | "ceil":
            return operands[0] if is_integer else call(node.name, operands[0])
        case "add" | "sub" | "mul" if is_integer:
            return call("integer", ast.BinOp(operands[0], _OPERATORS[node.name](), operands[1]))
        case "neg" if is_integer:
            return call("integer", ast.UnaryOp(ast.USub(), operands[0]))
        case "abs" if is_integer:
            return call("integer", call("abs", operands[0]))
        case "abs":
            return _method(operands[0], "copy_abs")
        case _:
            return call(f"{'integer' if is_integer else 'decimal'}_{node.name}", *operands)


def _time(node: CallNode, operands: list[ast.expr], constant: Constant) -> ast.expr:
    match node.name:
        case "now":
            return read(NOW)
        case "current_date":
            return read(TODAY)
        case "age_in_years":
            return call("age_in_years", *operands, *([read(TODAY)] if len(operands) == 1 else []))
        case "days_since":
            return _days(operands[0], read(TODAY))
        case "days_until":
            return _days(read(TODAY), operands[0])
        case _:
            moment, span = node.args
            assert isinstance(span, Interval)
            assert not isinstance(moment, Interval)
            early = node.type.base is BaseType.TIMESTAMP and moment.type.base is BaseType.DATE
            begin = call("to_timestamp", operands[0]) if early else operands[0]
            return call("date_add", begin, *(constant(number) for number in (span.months, span.days, span.seconds)))


def _days(begin: ast.expr, end: ast.expr) -> ast.expr:
    """Calendar days from ``begin`` to ``end``, faster than :func:`calendar.date_diff`: rules use this most."""
    return ast.BinOp(_method(end, "toordinal"), ast.Sub(), _method(begin, "toordinal"))


def _like(node: CallNode, text: ast.expr, constant: Constant) -> ast.expr:
    pattern = node.args[1].value if isinstance(node.args[1], Literal) else None
    assert pattern is None or isinstance(pattern, str)
    plain = (pattern or "").strip("%")
    if pattern is None or "%" in plain or "_" in plain:
        return ast.Call(constant(like(pattern or "")), [text], [])
    begins, ends = not pattern.startswith("%"), not pattern.endswith("%")
    if begins and ends:
        return compare(text, ast.Eq(), constant(plain))
    if begins or ends:
        return _method(text, "startswith" if begins else "endswith", constant(plain))
    return compare(constant(plain), ast.In(), text)
