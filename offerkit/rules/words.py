"""Types in words, for messages; and small questions about types."""

from __future__ import annotations

from offerkit.rules.nodes import Literal, Node
from offerkit.rules.types import Base, FieldType

TEXT = FieldType(Base.STRING)
INTEGER = FieldType(Base.INTEGER)
DECIMAL = FieldType(Base.DECIMAL)
BOOLEAN = FieldType(Base.BOOLEAN)
DATE = FieldType(Base.DATE)
TIMESTAMP = FieldType(Base.TIMESTAMP)
LIST = FieldType(Base.LIST)
NULL = FieldType(Base.NULL)
PLAIN = {type_.base: type_ for type_ in (TEXT, INTEGER, DECIMAL, BOOLEAN, DATE, TIMESTAMP, LIST, NULL)}
"""The type without further detail, by base."""

WORDS = {
    Base.STRING: "a text",
    Base.INTEGER: "a whole number",
    Base.DECIMAL: "a decimal number",
    Base.BOOLEAN: "a condition (true or false)",
    Base.DATE: "a date",
    Base.TIMESTAMP: "a timestamp",
    Base.ENUMERATION: "a text (one of its values)",
    Base.LIST: "a list of texts",
    Base.NULL: "null",
}

FAMILY = {
    Base.STRING: "text",
    Base.ENUMERATION: "text",
    Base.INTEGER: "number",
    Base.DECIMAL: "number",
    Base.BOOLEAN: "boolean",
    Base.DATE: "moment",
    Base.TIMESTAMP: "moment",
    Base.LIST: "list",
    Base.NULL: "null",
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
    return isinstance(node, Literal) and node.type.base is Base.STRING and node.value is not None


def is_null(node: Node) -> bool:
    """The literal null, of whichever type."""
    return isinstance(node, Literal) and node.value is None
