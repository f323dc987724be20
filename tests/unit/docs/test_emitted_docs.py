"""The table of what is emitted (docs/delivering.md) is what the program says."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from offerkit.batch.emit import DIALECTS
from offerkit.batch.emit.common import NotEmittedError
from offerkit.batch.emit.conditions import Conditions
from offerkit.rules.functions import FUNCTIONS, Signature, Takes
from offerkit.rules.nodes import CallNode, FieldNode, Interval, Literal, Node
from offerkit.rules.types import BaseType, FieldType

DOCS = Path(__file__).resolve().parents[3] / "docs" / "delivering.md"
BASES = {
    Takes.TEXT: BaseType.STRING, Takes.INTEGER: BaseType.INTEGER, Takes.NUMBER: BaseType.DECIMAL, Takes.BOOLEAN: BaseType.BOOLEAN,
    Takes.DATE: BaseType.DATE, Takes.MOMENT: BaseType.TIMESTAMP, Takes.LIST: BaseType.LIST, Takes.ANY: BaseType.INTEGER,
}  # fmt: skip


def argument(takes: Takes, unit: str) -> Node:
    match takes:
        case Takes.INTERVAL:
            return Interval(0, 0, 1, 1, 1)
        case Takes.UNIT:
            return Literal(FieldType(BaseType.STRING), 0, 0, unit)
        case Takes.CONSTANT_TEXT:
            return Literal(FieldType(BaseType.STRING), 0, 0, "a%")
        case Takes.CONSTANT_INTEGER:
            return Literal(FieldType(BaseType.INTEGER), 0, 0, 2)
        case _:
            return FieldNode(FieldType(BASES[takes]), 0, 0, "recipient", takes.name)


def emitted(dialect: str, signature: Signature, unit: str) -> bool:
    args = tuple(argument(takes, unit) for takes in signature.takes)
    call = CallNode(FieldType(signature.gives or BaseType.TIMESTAMP), 0, 0, signature.name, args)
    words = DIALECTS[dialect]
    now = datetime(2026, 1, 1)
    try:
        Conditions(words, lambda _, name, __: words.quoted(name), now, date(2026, 1, 1)).sql(call)
    except NotEmittedError:
        return False
    return True


def table(dialect: str) -> str:
    """A row of the table."""
    refused = []
    for signature in FUNCTIONS.values():
        units = [unit for unit in signature.units or ("",) if not emitted(dialect, signature, unit)]
        if units:
            whole = units == list(signature.units or ("",))
            refused.append(f"`{signature.name}`" + ("" if whole else f" ({', '.join(units)})"))
    return f"| `{dialect}` | {', '.join(refused) or 'nothing'} |"


def test_what_is_refused_is_in_the_table() -> None:
    text = DOCS.read_text()
    for dialect in DIALECTS:
        assert table(dialect) in text, table(dialect)
