"""Arithmetic as SMT-LIB (rules/numbers.py): 64-bit integers, decimals as millionths, rounded half away from zero."""

from __future__ import annotations

import math
from collections.abc import Callable

from offerkit.prove.smt import NoEncodingError, app, constant, disj, ite, neg, number
from offerkit.prove.terms import SCALE, Term, bounded, in_range
from offerkit.rules.nodes import CallNode, Interval, Literal
from offerkit.rules.numbers import DIGITS
from offerkit.rules.types import BaseType


def numeric(node: CallNode, terms: list[Term]) -> Term:
    """The value of an arithmetic function for arguments that are encoded."""
    first = node.args[0]
    is_integer = not isinstance(first, Interval) and first.type.base is BaseType.INTEGER
    base = BaseType.INTEGER if is_integer else BaseType.DECIMAL
    null = disj(*(term.null for term in terms))
    if null == "true":
        return Term("true", "0")
    x = terms[0].value
    match node.name:
        case "add" | "sub":
            return bounded(null, app("+" if node.name == "add" else "-", x, terms[1].value), base)
        case "mul":
            y = terms[1].value
            return bounded(null, app("*", x, y) if is_integer else _decimal_product(x, y), base)
        case "div":
            y = terms[1].value
            # A quotient of millionths, whatever both are counted in, rounded: twice the numerator avoids halves.
            quotient = signed(x, y, lambda a, b: f"(div (+ (* {2 * SCALE} {a}) {b}) (* 2 {b}))")
            return bounded(disj(null, app("=", y, "0")), quotient, BaseType.DECIMAL)
        case "mod":
            y = terms[1].value
            rest = f"(mod {absolute(x)} {absolute(y)})"
            return Term(disj(null, app("=", y, "0")), ite(app("<", x, "0"), app("-", rest), rest))
        case "neg":
            return bounded(null, app("-", x), base)
        case "abs":
            return bounded(null, absolute(x), base)
        case "round":
            return _round(node, null, x, is_integer)
        case "floor":
            return Term(null, x if is_integer else app("div", x, str(SCALE)))
        case "ceil":
            return Term(null, x if is_integer else f"(- (div (- {x}) {SCALE}))")
        case "to_decimal":
            return bounded(null, app("*", x, str(SCALE)), BaseType.DECIMAL)
        case _:
            raise NoEncodingError(node.name)


def _decimal_product(x: str, y: str) -> str:
    """A product of millionths; by a constant, with the smallest numbers that are exact."""
    factor, other = constant(y), x
    if factor is None:
        factor, other = constant(x), y
    if not factor:
        return rounded(app("*", x, y), SCALE) if factor is None else "0"
    common = math.gcd(factor, SCALE)
    product = app("*", other, number(factor // common))
    return product if common == SCALE else rounded(product, SCALE // common)


def _round(node: CallNode, null: str, x: str, is_integer: bool) -> Term:
    digits = 0
    if len(node.args) > 1:
        given = node.args[1]
        if not isinstance(given, Literal) or not isinstance(given.value, int):
            raise NoEncodingError("round to digits that are not fixed")
        digits = min(given.value, DIGITS)
    if is_integer:
        return bounded(null, app("*", x, str(SCALE)), BaseType.DECIMAL)
    unit = 10 ** (DIGITS - digits)
    value = x if unit == 1 else app("*", str(unit), rounded(x, unit))
    return Term(disj(null, neg(in_range(value, BaseType.DECIMAL))), value)


def rounded(value: str, unit: int) -> str:
    """``value`` divided by ``unit``, to the nearest integer, halves away from zero."""
    up = f"(div (+ {absolute(value)} {unit // 2}) {unit})"
    return ite(app("<", value, "0"), app("-", up), up)


def signed(x: str, y: str, of_positive: Callable[[str, str], str]) -> str:
    """A function of two positive numbers, with the sign of ``x`` times ``y``."""
    value = of_positive(absolute(x), absolute(y))
    return ite(f"(= {app('<', x, '0')} {app('<', y, '0')})", value, app("-", value))


def absolute(value: str) -> str:
    """The absolute value."""
    return number(abs(int(value))) if value.isdecimal() else f"(abs {value})"
