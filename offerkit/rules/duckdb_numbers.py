"""Arithmetic as DuckDB SQL: null where DuckDB would raise; each operand is written once."""

from __future__ import annotations

from offerkit.rules.nodes import Call, Interval, Literal, Node
from offerkit.rules.numbers import DIGITS
from offerkit.rules.types import Base

_SIGNS = {"add": "+", "sub": "-", "mul": "*"}


def base_of(node: Node) -> Base:
    """The type of an argument that is no interval."""
    assert not isinstance(node, Interval)
    return node.type.base


def arithmetic(node: Call, operands: list[str]) -> str:
    """The call, whose first argument is an integer or a decimal."""
    return _integers(node, operands) if base_of(node.args[0]) is Base.INTEGER else _decimals(node, operands)


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
