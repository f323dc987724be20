"""Types in words, for messages; and small questions about types."""

from __future__ import annotations

from offerkit.rules.nodes import Literal, Node
from offerkit.rules.types import BaseType, FieldType

TEXT = FieldType(BaseType.STRING)
INTEGER = FieldType(BaseType.INTEGER)
DECIMAL = FieldType(BaseType.DECIMAL)
BOOLEAN = FieldType(BaseType.BOOLEAN)
DATE = FieldType(BaseType.DATE)
TIMESTAMP = FieldType(BaseType.TIMESTAMP)
LIST = FieldType(BaseType.LIST)
NULL = FieldType(BaseType.NULL)
PLAIN = {type_.base: type_ for type_ in (TEXT, INTEGER, DECIMAL, BOOLEAN, DATE, TIMESTAMP, LIST, NULL)}
"""The type without further detail, by base."""

WORDS = {
    BaseType.STRING: "a text",
    BaseType.INTEGER: "a whole number",
    BaseType.DECIMAL: "a decimal number",
    BaseType.BOOLEAN: "a condition (true or false)",
    BaseType.DATE: "a date",
    BaseType.TIMESTAMP: "a timestamp",
    BaseType.ENUMERATION: "a text (one of its values)",
    BaseType.LIST: "a list of texts",
    BaseType.NULL: "null",
}

FAMILY = {
    BaseType.STRING: "text",
    BaseType.ENUMERATION: "text",
    BaseType.INTEGER: "number",
    BaseType.DECIMAL: "number",
    BaseType.BOOLEAN: "boolean",
    BaseType.DATE: "moment",
    BaseType.TIMESTAMP: "moment",
    BaseType.LIST: "list",
    BaseType.NULL: "null",
}
"""Bases of one family can be compared, the narrower converted to the wider."""


def family(node: Node) -> str:
    """The family of a node's type; an interval is its own."""
    return FAMILY[node.type.base] if hasattr(node, "type") else "interval"


def words(node: Node) -> str:
    """What the node is."""
    return WORDS[node.type.base] if hasattr(node, "type") else "an interval"


def is_text_literal(node: Node) -> bool:
    """A text in quotes."""
    return isinstance(node, Literal) and node.type.base is BaseType.STRING and node.value is not None


def is_null(node: Node) -> bool:
    """The literal null, of whichever type."""
    return isinstance(node, Literal) and node.value is None
