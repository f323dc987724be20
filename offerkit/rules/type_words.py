"""Types in words, for messages, and small tests of types."""

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
"""The type without values, by base type."""

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
"""By base type: types of one family can be compared, after converting the narrower to the wider."""


def family(node: Node) -> str:
    """The family of a node's type; an interval has its own."""
    return FAMILY[node.type.base] if hasattr(node, "type") else "interval"


def words(node: Node) -> str:
    """The node's type in words."""
    return WORDS[node.type.base] if hasattr(node, "type") else "an interval"


def is_text_literal(node: Node) -> bool:
    """Whether the node is a text in quotes."""
    return isinstance(node, Literal) and node.type.base is BaseType.STRING and node.value is not None


def is_null(node: Node) -> bool:
    """Whether the node is the literal null, of any type."""
    return isinstance(node, Literal) and node.value is None
