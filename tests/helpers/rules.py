"""A scope with a field of every type, and checked trees as short text."""

from __future__ import annotations

from typing import assert_never

from offerkit.rules.check import check
from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Interval, Literal, Node
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope

SCOPE = NameScope(
    {
        "recipient": {
            "age": FieldType(BaseType.INTEGER),
            "score": FieldType(BaseType.DECIMAL),
            "name": FieldType(BaseType.STRING),
            "country": FieldType(BaseType.ENUMERATION, ("BE", "CA", "FR")),
            "home": FieldType(BaseType.ENUMERATION, ("CA", "US")),
            "tier": FieldType(BaseType.ENUMERATION, ("gold", "silver")),
            "birth_date": FieldType(BaseType.DATE),
            "last_login": FieldType(BaseType.TIMESTAMP),
            "consent": FieldType(BaseType.BOOLEAN),
            "products": FieldType(BaseType.LIST),
            "end": FieldType(BaseType.STRING),
        },
        "interaction": {"basket": FieldType(BaseType.DECIMAL), "call-reason": FieldType(BaseType.STRING)},
    }
)


def checked(text: str, wanted: ExpectedResult = ExpectedResult.VALUE, scope: NameScope = SCOPE) -> CheckedExpression:
    """``text``, checked."""
    return check(text, scope, wanted)


def tree(node: Node) -> str:
    """``(and (eq recipient.age 3) …)``."""
    match node:
        case FieldNode():
            return f"{node.namespace}.{node.name}"
        case Literal():
            mark = "d" if node.type.base is BaseType.DECIMAL and node.value is not None else ""
            return (
                "null"
                if node.value is None
                else repr(node.value)
                if isinstance(node.value, str)
                else f"{node.value}{mark}"
            )
        case Interval():
            return f"{node.months}m{node.days}d{node.seconds}s"
        case CallNode():
            return f"({' '.join([node.name, *map(tree, node.args)])})"
        case CaseNode():
            parts = [f"{tree(when)}: {tree(then)}" for when, then in node.branches]
            return f"(case {', '.join(parts)}, else: {tree(node.default) if node.default else 'null'})"
        case _:
            assert_never(node)
