"""Converts the parts of a comparison, ``case`` or call to a common type; conversions become nodes of the tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal
from enum import Enum, auto

from offerkit.diagnostics.suggest import suggestion
from offerkit.rules.constants import as_date, as_timestamp
from offerkit.rules.nodes import CallNode, Interval, Literal, Node
from offerkit.rules.problems import ProblemList
from offerkit.rules.type_words import DECIMAL, NULL, PLAIN, TEXT, TIMESTAMP, family, is_null, is_text_literal, words
from offerkit.rules.types import BaseType, FieldType

_WITHOUT_QUOTES = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Values(Enum):
    """Which texts can be combined with an enumeration."""

    STRICT = auto()
    """Only its values: comparisons."""
    OR_EMPTY = auto()
    """Its values and ``''``, which is then one of them: ``coalesce``."""
    LOOSE = auto()
    """Any text; the result is then a plain text: ``case``, ``greatest``."""


def to_decimal(node: Node, report: ProblemList) -> Node | None:
    """An integer converted to a decimal; other nodes unchanged. None after reporting that it is too large."""
    if isinstance(node, Interval) or node.type.base is not BaseType.INTEGER:
        return node
    if isinstance(node, Literal) and isinstance(node.value, int):
        if abs(node.value) >= 10**12:
            report.add(
                node.start,
                node.end,
                f"{report.quote(node.start, node.end)} is too large for a decimal number",
                "A whole number that is used with decimal numbers has at most twelve digits.",
            )
            return None
        return Literal(DECIMAL, node.start, node.end, Decimal(node.value))
    return CallNode(DECIMAL, node.start, node.end, "to_decimal", (node,))


def to_timestamp(node: Node) -> Node:
    """A date converted to its midnight; other nodes unchanged."""
    if isinstance(node, Interval) or node.type.base is not BaseType.DATE:
        return node
    if isinstance(node, Literal) and node.value is not None:
        assert not isinstance(node.value, (str, int, Decimal, tuple))
        return Literal(TIMESTAMP, node.start, node.end, datetime.combine(node.value, time()))
    return CallNode(TIMESTAMP, node.start, node.end, "to_timestamp", (node,))


def typed_null(node: Node, type_: FieldType) -> Node:
    """``null`` with the type ``type_``; other nodes unchanged."""
    if isinstance(node, Literal) and node.value is None and node.type.base is BaseType.NULL:
        return Literal(PLAIN.get(type_.base, type_), node.start, node.end, None)
    return node


def align(nodes: Sequence[Node], values: Values, report: ProblemList) -> tuple[FieldType, list[Node]] | None:
    """The common type of ``nodes``, and the nodes converted to it; None after reporting that they have none."""
    known = [node for node in nodes if not is_null(node)]
    if not known:
        return NULL, list(nodes)
    lead = next((node for node in known if not isinstance(node, Literal)), known[0])
    moment = next((node for node in known if family(node) == "moment"), None)
    if moment is not None and (family(lead) == "moment" or is_text_literal(lead)):
        stamp = any(not isinstance(node, Interval) and node.type.base is BaseType.TIMESTAMP for node in known)
        read = [_read(node, stamp, report) for node in nodes]
        if any(node is None for node in read):
            return None
        nodes = [node for node in read if node is not None]
        lead = moment
    count = len(report.problems)
    for node in nodes:
        if not is_null(node) and family(node) != family(lead):
            _differ(lead, node, report)
    if len(report.problems) > count:
        return None
    return _common(list(nodes), lead, values, report)


def _read(node: Node, stamp: bool, report: ProblemList) -> Node | None:
    if isinstance(node, Literal) and isinstance(node.value, str) and node.type == TEXT:
        return (as_timestamp if stamp else as_date)(node.value, node.start, node.end, report)
    return node


def _common(nodes: list[Node], lead: Node, values: Values, report: ProblemList) -> tuple[FieldType, list[Node]] | None:
    bases = {node.type.base for node in nodes if not isinstance(node, Interval)}
    converted: list[Node | None]
    match family(lead):
        case "number" if BaseType.DECIMAL in bases:
            type_, converted = DECIMAL, [to_decimal(node, report) for node in nodes]
        case "moment" if BaseType.TIMESTAMP in bases:
            type_, converted = TIMESTAMP, [to_timestamp(node) for node in nodes]
        case "text":
            text_type = _texts(nodes, values, report)
            if text_type is None:
                return None
            type_, converted = text_type, list(nodes)
        case _:
            assert not isinstance(lead, Interval)
            type_, converted = PLAIN[lead.type.base], list(nodes)
    if any(node is None for node in converted):
        return None
    return type_, [typed_null(node, type_) for node in converted if node is not None]


def _texts(nodes: list[Node], values: Values, report: ProblemList) -> FieldType | None:
    """The common type of texts; texts in quotes must be values of the enumeration they are combined with."""
    enums = [node for node in nodes if not isinstance(node, Interval) and node.type.base is BaseType.ENUMERATION]
    literals = [node for node in nodes if isinstance(node, Literal) and isinstance(node.value, str)]
    if not enums or len(enums) + len(literals) + sum(map(is_null, nodes)) < len(nodes):  # some are plain texts
        return TEXT
    allowed = tuple(dict.fromkeys(value for node in enums for value in getattr(node, "type", TEXT).values))
    if values is Values.OR_EMPTY and any(node.value == "" for node in literals):
        allowed = (*allowed, "")
    wrong = [node for node in literals if node.value not in allowed]
    if values is Values.LOOSE:
        return TEXT if wrong else FieldType(BaseType.ENUMERATION, allowed)
    for node in wrong:
        _no_value(node, enums[0], allowed, report)
    if not literals and len(enums) == 2 and values is Values.STRICT:
        return _overlap(enums[0], enums[1], allowed, report)
    return None if wrong else FieldType(BaseType.ENUMERATION, allowed)


def _no_value(node: Literal, enum: Node, allowed: tuple[str, ...], report: ProblemList) -> None:
    text = str(node.value)
    hint = suggestion(text, allowed)
    report.add(
        node.start,
        node.end,
        f"{report.quote(enum.start, enum.end)} never has the value {report.quote(node.start, node.end)}",
        "It is an enumeration, which only has its declared values.",
        hint or f"It has {len(allowed)} values, such as {', '.join(sorted(allowed)[:5])}.",
    )


def _overlap(first: Node, second: Node, allowed: tuple[str, ...], report: ProblemList) -> FieldType | None:
    sets = [set(getattr(node, "type", TEXT).values) for node in (first, second)]
    if sets[0] & sets[1]:
        return FieldType(BaseType.ENUMERATION, allowed)
    start, end = min(first.start, second.start), max(first.end, second.end)
    report.add(
        start,
        end,
        f"{report.quote(first.start, first.end)} and {report.quote(second.start, second.end)} are never equal",
        "They are enumerations without a common value.",
    )
    return None


def _differ(lead: Node, node: Node, report: ProblemList) -> None:
    """Report that ``node`` cannot be combined with ``lead``."""
    summary = (
        f"{report.quote(node.start, node.end)} is {words(node)}, "
        f"but {report.quote(lead.start, lead.end)} is {words(lead)}"
    )
    hint = ""
    match family(lead), family(node):
        case "number", "text" if isinstance(node, Literal) and str(node.value).replace(".", "", 1).isdigit():
            hint = f"Write the number without quotes: {node.value}."
        case "text", "number" if isinstance(node, Literal):
            hint = f"Write the text in quotes: '{node.value}'."
        case "boolean", ("number" | "text") if isinstance(node, Literal):
            hint = "Write true or false."
        case ("list", "text") | ("text", "list"):
            hint = "To test whether a list has an entry, write contains(list, 'text')."
        case "moment", "number" if _WITHOUT_QUOTES.fullmatch(report.text[node.start : node.end]):
            hint = f"Write the date in quotes: '{report.text[node.start : node.end]}'."
        case ("moment", "number") | ("number", "moment"):
            hint = "For a number of days, write date_diff('day', x, y) or x + interval '3 days'."
        case ("moment", "interval") | ("interval", "moment"):
            hint = "An interval is added to a date: current_date - interval '3 days'."
        case _:
            pass
    report.add(node.start, node.end, summary, hint=hint)
