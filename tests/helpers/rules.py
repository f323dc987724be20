"""A scope with a field of every type, and checked trees as short text."""

from __future__ import annotations

from typing import assert_never

from offerkit.rules.check import check
from offerkit.rules.nodes import Call, Case, Checked, Field, Interval, Literal, Node
from offerkit.rules.types import Base, FieldType, Scope, Wanted

SCOPE = Scope(
    {
        "recipient": {
            "age": FieldType(Base.INTEGER),
            "score": FieldType(Base.DECIMAL),
            "name": FieldType(Base.STRING),
            "country": FieldType(Base.ENUMERATION, ("BE", "CA", "FR")),
            "home": FieldType(Base.ENUMERATION, ("CA", "US")),
            "tier": FieldType(Base.ENUMERATION, ("gold", "silver")),
            "birth_date": FieldType(Base.DATE),
            "last_login": FieldType(Base.TIMESTAMP),
            "consent": FieldType(Base.BOOLEAN),
            "products": FieldType(Base.LIST),
            "end": FieldType(Base.STRING),
        },
        "interaction": {"basket": FieldType(Base.DECIMAL), "call-reason": FieldType(Base.STRING)},
    }
)


def checked(text: str, wanted: Wanted = Wanted.VALUE, scope: Scope = SCOPE) -> Checked:
    """``text``, checked."""
    return check(text, scope, wanted)


def tree(node: Node) -> str:
    """``(and (eq recipient.age 3) …)``."""
    match node:
        case Field():
            return f"{node.namespace}.{node.name}"
        case Literal():
            mark = "d" if node.type.base is Base.DECIMAL and node.value is not None else ""
            return (
                "null"
                if node.value is None
                else repr(node.value)
                if isinstance(node.value, str)
                else f"{node.value}{mark}"
            )
        case Interval():
            return f"{node.months}m{node.days}d{node.seconds}s"
        case Call():
            return f"({' '.join([node.name, *map(tree, node.args)])})"
        case Case():
            parts = [f"{tree(when)}: {tree(then)}" for when, then in node.branches]
            return f"(case {', '.join(parts)}, else: {tree(node.default) if node.default else 'null'})"
        case _:
            assert_never(node)
